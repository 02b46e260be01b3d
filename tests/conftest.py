"""How random tests are drawn: the same examples for the same code, so that a change is what fails.

`HYPOTHESIS_PROFILE=random` draws others each time, to look for what nobody thought of. How long an
example takes is no fault: machines are shared.
"""

import os

from hypothesis import HealthCheck, settings

ANY_TIME = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("repeatable", ANY_TIME, derandomize=True)
settings.register_profile("random", ANY_TIME)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

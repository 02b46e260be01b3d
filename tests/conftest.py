"""How random tests are drawn: the same examples for the same code, so that a change is what fails.

`HYPOTHESIS_PROFILE=random` draws others each time, to look for what nobody thought of. How long it
takes to draw one is no fault: machines are shared.
"""

import os

from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow]

settings.register_profile("repeatable", derandomize=True, suppress_health_check=SLOW)
settings.register_profile("random", suppress_health_check=SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

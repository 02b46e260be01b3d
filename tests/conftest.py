"""How random tests are drawn: the same examples for the same code, so that a change is what fails.

`HYPOTHESIS_PROFILE=random` draws others each time, to look for what nobody thought of.
"""

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.register_profile("random")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

"""How random tests are drawn, and how tests that run side by side share the cores.

Examples are the same for the same code, so that a change is what fails; with
`HYPOTHESIS_PROFILE=random` there are others each time, to look for what nobody thought of. How long
one takes is no fault: machines are shared.

Processes that test side by side have one of torch's threads each. With as many as there are cores,
threads would wait for each other in turns: the tests of training take four times as long. They also
share what is recorded, which is nothing that the user has.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

ANY_TIME = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("repeatable", ANY_TIME, derandomize=True)
settings.register_profile("random", ANY_TIME)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of recordings of all tests that name none of their own."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent  # of this process, in that of all of them
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODESIGN_CACHE", str(place / "recordings"))
        yield place / "recordings"

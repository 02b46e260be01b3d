"""The kernel agrees with an independent simulator, to the cycle and to the operation."""

from collections import Counter

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.chip.small_chips import Simulated, runs
from tests.oracle.comparison import compared
from tests.oracle.features import FEATURES

MOST_JOBS = 1500
"""Ten of a thousand runs with more would take half of the time."""

seen: Counter[str] = Counter()
drawn: list[int] = []
differing: list[str] = []


def compare(run: Simulated) -> None:
    assume(len(run.jobs) <= MOST_JOBS)
    differences, found = compared(run)
    seen.update(found)
    drawn.append(len(run.jobs))
    differing.extend(differences)
    assert differences == []


@settings(max_examples=900, deadline=None, derandomize=True, database=None)
@given(run=runs())
def test_the_kernel_agrees_with_the_oracle(run: Simulated) -> None:
    compare(run)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(run=runs(images=st.integers(2, 3)))
def test_the_kernel_agrees_with_the_oracle_on_streams_of_images(run: Simulated) -> None:
    compare(run)


def test_no_feature_was_left_out() -> None:
    print(f"\n{len(drawn)} random chips and workloads, {sum(drawn):,} jobs", end=": ")
    print(f"difference {len(differing)}")
    for feature in FEATURES:
        print(f"  {feature:28} {seen[feature]:5}")
    assert [feature for feature in FEATURES if not seen[feature]] == []

"""Replays 1,000 random runs, or as many as are asked for: `python -m tests.replay 5000`."""

import sys
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.replay.features import FEATURES, features
from tests.replay.machine import replay
from tests.replay.runs import Run, runs


def main(count: int) -> None:
    seen: Counter[str] = Counter()
    sizes: list[int] = []

    @settings(max_examples=count, deadline=None, database=None)
    @given(run=runs(images=st.integers(1, 3)))
    def replayed(run: Run) -> None:
        replay(run)
        seen.update(features(run))
        sizes.append(len(run.jobs))

    replayed()
    print(f"{len(sizes):,} random chips and networks, {sum(sizes):,} jobs: all as the reference")
    for feature in FEATURES:
        print(f"  {feature:32} {seen[feature]:5}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)

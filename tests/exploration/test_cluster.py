"""A Dask cluster finds what the pool of this machine finds."""

from pathlib import Path

import pandas as pd
import pytest

from codesign.errors import InputError
from codesign.exploration.space import design_space
from codesign.exploration.workers import Pool, Workers
from codesign.specs.sweep import Simulate
from tests.exploration.conftest import Write, swept

distributed = pytest.importorskip("distributed", reason="needs codesign[dask]")


def table(path: Path, workers: Workers, folder: Path) -> pd.DataFrame:
    result, computed = swept(design_space(path), workers, folder, Simulate.FRONT)
    assert computed
    return result.points


@pytest.mark.filterwarnings("ignore")  # Dask's own, when its processes come and go
def test_a_cluster_and_the_pool_give_identical_tables(sweep_file: Write, tmp_path: Path) -> None:
    from codesign.exploration.cluster import Cluster

    path = sweep_file()
    pool = Pool(2)
    try:
        here = table(path, pool, tmp_path / "pool")
    finally:
        pool.close()
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=40
    ) as started:
        cluster = Cluster(started.scheduler_address, count=2)
        try:
            assert cluster.count == 2
            there = table(path, cluster, tmp_path / "cluster")
        finally:
            cluster.close()
    pd.testing.assert_frame_equal(here, there)


@pytest.mark.filterwarnings("ignore")
def test_nobody_at_the_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from codesign.exploration import cluster

    monkeypatch.setattr(cluster, "_CONNECT_S", 1)
    with pytest.raises(InputError, match="must be the address of a Dask scheduler that answers"):
        cluster.Cluster("tcp://127.0.0.1:9", count=1)

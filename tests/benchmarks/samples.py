"""What many samples of a data set cost beside few: memory must not grow with their number."""

import shutil
from pathlib import Path

from tests.benchmarks.processes import Cost, cost
from tests.datasets.written import write_cifar10

SAMPLES = (16, 256)
EXAMPLE = Path(__file__).parents[2] / "examples" / "own_network"


def sample_costs(folder: Path) -> list[tuple[str, Cost]]:
    """Costs of the example's network on samples of CIFAR-10 (random pixels in its format).

    Args:
        folder: an empty one.

    Returns:
        For each number of samples, recorded anew and found in the cache.
    """
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    write_cifar10(folder, per_batch=max(SAMPLES))
    found = []
    for samples in SAMPLES:
        command = ["run", "--workload", "my_network.yaml", "--images", "cifar10:."]
        for state in ("cold", "warm"):
            taken = cost([*command, "--samples", str(samples)], folder)
            found.append((f"{samples} samples, {state}", taken))
        shutil.rmtree(folder / "cache")
    return found

"""Several processes that train one network, as torch's launcher starts them.

`torchrun --nproc-per-node 2 -m codesign train ...` starts two and tells each its number by the
variables RANK and WORLD_SIZE. Each takes its share of every batch; gradients are averaged. Only the
first writes and speaks.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from codesign.specs.workload import Structure, WorkloadSpec


@dataclass(frozen=True)
class Processes:
    """This process among those that train.

    Attributes:
        rank: its number, from 0.
        count: how many there are.
        device: of its tensors.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether it writes and speaks."""
        return self.rank == 0

    def parallel(self, objective: nn.Module) -> nn.Module:
        """The objective, with gradients that are averaged over all processes."""
        if self.count == 1:
            return objective
        return DistributedDataParallel(objective)

    def summed(self, values: Tensor) -> Tensor:
        """The sum over all processes."""
        if self.count == 1:
            return values
        held = values.to(self.device)
        distributed.all_reduce(held)
        return held.cpu()

    def share_statistics(self, network: nn.Module) -> None:
        """Gives every process the first one's running statistics of batch norms."""
        if self.count > 1:
            for buffer in network.buffers():
                distributed.broadcast(buffer, src=0)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            distributed.barrier()


def take_threads(spec: WorkloadSpec, device: str) -> None:
    """Takes one thread for small pictures on a CPU, unless `OMP_NUM_THREADS` says otherwise.

    Operations are so small there that threads wait for each other longer than they work.

    Args:
        spec: what is trained.
        device: `cpu` or `cuda`.
    """
    is_small = spec.structure is Structure.SMALL_RESNET
    if device == "cpu" and is_small and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


@contextmanager
def processes(device: str) -> Iterator[Processes]:
    """This process among those of torch's launcher; alone without.

    Args:
        device: `cpu`, or `cuda`, of which each process takes one.
    """
    own = torch.device(device)
    if os.environ.get("WORLD_SIZE", "1") == "1":
        yield Processes(0, 1, own)
        return
    if device == "cuda":
        own = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(own)
    distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size(), own)
    finally:
        distributed.destroy_process_group()

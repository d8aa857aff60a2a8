"""The process group of data-parallel training: each process computes its shard of every batch."""

import contextlib
import datetime
from collections.abc import Iterator
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from glint_unet.data.batch import Rows

T = TypeVar("T")

_TIMEOUT = datetime.timedelta(hours=2)  # the others wait while the main process validates, plots and saves


class Group:
    """This process's view of the process group; a group of one by default.

    Args:
        rank: rank of this process; rank 0, the main process, writes logs and checkpoints.
        size: number of processes.
        local_rank: rank of this process on its machine.
        local_size: number of processes on its machine; None: all of them.
        launch_id: identifies the job of a launcher that restarts lost processes; empty if there is none.
    """

    def __init__(
        self, rank: int = 0, size: int = 1, local_rank: int = 0, local_size: int | None = None, launch_id: str = ""
    ) -> None:
        self.rank = rank
        self.size = size
        self.local_rank = local_rank
        self.local_size = size if local_size is None else local_size
        self.launch_id = launch_id

    @classmethod
    def join(cls, local_rank: int, local_size: int | None = None, launch_id: str = "") -> "Group":
        """Joins the group that `torchrun` describes in the environment: gloo for CPU tensors, NCCL for CUDA."""
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=_TIMEOUT)
        return cls(dist.get_rank(), dist.get_world_size(), local_rank, local_size, launch_id)

    @property
    def is_main(self) -> bool:
        """Whether this process writes logs and checkpoints."""
        return self.rank == 0

    def distributed(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Wraps the network so that `backward` averages gradients over the group.

        Batch normalisation uses the statistics of the local shard; running statistics are those of rank 0.
        """
        if self.size == 1:
            return network
        return DistributedDataParallel(network, device_ids=[device] if device.type == "cuda" else None)

    def shard(self, rows: Rows) -> tuple[Rows, float]:
        """This process's shard of a batch, and the weight of its mean in the mean of the group.

        An empty shard would leave the other processes waiting, so it becomes one image of weight 0.
        """
        if self.size == 1:
            return rows, 1.0
        first, end = (len(rows) * rank // self.size for rank in (self.rank, self.rank + 1))
        return rows[first : max(end, first + 1)], (end - first) * self.size / len(rows)

    def mean(self, weighted: Tensor) -> Tensor:
        """The mean over the group of a tensor that each process has multiplied by its weight from `shard`."""
        if self.size > 1:
            dist.all_reduce(weighted)
            weighted /= self.size
        return weighted

    def all_reduce_max(self, number: int | None) -> int | None:
        """The maximum of `number` over the group, where None counts as 0; None if the maximum is 0."""
        if self.size == 1:
            return number
        maximum = torch.tensor(number or 0)
        dist.all_reduce(maximum, dist.ReduceOp.MAX)
        return int(maximum) or None

    def broadcast(self, value: T) -> T:
        """The value of rank 0, in every process."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values)
        return values[0]

    def barrier(self) -> None:
        """Blocks until every process has called it."""
        self.all_reduce_max(None)

    @contextlib.contextmanager
    def main_first(self) -> Iterator[None]:
        """A block that rank 0 runs before the others start it, so that a mistake is reported once."""
        if not self.is_main:
            self.barrier()
        yield
        if self.is_main:
            self.barrier()

    def is_loss_of_another(self, error: RuntimeError) -> bool:
        """Whether the error was caused by the loss of another process of the group."""
        return self.size > 1 and any(word in str(error) for word in ("gloo", "NCCL", "Connection", "peer"))

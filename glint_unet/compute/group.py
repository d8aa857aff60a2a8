"""The processes that train one network together, each on its share of every batch (data-parallel)."""

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

_LONGEST_WAIT = datetime.timedelta(hours=2)  # others wait while the first one validates, draws and saves


class Group:
    """One process of a group, or the only one.

    Args:
        rank: number of this process; 0 writes logs and checkpoints.
        size: number of processes.
        local_rank: number of this process on its machine.
    """

    def __init__(self, rank: int = 0, size: int = 1, local_rank: int = 0) -> None:
        self.rank = rank
        self.size = size
        self.local_rank = local_rank

    @classmethod
    def join(cls, local_rank: int) -> "Group":
        """The group that torch's launcher describes in the environment; CPU tensors go by gloo, CUDA's by NCCL."""
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=_LONGEST_WAIT)
        return cls(dist.get_rank(), dist.get_world_size(), local_rank)

    @property
    def is_main(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    def distributed(self, network: nn.Module, device: torch.device) -> nn.Module:
        """The network as training calls it: gradients are averaged over the group in `backward`.

        Every process normalises by the statistics of its own share; the running ones are the first process's.
        """
        if self.size == 1:
            return network
        return DistributedDataParallel(network, device_ids=[device] if device.type == "cuda" else None)

    def shard(self, rows: Rows) -> tuple[Rows, float]:
        """This process's part of a batch, and the weight of its mean in the mean of the group.

        A part without images would leave the others waiting: it is one image of weight 0.
        """
        if self.size == 1:
            return rows, 1.0
        first, end = (len(rows) * rank // self.size for rank in (self.rank, self.rank + 1))
        return rows[first : max(end, first + 1)], (end - first) * self.size / len(rows)

    def mean(self, weighted: Tensor) -> Tensor:
        """The mean over the group of a tensor that each process has weighted as `share` says."""
        if self.size > 1:
            dist.all_reduce(weighted)
            weighted /= self.size
        return weighted

    def all_reduce_max(self, number: int | None) -> int | None:
        """The greatest number that any process came with; None if none did."""
        if self.size == 1:
            return number
        told = torch.tensor(number or 0)
        dist.all_reduce(told, dist.ReduceOp.MAX)
        return int(told) or None

    def broadcast(self, value: T) -> T:
        """The first process's value, in all of them."""
        if self.size == 1:
            return value
        told = [value]
        dist.broadcast_object_list(told)
        return told[0]

    def barrier(self) -> None:
        """Until all processes have come here."""
        self.all_reduce_max(None)

    @contextlib.contextmanager
    def main_first(self) -> Iterator[None]:
        """A block that the first process runs alone before the others do, so that a mistake is told once."""
        if not self.is_main:
            self.barrier()
        yield
        if self.is_main:
            self.barrier()

    def is_loss_of_another(self, error: RuntimeError) -> bool:
        """Whether an error says that another process of the group is gone."""
        return self.size > 1 and any(word in str(error) for word in ("gloo", "NCCL", "Connection", "peer"))

"""Several processes under torchrun: micro-batches shared out, sums added up. Weights: see trainer.sharding.

Each rank has the same groups and computes the same shares. With one process all of this does nothing.
"""

import os
from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor


def find_rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def count_ranks() -> int:
    """How many processes train."""
    return dist.get_world_size() if dist.is_initialized() else 1


def choose_device() -> torch.device:
    """The device of this process: of a node's GPUs the one that torchrun counts it by."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def share(value: Any = None) -> Any:
    """The `value` of rank 0, on every rank."""
    box = [value]
    if count_ranks() > 1:
        dist.broadcast_object_list(box, src=0)
    return box[0]


def add_up(sums: Tensor) -> Tensor:
    """The sum over ranks, on every rank."""
    if count_ranks() > 1:
        device = sums.device
        sums = sums.cuda() if dist.get_backend() == "nccl" else sums
        dist.all_reduce(sums)
        sums = sums.to(device)
    return sums


def clip_gradients(masters: Iterable[nn.Parameter], most: float) -> float:
    """Scale all gradients down to the norm `most`; the norm before comes back, the same on every rank."""
    norm = nn.utils.clip_grad_norm_(list(masters), most)
    return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)


def meet() -> None:
    """Wait for the other ranks."""
    if count_ranks() > 1:
        dist.barrier()


def cut(whole: Tensor, ranks: int, rank: int) -> Tensor:
    """The rows of `rank`: FSDP2 cuts every tensor along its first dimension, as torch.chunk does."""
    chunks = whole.chunk(ranks)
    return chunks[rank].clone() if rank < len(chunks) else whole[:0].clone()


def like(local: Tensor, own: Tensor) -> Tensor:
    """`local` as this rank's part of a tensor that is sharded as `own` is; itself where that is not."""
    moved = local if own.is_meta else local.to(own.device)
    if not isinstance(own, DTensor):
        return moved
    # Without the whole shape an odd number of rows is taken for ranks times those of this one.
    return DTensor.from_local(moved, own.device_mesh, own.placements, shape=own.shape, stride=own.stride())

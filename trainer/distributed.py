"""Several processes under torchrun: weights sharded by FSDP2, micro-batches shared out, sums added up.

Each rank has the same groups and computes the same shares. With one process all of this does nothing.
"""

import os
from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from trainer.policy import Policy, find_layers


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


def shard(policy: Policy, dtype: torch.dtype = torch.bfloat16) -> None:
    """Shard the policy's float32 weights over all ranks; it computes in `dtype` and adds up gradients in float32.

    The policy must have been loaded with `masters=False`: the sharded weights are the masters.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    # Weights may still be on the meta device, which no mesh is of.
    mesh = init_device_mesh("cuda" if torch.cuda.is_available() else "cpu", (count_ranks(),))
    precision = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32)
    for layer in find_layers(policy):
        fully_shard(layer, mesh=mesh, mp_policy=precision)
    # The root holds embeddings and head, which the backward pass needs first.
    fully_shard(policy, mesh=mesh, mp_policy=precision, reshard_after_forward=False)
    policy.masters = {name: p for name, p in policy.lm.named_parameters() if p.requires_grad}


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


def gather_weights(policy: Policy) -> dict[str, Tensor]:
    """`export_weights` on the CPU, whole, on rank 0, and nothing elsewhere.

    Every rank takes part in every gathering before any goes on: sending in between would deadlock.
    """
    first = find_rank() == 0
    weights_by_name = {}
    for name, weight in policy.export_weights():
        if first:
            weights_by_name[name] = weight.cpu()
    if count_ranks() > 1:
        dist.barrier()
    return weights_by_name

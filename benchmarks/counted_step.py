"""What one rank of a world holds: tensors of the trainer's own code, which are counted and take no memory.

Collectives move nothing (the `fake` process group), so a rank of eight needs no others. The GPU's attention kernel has
a stand-in that keeps what that keeps: query, key, value and output.
"""

import gc
import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor
from torch.testing._internal.distributed.fake_pg import FakeStore
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from schemas.config import TrainConfig
from trainer import attention, head
from trainer.batch import MicroBatch
from trainer.group import Group
from trainer.objective import Objective, build_objective
from trainer.policy import Policy, build_policy
from trainer.sharding import build_empty, place, shard
from trainer.step import accumulate, build_optimiser, share_out, sum_tokens


@dataclass(frozen=True)
class RankMemory:
    """Bytes of one rank. Peaks have what is held in them."""

    held: int
    """Between two steps, optimiser included."""
    optimiser: int
    step: int
    """At the peak of a step, from the second one on: the first begins without an optimiser state."""
    export: int
    """At the peak of an export."""
    tokens: int
    """Of the rank's largest micro-batch."""


class Count(TorchDispatchMode):  # type: ignore[misc]
    """Tensors, as operations make them and the last user drops them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._sizes: dict[int, int] = {}

    def read(self) -> int:
        """What is there now; what hangs together in a ring and has no user is dropped first."""
        gc.collect()
        return self.now

    def begin(self) -> None:
        """Count the most from here."""
        self.peak = self.read()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops._c10d_functional.wait_tensor.default and isinstance(args[0], FakeTensor):
            # In truth it gives back what it got; of a fake tensor a copy.
            return args[0]
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor):
                self.see(tensor)
        return out

    def see(self, tensor: Tensor) -> None:
        """Count a tensor's memory for as long as it is there, once for all that share it."""
        storage: Any = (tensor._local_tensor if isinstance(tensor, DTensor) else tensor).untyped_storage()
        key = storage._cdata
        if key not in self._sizes:
            self._sizes[key] = 0
            self._resize(key, storage.nbytes())
            weakref.finalize(storage, lambda: self._resize(key, 0, gone=True))

    def _resize(self, key: int, size: int, gone: bool = False) -> None:
        self.now += size - self._sizes.get(key, size)
        self.peak = max(self.peak, self.now)
        if gone:
            self._sizes.pop(key, None)
        elif key in self._sizes:
            self._sizes[key] = size

    @contextmanager
    def watch_sizes(self) -> Iterator[None]:
        """FSDP2 frees gathered weights by resizing their storage, which is no operation on a tensor."""
        resize = torch.UntypedStorage.resize_

        def resize_and_note(storage: Any, size: int) -> None:
            resize(storage, size)
            self._resize(storage._cdata, size)

        with patch.object(torch.UntypedStorage, "resize_", resize_and_note):
            yield


class _Kernel(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        out = torch.empty_like(query)
        ctx.save_for_backward(query, key, value, out)
        return out

    @staticmethod
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor, ...]:
        return tuple(torch.empty_like(one) for one in ctx.saved_tensors[:3])


def count_rank(config: Any, train: TrainConfig, ranks: int, groups: Sequence[Group], fake: bool = True) -> RankMemory:
    """The first of `ranks` ranks that train the model of a transformers `config` on `groups`, those of all ranks.

    Nothing is allocated and nothing computed, unless `fake` is false: then the tensors are there, on the CPU.
    """
    with _join_fake_world(ranks), ExitStack() as patches:
        mesh = init_device_mesh("cpu", (ranks,))
        batches = share_out(groups, train).batches
        keys = {batch.trees: len(attention.line_up(batch.trees, torch.device("cpu"))[0]) for batch in batches}

        def attend(query: Tensor, key: Tensor, value: Tensor, trees: Any, _: Any) -> Tensor:
            q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))
            if keys[trees] > len(q):
                rows = torch.zeros(keys[trees], dtype=torch.int64)
                k, v = k[rows], v[rows]
            return _Kernel.apply(q, k, v)[None]

        for owner, name, stand_in in (
            (attention, "attend_padded", attend),
            # As on a GPU, whose blocks are chunks.
            (head, "BLOCK", head.CHUNK),
            # A mesh has values, which fake tensors have not.
            (torch.distributed.device_mesh, "init_device_mesh", lambda *_, **__: mesh),
        ):
            patches.enter_context(patch.object(owner, name, stand_in))
        with FakeTensorMode() if fake else nullcontext():
            copies = [_copy(batch) for batch in batches]
            policy = _build(config, train)
            meter = Count()
            for batch in copies:
                for value in vars(batch).values():
                    if isinstance(value, Tensor):
                        meter.see(value)
            given = meter.now
            for tensor in (*policy.parameters(), *policy.buffers(), *policy.masters.values()):
                meter.see(tensor)
            with meter, meter.watch_sizes():
                rank = _walk(policy, train, build_objective(train, sum_tokens(groups)), copies, meter)
            # The batches are there all the time here, and of each step alone in truth.
            return replace(rank, held=rank.held - given, export=rank.export - given)


def _walk(
    policy: Policy, train: TrainConfig, objective: Objective, batches: list[MicroBatch], meter: Count
) -> RankMemory:
    """Two steps, of which the first makes the optimiser's state, and an export."""
    optimiser = build_optimiser(policy, train)
    before = meter.read()
    for some in (batches[:1], batches):
        meter.begin()
        for batch in some:
            accumulate(policy, batch, objective)
        nn.utils.clip_grad_norm_(list(policy.masters.values()), train.clip_norm)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        policy.publish()
    step, held = meter.peak, meter.read()
    meter.begin()
    for _ in policy.export_weights():
        pass
    return RankMemory(held, held - before, step, meter.peak, max(len(batch.ids) for batch in batches))


def _build(config: Any, train: TrainConfig) -> Policy:
    """A policy of random weights, made as the trainer makes one from a model's files."""
    from transformers import AutoModelForCausalLM

    if dist.get_world_size() == 1:
        lm = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16, attn_implementation=attention.NAME)
        policy = build_policy(lm, "", train, "cpu")
        policy.keep_masters()
        return policy
    lm = build_empty(config, torch.float32)
    policy = build_policy(lm, "", train, "cpu")
    shard(policy)
    for name, weight in list(lm.named_parameters()):
        place(lm, name, torch.empty_like(weight.to_local(), device="cpu"))
    lm.tie_weights(recompute_mapping=False)
    policy.masters = policy.find_trained()
    return policy


@contextmanager
def _join_fake_world(ranks: int) -> Iterator[None]:
    dist.init_process_group("fake", rank=0, world_size=ranks, store=FakeStore())
    try:
        yield
    finally:
        dist.destroy_process_group()


def _copy(batch: MicroBatch) -> MicroBatch:
    """The batch in fake tensors: packing looks at values, which these have not."""
    return MicroBatch(
        **{k: torch.zeros(v.shape, dtype=v.dtype) if isinstance(v, Tensor) else v for k, v in vars(batch).items()}
    )

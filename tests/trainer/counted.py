"""A training step whose tensors are counted and take no memory: the trainer's own code on fake tensors.

Collectives move nothing (the `fake` process group), so a rank of eight needs no others. The GPU's attention kernel has
a stand-in that keeps what that keeps: query, key, value and output.
"""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor
from torch.testing._internal.distributed.fake_pg import FakeStore
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from schemas.config import TrainConfig
from scripts.gpu_shapes import Place, Shape, make_groups
from trainer import attention, head
from trainer.batch import MicroBatch
from trainer.objective import build_objective
from trainer.policy import Policy
from trainer.sharding import shard
from trainer.step import accumulate, build_optimiser, share_out, sum_tokens


class Count(TorchDispatchMode):  # type: ignore[misc]
    """Bytes of the tensors that are there now, and of the most that were."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor):
                self._see((tensor._local_tensor if isinstance(tensor, DTensor) else tensor).untyped_storage())
        return out

    def _see(self, storage: Any) -> None:
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
    def watch_sizes(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """FSDP2 frees gathered weights by resizing their storage, which is no operation on a tensor."""
        resize = torch.UntypedStorage.resize_

        def resize_and_note(storage: Any, size: int) -> None:
            resize(storage, size)
            self._resize(storage._cdata, size)

        with monkeypatch.context() as patch:
            patch.setattr(torch.UntypedStorage, "resize_", resize_and_note)
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


def count_step(
    shape: Shape, train: TrainConfig, ranks: int, place: Place, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, int, int]:
    """(bytes between two steps, bytes at the peak of the second step, tokens of its largest micro-batch) of a rank."""
    from transformers import AutoModelForCausalLM

    groups = make_groups(shape, place) * ranks
    dist.init_process_group("fake", rank=0, world_size=ranks, store=FakeStore())
    try:
        mesh = init_device_mesh("cpu", (ranks,))
        real = share_out(groups, train).batches
        keys = {batch.trees: len(attention.line_up(batch.trees, torch.device("cpu"))[0]) for batch in real}

        def attend(query: Tensor, key: Tensor, value: Tensor, trees: Any, _: Any) -> Tensor:
            q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))
            if keys[trees] > len(q):
                rows = torch.zeros(keys[trees], dtype=torch.int64)
                k, v = k[rows], v[rows]
            return _Kernel.apply(q, k, v)[None]  # type: ignore[no-any-return]

        monkeypatch.setattr(attention, "attend_padded", attend)
        monkeypatch.setattr(head, "BLOCK", head.CHUNK)
        monkeypatch.setattr("torch.distributed.device_mesh.init_device_mesh", lambda *_, **__: mesh)
        count = Count()
        with FakeTensorMode(), count, count.watch_sizes(monkeypatch):
            lm = AutoModelForCausalLM.from_config(
                shape.config(),
                dtype=torch.bfloat16 if ranks == 1 else torch.float32,
                attn_implementation=attention.NAME,
            )
            if train.gradient_checkpointing:
                lm.gradient_checkpointing_enable({"use_reentrant": False})
            policy = Policy(lm, shape.name)
            policy.train()
            if ranks == 1:
                policy.keep_masters()
            else:
                shard(policy)
            optimiser = build_optimiser(policy, train)
            objective = build_objective(train, sum_tokens(groups))
            without = count.now
            batches = [_copy(batch) for batch in real]
            given = count.now - without
            for _ in range(2):
                count.peak = before = count.now
                for batch in batches:
                    accumulate(policy, batch, objective)
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
        return before - given, count.peak, max(len(batch.ids) for batch in real)
    finally:
        dist.destroy_process_group()


def _copy(batch: MicroBatch) -> MicroBatch:
    """The batch in fake tensors: packing looks at values, which these have not."""
    return MicroBatch(
        **{k: torch.zeros(v.shape, dtype=v.dtype) if isinstance(v, Tensor) else v for k, v in vars(batch).items()}
    )

"""The most that one GPU of eight holds of a model while it is loaded, trained for a step and exported.

    python -m benchmarks.train_memory [OUT.json] [--models Qwen3-8B ...]

No weight is there: tensors are torch's fake ones, which have a shape and no memory, and the other seven ranks are the
`fake` process group. The trainer's own code runs over them, and torch's tracker adds up the bytes that would be alive.
A real allocator takes more, as its blocks do not fit exactly (docs/gpu.md has both for one model).
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from schemas.config import TrainConfig

WORLD = 8
MICROBATCH = 16384
SHAPES = {
    # Of Qwen's published configs: hidden and feed-forward size, layers, heads, key heads, words, tied.
    "tiny": ("qwen3", 256, 512, 2, 4, 2, 1000, False),
    "Qwen3-8B": ("qwen3", 4096, 12288, 36, 32, 8, 151936, False),
    "Qwen3-14B": ("qwen3", 5120, 17408, 40, 40, 8, 151936, False),
    "Qwen3-32B": ("qwen3", 5120, 25600, 64, 64, 8, 151936, False),
    "Llama-70B": ("llama", 8192, 28672, 80, 64, 8, 128256, False),
}
"""Qwen3's of their three sizes, and Llama 3's of 70B; every head is 128 wide."""


def make_config(name: str) -> Any:
    """The transformers config of a model in SHAPES."""
    from transformers import AutoConfig

    kind, hidden, feed_forward, layers, heads, key_heads, words, tied = SHAPES[name]
    return AutoConfig.for_model(
        kind,
        vocab_size=words,
        hidden_size=hidden,
        intermediate_size=feed_forward,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        head_dim=128,
        tie_word_embeddings=tied,
        attention_dropout=0.0,
    )


@contextmanager
def first_of_many() -> Iterator[None]:
    """The first of `WORLD` ranks, of which the others are not there."""
    import torch.distributed as dist
    from torch.testing._internal.distributed.fake_pg import FakeStore

    dist.init_process_group("fake", rank=0, world_size=WORLD, store=FakeStore())
    try:
        yield
    finally:
        dist.destroy_process_group()


def make_batch(words: int) -> Any:
    """One full micro-batch: four groups of 16 behind prompts of 256 tokens."""
    from trainer.batch import Stakes, pack
    from trainer.group import Group
    from trainer.rollout import Rollout

    length = (MICROBATCH - 4 * 256) // 64
    one = Rollout(tuple(range(length)), (-1.0,) * length, "", "stop", (0, 0))
    groups = [Group(str(n), tuple(range(256)), (one,) * 16, (0.0, 1.0) * 8, (True,) * 16, length) for n in range(4)]
    stakes = Stakes([[1.0] * 16] * 4, [[1 / 64] * 16] * 4)
    return groups, pack(groups, stakes, MICROBATCH)[0][0]


def measure(name: str) -> dict[str, Any]:
    """Peaks in GB, of the trainer's own code over fake tensors."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.distributed._tools.fsdp2_mem_tracker import FSDPMemTracker

    from trainer import attention, head, sharding
    from trainer.objective import build_objective
    from trainer.policy import build_policy
    from trainer.step import accumulate, build_optimiser, sum_tokens

    config = TrainConfig(microbatch_tokens=MICROBATCH, gradient_checkpointing=True)
    groups, batch = make_batch(SHAPES[name][6])
    # As on a GPU: one kernel for sequences of any length, and logits by whole chunks.
    attention.attend_padded = attention.attend_varlen
    head.BLOCK = head.CHUNK
    lm = sharding.build_empty(make_config(name), torch.float32)
    parameters = sum(weight.numel() for weight in lm.parameters())
    with ExitStack() as stack:
        stack.enter_context(first_of_many())
        policy = build_policy(lm, name, config, "cpu")
        sharding.shard(policy)
        stack.enter_context(FakeTensorMode())
        held = largest = 0
        for own, weight in list(lm.named_parameters()):
            rows = torch.empty(weight.to_local().shape, device="cpu", dtype=torch.bfloat16)
            sharding.place(lm, own, rows)
            held, largest = held + 4 * rows.numel(), max(largest, held + 6 * rows.numel())
        policy.masters = policy.find_trained()
        for module in lm.modules():
            for own, buffer in module._buffers.items():
                module._buffers[own] = None if buffer is None else torch.empty(buffer.shape, dtype=buffer.dtype)
        optimiser = build_optimiser(policy, config)
        tracker = FSDPMemTracker(policy, optimiser)
        with tracker:
            accumulate(policy, batch, build_objective(config, sum_tokens(groups)))
            torch.nn.utils.clip_grad_norm_(list(policy.masters.values()), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        step = read_peak(tracker)
        gathered = max(2 * torch.Size(shape).numel() for shape in policy.list_exports().values())
    moments = 8 * parameters / WORLD
    return {
        "model": name,
        "parameters": parameters,
        "load_gb": largest / 1e9,
        "step_gb": step / 1e9,
        "export_gb": (held + moments + gathered * (1 + 1 / WORLD)) / 1e9,
    }


def read_peak(tracker: Any) -> int:
    """The most bytes of all kinds at once."""
    return max(int(kinds["Total"]) for kinds in tracker.get_tracker_snapshot("peak").values())


def main(out: Path | None = None, models: Iterable[str] = tuple(SHAPES)) -> list[dict[str, Any]]:
    """Measure each model, print a line for each, and write the figures as JSON to `out`."""
    rows = []
    for name in models:
        rows.append(measure(name))
        print(
            "  ".join(f"{k} {v:.1f}" if isinstance(v, float) else f"{k} {v}" for k, v in rows[-1].items()), flush=True
        )
    if out is not None:
        out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_memory")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--models", nargs="+", choices=SHAPES, default=tuple(SHAPES))
    given = parser.parse_args()
    main(given.out, given.models)

"""Memory of one rank of eight that trains models of 8B to 70B, beside what `goldilocks doctor` reckons.

    python -m benchmarks.train_memory [OUT.json] [--ranks 8] [--models NAME ...]

The trainer's own code takes steps on two micro-batches of `train.microbatch_tokens` and exports the model, on tensors
that have sizes and no memory (`benchmarks.counted_step`): it needs no GPU and no weights. What is in no tensor (CUDA's
context, NCCL's buffers, holes between blocks: `trainer.memory.CUDA`) is left out of all figures. Four models take three
minutes of CPU time.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from pipeline.inference.shape import KNOWN, measure_shape, read_config
from schemas.config import ModelConfig, TrainConfig
from trainer.group import Group
from trainer.memory import CUDA, GB, reckon_export, reckon_step, reckon_weights
from trainer.rollout import Rollout

RANKS = 8
MODELS = ("Qwen/Qwen3-8B", "Qwen/Qwen3-14B", "Qwen/Qwen3-32B", "meta-llama/Llama-3.3-70B-Instruct")
PROMPT = 256
GENERATIONS = 16


def fill_micro_batches(tokens: int, count: int) -> list[Group]:
    """`count` groups, each of which is a micro-batch of `tokens` tokens: a group's prompt is in it once."""
    # Nothing is predicted from a completion's last token, which is not forwarded.
    length = (tokens - PROMPT) // GENERATIONS + 1
    one = Rollout((1,) * length, (-1.0,) * length, "", "stop", (0, 0))
    rewards = tuple(float(k % 2) for k in range(GENERATIONS))
    return [
        Group(str(k), (1,) * PROMPT, (one,) * GENERATIONS, rewards, (True,) * GENERATIONS, length) for k in range(count)
    ]


def measure(name: str, train: TrainConfig, ranks: int) -> dict[str, Any]:
    """Bytes of a rank of `ranks`, as they are and as they are reckoned."""
    from benchmarks.counted_step import count_rank

    began = time.monotonic()
    config = read_config(ModelConfig(name=name))
    groups = fill_micro_batches(train.microbatch_tokens, 2 * ranks)
    rank = count_rank(config, train, ranks, groups)
    shape = measure_shape(name, config)
    weights = reckon_weights(shape, train, ranks)
    reckoned = {
        "held": weights.total,
        "optimiser": weights.parts["optimiser"],
        "step": reckon_step(shape, train, ranks, rank.tokens).total - CUDA,
        "export": reckon_export(shape, train, ranks).total - CUDA,
    }
    counted = {part: getattr(rank, part) for part in reckoned}
    return {
        "model": name,
        "parameters": shape.parameters,
        "tokens": rank.tokens,
        "bytes": counted,
        "reckoned": reckoned,
        "distance": {part: value / counted[part] - 1 for part, value in reckoned.items()},
        "seconds": time.monotonic() - began,
    }


def main(out: Path | None = None, ranks: int = RANKS, models: tuple[str, ...] = MODELS) -> dict[str, Any]:
    """Measure, print a row a model, and write the figures as JSON to `out`."""
    train = TrainConfig(gradient_checkpointing=True)
    print(f"one rank of {ranks}, GB (and doctor's distance from it)")
    rows = []
    for name in models:
        row = measure(name, train, ranks)
        rows.append(row)
        parts = (f"{part} {row['bytes'][part] / GB:.2f} ({row['distance'][part]:+.1%})" for part in row["bytes"])
        beside = (row["bytes"]["export"] - row["bytes"]["held"]) / GB
        print(
            f"{name}, {row['tokens']:,} tokens: {', '.join(parts)}; an export takes {beside:.2f} beside what is held "
            f"[{row['seconds']:.0f} s]",
            flush=True,
        )
    result = {"benchmark": "train_memory", "ranks": ranks, "rows": rows}
    if out is not None:
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_memory")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--ranks", type=int, default=RANKS)
    parser.add_argument("--models", nargs="+", choices=KNOWN, default=MODELS)
    given = parser.parse_args()
    main(given.out, given.ranks, tuple(given.models))

"""Forward and backward of one GRPO minibatch, ours and TRL's, on the embedded model.

    python -m benchmarks.train_step [OUT.json] [--rounds 3]

Sequences of unrelated prompts, and groups of 16 that share theirs. Each way loads, warms up and then works in a process
of its own, one at a time, in turns; a round is one whole minibatch without the optimiser's step. TRL runs
`GRPOTrainer._compute_loss` as it does in training, with gradient checkpointing off (on is its default, and slower);
ours keeps freed memory, as `goldilocks train` does. Tokens are those of the sequences, prompts and completions, counted
the same for all. CPU seconds stand beside the clock's: other work on the machine disturbs them less. TRL's head has a
kernel that needs a GPU, so the ratio says nothing of one.
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from trainer.group import Group
from trainer.rollout import Rollout

ROOT = Path(__file__).resolve().parents[1]
LONGEST = "groups of 16, prompts of `think`"
BATCHES = {
    "unrelated prompts": (16, 1, 24, 128),
    "groups of 16, raw prompts": (2, 16, 24, 128),
    LONGEST: (1, 16, 200, 300),
}
"""Groups, completions of each, range of the prompts' lengths: a statement alone, or one behind the default
template, which has 175 tokens.
"""
AIMS = dict(zip(BATCHES, (2.5, 4.0, 4.0), strict=True))
MICRO_TOKENS = 4096
PER_DEVICE = 16
"""Sequences that TRL takes at once."""


def make_groups(groups: int, size: int, shortest: int, longest: int) -> list[Group]:
    """Random tokens; lengths are even between their bounds, completions of 16 to 96."""
    draw = random.Random(0)

    def tokens(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw.randrange(1000, 40000) for _ in range(draw.randint(low, high)))

    made = []
    for number in range(groups):
        completions = [tokens(16, 96) for _ in range(size)]
        rollouts = tuple(Rollout(one, (-10.0,) * len(one), "", "stop", (0, 0)) for one in completions)
        rewards = tuple(draw.choice((0.1, 1.0)) for _ in completions)
        made.append(Group(str(number), tokens(shortest, longest), rollouts, rewards, (True,) * size, 96))
    return made


def draw_gains(groups: Sequence[Group]) -> list[list[float]]:
    """Advantages: a group of one has none of its own."""
    draw = random.Random(1)
    return [[draw.gauss(0, 1) for _ in group.rollouts] for group in groups]


def count_tokens(groups: Sequence[Group]) -> int:
    return sum(len(group.prompt) + len(rollout.tokens) for group in groups for rollout in group.rollouts)


def prepare_ours(groups: list[Group], dtype: str, **options: Any) -> Callable[[], float]:
    import torch

    from pipeline.inference.embedded import ensure_embedded
    from schemas.config import TrainConfig
    from trainer.batch import Stakes, pack
    from trainer.heap import keep_memory
    from trainer.objective import build_objective
    from trainer.policy import load_policy
    from trainer.step import accumulate, sum_tokens

    keep_memory()
    config = TrainConfig(microbatch_tokens=MICRO_TOKENS, objective="dapo", importance="none", **options)
    policy = load_policy(str(ensure_embedded()), config, dtype=getattr(torch, dtype))

    def work() -> float:
        total = sum_tokens(groups)
        weights = [[1 / total] * len(group.rollouts) for group in groups]
        (batches,) = pack(groups, Stakes(draw_gains(groups), weights), config.microbatch_tokens)
        objective = build_objective(config, total)
        loss = sum(float(accumulate(policy, batch, objective)[0]) for batch in batches)
        for master in policy.masters.values():
            master.grad = None
        return loss

    return work


def prepare_trl(groups: list[Group], dtype: str) -> Callable[[], float]:

    from pipeline.inference.embedded import ensure_embedded
    from tests.trainer.trl import make_inputs, make_trainer
    from trainer.step import sum_tokens

    trainer = make_trainer(str(ensure_embedded()), tempfile.mkdtemp(), bf16=dtype == "bfloat16", sequences=PER_DEVICE)
    gains = [gain for some in draw_gains(groups) for gain in some]
    rows = [(group.prompt, rollout) for group in groups for rollout in group.rollouts]
    pairs = list(zip(rows, gains, strict=True))
    total = sum_tokens(groups)

    def work() -> float:
        loss = 0.0
        for first in range(0, len(pairs), PER_DEVICE):
            part = trainer._compute_loss(trainer.model, make_inputs(pairs[first : first + PER_DEVICE], total))
            part.backward()
            loss += float(part)
        for weight in trainer.model.parameters():
            weight.grad = None
        return loss

    return work


WAYS: dict[str, Callable[[list[Group], str], Callable[[], float]]] = {
    "ours": prepare_ours,
    "trl": prepare_trl,
    "checkpointed": partial(prepare_ours, gradient_checkpointing=True),
    "compiled": partial(prepare_ours, compile=True),
}
"""The last two are ours with one setting of the config changed."""
SETTINGS = ("checkpointed", "compiled")


def run_child(way: str, batch: str, dtype: str) -> None:
    """Load, warm up, then a round for every line; the peak of memory with each."""
    work = WAYS[way](make_groups(*BATCHES[batch]), dtype)

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    print(json.dumps({"loaded": peak()}), flush=True)
    work()
    print("ready", flush=True)
    for _ in sys.stdin:
        began, used = time.perf_counter(), time.process_time()
        loss = work()
        took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used}
        print(json.dumps({**took, "loss": loss, "peak": peak()}), flush=True)


class Child:
    """One way in a process of its own."""

    def __init__(self, way: str, batch: str, dtype: str) -> None:
        command = [sys.executable, "-m", "benchmarks.train_step", "--child", way, "--batch", batch, "--dtype", dtype]
        # Threads that wait for one another sleep, so that what is counted as used was used.
        environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=nowhere, text=True, cwd=ROOT, env=environment
        )
        self.loaded = self._read('{"loaded"')["loaded"]
        self._read("ready")
        self.rounds: list[dict[str, float]] = []

    def _read(self, start: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(start):
                return dict(json.loads(line)) if line.startswith("{") else {}
        raise RuntimeError(f"a child ended with {self.process.wait()}")

    def round(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        self.rounds.append(self._read('{"seconds"'))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def measure(batch: str, dtype: str, rounds: int, ways: Sequence[str] = ("ours", "trl")) -> dict[str, Any]:
    """Each way on one batch, in turns; the way that goes first changes. Ratios are of the first to the last."""
    groups = make_groups(*BATCHES[batch])
    children: dict[str, Child] = {}
    try:
        for way in ways:
            children[way] = Child(way, batch, dtype)
        for number in range(rounds):
            for way in list(ways)[:: -1 if number % 2 else 1]:
                children[way].round()
    finally:
        for child in children.values():
            child.close()
    row: dict[str, Any] = {"batch": batch, "dtype": dtype, "tokens": count_tokens(groups), "aim": AIMS[batch]}
    for way, child in children.items():
        seconds = [one["seconds"] for one in child.rounds]
        row[way] = {
            "seconds": seconds,
            "tokens_per_second": row["tokens"] / statistics.median(seconds),
            "tokens_per_cpu_second": row["tokens"] / statistics.median(one["cpu"] for one in child.rounds),
            "loss": child.rounds[-1]["loss"],
            "peak_gb": child.rounds[-1]["peak"] / 1e9,
            "loaded_gb": child.loaded / 1e9,
        }
    for name, figure in (("ratio", "tokens_per_second"), ("ratio_of_cpu_time", "tokens_per_cpu_second")):
        row[name] = row[ways[0]][figure] / row[ways[-1]][figure]
    return row


def measure_waste(count: int = 512, budget: int = 16384) -> dict[str, float]:
    """The share of forwarded tokens that is padding, for log-normal lengths of a reasoning run, four ways."""
    from trainer.batch import Tree, fill

    draw = random.Random(0)
    lengths = [min(budget, int(draw.lognormvariate(7.6, 0.8)) + 100) for _ in range(count)]
    arrival = [lengths[i : i + 4] for i in range(0, count, 4)]
    ranked = sorted(lengths, reverse=True)
    greedy: list[list[int]] = []
    for length in ranked:
        microbatch = next((some for some in greedy if some[0] * (len(some) + 1) <= budget), None)
        if microbatch is None:
            greedy.append([length])
        else:
            microbatch.append(length)
    rows = fill([Tree(i, 0, (0,), (length,)) for i, length in enumerate(lengths)], budget)

    def waste(batches: list[list[int]]) -> float:
        return 1 - sum(lengths) / sum(max(some) * len(some) for some in batches)

    return {
        "padded, four at a time in order of arrival": waste(arrival),
        "padded, greedy by length": waste(greedy),
        "packed": 0.0,
        "packed micro-batches": len(rows),
        "packed micro-batches filled": sum(lengths) / budget / len(rows),
    }


def main(out: Path | None = None, rounds: int = 3) -> dict[str, Any]:
    """Measure, print the table, and write the figures as JSON to `out`."""
    from rich.console import Console
    from rich.table import Table

    cases = [*((batch, "bfloat16") for batch in BATCHES), ("unrelated prompts", "float32")]
    rows = []
    for batch, dtype in cases:
        rows.append(measure(batch, dtype, rounds))
        print(f"{batch}, {dtype}: {rows[-1]['ratio']:.2f} times TRL", flush=True)
    settings = [measure(LONGEST, "bfloat16", rounds, ("ours", way)) | {"setting": way} for way in SETTINGS]
    report = {"benchmark": "train_step", "rows": rows, "settings": settings, "waste": measure_waste()}
    if out is not None:
        out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    table = Table(title=f"Forward and backward, tokens/s, medians of {rounds} rounds in turn")
    for column in (
        "batch",
        "numbers",
        "tokens",
        "ours",
        "TRL",
        "ratio",
        "of CPU time",
        "aim",
        "peak, ours",
        "peak, TRL",
    ):
        table.add_column(column)
    for row in rows:
        ours, trl = row["ours"], row["trl"]
        speeds = [f"{way['tokens_per_second']:.0f}" for way in (ours, trl)]
        peaks = [f"{way['peak_gb']:.2f} GB" for way in (ours, trl)]
        table.add_row(
            row["batch"],
            row["dtype"],
            str(row["tokens"]),
            *speeds,
            f"{row['ratio']:.2f}",
            f"{row['ratio_of_cpu_time']:.2f}",
            str(row["aim"]),
            *peaks,
        )
    console = Console(width=140)
    console.print(table)
    for row in settings:
        way, ours = row[row["setting"]], row["ours"]
        console.print(
            f"{row['batch']}, {row['setting']}: {1 / row['ratio']:.2f} times the speed without, "
            f"{way['peak_gb']:.2f} GB beside {ours['peak_gb']:.2f} GB"
        )
    for name, value in report["waste"].items():  # type: ignore[attr-defined]
        console.print(f"{name}: {value:.1%}" if isinstance(value, float) else f"{name}: {value}")
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_step")
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dtype", help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--batch", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        run_child(given.child, given.batch, given.dtype)
    else:
        main(given.out, given.rounds)

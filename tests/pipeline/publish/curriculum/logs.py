"""Rollout logs in the forms of three trainers, as their own code writes them (the sources: rollouts.py)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Logged:
    """A rollout to be logged; `right` None is one without a verdict."""

    id: str
    prompt: str
    step: int
    right: bool | None


def roll(table: pl.DataFrame, band: str, right: int, of: int = 16, step: int = 1) -> list[Logged]:
    """So many right rollouts of each problem of a band that is trained on."""
    some = table.filter(pl.col("band") == band, pl.col("position").is_not_null())
    return [
        Logged(id, prompt, step, number < right)
        for id, prompt in some.select("id", "prompt").iter_rows()
        for number in range(of)
    ]


def write_verl(folder: Path, rollouts: Sequence[Logged]) -> Path:
    """STEP.jsonl, the prompt as a tokenizer with a ChatML template decodes it without its marks."""
    for step in {rollout.step for rollout in rollouts}:
        lines = []
        for one in (rollout for rollout in rollouts if rollout.step == step):
            reward = {None: 0.0, True: 1.1, False: 0.1}[one.right]
            ours = {"acc": float(bool(one.right)), "known": float(one.right is not None)}
            text = f"system\nYou are helpful.\nuser\n{one.prompt}\nassistant\n"
            lines.append({"input": text, "output": "so", "gts": "42", "score": reward, "step": step, **ours})
        write_lines(folder / f"{step}.jsonl", lines)
    return folder


def write_prime(folder: Path, rollouts: Sequence[Logged]) -> Path:
    """rollouts/step_N/train_rollouts.jsonl: traces of our task set, and an evaluation beside them."""
    for step in {rollout.step for rollout in rollouts}:
        lines = []
        for one in (rollout for rollout in rollouts if rollout.step == step):
            task = {"type": "ProblemTask", "data": {"id": one.id, "prompt": one.prompt, "ground_truth": "42"}}
            score = None if one.right is None else {"score": 0.95 if one.right else 0.1, "weight": 1.0}
            errors = [{"type": "UnknownVerdict", "message": "no verdict"}] if one.right is None else []
            lines.append({"version": 1, "task": task, "rewards": {"goldilocks": score}, "errors": errors, "info": {}})
        write_lines(folder / "rollouts" / f"step_{step}" / "train_rollouts.jsonl", lines)
        write_lines(folder / "rollouts" / f"step_{step}" / "eval_rollouts.jsonl", lines[:1] * 9)
    return folder


def write_trl(folder: Path, rollouts: Sequence[Logged]) -> Path:
    """completions/completions_STEP.parquet: prompts as messages, a column a reward function, NaN where it had none."""
    for step in {rollout.step for rollout in rollouts}:
        some = [rollout for rollout in rollouts if rollout.step == step]
        table = pl.DataFrame(
            {
                "step": [step] * len(some),
                "prompt": [[{"role": "user", "content": one.prompt}] for one in some],
                "completion": [[{"role": "assistant", "content": "so"}]] * len(some),
                "goldilocks": [float("nan") if one.right is None else 0.9 * one.right for one in some],
                "short": [0.7] * len(some),
                "advantage": [0.0] * len(some),
            }
        )
        (folder / "completions").mkdir(parents=True, exist_ok=True)
        table.write_parquet(folder / "completions" / f"completions_{step:05d}.parquet")
    return folder


def write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


WRITERS = {"verl": write_verl, "prime-rl": write_prime, "trl": write_trl}

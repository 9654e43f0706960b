"""How good the policy is on held-out problems: pass@1 with its interval, majority@n, by domain and language."""

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import NormalDist, fmean, stdev
from typing import Any

from pipeline.inference.engine import EngineFailure
from pipeline.progress import track
from pipeline.verify.problem import ProblemVerifier
from schemas.reasons import Verdict
from trainer.checkpoints import read_rows, write_rows
from trainer.problems import Task
from trainer.rollout import Sampler

Z = NormalDist().inv_cdf(0.975)
"""Two-sided 95%."""


@dataclass(frozen=True)
class Score:
    """One held-out problem: the share of its samples with a verdict that are correct, and whether their majority is."""

    id: str
    domain: str
    language: str
    pass_rate: float
    majority: bool


async def evaluate(
    tasks: Sequence[Task], engine: Sampler, verifier: ProblemVerifier, n: int, max_tokens: int, temperature: float
) -> tuple[Score, ...]:
    """Sample and judge every task `n` times, or once at temperature 0, where all samples are the same; those of which
    nothing is known are left out.
    """
    n = n if temperature else 1
    with track("evaluate", len(tasks), note="held-out problems") as work:

        async def score(task: Task) -> Score | None:
            done = await _score(task, engine, verifier, n, max_tokens, temperature)
            work.advance()
            return done

        scores = await asyncio.gather(*map(score, tasks))
    return tuple(score for score in scores if score is not None)


async def _score(
    task: Task, engine: Sampler, verifier: ProblemVerifier, n: int, max_tokens: int, temperature: float
) -> Score | None:
    try:
        sampled = await engine.sample(task.prompt, n, max_tokens, temperature)
    except EngineFailure:
        return None
    votes: Counter[tuple[str, bool]] = Counter()
    right = known = 0
    for rollout in sampled.rollouts:
        judgement = await asyncio.wrap_future(
            verifier.submit(
                task.label,
                rollout.text,
                tuple(key for key, correct in votes if not correct),
                rollout.finish_reason,
            )
        )
        if judgement.verdict is Verdict.UNKNOWN:
            continue
        known += 1
        correct = judgement.verdict is Verdict.CORRECT
        right += correct
        if judgement.answer_key is not None:
            votes["" if correct else judgement.answer_key, correct] += 1
    if not known:
        return None
    first = max(votes, key=lambda vote: votes[vote], default=("", False))
    return Score(task.id, task.domain, task.language, right / known, first[1])


def summarise(scores: Sequence[Score]) -> dict[str, Any]:
    """pass@1 over all and by domain and language, each with its 95% interval over problems."""
    if not scores:
        return {"problems": 0}
    groups: dict[str, list[Score]] = {}
    for score in scores:
        groups.setdefault(f"{score.domain}/{score.language}", []).append(score)
    return _rate(scores) | {"by": {name: _rate(group) for name, group in sorted(groups.items())}}


def compare(before: Sequence[Score], after: Sequence[Score]) -> dict[str, float]:
    """Mean change of the pass rate over the problems that both have, with its 95% interval: paired, so that what only
    makes one problem harder than another does not count as noise.
    """
    rates = {score.id: score.pass_rate for score in before}
    changes = [score.pass_rate - rates[score.id] for score in after if score.id in rates]
    if not changes:
        return {"problems": 0}
    mean, half = fmean(changes), _half(changes)
    return {"problems": len(changes), "change": mean, "low": mean - half, "high": mean + half}


def has_evaluation(path: Path, when: str, version: int) -> bool:
    """Whether the log of evaluations has this one already."""
    return any(row["when"] == when and row["version"] == version for row in read_rows(path))


def add_evaluation(
    path: Path, when: str, version: int, scores: Sequence[Score], stage: str | None = None
) -> dict[str, Any]:
    """Add a row to the log of evaluations, with what changed since its first; the row comes back.

    `stage` is the one that trained the weights.
    """
    row = {"when": when, "stage": stage, "version": version, **summarise(scores)}
    rows = read_rows(path)
    if rows:
        row["since_start"] = compare([Score(**score) for score in rows[0]["scores"]], scores)
    row["scores"] = [asdict(score) for score in scores]
    # Not appended: behind a line that a kill tore off, no row would be read again.
    write_rows(path, [*rows, row])
    return row


def say_evaluation(row: dict[str, Any]) -> str:
    """One line about held-out problems."""
    if not row["problems"]:
        return f"held out, {row['when']}: nothing could be judged"
    line = (
        f"held out, {row['when']}: pass rate {row['pass_rate']:.3f} ({row['low']:.3f} to {row['high']:.3f}), "
        f"majority {row['majority']:.3f}, {row['problems']} problems"
    )
    change = row.get("since_start", {})
    if change.get("problems"):
        line += f"; change {change['change']:+.3f} ({change['low']:+.3f} to {change['high']:+.3f})"
    return line


def _rate(scores: Sequence[Score]) -> dict[str, float]:
    rates = [score.pass_rate for score in scores]
    mean, half = fmean(rates), _half(rates)
    return {
        "problems": len(rates),
        "pass_rate": mean,
        "low": max(0.0, mean - half),
        "high": min(1.0, mean + half),
        "majority": fmean(score.majority for score in scores),
    }


def _half(values: Sequence[float]) -> float:
    """Half the width of the 95% interval of a mean: problems are the units, not samples."""
    return Z * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 1.0

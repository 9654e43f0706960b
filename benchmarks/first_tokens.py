"""What sampling in two steps saves: `sampling.first_tokens`, replayed over completions whose lengths are real.

    python -m benchmarks.first_tokens [OUT.json] [--run RUN]

Every problem is replayed with the product's own rules (`samples_needed`, `Steps.choose`) under `stop: early`, in one
step and in two, over the same completions in the same order. The first step is as long as so many of all completions
are: half, three quarters, nine tenths, nineteen twentieths. Saved is a share of the tokens of one step, with a 90%
interval.

- `math`: 8 completions each of 49 MATH problems by Qwen2.5-Math-Instruct (`math-completions.jsonl`), as they are, with
  n = 8. Lengths are in characters here, as no tokens were stored.
- `drawn, MODEL`: 16 outcomes of competition problems, drawn from their pass rates (`rates.parquet`), each with the
  length of a response of MODEL to some whole problem of GSM8K or MATH, right or wrong (`missing-premise.jsonl`, in
  characters). A length depends on the outcome alone there, not on the problem, and few responses are wrong; 30 sets of
  400 problems, each over responses that are drawn again.
- `run`: the stored samples of a run with `stop: full` (`--run`), as they are, in tokens.

`right` is the share of all completions that are, `of the ended` that of the first steps that ended: why `stop:
confident`, which learns pass rates, is not asked in two steps.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipeline.decide.rule import Counts, Rules
from pipeline.inference.engine import SamplingParams
from pipeline.run.evidence import find_graded, find_samples, read_evidence
from pipeline.run.storage import RunFolder
from pipeline.sample.steps import Steps
from pipeline.sample.stop import samples_needed
from schemas.config import DecideConfig, KeepConfig
from schemas.reasons import Verdict

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
ENDED = (0.5, 0.75, 0.9, 0.95)
MODELS = ("QwQ", "deepseekR1", "s1.1", "Qwen32")
RULES = Rules(KeepConfig(), DecideConfig())
DRAWN, SETS, AGAIN = 400, 30, 2000
RIGHT, UNKNOWN = "right", "unknown"


@dataclass(frozen=True)
class Sample:
    """One completion: its class (`RIGHT`, `UNKNOWN`, the answer of a wrong one, None without an answer), its length."""

    said: str | None
    length: int


Problem = Sequence[Sample]


def count(taken: Sequence[Sample], planned: int) -> Counts:
    said = [one.said for one in taken]
    wrong = [one for one in said if one not in (RIGHT, UNKNOWN, None)]
    votes = max((wrong.count(one) for one in set(wrong)), default=0)
    return Counts(said.count(RIGHT), votes, said.count(UNKNOWN), len(taken), planned)


def replay(problem: Problem, first: int | None) -> int:
    """The tokens that a problem takes, in two steps where `first` says how long the first one is."""
    longest = max(one.length for one in problem) + 1
    steps = Steps(SamplingParams(longest), None if first is None else SamplingParams(first))
    planned, tokens, at = len(problem), 0, 0
    taken: list[Sample] = []
    begun: dict[int, dict[str, Any]] = {}
    while needed := samples_needed(counts := count(taken, planned), RULES):
        new, cut = steps.choose(needed, counts.missing, counts.correct, begun)
        for row in cut:
            taken.append(row["sample"])
            tokens += row["sample"].length - row["tokens"]
        for index in range(at, at + new):
            sample = problem[index]
            if first is None or sample.length <= first:
                taken.append(sample)
                tokens += sample.length
            else:
                begun[index] = {"sample": sample, "tokens": first}
                tokens += first
        at += new
    return tokens


@dataclass(frozen=True)
class Replayed:
    """Tokens of each problem in one step, and in two by how many of the completions end in the first one."""

    one: np.ndarray
    two: dict[float, np.ndarray]
    whole: int
    first: dict[float, int]
    rate: float
    ended: dict[float, float]


def replay_all(problems: Sequence[Problem]) -> Replayed:
    samples = [one for problem in problems for one in problem]
    lengths = np.array([one.length for one in samples])
    right = np.array([one.said == RIGHT for one in samples])
    first = {share: int(np.quantile(lengths, share)) for share in ENDED}
    return Replayed(
        np.array([replay(problem, None) for problem in problems]),
        {share: np.array([replay(problem, tokens) for problem in problems]) for share, tokens in first.items()},
        int(lengths.sum()),
        first,
        float(right.mean()),
        {share: float(right[lengths <= tokens].mean()) for share, tokens in first.items()},
    )


def measure_real(problems: Sequence[Problem], generator: np.random.Generator) -> dict[str, Any]:
    """The interval is that of the problems, drawn again."""
    found = replay_all(problems)
    draws = generator.integers(len(problems), size=(AGAIN, len(problems)))
    again = {share: 1 - two[draws].sum(axis=1) / found.one[draws].sum(axis=1) for share, two in found.two.items()}
    return describe([found], again, len(problems))


def measure_drawn(model: str, generator: np.random.Generator) -> dict[str, Any]:
    """The interval is that of the responses and the problems, both drawn again."""
    pools, rates = read_lengths(model), pl.read_parquet(DATA / "rates.parquet", columns=["rate"])["rate"].to_numpy()
    found = [replay_all(draw(pools, generator.choice(rates, DRAWN), generator)) for _ in range(SETS)]
    again = {share: np.array([1 - one.two[share].sum() / one.one.sum() for one in found]) for share in ENDED}
    return describe(found, again, SETS * DRAWN) | {"responses": {name: len(pool) for name, pool in pools.items()}}


def describe(found: Sequence[Replayed], again: Mapping[float, np.ndarray], problems: int) -> dict[str, Any]:
    one = sum(part.one.sum() for part in found)
    rows = [
        {
            "ended": share,
            "first": float(np.mean([part.first[share] for part in found])),
            "saved": float(1 - sum(part.two[share].sum() for part in found) / one),
            "interval": [float(end) for end in np.quantile(again[share], (0.05, 0.95))],
            "rate of the ended": float(np.mean([part.ended[share] for part in found])),
        }
        for share in ENDED
    ]
    saved = float(1 - one / sum(part.whole for part in found))
    rate = float(np.mean([part.rate for part in found]))
    return {"problems": problems, "rate": rate, "early saves": saved, "steps": rows}


def read_math() -> list[Problem]:
    with (DATA / "math-completions.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line)["completions"] for line in lines]
    return [[Sample(RIGHT if one["right"] else one["pred"], len(one["text"])) for one in row] for row in rows]


def read_lengths(model: str) -> dict[str, list[int]]:
    """The lengths of a model's right and wrong responses to whole problems."""
    pools: dict[str, list[int]] = {"right": [], "wrong": []}
    with (DATA / "missing-premise.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["premise_missing"] or row["answer_of_full"] is None:
                continue
            for one in row["models"]:
                if one["model"] == model and one["chars"]:
                    same = read_number(one["answer"]) == read_number(row["answer_of_full"])
                    right = one["judge"] == 1 if one["judge"] in (1, 2) else same
                    pools["right" if right else "wrong"].append(one["chars"])
    return pools


def read_number(answer: object) -> object:
    text = str(answer).replace(",", "").replace("$", "").replace(" ", "").rstrip(".")
    try:
        return float(text)
    except ValueError:
        return text


def draw(pools: Mapping[str, list[int]], rates: np.ndarray, generator: np.random.Generator) -> list[Problem]:
    again = {name: generator.choice(pool, len(pool)) for name, pool in pools.items()}
    hits = generator.random((len(rates), 16)) < rates[:, None]
    right, wrong = (generator.choice(again[name], hits.shape) for name in ("right", "wrong"))
    lengths = np.where(hits, right, wrong)
    return [
        [Sample(RIGHT if hit else None, int(length)) for hit, length in zip(*row, strict=True)]
        for row in zip(hits, lengths, strict=True)
    ]


def read_run(run: str) -> list[Problem]:
    folder = RunFolder(run)
    problems: list[Problem] = []
    for shard in find_graded(folder):
        names = find_samples(folder).get(shard, ())
        samples = read_evidence(folder, shard, names, ("verdict", "answer_key", "tokens")).sort("problem_id", "index")
        problems += [list(_shape(rows)) for _, rows in samples.group_by("problem_id", maintain_order=True)]
    most = max(map(len, problems), default=0)
    return [problem for problem in problems if len(problem) == most]


def _shape(rows: pl.DataFrame) -> Iterator[Sample]:
    named = {Verdict.CORRECT.value: RIGHT, Verdict.UNKNOWN.value: UNKNOWN}
    for verdict, key, tokens in rows.select("verdict", "answer_key", "tokens").iter_rows():
        yield Sample(named.get(verdict, key and f"={key}"), tokens)


def main(out: Path | None = None, run: str | None = None) -> dict[str, Any] | None:
    """Measure, print, and write the report as JSON to `out`; null where the data is not there."""
    if not (DATA / "rates.parquet").exists():
        print("first_tokens: ../shared/data/rates.parquet is not here; skipped")
        return None
    generator = np.random.default_rng(0)
    found = {"math": measure_real(read_math(), generator)}
    found |= {f"drawn, {model}": measure_drawn(model, generator) for model in MODELS}
    if run:
        found["run"] = measure_real(read_run(run), generator)
    for name, figures in found.items():
        responses = f"; {figures['responses']}" if "responses" in figures else ""
        print(f"{name}: {figures['problems']} problems, early saves {figures['early saves']:.1%} of all{responses}")
        for row in figures["steps"]:
            low, high = row["interval"]
            print(
                f"  first step {row['first']:6.0f} ({row['ended']:.0%} end in it): saves {row['saved']:6.1%} "
                f"({low:.1%} to {high:.1%}); right {figures['rate']:.2f}, of the ended {row['rate of the ended']:.2f}"
            )
    report = {"benchmark": "first_tokens", **found}
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(report, indent=1, ensure_ascii=False))
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--run")
    arguments = parser.parse_args()
    main(arguments.out, arguments.run)

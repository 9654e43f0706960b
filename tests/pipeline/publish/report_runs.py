"""Run folders of honest structure, laid out as the pipeline lays them out, for tests that read runs."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.run.storage import RunFolder
from schemas.config import Config, Source
from schemas.conform import shape_row
from schemas.decision import DECISION_DTYPES
from schemas.problem import PROBLEM_DTYPES, REJECT_DTYPES
from schemas.sample import SAMPLE_DTYPES

N = 16


@dataclass(frozen=True)
class Told:
    """One problem and what happened to it."""

    statement: str | None
    answer: str | None = None
    source: str = "sums"
    source_id: str | None = None
    rejected: tuple[str, str, str] | None = None
    """Stage, reason and detail, where it was left out before sampling."""
    samples: Sequence[tuple[str, str | None, str]] = ()
    """Completion, answer and verdict of each."""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def row(self) -> dict[str, Any]:
        row = shape_row(
            {"domain": "math", "statement": self.statement, "answer": self.answer, "source_id": self.source_id}
            | self.extra,
            self.source,
        )
        return row | {"history": [{"stage": "ingest", "action": "read", "detail": f"from {self.source}"}]}


def decide(told: Told) -> dict[str, Any]:
    """The rules of the pipeline in small: keep 1 to 12 of 16, contradicted when over half agree on another answer."""
    verdicts = Counter(verdict for _, _, verdict in told.samples)
    correct, wrong, unknown = (verdicts[v] for v in ("correct", "wrong", "unknown"))
    known = correct + wrong
    votes = Counter(answer for _, answer, _ in told.samples if answer is not None)
    majority, most = votes.most_common(1)[0] if votes else (None, 0)
    n = len(told.samples)
    if unknown > 2:
        decision = "undetermined"
    elif n and most > n / 2 and majority != told.answer and most > correct:
        decision = "label_contradicted"
    elif correct == 0:
        decision = "never_solved"
    else:
        decision = "too_easy" if correct > 12 else "keep"
    rate = correct / known if known else None
    low, high = wilson(correct, known) if known else (None, None)
    return {
        "problem_id": told.row["id"],
        "grading_pass": 1,
        "n": n,
        "correct": correct,
        "wrong": wrong,
        "unknown": unknown,
        "pass_rate": rate,
        "pass_rate_low": low,
        "pass_rate_high": high,
        "majority_answer": majority,
        "majority_share": most / n if n else None,
        "decision": decision,
        "detail": f"{correct} of {known} known samples correct",
    }


def wilson(correct: int, known: int, z: float = 1.6449) -> tuple[float, float]:
    rate = correct / known
    middle = (rate + z * z / (2 * known)) / (1 + z * z / known)
    half = z * math.sqrt(rate * (1 - rate) / known + z * z / (4 * known * known)) / (1 + z * z / known)
    return max(0.0, middle - half), min(1.0, middle + half)


def lay_run(
    root: Path, told: Iterable[Told], shard_rows: int = 32, finished: bool = True, **settings: Any
) -> RunFolder:
    """Write a whole run under `root`; `finished=False` leaves out the manifest and the last shard's decisions."""
    folder = RunFolder(str(root))
    told = list(told)
    stages: dict[str, Counter[str]] = {"ingest": Counter(), "screen": Counter(), "decide": Counter()}
    verdicts: Counter[str] = Counter()
    kept = tokens = 0
    for start in range(0, len(told), shard_rows):
        shard = f"{start // shard_rows:05d}"
        part = told[start : start + shard_rows]
        at_door = [t for t in part if t.rejected and t.rejected[0] == "ingest"]
        inside = [t for t in part if t not in at_door]
        screened = [t for t in inside if not t.rejected]
        folder.write_table(f"problems/{shard}.parquet", frame([t.row for t in inside]))
        folder.write_table(f"stages/screen/{shard}.parquet", frame([t.row for t in screened]))
        for stage in ("ingest", "screen"):
            out = [t for t in part if t.rejected and t.rejected[0] == stage]
            stages[stage].update(str(t.rejected[1]) for t in out if t.rejected)
            if out:
                rows = [t.row | dict(zip(("stage", "reason", "detail"), t.rejected or (), strict=True)) for t in out]
                folder.write_table(f"rejected/{stage}-{shard}.parquet", frame(rows, PROBLEM_DTYPES | REJECT_DTYPES))
        samples = [row for t in screened for row in sample_rows(t)]
        if samples:
            folder.write_table(f"samples/{shard}/part-00000.parquet", pl.DataFrame(samples, schema=SAMPLE_DTYPES))
        verdicts.update(row["verdict"] for row in samples)
        tokens += sum(row["tokens"] for row in samples)
        if not finished and start + shard_rows >= len(told):
            break
        decisions = [decide(t) for t in screened]
        folder.write_table(f"decisions/pass-1-{shard}.parquet", pl.DataFrame(decisions, schema=DECISION_DTYPES))
        rate = ("n", "correct", "pass_rate", "pass_rate_low", "pass_rate_high")
        good = [
            t.row | {name: d[name] for name in rate}
            for t, d in zip(screened, decisions, strict=True)
            if d["decision"] == "keep"
        ]
        kept += len(good)
        folder.write_table(
            f"curated/{shard}.parquet",
            frame(good, PROBLEM_DTYPES | {name: DECISION_DTYPES[name] for name in rate}),
        )
        bad = [
            t.row | {"stage": "decide", "reason": d["decision"], "detail": d["detail"]}
            for t, d in zip(screened, decisions, strict=True)
            if d["decision"] != "keep"
        ]
        stages["decide"].update(row["reason"] for row in bad)
        if bad:
            folder.write_table(f"rejected/decide-{shard}.parquet", frame(bad, PROBLEM_DTYPES | REJECT_DTYPES))
    if finished:
        config = Config(run=str(root), sources=(Source(name="sums", reasoning_gym="chain_sum"),), **settings)
        folder.write_json("manifest.json", tell_manifest(config, len(told), stages, verdicts, tokens))
    return folder


def tell_manifest(
    config: Config, came: int, stages: dict[str, Counter[str]], verdicts: Counter[str], tokens: int
) -> dict[str, Any]:
    listed = []
    for name, reasons in stages.items():
        out = reasons.total()
        counts = {"in": came, "kept": came - out, "rejected": out, "waiting": 0}
        listed.append({"stage": name, **counts, "reasons": dict(reasons)})
        came -= out
    entered_decide = listed[-1]["in"]
    return {
        "goldilocks": "0.1.0",
        "created": "2026-11-21T03:00:00+00:00",
        "config": config.model_dump(mode="json"),
        "versions": {"python": "3.11.2", "vllm": "0.32.0", "math-verify": "0.9.0"},
        "model": {"name": "embedded", "revision": "SmolLM2-135M-Instruct"},
        "models": [{"name": "embedded", "revision": "SmolLM2-135M-Instruct", "samples": verdicts.total()}],
        "stages": listed,
        "samples": {
            "count": verdicts.total(),
            "tokens": tokens,
            "planned": int(str(entered_decide)) * N,
            "seconds": max(1.0, tokens / 290),
            **{v: verdicts[v] for v in ("correct", "wrong", "unknown")},
        },
        "times": {"ingest": 1.4, "screen": 0.6, "sample": max(1.0, tokens / 290), "decide": 0.2, "publish": 0.5},
        "files": {},
    }


def frame(rows: list[dict[str, Any]], schema: dict[str, pl.DataType] | None = None) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema or PROBLEM_DTYPES, strict=True)


def sample_rows(told: Told) -> list[dict[str, Any]]:
    id_ = told.row["id"]
    return [
        {
            "problem_id": id_,
            "prompt": "p",
            "model": "embedded",
            "revision": "1",
            "params": "t07",
            "index": index,
            "completion": completion,
            "tokens": max(1, len(completion) // 4),
            "finish_reason": "stop",
            "answer": answer,
            "answer_key": answer,
            "verdict": verdict,
            "verdict_detail": None,
            "verifier": "v1",
            "seconds": 0.5,
        }
        for index, (completion, answer, verdict) in enumerate(told.samples)
    ]


def tell_sums(number: int = 24) -> list[Told]:
    """Sums as a small model answers them: k mod 17 samples of problem k are right, the rest slip by a little."""
    told = []
    for k in range(number):
        a, b, c = 12 + 7 * k, 5 + 3 * k, 1 + k
        right = a + b - c
        solved = k % (N + 1)
        samples = []
        for i in range(N):
            answer = right if i < solved else right + 1 + (i * i + k) % 5
            verdict = "correct" if answer == right else "wrong"
            work = f"First {a} + {b} = {a + b}. " * (1 + (i * (k + 3)) % 7)
            samples.append((f"{work}Then subtract {c}: \\boxed{{{answer}}}", str(answer), verdict))
        told.append(Told(f"What is {a} + {b} - {c}?", str(right), "sums", f"sum-{k}", samples=samples))
    return told


def tell_small_run() -> list[Told]:
    """Sums of every pass rate, one contradicted label, one undetermined problem, and rejects of screen and ingest."""
    wrong_label = Told(
        "Tom has 3 bags with 4 marbles each. He gives 2 marbles away. How many are left?",
        "12",
        "words",
        "tom",
        samples=[("3 * 4 = 12, and 12 - 2 = 10. \\boxed{10}", "10", "wrong")] * 13
        + [("3 * 4 = 12. \\boxed{12}", "12", "correct")] * 3,
    )
    lost = Told(
        "What is 10! / 8!?",
        "90",
        "words",
        "ten",
        samples=[("\\boxed{90}", "90", "correct")] * 4 + [("\\boxed{9^{9^{9^9}}}", "9^{9^{9^9}}", "unknown")] * 12,
    )
    proof = Told("Prove that $\\sqrt{2}$ is irrational.", None, "words", "root", ("screen", "proof", "asks to prove"))
    missing = ("screen", "figure_dependent", "names a figure that is not there")
    figure = Told("What is the area of the shaded region in the figure?", "12", "words", "area", missing)
    parts = Told("(a) Find $x$. (b) Find $y$.", "1 and 2", "words", "parts", ("screen", "multi_part", "parts (a), (b)"))
    broken = Told("What is 2 + 2?", "4", "words", "broken", ("ingest", "invalid_row", "tests is text, not a list"))
    return [*tell_sums(24), wrong_label, lost, proof, figure, parts, broken]


def tell_real(shared: Path) -> list[Told]:
    """GSM8K problems with the answers of 14 to 16 real models each, and real statements that the rules turn away."""
    told = []
    for line in (shared / "gsm8k_multi-samples.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        samples = []
        for sample in row["samples"]:
            answer = sample.get("answer")
            right = answer is not None and str(answer) == row["answer"]
            samples.append((sample["text"], None if answer is None else str(answer), "correct" if right else "wrong"))
        told.append(Told(row["problem"], row["answer"], "gsm8k", row["id"], samples=samples[:N]))
    truths = [json.loads(x) for x in (shared / "math_format.truth.jsonl").read_text(encoding="utf-8").splitlines()]
    by_id = {truth["id"]: truth for truth in truths}
    for line in (shared / "math_format.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        reason = REASON_OF.get(str(by_id[row["id"]]["label"]))
        if reason:
            told.append(
                Told(row["problem"], row.get("answer"), "mixed", row["id"], ("screen", reason, "as its set says"))
            )
    return told


REASON_OF = {
    "proof": "proof",
    "multi_part": "multi_part",
    "figure_dependent": "figure_dependent",
    "truncated": "incomplete",
    "missing_answer": "no_answer",
    "yes_no": "guessable",
}
"""Labels of the set that name what the rules turn away, and the reason they give."""

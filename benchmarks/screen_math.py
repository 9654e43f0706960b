"""How well format filtering tells problems apart, against truth and against a naive keyword filter.

    python -m benchmarks.screen_math [OUT.json]

Reads ../shared/data/math_format.jsonl with its truth (skips where absent) and shows, per class, the share that was
rejected (or, for good problems, kept), and for multiple choice the share that was rewritten to the right answer or
rejected. The other real sets there hold good open problems only: what is rejected of them is a false positive to
explain. So is what is rejected of reasoning_gym's math tasks, generated here and taken where the label can be compared.
"""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.screen import screen
from pipeline.verify.label import check_labels
from schemas.config import ScreenConfig

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
AIMS = {
    "proof": 0.95,
    "multi_part": 0.95,
    "missing_answer": 0.95,
    "figure_dependent": 0.95,
    "truncated": 0.95,
    "good_open": 0.98,
    "multiple_choice": 0.95,
}
KEPT_CLASSES = ("good_open", "multi_value_answer", "figure_as_asy_code")
REAL_SETS = {
    "gsm8k-train": ("problem", None),
    "gsm8k-test": ("problem", None),
    "matharena-problems": ("problem", None),
    "mgsm-mgsm": ("problem", None),
    "polymath": ("problem", None),
    "contamination-benchmarks": ("text", ("gsm8k_test", "math_500", "math500", "aime_2024", "aime_2025", "aime")),
    "math_labels": ("problem", None),
}
REASONING_TASKS = tuple(
    str.split(
        "basic_arithmetic bitwise_arithmetic calendar_arithmetic chain_sum count_bits decimal_arithmetic"
        " decimal_chain_sum dice fraction_simplification gcd gsm_symbolic lcm leg_counting number_format power_function"
        " prime_factorization products time_intervals complex_arithmetic intermediate_integration polynomial_equations"
        " polynomial_multiplication simple_equations simple_integration advanced_geometry simple_geometry"
        " base_conversion count_primes letter_counting number_filtering number_sorting spiral_matrix binary_alternation"
        " number_sequence countdown puzzle24 coin_flip"
    )
)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def to_problems(rows: list[dict[str, Any]], statement: str = "problem") -> pl.DataFrame:
    """Rows as the columns that screening reads; further fields go into `extra` as ingest puts them."""
    return pl.DataFrame(
        [
            {
                "id": row["id"],
                "domain": "math",
                "statement": row[statement],
                "answer": None if row.get("answer") is None else str(row["answer"]),
                "extra": json.dumps(
                    {key: value for key, value in row.items() if key not in ("id", statement, "answer")}
                ),
            }
            for row in rows
        ],
        schema=dict.fromkeys(("id", "domain", "statement", "answer", "extra"), pl.String),
        orient="row",
    )


def screen_naively(problems: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The keyword filter that many curation scripts start from, written down plainly as a baseline; it rewrites
    nothing."""

    def judge(statement: str, answer: str | None) -> str | None:
        text = statement.lower()
        if "prove" in text or "show that" in text:
            return "proof"
        if re.search(r"\([ab12]\)|\b(?:i|ii|iii)\b", text):
            return "multi_part"
        if not (answer or "").strip():
            return "no_answer"
        if re.search(r"figure|diagram|\[asy\]|shown", text):
            return "figure_dependent"
        if re.search(r"which of the following|\ba\)", text):
            return "choice_dependent"
        if (answer or "").strip().lower() in ("yes", "no", "true", "false"):
            return "guessable"
        return None if text.strip().endswith((".", "?", "!", "$", "]")) else "incomplete"

    reasons_given = [judge(*row) for row in problems.select("statement", "answer").iter_rows()]
    reasons = problems.with_columns(pl.Series("reason", reasons_given, dtype=pl.String), pl.lit("").alias("detail"))
    return problems.filter(reasons["reason"].is_null()), reasons.filter(pl.col("reason").is_not_null())


def same_text(ours: str | None, truth: str) -> bool:
    """Whether two option texts are one, but for white space and dollar signs."""
    return re.sub(r"[\s$]", "", ours or "") == re.sub(r"[\s$]", "", truth)


Screening = Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.DataFrame]]


def measure_truth(screening: Screening) -> dict[str, Any]:
    """Per class of the truth set: how many, the share treated rightly, the reasons given, and the ids treated
    wrongly."""
    problems = to_problems(read_rows(DATA / "math_format.jsonl"))
    truth = {row["id"]: row for row in read_rows(DATA / "math_format.truth.jsonl")}
    kept, rejected = screening(problems)
    answers = dict(kept.select("id", "answer").iter_rows())
    reasons = dict(rejected.select("id", "reason").iter_rows())
    classes: dict[str, Any] = {}
    for label in sorted({row["label"] for row in truth.values()}):
        ids = [key for key, row in truth.items() if row["label"] == label]
        if label == "multiple_choice":
            right = [key for key in ids if key in reasons or same_text(answers[key], truth[key]["answer_text"])]
        elif label in KEPT_CLASSES:
            right = [key for key in ids if key in answers]
        else:
            right = [key for key in ids if key in reasons]
        classes[label] = {
            "count": len(ids),
            "right": len(right) / len(ids),
            "aim": AIMS.get(label),
            "kept": sum(key in answers for key in ids),
            "reasons": dict(Counter(reasons[key] for key in ids if key in reasons).most_common()),
            "wrong": sorted(set(ids) - set(right)),
        }
    return classes


def measure_real_sets(screening: Screening) -> dict[str, Any]:
    """Per set of good open problems: how many were rejected, why, and the first of them."""
    sets: dict[str, Any] = {}
    for name, (column, benches) in REAL_SETS.items():
        path = DATA / f"{name}.jsonl"
        if not path.exists():
            continue
        rows = [row for row in read_rows(path) if benches is None or row.get("bench") in benches]
        if name == "matharena-problems":
            rows = [row for row in rows if row.get("answer")]
        problems = to_problems([{**row, "id": f"{number}"} for number, row in enumerate(rows)], column)
        started = time.perf_counter()
        _, rejected = screening(problems)
        sets[name] = summarize(problems, rejected, time.perf_counter() - started)
    sets["reasoning_gym"] = measure_generated(screening)
    return sets


def generate_problems(size: int, seed: int = 1) -> list[dict[str, Any]]:
    """`size` rows of every math task of reasoning_gym (which names a task's rows as a source would)."""
    import reasoning_gym

    return [
        {"id": f"{task}-{number}", "problem": row["question"], "answer": str(row["answer"])}
        for task in REASONING_TASKS
        for number, row in enumerate(reasoning_gym.create_dataset(task, size=size, seed=seed))
    ]


def measure_generated(screening: Screening, size: int = 10) -> dict[str, Any]:
    """How many of reasoning_gym's math problems were rejected, but for those whose label the label check refuses."""
    problems = to_problems(generate_problems(size))
    labelled = [check is True for check in check_labels(problems["answer"].to_list())]
    problems = problems.filter(pl.Series(labelled, dtype=pl.Boolean))
    started = time.perf_counter()
    _, rejected = screening(problems)
    return summarize(problems, rejected, time.perf_counter() - started)


def summarize(problems: pl.DataFrame, rejected: pl.DataFrame, seconds: float) -> dict[str, Any]:
    """What was rejected of a set of good open problems, as the report has it."""
    return {
        "count": len(problems),
        "rejected": len(rejected) / max(len(problems), 1),
        "reasons": dict(Counter(rejected["reason"]).most_common()),
        "milliseconds_each": 1000 * seconds / max(len(problems), 1),
        "examples": rejected.select("statement", "answer", "reason", "detail").head(5).to_dicts(),
    }


def show(report: dict[str, Any]) -> None:
    """Print the report as two tables."""
    print(f"{'class':<22}{'rows':>6}{'right':>8}{'naive':>8}{'aim':>7}  reasons")
    for label, row in report["truth"].items():
        aim = f"{row['aim']:.0%}" if row["aim"] else "-"
        naive = report["naive"]["truth"][label]["right"]
        print(
            f"{label:<22}{row['count']:>6}{row['right']:>8.1%}{naive:>8.1%}{aim:>7}  kept {row['kept']}"
            f" {row['reasons']}"
        )
        if row["wrong"] and row["aim"]:
            print(f"{'':<22}wrong: {', '.join(row['wrong'])}")
    print(f"\n{'good open problems':<26}{'rows':>6}{'rejected':>10}{'naive':>8}{'ms each':>9}  reasons")
    for name, row in report["real_sets"].items():
        naive = report["naive"]["real_sets"][name]["rejected"]
        print(
            f"{name:<26}{row['count']:>6}{row['rejected']:>10.2%}{naive:>8.1%}{row['milliseconds_each']:>9.2f} "
            f" {row['reasons']}"
        )


def main(out: Path | None = None) -> dict[str, Any] | None:
    """Measure, print, and write the report as JSON to `out`; null where the data is not there."""
    if not (DATA / "math_format.jsonl").exists():
        print("screen_math: ../shared/data/math_format.jsonl is not here; skipped")
        return None

    def ours(problems: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        return screen(problems, ScreenConfig(suspects="reject"))

    report = {
        "truth": measure_truth(ours),
        "real_sets": measure_real_sets(ours),
        "naive": {"truth": measure_truth(screen_naively), "real_sets": measure_real_sets(screen_naively)},
    }
    show(report)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(report, indent=1, ensure_ascii=False))
    return report


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)

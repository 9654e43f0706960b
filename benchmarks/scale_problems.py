"""Any number of problems that look real, and the evidence of their grading.

Half are tasks of `reasoning_gym`, drawn again; half are real word problems and competition problems (LaTeX included)
with every number drawn again (`dedup_texts.py`); without ../shared/data the first half is the whole. Planted: copies,
reformatted copies, benchmark items with and without a prefix, benchmark items with other numbers, proofs, problems
without an answer, rows that fit no contract. What is no real thing are the completions: about 350 characters, of the
problem's own words, where a reasoning model's have thousands; what has to read them all grows with that.
"""

import json
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.dedup_texts import DATA, NUMBER, change_text, read_bases
from pipeline.inference.prompts import build_prompt
from pipeline.run.evidence import record_evidence
from pipeline.run.storage import RunFolder
from pipeline.sample.store import ROWS, params_hash, verifier_hash
from schemas.config import Config
from schemas.sample import SAMPLE_DTYPES, SAMPLE_KEY

N = 16
TASKS = (
    *("chain_sum", "products", "gcd", "lcm", "fraction_simplification", "leg_counting", "decimal_arithmetic"),
    *("basic_arithmetic", "power_function", "number_sequence", "time_intervals", "prime_factorization", "dice"),
    *("bitwise_arithmetic", "complex_arithmetic", "simple_geometry", "count_primes", "base_conversion"),
)
WIDE = {"chain_sum": {"max_terms": 6, "max_digits": 6}, "products": {"max_terms": 4, "max_digits": 6}}
WIDE |= {"gcd": {"max_numbers": 4, "max_value": 10**6}, "lcm": {"max_numbers": 4, "max_value": 10**4}}
"""Ranges so wide that two draws are seldom one problem."""
STEPS = 20
"""Random words and numbers in a completion, each of which costs about two bytes on disk."""
PLANTED = {"copy": 0.04, "benchmark": 0.004, "variant": 0.004, "proof": 0.01, "no answer": 0.01, "invalid": 0.002}
BENCHMARK = DATA / "contamination-benchmarks.jsonl"
MODEL, REVISION = "generated/model", "main"


def write_problems(path: Path, count: int, seed: int = 0) -> None:
    """`count` rows as JSONL."""
    with path.open("w", encoding="utf-8") as out:
        for row in make_rows(count, seed):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def make_rows(count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """`count` rows; `source_id` tells what was planted."""
    draw = random.Random(seed)
    items = read_benchmark()
    originals = _interleave(_draw_tasks(count, seed), _draw_texts(draw), draw)
    kinds, weights = list(PLANTED), list(PLANTED.values())
    recent: list[dict[str, Any]] = []
    for number in range(count):
        kind = draw.choices([*kinds, "original"], [*weights, 1 - sum(weights)])[0]
        if (kind == "copy" and not recent) or (kind in ("benchmark", "variant") and not items):
            kind = "original"
        row = _plant(kind, next(originals), recent, items, draw)
        yield {"source_id": f"{kind}-{number}", "domain": "math"} | row
        if kind == "original":
            # A pool that is drawn from all problems: copies lie far from each other.
            if len(recent) < 50_000:
                recent.append(row)
            else:
                recent[draw.randrange(len(recent))] = row


def read_benchmark() -> list[str]:
    """The items that are planted; none without the shared data."""
    if not BENCHMARK.exists():
        return []
    with BENCHMARK.open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def _plant(
    kind: str, row: dict[str, Any], recent: list[dict[str, Any]], items: list[str], draw: random.Random
) -> dict[str, Any]:
    if kind == "copy":
        old = draw.choice(recent)
        return old | {"statement": change_text(old["statement"], draw)[1]}
    if kind in ("benchmark", "variant"):
        text = draw.choice(items)
        text = _renumber(text, draw) if kind == "variant" else change_text(text, draw)[1]
        return {"statement": text, "answer": str(draw.randint(2, 999))}
    if kind == "proof":
        return {"statement": f"Prove that the following holds. {row['statement']}", "answer": ""}
    if kind == "no answer":
        return row | {"answer": None}
    return row | {"domain": "music"} if kind == "invalid" else row


def _interleave(
    tasks: Iterator[dict[str, Any]], texts: Iterator[dict[str, Any]] | None, draw: random.Random
) -> Iterator[dict[str, Any]]:
    while True:
        yield next(texts) if texts is not None and draw.random() < 0.5 else next(tasks)


def _draw_tasks(count: int, seed: int) -> Iterator[dict[str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from reasoning_gym.factory import create_dataset
    sets = [create_dataset(name, size=count + 1, seed=seed, **WIDE.get(name, {})) for name in TASKS]
    at = 0
    while True:
        for dataset in sets:
            item = dataset[at]
            yield {"statement": item["question"], "answer": str(item["answer"])}
        at += 1


def _draw_texts(draw: random.Random) -> Iterator[dict[str, Any]] | None:
    if not DATA.is_dir():
        return None
    bases = read_bases(("gsm8k-train", "math_labels"))

    def texts() -> Iterator[dict[str, Any]]:
        while True:
            text = draw.choice(bases) if draw.random() < 0.7 else f"{draw.choice(bases)} {draw.choice(bases)}"
            yield {"statement": _renumber(text, draw), "answer": str(draw.randint(2, 9999))}

    return texts()


def _renumber(text: str, draw: random.Random) -> str:
    return NUMBER.sub(lambda number: number[0] if number[0] == "1" else str(draw.randint(2, 999)), text)


def write_evidence(folder: RunFolder, config: Config, problems: str, seed: int = 0) -> int:
    """N samples of each row of the table `problems`, as sampling stores them; returns how many."""
    table = folder.read_table(problems, ["id", "statement", "answer"])
    shard = problems.rpartition("/")[2].removesuffix(".parquet")
    table = table.filter(pl.col("statement").is_not_null())
    params = params_hash(config.sampling)
    rows = list(table.iter_rows(named=True))
    prompts = [build_prompt(row, config.prompt).key for row in rows]
    verifiers = [verifier_hash(config.verify, row["answer"]) for row in rows]
    size, draw = len(rows), np.random.default_rng([seed, int(shard)])
    at = np.repeat(np.arange(size), N)
    correct = draw.random(size * N) < np.repeat(draw.beta(0.6, 0.9, size), N)
    wrong = draw.geometric(np.repeat(draw.uniform(0.1, 0.9, size), N)) + 10_000
    unknown = draw.random(size * N) < 0.01
    words = np.array(["so", "then", "hence", "adding", "we get", "that is", "let us check", "which gives", "wait,"])
    steps = draw.integers(0, len(words), (STEPS, size * N))
    numbers = draw.integers(2, 999, (STEPS, size * N))
    base = table.select(
        pl.col("id").alias("problem_id"),
        pl.Series("prompt", prompts),
        pl.Series("verifier", verifiers),
        pl.col("statement").str.head(200),
        pl.col("answer").fill_null("0"),
    )[at]
    thoughts = [part for k in range(STEPS) for part in (pl.Series(words[steps[k]]), pl.lit(" "), _text(numbers[k]))]
    answer = pl.when(pl.Series(correct)).then("answer").otherwise(_text(wrong))
    samples = base.with_columns(answer.alias("answer")).with_columns(
        pl.concat_str("statement", *_spaced(thoughts), pl.lit("\n\\boxed{"), "answer", pl.lit("}")).alias("completion"),
        pl.col("answer").alias("answer_key"),
        pl.Series("verdict", np.where(unknown, "unknown", np.where(correct, "correct", "wrong"))),
        pl.Series("index", np.tile(np.arange(N), size)),
        pl.Series("tokens", draw.lognormal(8, 0.6, size * N).astype(np.int32)),
        pl.Series("seconds", draw.lognormal(3, 0.5, size * N)),
        pl.lit("stop").alias("finish_reason"),
        pl.lit(MODEL).alias("model"),
        pl.lit(REVISION).alias("revision"),
        pl.lit(params).alias("params"),
    )
    columns = [
        (pl.col(name) if name in samples.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in SAMPLE_DTYPES.items()
    ]
    folder.write_table(f"samples/{shard}.parquet", samples.select(columns).sort(SAMPLE_KEY), row_group_rows=ROWS)
    return samples.height


def note_evidence(folder: RunFolder, shard: str, graded: str) -> None:
    """Record which samples count for the graded problems of a shard, as grading does."""
    ids = folder.read_table(graded, ["id"])
    keys = folder.read_table(f"samples/{shard}.parquet", list(SAMPLE_KEY[:-1])).unique(maintain_order=True)
    record_evidence(folder, shard, keys.join(ids, left_on="problem_id", right_on="id", how="semi"))


def _text(values: "np.ndarray[Any, Any]") -> pl.Expr:
    return pl.lit(pl.Series(values)).cast(pl.String)


def _spaced(parts: list[Any]) -> Iterator[Any]:
    for part in parts:
        yield pl.lit(" ")
        yield pl.lit(part) if isinstance(part, pl.Series) else part

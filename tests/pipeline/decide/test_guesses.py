"""Labels that a guess without work hits, told of groups."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.decide.guesses import COLUMNS, FEWEST, count_guesses

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def table(source: str, *rows: tuple[str, str]) -> pl.DataFrame:
    made = [
        {"id": str(n), "source": source, "domain": "math", "statement": s, "answer": a} for n, (s, a) in enumerate(rows)
    ]
    return pl.DataFrame(made, schema=dict.fromkeys(COLUMNS, pl.String))


def tell(*tables: pl.DataFrame, limit: float = 0.3) -> list[tuple[Any, ...]]:
    return [(row["source"], row["guess"], row["hits"], row["problems"]) for row in count_guesses(tables, limit)]


def test_labels_that_are_all_one_constant_or_the_last_number_are_told() -> None:
    zeros = table("zeros", *((f"Is {n} a square? 1 or 0.", "0" if n % 4 else "1") for n in range(FEWEST)))
    last = table("last", *((f"Tom has {n * n} and says {n}.", str(n)) for n in range(2, FEWEST + 2)))
    told = tell(zeros, last)
    assert ("zeros", "always 0", FEWEST * 3 // 4, FEWEST) in told
    assert ("last", "the last number of the statement", FEWEST, FEWEST) in told
    assert ("last", "the first number of the statement", 0, FEWEST) not in told


def test_a_template_is_told_within_a_source_whose_other_labels_are_sound() -> None:
    constant = [(f"What is {n} times 0?", "0") for n in range(FEWEST)]
    sound = [(f"Words {'a' * n} and {n}.", str(7 * n + 3)) for n in range(100)]
    told = count_guesses([table("mixed", *constant, *sound)], 0.3)
    assert {row["template"] for row in told} <= {text for text, _ in constant}
    assert {row["guess"] for row in told} == {"always 0", "the last number of the statement"}
    assert {(row["hits"], row["problems"], row["share"]) for row in told} == {(FEWEST, FEWEST, 1.0)}


def test_few_problems_tell_nothing_and_code_has_no_label() -> None:
    rows = [(f"{n}?", "1") for n in range(FEWEST - 1)]
    assert tell(table("few", *rows)) == []
    assert tell(table("code", *rows, *rows).with_columns(domain=pl.lit("code"))) == []
    assert tell() == []


@pytest.mark.skipif(not (DATA / "gsm8k-train.jsonl").exists(), reason="the data are not here")
def test_real_word_problems_are_not_told() -> None:
    with (DATA / "gsm8k-train.jsonl").open(encoding="utf-8") as lines:
        labels = [(row["problem"], row["answer"]) for row in map(json.loads, lines)]
    assert tell(table("gsm8k", *labels)) == []

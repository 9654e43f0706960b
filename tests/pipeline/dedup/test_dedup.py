"""Dedup over tables and shards: each problem once, the right one of its tellings, whatever the order."""

import json
import random
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup import dedup, find_duplicates, split_duplicates
from pipeline.dedup.labels import agree
from pipeline.stage_file import run_stage
from schemas.config import Config, DedupConfig
from schemas.conform import conform_rows
from schemas.problem import PROBLEM, PROBLEM_DTYPES

BASES = [
    "Tom has 3 red apples and 4 green pears in his big basket. How many pieces of fruit are in it?",
    "A train travels 60 miles in 2 hours across the plain. What is its average speed in miles per hour?",
    "Find the largest integer $n$ such that $n^2 < 50$.",
]
CHANGES = [
    lambda text: text,
    lambda text: text.upper() if "$" not in text else text.replace("$", " $ "),
    lambda text: "Question: " + text + " Show your work.",
    lambda text: text.replace("3", "5").replace("2", "7").replace("50", "80"),
    lambda text: text.replace("average", "avreage").replace("basket", "bakset"),
]
ROWS = st.lists(st.tuples(st.sampled_from(BASES), st.sampled_from(CHANGES), st.booleans()), max_size=9)


def table(*rows: dict[str, object]) -> pl.DataFrame:
    whole = [{"id": f"{at:016x}", "domain": "math", "source": "a", "tests": [], **row} for at, row in enumerate(rows)]
    dtypes = {
        name: PROBLEM_DTYPES[name]
        for name in ("id", "source", "domain", "statement", "answer", "code_language", "tests")
    }
    return pl.DataFrame([{name: row.get(name) for name in dtypes} for row in whole], schema=dtypes)


def keep(*rows: dict[str, object], **more: object) -> list[int]:
    kept, rejected = dedup(table(*rows), DedupConfig(**more))  # type: ignore[arg-type]
    assert kept.height + rejected.height == len(rows)
    return [int(id, 16) for id in kept["id"]]


@settings(max_examples=60, deadline=None)
@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 4))
def test_order_and_shards_change_nothing(
    rows: list[tuple[str, object, bool]], shuffle: random.Random, size: int
) -> None:
    problems = table(
        *({"statement": change(text), "answer": "7" if has else None} for text, change, has in rows)  # type: ignore[operator]
    )
    kept, rejected = dedup(problems, DedupConfig())
    assert kept.height + rejected.height == problems.height
    assert set(rejected["reason"]) <= {"duplicate"}
    order = list(range(problems.height))
    shuffle.shuffle(order)
    shards = [(str(at), problems[order][at : at + size]) for at in range(0, problems.height, size)]
    found = find_duplicates(shards, DedupConfig())
    parts = [split_duplicates(shard, found[name]) for name, shard in shards]
    assert {id for part, _ in parts for id in part["id"]} == set(kept["id"])
    told = {row for _, part in parts for row in part.select("id", "detail").iter_rows()}
    assert told == set(rejected.select("id", "detail").iter_rows())


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_what_is_kept_stays_when_more_comes_and_is_clean(rows: list[tuple[str, object, bool]]) -> None:
    problems = table(*({"statement": change(text)} for text, change, _ in rows))  # type: ignore[operator]
    kept, _ = dedup(problems, DedupConfig())
    again, none = dedup(kept, DedupConfig())
    assert none.is_empty()
    assert again.equals(kept)
    better = problems.with_columns(
        id=pl.lit("f") + pl.col("id").str.tail(15), answer=pl.lit("42"), source=pl.lit("trusted")
    )
    both = [("", problems), ("new", better)]
    found = find_duplicates(both, DedupConfig(trusted=("trusted",)), held=set(kept["id"]))
    assert split_duplicates(problems, found[""])[0].equals(kept)


def test_the_labelled_one_stays_then_more_tests_then_the_trusted_source_then_the_lower_id() -> None:
    text = {"statement": BASES[0]}
    test = {"id": "t", "input": "1", "expected": "2", "origin": "source", "previous": None}
    assert keep(text, {**text, "answer": "7"}) == [1]
    assert keep({**text, "tests": [test]}, {**text, "tests": [test, test]}) == [1]
    assert keep({**text, "source": "b"}, {**text, "source": "c"}, trusted=("c", "b")) == [1]
    assert keep({**text, "source": "b"}, {**text, "source": "c"}, trusted=("b",)) == [0]
    assert keep(text, text) == [0]


def test_a_duplicate_names_a_twin_that_stays() -> None:
    rows = [{"statement": change(text)} for text in BASES for change in CHANGES]
    kept, rejected = dedup(table(*rows), DedupConfig())
    assert kept.height == 2 * len(BASES)
    twins = {detail.split(" of ")[1].split(" ")[0] for detail in rejected["detail"]}
    assert twins <= set(kept["id"])
    assert rejected.columns[-3:] == ["stage", "reason", "detail"]


def test_no_statement_is_no_duplicate() -> None:
    assert keep({"statement": None}, {"statement": None}, {"statement": ""}, {"statement": "??"}) == [0, 1, 2, 3]


def test_copies_for_two_languages_are_two_problems() -> None:
    text = {"statement": "Write a function that adds two numbers."}
    assert keep({**text, "code_language": "python"}, {**text, "code_language": "cpp"}) == [0, 1]
    assert keep({**text, "code_language": "python"}, text) == [0]


def test_a_retelling_with_another_label_stays() -> None:
    first = (
        "Katherine has 5 hanging baskets to fill. In each basket she wants to add 3 petunias and 2 sweet potato vines."
        " The petunias cost $3.00 apiece and the sweet potato vines cost $2.50 apiece. How much will she spend?"
    )
    other = (
        "Katherine plans to fill five hanging baskets with plants, 3 petunias and 2 sweet potato vines in every basket."
        " If each petunia is $3 and each sweet potato vine is $2.50, what is the total amount Katherine will need?"
    )
    rows: list[dict[str, object]] = [{"statement": first, "answer": "70"}, {"statement": other, "answer": "$70.00"}]
    assert keep(*rows) == [0]
    assert keep(rows[0], {**rows[1], "answer": "30"}) == [0, 1]
    assert keep(*rows, paraphrases=False) == [0, 1]


def hand_on(*rows: dict[str, object]) -> tuple[pl.DataFrame, pl.DataFrame]:
    problems, invalid = conform_rows([{"domain": "math", "source": "a", **row} for row in rows], "a")
    assert invalid.is_empty()
    return dedup(problems, DedupConfig())


def test_a_dropped_row_leaves_its_label_with_its_twin_whether_it_agrees_or_not() -> None:
    text = {"id": "0" * 16, "statement": BASES[0], "answer": "7"}
    kept, rejected = hand_on(
        text,
        {**text, "id": "1" * 16, "source": "b", "answer": "7.0"},
        {**text, "id": "2" * 16, "source_id": "x2", "answer": "34"},
        {**text, "id": "3" * 16, "answer": None},
    )
    assert (kept.height, rejected.height) == (1, 3)
    assert kept["label_candidates"].to_list() == [
        [
            {"answer": "7.0", "origin": "duplicate", "problem_id": "1" * 16, "source": "b", "source_id": None}
            | {"detail": "copy of 0000000000000000"},
            {"answer": "34", "origin": "duplicate", "problem_id": "2" * 16, "source": "a", "source_id": "x2"}
            | {"detail": "copy of 0000000000000000"},
        ]
    ]
    PROBLEM.validate(kept)


def test_a_copy_in_other_words_under_another_label_stays_and_each_knows_the_other() -> None:
    first = {"id": "0" * 16, "statement": BASES[0], "answer": "7"}
    other = {"id": "1" * 16, "statement": BASES[0].replace("his big basket", "his large basket"), "answer": "12"}
    kept, rejected = hand_on(first, other)
    assert rejected.is_empty()
    told = {row["id"]: row["label_candidates"][0] for row in kept.to_dicts()}
    assert [(told[id]["answer"], told[id]["origin"], told[id]["problem_id"]) for id in (first["id"], other["id"])] == [
        ("12", "clash", other["id"]),
        ("7", "clash", first["id"]),
    ]
    assert [entry["action"] for history in kept["history"] for entry in history] == ["clash", "clash"]
    third = {**other, "id": "2" * 16, "statement": str(other["statement"]).replace("red", "ripe"), "answer": "12.0"}
    kept, rejected = hand_on(first, other, third)
    assert rejected["detail"].str.contains("copy of 1111111111111111").to_list() == [True]
    assert hand_on(first, {**other, "answer": "7.00"})[1].height == 1


def test_what_the_text_leaves_open_the_labels_must_confirm() -> None:
    text = "Omar has 12 jars of jam and 7 jars of honey. He gives 5 jars of jam away. How many jars has he now?"
    other = text.replace("honey", "mustard")
    for answers, rejected in (((None, None), 0), (("14", None), 0), (("14", "14"), 1), (("14", "15"), 0)):
        rows = [{"statement": text, "answer": answers[0]}, {"statement": other, "answer": answers[1]}]
        assert hand_on(*rows)[1].height == rejected


@pytest.mark.parametrize(
    ("answer", "other", "same"),
    [
        ("\\frac{1}{2}", "1/2", True),
        ("$0.5$", "\\dfrac12", True),
        ("10", "10 \\text{ cm}", True),
        ("", "3", True),
        ("2016", "2061", False),
        ("(1, 2)", "(2, 1)", False),
        ("the smaller one", "the larger one", False),
    ],
)
def test_labels_are_compared_by_their_values(answer: str, other: str, same: bool) -> None:
    assert agree(answer, other) is agree(other, answer) is same


def test_rows_that_are_equal_in_all_but_place_keep_one() -> None:
    problems = pl.DataFrame({"statement": [BASES[0]] * 3})
    kept, rejected = dedup(problems, DedupConfig())
    assert (kept.height, rejected.height) == (1, 2)


def test_an_empty_table_and_a_table_without_statements() -> None:
    empty = pl.DataFrame(schema={"statement": pl.String})
    assert [part.height for part in dedup(empty, DedupConfig())] == [0, 0]
    assert find_duplicates([], DedupConfig()) == {}
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="statement"):
        dedup(pl.DataFrame({"id": ["a"]}), DedupConfig())


def test_the_stage_takes_a_file_as_one_table(tmp_path: Path) -> None:
    lines = [{"domain": "math", "statement": f"{text} {at}"} for text in BASES for at in (1, 2)] * 2
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps({**line, "source_id": str(at)}) for at, line in enumerate(lines)))
    config = Config.model_validate({"run": "r", "sources": [{"name": "a", "files": "b"}], "flow": {"shard_rows": 2}})
    counts = run_stage("dedup", str(path), str(tmp_path / "out"), config)
    assert counts == {"in": 12, "kept": 6, "rejected": 6, "added": 0, "pending": 0}


def test_truth_set(shared_data: Path) -> None:
    """No pair with changed numbers is merged, nothing distinct is, and the aims hold with room for a pair or two."""
    pairs = [json.loads(line) for line in (shared_data / "dedup-pairs.jsonl").open()]
    truth = {row["id"]: row for row in map(json.loads, (shared_data / "dedup-pairs.truth.jsonl").open())}
    count: Counter[str] = Counter()
    merged: Counter[str] = Counter()
    for pair in pairs:
        row = truth[pair["id"]]
        kind = "paraphrase" if row["kind"].startswith("paraphrase") else row["label"]
        kind = "added" if "added" in row["kind"] else kind
        count[kind] += 1
        merged[kind] += dedup(pl.DataFrame({"statement": [pair["a"], pair["b"]]}), DedupConfig())[1].height
    assert merged["distinct"] == 0
    assert merged["duplicate"] == count["duplicate"]
    assert merged["near_duplicate"] >= 0.95 * count["near_duplicate"]
    assert merged["paraphrase"] >= 0.6 * count["paraphrase"]


def test_real_problems_of_one_set_are_no_duplicates(shared_data: Path) -> None:
    """GSM8K's own problems are distinct but for a few that people would take for one too."""
    texts = [json.loads(line)["problem"] for line in (shared_data / "gsm8k-train.jsonl").open()]
    _, rejected = dedup(pl.DataFrame({"statement": texts}), DedupConfig())
    assert rejected.height <= 3

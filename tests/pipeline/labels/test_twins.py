"""Copies under different labels that the samples of both show to be two problems."""

import json
import random
from itertools import permutations
from pathlib import Path

import polars as pl
import pytest

from pipeline.decide.run import decide_run
from pipeline.labels.judge import Witnesses, judge_labels, learn_witnesses
from pipeline.labels.twins import CHANCE, TWIN_DTYPES, count_twins, find_apart
from pipeline.publish.report.labels import gather_labels
from pipeline.run.storage import RunFolder
from schemas.config import Config, LabelsConfig
from schemas.conform import conform_rows
from schemas.problem import PROBLEM_DTYPES
from tests.pipeline.decide.test_decide import make_samples, make_table
from tests.pipeline.labels.test_judge import AGREED, AROUND, COLUMNS, candidate, problem, say, vote

DTYPES = {name: PROBLEM_DTYPES[name] for name in COLUMNS}
FIRST, SECOND = f"{1:016x}", f"{2:016x}"
PAIR = [
    problem(1, "16", label_candidates=[{**candidate("3"), "problem_id": SECOND}]),
    problem(2, "3", label_candidates=[{**candidate("16"), "problem_id": FIRST}]),
]


def part(first: list[str], second: list[str]) -> frozenset[tuple[str, str]]:
    samples = say(1, "a", *first, label="16") + say(2, "a", *second, label="3")
    table = pl.DataFrame(PAIR, schema=DTYPES)
    return find_apart(count_twins(table, vote(PAIR, samples)))


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        (["16"] * 16, ["3"] * 16, True),
        (["16"] * 5 + ["9"] * 11, ["3"] * 5 + ["4"] * 11, True),
        (["16"] * 16, ["3"] * 2 + ["5"] * 14, True),
        # One problem in two wordings, whichever label is right.
        (["16"] * 12 + ["3"] * 4, ["16"] * 10 + ["3"] * 6, False),
        # The second label is solved by nobody: it may be wrong.
        (["16"] * 16, ["5"] * 16, False),
        # Too few samples to tell.
        (["16"] * 3, ["3"] * 3, False),
        ([], [], False),
    ],
)
def test_labels_that_are_each_reached_under_their_own_statement_are_of_two_problems(
    first: list[str], second: list[str], apart: bool
) -> None:
    assert part(first, second) == (frozenset({(FIRST, SECOND), (SECOND, FIRST)}) if apart else frozenset())


def test_the_copies_of_another_problem_are_not_heard() -> None:
    samples = say(1, "a", *["16"] * 8, *["9"] * 8, label="16") + say(2, "a", *["3"] * 8, *["4"] * 8, label="3")
    apart = part(["16"] * 8 + ["9"] * 8, ["3"] * 8 + ["4"] * 8)
    votes = vote([*PAIR, *AROUND], samples + AGREED, apart=apart)
    judged = judge_labels(votes, learn_witnesses(votes), LabelsConfig()).head(2).to_dicts()
    assert [(row["clash"], row["outcome"]) for row in judged] == [(False, "kept"), (False, "kept")]


def test_a_pair_that_only_one_shard_knows_of_is_not_told_apart() -> None:
    alone = pl.DataFrame(PAIR[:1], schema=DTYPES)
    counts = count_twins(alone, vote(PAIR[:1], say(1, "a", *["16"] * 16, label="16")))
    assert counts.height == 1
    assert find_apart(counts) == frozenset()


@pytest.mark.parametrize("seed", range(3))
def test_one_problem_in_two_wordings_is_hardly_ever_two(seed: int) -> None:
    """Both statements are answered by the same chances; the samples alone differ."""
    rng = random.Random(seed)
    shares = [rng.random() for _ in range(200)]
    rows = []
    for number, share in enumerate(shares):
        rival = (1 - share) * rng.random()
        drawn = [rng.choices("abc", (share, rival, 1 - share - rival), k=16) for _ in range(2)]
        ids = (f"{number}-a", f"{number}-b")
        for (own, other), (id_, twin), said in zip(("ab", "ba"), permutations(ids), drawn, strict=True):
            rows.append((id_, twin, "m", float(said.count(own)), float(said.count(other))))
    parted = find_apart(pl.DataFrame(rows, schema=TWIN_DTYPES, orient="row"))
    assert len(parted) / 2 <= len(shares) * CHANCE * 3


def test_pairs_survive_the_file_of_witnesses() -> None:
    votes = vote(AROUND, AGREED)
    learned = learn_witnesses(votes)
    kept = Witnesses(learned.names, learned.kinds, learned.coins, learned.calibration, 50, frozenset({("a", "b")}))
    assert Witnesses.from_json(json.loads(json.dumps(kept.to_json()))).apart == {("a", "b")}
    before = {key: value for key, value in kept.to_json().items() if key != "apart"}
    assert Witnesses.from_json(before).apart == frozenset()


def test_copies_in_two_shards_are_told_apart_and_both_decided(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    rows = [
        {"domain": "math", "statement": f"{word} balls into 2 boxes?", "answer": answer}
        for word, answer in (("Distinct", "16"), ("Equal", "3"))
    ]
    table = conform_rows(rows, "s")[0]
    ids, answers = table["id"].to_list(), table["answer"].to_list()
    for at, shard in enumerate(("00000", "00001")):
        copy = {**candidate(answers[1 - at]), "problem_id": ids[1 - at]}
        handed = pl.Series("label_candidates", [[copy]], dtype=PROBLEM_DTYPES["label_candidates"])
        folder.write_table(f"problems/{shard}.parquet", table[at : at + 1].with_columns(handed))
        outcomes = [("correct", answers[at])] * 6 + [("wrong", str(100 + number)) for number in range(10)]
        folder.write_table(f"samples/{shard}.parquet", make_table(make_samples(ids[at], outcomes)))
    config = Config.model_validate({"run": folder.root, "sources": [{"name": "s", "files": "none"}]})
    assert decide_run(folder, config) == {"keep": 2}
    labels = pl.concat([told for _, told in folder.read_tables("labels")])
    assert labels["clash"].to_list() == [False, False]
    summary = gather_labels(folder)
    assert summary is not None
    assert (summary.clashes, summary.apart) == (0, 1)

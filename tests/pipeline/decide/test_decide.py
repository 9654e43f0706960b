"""Deciding over tables: what Polars counts is what a plain loop counts, and the rule is asked for every count."""

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.decide.confident import is_audited
from pipeline.decide.decide import IMPORTED, Z, compare_decisions, decide_samples
from pipeline.decide.rule import Counts, Rules, decide_counts
from pipeline.decide.run import decide_run
from pipeline.publish.shards import check_counts, publish_curated
from pipeline.run.evidence import read_evidence, record_evidence
from pipeline.run.storage import RunFolder
from schemas.config import Config, DecideConfig, KeepConfig
from schemas.conform import conform_rows
from schemas.decision import DECISION
from schemas.problem import PROBLEM_DTYPES
from schemas.sample import SAMPLE, SAMPLE_DTYPES

KEEP, DECIDE = KeepConfig(), DecideConfig()
RULES = Rules(KEEP, DECIDE)
Outcome = tuple[str, str | None]
RIGHT, SILENT, LOST = ("correct", "42"), ("wrong", None), ("unknown", "7")


def wrong(answer: str) -> Outcome:
    return ("wrong", answer)


def make_samples(problem: str, outcomes: list[Outcome], **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "problem_id": problem,
            "prompt": "p",
            "model": "m",
            "revision": "r",
            "params": "q",
            "index": index,
            "completion": f"it is {answer}",
            "tokens": 5,
            "answer": answer,
            "answer_key": answer,
            "verdict": verdict,
            "verifier": "v",
            **more,
        }
        for index, (verdict, answer) in enumerate(outcomes)
    ]


def make_table(*groups: list[dict[str, Any]]) -> pl.DataFrame:
    table = pl.DataFrame([row for group in groups for row in group], schema=SAMPLE_DTYPES)
    SAMPLE.validate(table)
    return table


def decide_one(outcomes: list[Outcome], planned: int = 16, label: str = "42", **more: Any) -> dict[str, Any]:
    problems = pl.DataFrame({"id": ["a"], "answer": [label]})
    return decide_samples(make_table(make_samples("a", outcomes, **more)), problems, planned, RULES).to_dicts()[0]


outcome = st.sampled_from(
    [RIGHT, RIGHT, wrong("7"), wrong("7"), wrong("8"), wrong("nine"), SILENT, LOST, ("unknown", None)]
)


@settings(max_examples=60, deadline=None)
@given(
    evidence=st.lists(st.lists(outcome, max_size=20), min_size=1, max_size=6),
    planned=st.sampled_from([4, 16]),
    keep=st.sampled_from([KEEP, KeepConfig(min=3, max=8), KeepConfig(max=16)]),
    rules=st.sampled_from([DECIDE, DecideConfig(contradiction_share=0.3, max_unknown=0)]),
)
def test_every_row_is_what_the_scalar_rule_says(
    evidence: list[list[Outcome]], planned: int, keep: KeepConfig, rules: DecideConfig
) -> None:
    ids = [f"{at:016x}" for at in range(len(evidence))]
    table = make_table(*(make_samples(id_, outcomes) for id_, outcomes in zip(ids, evidence, strict=True)))
    decided = decide_samples(
        table.sample(fraction=1, shuffle=True, seed=1), pl.DataFrame({"id": ids}), planned, Rules(keep, rules)
    )
    DECISION.validate(decided)
    assert decided["problem_id"].to_list() == ids
    for row, outcomes in zip(decided.iter_rows(named=True), evidence, strict=True):
        verdicts = Counter(verdict for verdict, _ in outcomes)
        classes = Counter(answer for verdict, answer in outcomes if verdict == "wrong" and answer is not None)
        right, lost = verdicts["correct"], verdicts["unknown"]
        votes = max(classes.values(), default=0)
        expected = decide_counts(Counts(right, votes, lost, len(outcomes), planned), Rules(keep, rules))
        assert (row["decision"], row["detail"]) == expected
        assert (row["n"], row["correct"], row["wrong"], row["unknown"]) == (
            len(outcomes),
            right,
            verdicts["wrong"],
            lost,
        )
        known = right + verdicts["wrong"]
        assert row["pass_rate"] == (right / known if known else None)
        most = max(right, votes)
        assert row["majority_share"] == (pytest.approx(most / len(outcomes)) if most else None)
        # The label where at least as many say it as say any other answer.
        first = {answer for answer, count in classes.items() if count == votes}
        assert row["majority_answer"] in ({"42"} if right and right >= votes else first or {None})


@pytest.mark.parametrize(("right", "of"), [(0, 1), (1, 1), (0, 16), (1, 16), (5, 16), (12, 16), (16, 16), (3, 200)])
def test_the_interval_is_wilsons(right: int, of: int) -> None:
    """Its ends are the rates from which the seen share lies exactly Z standard errors away (Wilson, 1927)."""
    row = decide_one([RIGHT] * right + [wrong("7")] * (of - right), planned=of)
    low, high, seen = row["pass_rate_low"], row["pass_rate_high"], right / of
    assert 0 <= low <= seen <= high <= 1
    for end in (low, high):
        # Where all or none are right, one end is exactly there.
        assert end == seen or abs(seen - end) == pytest.approx(Z * (end * (1 - end) / of) ** 0.5)
    assert (low == seen, high == seen) == (right == 0, right == of)


def test_a_contradicted_label_shows_both_answers() -> None:
    assert decide_one([wrong("$7")] * 11 + [RIGHT] * 2 + [SILENT] * 3)["detail"] == (
        "11 of 16 say $7, the label says 42 (2 agree)"
    )
    long = decide_one([wrong("7" * 500)] * 16, label="a\n b")["detail"]
    assert long.startswith("16 of 16 say 777")
    assert long.endswith("..., the label says a b (0 agree)")
    assert len(long) < 130


def test_equal_answers_in_other_words_are_one_class_named_by_its_first() -> None:
    said = [wrong("0.5"), wrong("1/2"), wrong("50%")] * 4
    rows = [{**row, "answer_key": "1/2"} for row in make_samples("a", said)]
    table = make_table(rows, [{**row, "index": 12 + row["index"]} for row in make_samples("a", [RIGHT] * 4)])
    row = decide_samples(table.reverse(), pl.DataFrame({"id": ["a"]}), 16, RULES).to_dicts()[0]
    assert (row["decision"], row["majority_answer"], row["majority_share"]) == ("label_contradicted", "0.5", 0.75)


def test_a_problem_without_samples_is_undetermined() -> None:
    decided = decide_samples(make_table(), pl.DataFrame({"id": ["a", "b"]}), 16, RULES)
    assert decided.select("decision", "detail", "n").rows() == [("undetermined", "no samples", 0)] * 2


def test_imported_samples_are_all_that_was_planned() -> None:
    outcomes = [RIGHT, SILENT, SILENT]
    assert decide_one(outcomes)["decision"] == "undetermined"
    assert decide_one(outcomes, prompt=IMPORTED)["decision"] == "keep"


def test_only_the_evidence_named_counts() -> None:
    old = make_samples("a", [RIGHT] * 16, model="old")
    table = make_table(old, make_samples("a", [SILENT] * 16, model="new"))
    problems = pl.DataFrame({"id": ["a"]})
    for model, decision in (("old", "too_easy"), ("new", "never_solved")):
        evidence = pl.DataFrame({"problem_id": ["a"], "model": [model]})
        decided = decide_samples(table, problems, 16, RULES, evidence=evidence)
        assert decided["decision"].to_list() == [decision]


def make_config(root: str, **more: Any) -> Config:
    return Config.model_validate({"run": root, "sources": [{"name": "s", "files": "none"}], **more})


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> RunFolder:
    return RunFolder(str(tmp_path / "run") if request.param == "local" else f"memory://decide-{uuid4().hex}")


def make_problems(*answers: str) -> pl.DataFrame:
    rows = [{"domain": "math", "statement": f"What gives {answer}?", "answer": answer} for answer in answers]
    return conform_rows(rows, "s")[0]


def test_a_run_is_decided_shard_by_shard_from_what_was_verified_last(folder: RunFolder) -> None:
    problems = make_problems("42", "43", "44")
    a, b, c = problems["id"]
    folder.write_table("problems/00000.parquet", problems)
    folder.write_table("problems/00001.parquet", make_problems("1"))
    folder.write_table("stages/screen/00000.parquet", problems.head(2))
    folder.write_table("stages/screen/00001.parquet", make_problems("1"))
    folder.write_table("samples/00000.parquet", make_table(make_samples(a, [LOST] * 16), make_samples(c, [RIGHT] * 16)))
    folder.write_table("samples/00000/part-00000.parquet", make_table(make_samples(a, [RIGHT] * 5 + [SILENT] * 11)))
    folder.write_table("samples/00000/part-00001.parquet", make_table(make_samples(b, [wrong("7")] * 9)))
    config = make_config(folder.root)
    assert decide_run(folder, config) == {"keep": 1, "label_contradicted": 1, "undetermined": 1}
    decided = folder.read_table("decisions/pass-1-00000.parquet")
    assert decided.select("problem_id", "decision", "n").rows() == [(a, "keep", 16), (b, "label_contradicted", 9)]
    assert decide_run(folder, config, grading_pass=2, shards=["00001"]) == {"undetermined": 1}
    assert folder.list("decisions") == [
        "decisions/pass-1-00000.parquet",
        "decisions/pass-1-00001.parquet",
        "decisions/pass-2-00001.parquet",
    ]


def test_recorded_evidence_is_used_by_every_later_decision(folder: RunFolder) -> None:
    problems = make_problems("42")
    (a,) = problems["id"]
    folder.write_table("problems/00000.parquet", problems)
    stale = make_samples(a, [RIGHT] * 16, prompt="an older prompt")
    folder.write_table("samples/00000.parquet", make_table(stale, make_samples(a, [RIGHT] * 5 + [SILENT] * 11)))
    config = make_config(folder.root)
    assert decide_run(folder, config) == {"keep": 1}
    assert folder.read_table("decisions/pass-1-00000.parquet")["n"].to_list() == [32]
    record_evidence(folder, "00000", pl.DataFrame({"problem_id": [a], "prompt": ["p"], "model": ["m"]}))
    decide_run(folder, config)
    assert folder.read_table("decisions/pass-1-00000.parquet")["n"].to_list() == [16]
    assert read_evidence(folder, "00000", ["samples/00000.parquet"]).height == 16


def test_decisions_of_a_shard_that_is_gone_are_removed(folder: RunFolder) -> None:
    for shard in ("00000", "00001"):
        folder.write_table(f"problems/{shard}.parquet", make_problems("42"))
    decide_run(folder, make_config(folder.root))
    folder.remove("problems/00001.parquet")
    decide_run(folder, make_config(folder.root))
    assert folder.list("decisions") == ["decisions/pass-1-00000.parquet"]


def test_unequal_numbers_of_samples_are_decided_by_what_they_say_of_the_rate(folder: RunFolder) -> None:
    """Another window needs more samples of some; the expected errors stand beside the decisions while they are such."""
    problems = make_problems("42", "43", "44", "45")
    folder.write_table("problems/00000.parquet", problems)
    taken = ([RIGHT, SILENT] * 4, [RIGHT] * 14, [SILENT] * 24, [SILENT] * 3)
    samples = [make_samples(id_, said) for id_, said in zip(problems["id"], taken, strict=True)]
    folder.write_table("samples/00000.parquet", make_table(*samples))
    config = make_config(folder.root, sampling={"stop": "confident"})
    assert decide_run(folder, config) == {"keep": 1, "never_solved": 1, "too_easy": 1, "undetermined": 1}
    decided = folder.read_table("decisions/pass-1-00000.parquet")
    assert decided["decision"].to_list() == ["keep", "too_easy", "never_solved", "undetermined"]
    assert "1 or more samples could change this" in decided["detail"][3], "three are fewer than the floor"
    assert folder.read_json("decisions/pass-1-00000.json")["problems"] == 4
    narrow = make_config(folder.root, sampling={"stop": "confident"}, keep={"max": 8})
    assert decide_run(folder, narrow)["undetermined"] == 2
    decide_run(folder, make_config(folder.root))
    assert folder.list("decisions", ".json") == []


@pytest.mark.parametrize("marked", [True, False], ids=["samples name their pass", "samples of older runs"])
def test_the_first_pass_decides_the_same_after_the_second(folder: RunFolder, marked: bool) -> None:
    problems = make_problems(*(str(number) for number in range(20)))
    ids = problems["id"].to_list()
    copy = {"answer": "7", "problem_id": "f" * 16, "source": "s", "origin": "dedup"}
    candidates = pl.Series("label_candidates", [[copy]] + [[]] * 19, dtype=PROBLEM_DTYPES["label_candidates"])
    folder.write_table("problems/00000.parquet", problems.with_columns(candidates))
    passes: list[dict[str, Any]] = [{"grading_pass": number if marked else None} for number in (1, 2)]
    first = [make_samples(id_, [RIGHT] * 5 + [wrong("7")] * 5 + [SILENT] * 6, **passes[0]) for id_ in ids]
    folder.write_table("samples/00000.parquet", make_table(*first))
    record_evidence(folder, "00000", pl.DataFrame({"problem_id": ids, "model": ["m"] * 20}))
    config = make_config(folder.root)
    assert decide_run(folder, config) == {"keep": 19, "undetermined": 1}
    decided = folder.read_table("decisions/pass-1-00000.parquet")
    second = [make_samples(id_, [RIGHT] * 12 + [wrong("7")] * 4, model="trained", **passes[1]) for id_ in ids[1:]]
    second.append(make_samples(ids[0], [wrong("7")] * 16, model="trained", **passes[1]))
    folder.write_table("samples/00000/part-00000.parquet", make_table(*second))
    record_evidence(folder, "00000", pl.DataFrame({"problem_id": ids, "model": ["trained"] * 20}), 2)
    decide_run(folder, config, 2)
    regraded = folder.read_table("decisions/pass-2-00000.parquet")
    assert dict(regraded.select("problem_id", "repaired_label").iter_rows())[ids[0]] == "7"
    decide_run(folder, config)
    assert folder.read_table("decisions/pass-1-00000.parquet").equals(decided)
    assert set(folder.read_table("rates/00000.parquet")["model"]) == {"m", "trained"}


def make_second_pass(folder: RunFolder) -> tuple[list[str], Config]:
    """600 problems, 200 each that the first pass solved always, four times of 16 and never. The second has asked 50 of
    each four times, and got the same.
    """
    problems = make_problems(*(str(number) for number in range(600)))
    folder.write_table("problems/00000.parquet", problems)
    right = [16] * 200 + [4] * 200 + [0] * 200
    first, second = list[list[dict[str, Any]]](), list[list[dict[str, Any]]]()
    for at, (id_, n) in enumerate(zip(problems["id"], right, strict=True)):
        first.append(make_samples(id_, [RIGHT] * n + [SILENT] * (16 - n)))
        if at % 200 < 50:
            second.append(make_samples(id_, [RIGHT] * (n // 4) + [SILENT] * (4 - n // 4), model="trained"))
    folder.write_table("samples/00000.parquet", make_table(*first, *second))
    ids = problems["id"].to_list()
    for grading_pass, model in ((1, "m"), (2, "trained")):
        evidence = pl.DataFrame({"problem_id": ids, "model": [model] * len(ids)})
        record_evidence(folder, "00000", evidence, grading_pass)
    config = make_config(folder.root, sampling={"stop": "confident", "n_max": 16, "confidence": 0.5})
    decide_run(folder, config)
    return ids, config


def test_the_second_pass_decides_what_it_did_not_ask_by_the_first(folder: RunFolder) -> None:
    ids, config = make_second_pass(folder)
    decide_run(folder, config, 2)
    decided = folder.read_table("decisions/pass-2-00000.parquet")
    DECISION.validate(decided)
    rows = dict(zip(ids, decided.to_dicts(), strict=True))
    easy = rows[ids[199]]
    assert (easy["n"], easy["pass_rate"], easy["decision"]) == (0, None, "too_easy")
    assert easy["detail"].startswith("not asked: ")
    assert 0.9 < easy["forecast"] <= easy["forecast_high"] <= 1
    assert easy["forecast_low"] <= easy["forecast"]
    assert rows[ids[399]]["decision"] == "undetermined", "what would be kept is asked for"
    assert 0.1 < rows[ids[399]]["forecast"] < 0.4
    assert (decided.filter(decision="keep")["n"] > 0).all()
    unasked = [id_ for at, id_ in enumerate(ids) if at % 200 >= 50 and not is_audited(id_, config.sampling)]
    assert folder.read_json("decisions/pass-2-00000.json")["unasked"] == len(unasked)
    first = folder.read_table("decisions/pass-1-00000.parquet")
    assert first["forecast"].null_count() == 0
    decide_run(folder, make_config(folder.root))
    assert folder.read_table("decisions/pass-1-00000.parquet")["forecast"].null_count() == 600


def test_what_is_kept_by_a_forecast_says_so_in_its_row(folder: RunFolder) -> None:
    ids, config = make_second_pass(folder)
    config = config.model_copy(update={"keep": KeepConfig(forecast=True)})
    decide_run(folder, config, 2)
    publish_curated(folder, config, 2)
    check_counts(folder)
    curated = {row["id"]: row for row in folder.read_table("curated/00000.parquet").iter_rows(named=True)}
    assert ids[199] not in curated
    row = curated[ids[399]]
    assert (row["n"], row["pass_rate"], row["band"]) == (0, None, None)
    assert row["history"][-1]["detail"].startswith("not asked: a pass rate of ")


def test_decisions_are_compared_as_moves() -> None:
    def table(**decisions: str) -> pl.DataFrame:
        return pl.DataFrame({"problem_id": list(decisions), "decision": list(decisions.values())})

    moves = compare_decisions(
        table(a="keep", b="keep", c="too_easy", d="keep"), table(a="keep", b="too_easy", c="too_easy", e="keep")
    )
    assert moves["problems"].sum() == 5
    assert set(moves.rows()) == {
        ("keep", "keep", 1),
        ("keep", "too_easy", 1),
        ("too_easy", "too_easy", 1),
        ("keep", None, 1),
        (None, "keep", 1),
    }


def test_programs_have_no_majority_and_contradict_no_label() -> None:
    groups = [("a", 9, 7), ("b", 0, 16), ("c", 16, 0)]
    samples = make_table(
        *(make_samples(name, [("correct", None)] * right + [SILENT] * other) for name, right, other in groups)
    ).with_columns(pl.lit("def f(): pass").alias("answer"))
    decided = decide_samples(samples, pl.DataFrame({"id": ["a", "b", "c"]}), 16, RULES)
    assert decided["decision"].to_list() == ["keep", "never_solved", "too_easy"]
    assert decided["correct"].to_list() == [9, 0, 16]
    assert decided["majority_answer"].null_count() == decided["majority_share"].null_count() == 3

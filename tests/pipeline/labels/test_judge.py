"""What becomes of a label once the witnesses are heard; from rows of problems and samples to outcomes."""

import json
from typing import Any

import polars as pl
import pytest

from benchmarks.label_witnesses import simulate
from pipeline.labels.gather import VOTE_DTYPES, gather_votes, read_solution
from pipeline.labels.judge import Witnesses, judge_labels, learn_witnesses
from schemas.config import LabelsConfig
from schemas.label import LABEL
from schemas.problem import PROBLEM_DTYPES
from schemas.sample import SAMPLE_DTYPES

COLUMNS = ("id", "answer", "label_candidates", "extra")
CONFIG = LabelsConfig()


def problem(number: int, answer: str | None = "7", **columns: Any) -> dict[str, Any]:
    return {"id": f"{number:016x}", "answer": answer, "label_candidates": None, "extra": None, **columns}


def say(number: int, model: str, *answers: str, label: str = "7") -> list[dict[str, Any]]:
    return [
        {
            "problem_id": f"{number:016x}",
            "model": model,
            "answer": answer,
            "answer_key": answer,
            "verdict": "correct" if answer == label else "wrong",
            "verdict_detail": "",
        }
        for answer in answers
    ]


def vote(problems: list[dict[str, Any]], samples: list[dict[str, Any]], **options: Any) -> pl.DataFrame:
    told = pl.DataFrame(problems, schema={name: PROBLEM_DTYPES[name] for name in COLUMNS})
    names = ("problem_id", "model", "answer", "answer_key", "verdict", "verdict_detail")
    return gather_votes(told, pl.DataFrame(samples, schema={name: SAMPLE_DTYPES[name] for name in names}), **options)


def judge(votes: pl.DataFrame, config: LabelsConfig = CONFIG) -> list[dict[str, Any]]:
    judged = judge_labels(votes, learn_witnesses(votes), config)
    LABEL.validate(judged)
    return judged.to_dicts()


AROUND = [problem(number) for number in range(10, 60)]
AGREED = [row for number in range(10, 60) for model in ("a", "b", "c") for row in say(number, model, "7")]
"""Fifty problems on which three graders and the label agree: what makes the graders trusted."""


def test_three_trusted_graders_repair_a_label() -> None:
    wrong = [row for model in ("a", "b", "c") for row in say(1, model, "8", "8", "8", "8")]
    first = judge(vote([problem(1), *AROUND], wrong + AGREED))[0]
    assert (first["outcome"], first["answer"], first["label"]) == ("repaired", "8", "7")
    assert first["backing"] == ["grader a", "grader b", "grader c"]
    assert first["posterior"] >= CONFIG.sure
    assert {witness["witness"] for witness in first["witnesses"]} == {"label", "a", "b", "c"}


def test_without_repair_the_label_is_contradicted() -> None:
    wrong = [row for model in ("a", "b", "c") for row in say(1, model, "8", "8", "8", "8")]
    votes = vote([problem(1), *AROUND], wrong + AGREED)
    assert judge(votes, LabelsConfig(repair=False))[0]["outcome"] == "contradicted"
    assert judge(votes, LabelsConfig(kinds=4))[0]["outcome"] == "contradicted"


def test_one_grader_alone_overrules_nothing() -> None:
    lone = [row for row in AGREED if row["model"] == "a"]
    first = judge(vote([problem(1), *AROUND], say(1, "a", *["8"] * 16) + lone))[0]
    assert (first["outcome"], first["independent"]) == ("kept", 1)


def test_a_checkpoint_and_the_model_that_it_was_trained_from_are_one_kind() -> None:
    samples = say(1, "a", "8", "8") + say(1, "run/training/a", "8", "8")
    votes = vote([problem(1)], samples, same_grader=lambda model: model.rpartition("/")[2])
    assert judge(votes)[0]["independent"] == 1


def test_graders_that_do_not_agree_leave_it_undetermined_or_kept() -> None:
    samples = say(1, "a", "8", "8", "9") + say(1, "b", "9", "10", "7") + say(1, "c", "11", "12", "8")
    assert judge(vote([problem(1), *AROUND], samples + AGREED))[0]["outcome"] in ("kept", "undetermined")


def candidate(answer: str, source: str = "other", origin: str = "clash") -> dict[str, Any]:
    return {
        "answer": answer,
        "origin": origin,
        "problem_id": "f" * 16,
        "source": source,
        "source_id": "x",
        "detail": "copy",
    }


def test_of_two_clashing_copies_the_one_that_the_grader_reaches_is_kept_and_the_other_goes() -> None:
    problems = [
        problem(1, "7", label_candidates=[candidate("8")]),
        problem(2, "8", label_candidates=[candidate("7")]),
    ]
    samples = say(1, "a", *["8"] * 16) + say(2, "a", *["8"] * 16, label="8") + AGREED
    first, second, *_ = judge(vote([*problems, *AROUND], samples))
    assert first["clash"]
    assert second["clash"]
    assert second["outcome"] == "kept"
    # Not repaired: the copy that says 8 stands in the set already.
    assert first["outcome"] in ("contradicted", "undetermined")


def test_a_clash_that_nobody_solves_is_never_one_of_the_labels_by_default() -> None:
    clash = problem(1, "7", label_candidates=[candidate("8")])
    first = judge(vote([clash, *AROUND], say(1, "a", "1", "2", "3", "4") + AGREED))[0]
    assert first["outcome"] == "undetermined"


def test_one_model_that_reaches_two_labels_of_a_clash_chooses_none_of_them() -> None:
    clash = problem(1, "7", label_candidates=[candidate("8")])
    others = [row for row in AGREED if row["model"] == "a"]
    unanimous = judge(vote([clash, *AROUND], say(1, "a", *["7"] * 14, "1", "2") + others))[0]
    torn = judge(vote([clash, *AROUND], say(1, "a", *["7"] * 14, "8", "8") + others))[0]
    assert (unanimous["outcome"], torn["outcome"]) == ("kept", "undetermined")


def test_two_models_and_a_person_each_choose_between_labels_that_a_model_reached() -> None:
    clash = problem(1, "7", label_candidates=[candidate("8")])
    torn = say(1, "a", *["7"] * 14, "8", "8")
    assert judge(vote([clash, *AROUND], torn + say(1, "b", *["7"] * 16) + AGREED))[0]["outcome"] == "kept"
    assert judge(vote([clash, *AROUND], torn + AGREED, rulings={f"{1:016x}": "7"}))[0]["outcome"] == "kept"


def test_a_copy_with_the_same_value_in_another_writing_is_no_clash() -> None:
    same = problem(1, "1/2", label_candidates=[candidate("0.5", origin="duplicate")])
    first = judge(vote([same], say(1, "a", "1/2", label="1/2")))[0]
    assert (first["clash"], first["outcome"], first["independent"]) == (False, "kept", 1)


@pytest.mark.parametrize(
    ("solution", "answer"), [("... so 2 + 6 = 8.\n#### 8", "8"), ("Thus \\boxed{8}.", "8"), (" ", None)]
)
def test_the_answer_of_a_worked_solution_is_read(solution: str, answer: str | None) -> None:
    assert read_solution(json.dumps({"solution": solution})) == answer


def test_a_solution_that_differs_is_a_witness_and_one_that_agrees_is_not_heard_twice() -> None:
    said = [problem(n, extra=json.dumps({"solution": f"#### {answer}"})) for n, answer in ((1, "8"), (2, "7.0"))]
    votes = vote(said, [])
    assert votes.filter(pl.col("kind") == "solution")["problem_id"].to_list() == [f"{1:016x}"]
    assert votes.filter(pl.col("kind") == "label")["witness"].to_list() == [
        "label, solution differs",
        "label, solution agrees",
    ]


def test_a_person_outweighs_one_grader() -> None:
    votes = vote([problem(1), *AROUND], say(1, "a", "7", "7", "8") + AGREED, rulings={f"{1:016x}": "8"})
    first = judge(votes)[0]
    assert first["answer"] == "8"
    assert "person" in first["backing"] or first["outcome"] != "kept"


def test_samples_without_an_answer_a_verdict_or_the_format_say_nothing() -> None:
    broken = [dict(row, verdict="wrong", verdict_detail="format: no think tags") for row in say(1, "a", "7")]
    silent = [dict(row, verdict="unknown") for row in say(1, "b", "8")] + [dict(say(1, "c", "8")[0], answer_key=None)]
    assert vote([problem(1)], broken + silent)["kind"].to_list() == ["label"]


def test_a_problem_without_a_label_has_no_witnesses() -> None:
    assert vote([problem(1, None)], say(1, "a", "7")).is_empty()


def test_an_empty_run_teaches_nothing_and_fails_nothing() -> None:
    nothing = pl.DataFrame(schema=VOTE_DTYPES)
    assert judge_labels(nothing, learn_witnesses(nothing), CONFIG).is_empty()


def test_a_witness_that_was_not_there_when_coins_were_learned_counts_by_its_prior() -> None:
    learned = learn_witnesses(vote(AROUND, AGREED))
    new = judge_labels(vote([problem(1)], say(1, "new", "8")), learned, CONFIG).to_dicts()[0]
    assert 0.3 < new["witnesses"][1]["reliability"] < 0.9


def test_what_was_learned_survives_its_file() -> None:
    learned = learn_witnesses(vote(AROUND, AGREED))
    again = Witnesses.from_json(json.loads(json.dumps(learned.to_json())))
    votes = vote([problem(1)], say(1, "a", "8") + say(1, "b", "8"))
    assert judge_labels(votes, learned, CONFIG).equals(judge_labels(votes, again, CONFIG))


@pytest.mark.parametrize("seed", range(4))
def test_over_a_run_made_by_another_model_posteriors_are_calibrated_and_what_falls_is_wrong(seed: int) -> None:
    votes, truth = simulate(seed, problems=800)
    judged = judge_labels(votes, learn_witnesses(votes), CONFIG)
    right = (judged["answer"] == pl.Series(truth)).to_numpy()
    sure = judged["posterior"].to_numpy() >= CONFIG.sure
    assert right[sure].mean() > 0.97
    fallen = judged.filter(pl.col("outcome").is_in(["repaired", "contradicted"]))
    wrong = (judged["label"] != pl.Series(truth)).sum()
    assert (fallen["label"] != "right").mean() > 0.93
    assert fallen.height > 0.3 * wrong
    assert learn_witnesses(votes).calibration.error < 0.15

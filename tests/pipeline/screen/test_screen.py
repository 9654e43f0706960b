"""Screening a table: nothing lost, nothing invented, each row with one reason."""

import json
import random
from concurrent.futures import Future
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.screen import screen, screen_problem
from pipeline.stages import find_stage
from pipeline.verify.pool import MathPool, Outcome, VerifierLost, share_pool
from schemas.config import Config, ScreenConfig, VerifyConfig
from schemas.conform import conform_rows
from schemas.problem import PROBLEM_DTYPES
from schemas.reasons import Reason, Verdict
from schemas.suspects import find_suspects

PIECES = [
    *"aA1b()$\\[]{}.?,:;|&\n \t_*#'\"",
    "find ",
    "(a) ",
    "A) ",
    "prove that ",
    "\\begin{x}",
    "求",
    "as shown",
    "What is 2 + 2? ",
]
SUSPICION_IS_ENOUGH = ScreenConfig(suspects="reject")
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def table(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([{"domain": "math", "statement": None, "answer": None, **row} for row in rows])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(TEXTS, st.one_of(st.none(), st.sampled_from(["7", "B", "yes", "", "(a) 1; (b) 2"]))), max_size=6)
)
def test_every_row_is_kept_or_rejected_in_order(rows: list[tuple[str, str | None]]) -> None:
    problems = pl.DataFrame(
        {"n": range(len(rows)), "statement": [row[0] for row in rows], "answer": [row[1] for row in rows]},
        schema={"n": pl.Int64, "statement": pl.String, "answer": pl.String},
    )
    kept, rejected = screen(problems, ScreenConfig())
    assert kept.columns == problems.columns
    assert rejected.columns == [*problems.columns, "stage", "reason", "detail"]
    assert sorted([*kept["n"], *rejected["n"]]) == list(range(len(rows)))
    assert kept["n"].is_sorted()
    assert rejected["n"].is_sorted()
    assert set(rejected["reason"]) <= {reason.value for reason in Reason}
    assert all(detail for detail in rejected["detail"])


def test_what_is_kept_is_kept_again() -> None:
    problems = table(
        {"statement": "What is 2 + 2?\nA) 3 B) 4 C) 5", "answer": "B"},
        {"statement": "Find the greatest common factor of $1001$ and $2431.$", "answer": "143"},
    )
    once, _ = screen(problems, ScreenConfig())
    twice, rejected = screen(once, ScreenConfig())
    assert rejected.is_empty()
    assert twice.equals(once)


def test_a_rewritten_row_tells_what_it_was() -> None:
    row = {"statement": "What is 2 + 2?\nA) 3 B) 4 C) 5", "answer": "B", "history": []}
    problems = pl.DataFrame(
        [row, {"statement": "What is 2 + 3?", "answer": "5", "history": []}],
        schema_overrides={"history": PROBLEM_DTYPES["history"]},
    )
    kept, _ = screen(problems, ScreenConfig())
    assert kept.select("statement", "answer").rows() == [("What is 2 + 2?", "4"), ("What is 2 + 3?", "5")]
    entry = kept["history"][0][0]
    assert (entry["stage"], entry["action"]) == ("screen", "rewritten")
    assert json.loads(entry["detail"]) == {"statement": row["statement"], "answer": "B"}
    assert kept["history"][1].is_empty()
    assert kept.schema == problems.schema


def suspect(*rows: dict[str, object], **knobs: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    problems, invalid = conform_rows([{"domain": "math", **row} for row in rows], "mine")
    assert invalid.is_empty()
    return screen(problems, ScreenConfig(**knobs))  # type: ignore[arg-type]


SUSPECTS: list[dict[str, object]] = [
    {"statement": "If $xy = 6$ and $x + y = 5$, the larger of the two numbers is closest to", "answer": "3"},
    {"statement": "In the diagram, $ABCD$ is a square of side 4. Find its area.", "answer": "16"},
    {"statement": "Which of the following is a prime number?", "answer": "7"},
    {
        "statement": "Find all $x$ with $x^2 = x$.",
        "answer": "it depends on what you mean by a solution of the equation",
    },
]


def test_a_suspect_goes_on_with_its_suspicion_in_its_history() -> None:
    kept, rejected = suspect(*SUSPECTS, {"statement": "What is $2 + 3$?", "answer": "5"})
    assert rejected.is_empty()
    told = find_suspects(kept)
    assert told["problem_id"].to_list() == kept["id"].to_list()[:4]
    assert told["suspicion"].to_list() == [
        "incomplete",
        "figure_dependent",
        "choice_dependent",
        "unverifiable_answer",
    ]
    assert told["unreadable"].to_list() == [False, False, False, True]
    assert kept["history"][0].to_list() == [
        {"stage": "screen", "action": "suspected", "detail": "incomplete: ends in 'to'"}
    ]


def test_where_suspicion_is_enough_it_is_told_apart_from_knowledge() -> None:
    kept, rejected = suspect(*SUSPECTS, {"statement": "", "answer": "5"}, suspects="reject")
    assert kept.is_empty()
    assert rejected["reason"].to_list()[:4] == find_suspects(suspect(*SUSPECTS)[0])["suspicion"].to_list()
    assert rejected["detail"].str.starts_with("suspected: ").to_list() == [True] * 4 + [False]


def test_several_questions_are_rejected_or_suspected_to_ask_the_last() -> None:
    row: dict[str, object] = {"statement": "(a) Find $2 + 3$. (b) What is $4 + 5$?", "answer": "9"}
    assert suspect(row)[1]["reason"].to_list() == ["multi_part"]
    kept, rejected = suspect(row, {**row, "answer": "(a) 5 (b) 9"}, multi_part="last")
    assert find_suspects(kept)["suspicion"].to_list() == ["multi_part"]
    assert rejected["reason"].to_list() == ["multi_part"]


def test_a_table_without_history_is_screened_all_the_same() -> None:
    kept, rejected = screen(table(*SUSPECTS), ScreenConfig())
    assert (kept.height, rejected.height) == (4, 0)
    assert find_suspects(kept).is_empty()


def test_code_only_needs_a_statement() -> None:
    code: list[dict[str, object]] = [
        {"domain": "code", "statement": "Prove that (a) f (b) g", "answer": None},
        {"domain": "code", "statement": " \n", "answer": None},
    ]
    kept, rejected = screen(table(*code), ScreenConfig())
    assert len(kept) == 1
    assert rejected["reason"].to_list() == ["incomplete"]


def test_the_column_that_is_needed_is_named() -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="'statement'"):
        screen(pl.DataFrame({"problem": ["x"]}), ScreenConfig())


def test_an_empty_table_stays_one() -> None:
    empty = pl.DataFrame(schema={"statement": pl.String, "answer": pl.String})
    kept, rejected = screen(empty, ScreenConfig())
    assert len(kept) == len(rejected) == 0


def test_labels_that_need_a_parser_are_checked_together() -> None:
    problems = table(
        {
            "statement": "Find the vector from $(0,0)$ to $(1,2)$.",
            "answer": "\\int_0^x t \\sin t \\, dt",
            "history": [],
        },
        {
            "statement": "Solve $y' = 0$.",
            "answer": "it depends on what you mean by a solution of the equation",
            "history": [],
        },
    ).cast({"history": PROBLEM_DTYPES["history"]})
    kept, rejected = screen(problems, SUSPICION_IS_ENOUGH)
    assert len(kept) == 1
    assert rejected["reason"].to_list() == ["unverifiable_answer"]
    kept, rejected = screen(problems, ScreenConfig())
    assert rejected.is_empty()
    assert [[entry["action"] for entry in history] for history in kept["history"]] == [[], ["suspected"]]


def test_the_stage_checks_labels_with_the_verify_sections_settings() -> None:
    verify = VerifyConfig(workers=1, timeout=31.0, memory_mb=768)
    config = Config.model_validate({"run": "x", "sources": [{"name": "a", "files": "b"}], "verify": verify})
    row = {
        "statement": "Find the vector from $(0,0)$ to $(1,2)$.",
        "answer": "\\int_0^x t \\sin t \\, dt",
    }
    with share_pool(verify) as pool:
        assert not pool.started
        kept = find_stage("screen").apply(table(row), config).kept
        assert len(kept) == 1
        assert pool.started
        assert (pool.workers, pool.timeout, pool.memory) == (1, 31.0, 768 << 20)


def test_a_parser_that_does_not_start_says_nothing_of_a_label() -> None:
    lost = Outcome(Verdict.UNKNOWN, "the verifier's process does not start")
    pool = MathPool()
    pool.submit = lambda label, answer: _said(lost)  # type: ignore[method-assign]
    row = {
        "statement": "Find the vector from $(0,0)$ to $(1,2)$.",
        "answer": "\\int_0^x t \\sin t \\, dt",
    }
    with pytest.raises(VerifierLost):
        screen(table(row), ScreenConfig(), pool)


def _said(outcome: Outcome) -> "Future[Outcome]":
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future


def test_the_truth_set_meets_the_aims(shared_data: Path) -> None:
    from benchmarks.screen_math import measure_truth

    classes = measure_truth(lambda problems: screen(problems, SUSPICION_IS_ENOUGH))
    short = {label: row for label, row in classes.items() if row["aim"] and row["right"] < row["aim"]}
    assert not short
    assert classes["multi_value_answer"]["right"] == 1
    assert classes["figure_as_asy_code"]["right"] == 1


@pytest.mark.parametrize("name", ["gsm8k-test", "mgsm-mgsm", "matharena-problems"])
def test_real_problems_stay(shared_data: Path, name: str) -> None:
    from benchmarks.screen_math import read_rows, to_problems

    rows = [row for row in read_rows(shared_data / f"{name}.jsonl") if row.get("answer")]
    _, rejected = screen(to_problems([{**row, "id": str(n)} for n, row in enumerate(rows)]), SUSPICION_IS_ENOUGH)
    assert len(rejected) <= 0.01 * len(rows), rejected.select("statement", "reason", "detail").rows()


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_generated_problems_stay() -> None:
    pytest.importorskip("reasoning_gym")
    from benchmarks.screen_math import measure_generated

    report = measure_generated(lambda problems: screen(problems, SUSPICION_IS_ENOUGH))
    assert report["count"] > 250
    assert report["rejected"] <= 0.02, report["examples"]


def test_cut_problems_are_suspected(shared_data: Path) -> None:
    from benchmarks.screen_math import read_rows

    benches = ("gsm8k_test", "math500", "aime_2024", "aime_2025")
    rows = [row for row in read_rows(shared_data / "contamination-benchmarks.jsonl") if row.get("bench") in benches]
    draw = random.Random(7)
    cuts = [row["text"][: draw.randrange(len(row["text"]) // 5, len(row["text"]) - 5)] for row in rows]
    told = [screen_problem({"statement": cut, "answer": "7"}, ScreenConfig()) for cut in cuts]
    gone = [isinstance(outcome, tuple) or bool(outcome.suspicions) for outcome in told]
    assert sum(gone) >= 0.95 * len(gone)

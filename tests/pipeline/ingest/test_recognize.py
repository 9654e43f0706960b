"""Rows that nobody described are read by what stands in them, and rows that nothing fits are asked about."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.recognize import recognise, suggest_columns
from pipeline.ingest.recognize.answers import read_label
from pipeline.ingest.recognize.instructions import strip_instructions
from pipeline.ingest.source import open_source, read_source
from schemas.config import Source
from schemas.conform import conform_rows
from schemas.errors import InputError
from tests.pipeline.ingest.row_files import write_rows
from tests.pipeline.ingest.row_forms import BUS, DICE, FORMS, ODD, ROOT
from tests.pipeline.ingest.row_forms_more import MORE_FORMS

ALL_FORMS = FORMS | MORE_FORMS


@pytest.mark.parametrize("name", ALL_FORMS)
def test_a_form_of_a_public_set_needs_no_mapping(name: str, tmp_path: Path) -> None:
    form = ALL_FORMS[name]
    opened = open_source(Source(name="mine", files=write_rows(tmp_path, *(row.row for row in form))))
    assert opened.about is not None
    problems, rejected = conform_rows(opened.rows, "mine")
    assert rejected.is_empty(), rejected["detail"].to_list()
    for problem, wanted in zip(problems.to_dicts(), form, strict=True):
        assert problem["statement"] == wanted.statement
        assert problem["answer"] == wanted.answer
        assert problem["language"] == wanted.language
        assert problem["domain"] == ("math" if wanted.tests is None else "code")
        assert json.loads(problem["extra"] or "{}").get("options") == wanted.options
        assert len(problem["tests"] or ()) == (wanted.tests or 0)
        assert len(problem["solutions"] or ()) == wanted.programs
        assert problem["entry_point"] == wanted.function


@pytest.mark.parametrize("depth", [1, 2])
def test_problems_in_a_list_of_each_row_are_rows(depth: int, tmp_path: Path) -> None:
    contests: list[dict[str, Any]] = [
        {"year": 2020, "problems": [{"problem": BUS, "answer": "288"}, {"problem": ODD, "answer": "81", "year": 2019}]},
        {"year": 2021, "problems": [{"problem": ROOT, "answer": "4"}]},
    ]
    rows = contests if depth == 1 else [{"series": "own", "contests": contests}, {"series": "none", "contests": []}]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = Source(name="set", files=str(tmp_path / "set.jsonl"), limit=2)
    read = list(read_source(source))
    assert [(row["statement"], row["answer"], row["year"]) for row in read] == [(BUS, "288", 2020), (ODD, "81", 2019)]


def test_a_file_that_its_path_names_a_language_of_is_in_it(tmp_path: Path) -> None:
    problems = {
        "en": "A box holds 12 eggs and Ann takes 5 of them. How many eggs are left in the box?",
        "es": "Una caja contiene 12 huevos y Ana toma 5 de ellos. ¿Cuántos huevos quedan en la caja?",
        "fr": "Une boîte contient 12 œufs et Anne en prend 5. Combien d'œufs reste-t-il dans la boîte ?",
        "it": "$12 - 5$",
    }
    for language, text in problems.items():
        (tmp_path / language).mkdir()
        numbers = range(12, 312 if language == "en" else 14)
        rows = [{"question": text.replace("12", str(n)), "answer": str(n - 5)} for n in numbers]
        (tmp_path / language / "low.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    read = list(read_source(Source(name="set", files=str(tmp_path))))
    assert {(row["statement"], row["language"]) for row in read} == {
        (text.replace("12", str(n)), language if language != "it" else "en")
        for language, text in problems.items()
        for n in range(12, 312 if language == "en" else 14)
    }


def test_tests_as_text_are_not_those_of_the_contract(tmp_path: Path) -> None:
    tests = json.dumps([{"input": "1 2\n", "output": "3\n"}])
    row = {"statement": "Print the sum of the two integers on one line.", "tests": tests}
    (tmp_path / "set.jsonl").write_text(json.dumps(row) + "\n")
    (read,) = read_source(Source(name="set", files=str(tmp_path / "set.jsonl")))
    assert [(test["input"], test["expected"]) for test in read["tests"]] == [("1 2\n", "3\n")]


def test_a_config_goes_over_what_is_recognised(tmp_path: Path) -> None:
    files = write_rows(tmp_path, {"question": BUS, "answer": "288", "short": "$289$"})
    source = Source(name="m", files=files, columns={"answer": "short"}, language="de", domain="math")
    [row] = open_source(source).rows
    assert (row["statement"], row["answer"], row["language"]) == (BUS, "289", "de")


def test_rows_with_the_names_of_the_contract_are_read_by_them(tmp_path: Path) -> None:
    files = write_rows(tmp_path, {"statement": BUS, "answer": "288", "question": ODD})
    opened = open_source(Source(name="m", files=files))
    assert opened.about is None
    assert next(opened.rows)["statement"] == BUS


def test_columns_of_other_names_are_asked_for_with_a_likely_mapping(tmp_path: Path) -> None:
    files = write_rows(
        tmp_path,
        {"Nr": 1, "Text A": BUS, "Soll": "288", "Ist": "9"},
        {"Nr": 2, "Text A": ODD, "Soll": "81", "Ist": "7"},
    )
    with pytest.raises(InputError, match=r"likely: `columns: \{statement: Text A, answer: Soll\}`"):
        open_source(Source(name="m", files=files))


def test_a_wrong_path_is_answered_with_the_keys_that_are_there(tmp_path: Path) -> None:
    files = write_rows(tmp_path, {"q": BUS, "reward_model": {"ground_truth": "288", "style": "rule"}})
    columns = {"statement": "q", "answer": "reward_model.groundtruth"}
    with pytest.raises(
        InputError, match=r"'reward_model' has: ground_truth, style, did you mean 'reward_model.ground_"
    ):
        open_source(Source(name="m", files=files, columns=columns))


def test_nothing_is_recognised_where_no_column_has_text() -> None:
    assert recognise([{"question": "7", "answer": "8"}, {"question": "9", "answer": "10"}]) is None
    assert suggest_columns([{"a": 1}]) is None


def test_a_constant_column_is_not_the_statement() -> None:
    rows = [
        {"prompt": "Answer the question that follows.", "question": text, "answer": "1"} for text in (BUS, ODD, ROOT)
    ]
    reading = recognise(rows)
    assert reading is not None
    assert [reading.shape(row)["statement"] for row in rows] == [BUS, ODD, ROOT]


def test_an_index_wins_over_an_option_that_reads_like_it() -> None:
    rows = [
        {"question": text, "choices": ["0", "2", "1", "3"], "answer": at}
        for text, at in ((BUS, 2), (ODD, 0), (DICE, 3))
    ]
    reading = recognise(rows)
    assert reading is not None
    assert [reading.shape(row)["answer"] for row in rows] == ["1", "0", "3"]


INSTRUCTIONS = (
    "Please reason step by step, and put your final answer within \\boxed{}.",
    'Let\'s think step by step and output the final answer after "####".',
    "Present the answer in LaTex format: \\boxed{Your answer}.",
    'Remember to put your answer on its own line after "Answer:".',
    "Return your final response within \\boxed{}.",
    "The reasoning process and answer are enclosed within <think> </think> and <answer> </answer> tags.",
    "请逐步推理，并将最终答案放在 \\boxed{} 中。",
)
PART_OF_THE_PROBLEM = (
    "Express your answer as a common fraction.",
    "Give your answer in the form $a+b\\sqrt{c}$.",
    "Round to two decimal places.",
    "Write the answer in simplest form.",
    "Give only the number.",
)


@given(
    st.sampled_from((BUS, ODD, ROOT, DICE)),
    st.sampled_from(("", *PART_OF_THE_PROBLEM)),
    st.lists(st.sampled_from(INSTRUCTIONS), max_size=2),
    st.sampled_from((" ", "\n", "\n\n")),
    st.booleans(),
)
def test_instructions_go_and_what_the_problem_asks_stays(
    problem: str, asked: str, instructions: list[str], between: str, first: bool
) -> None:
    whole = f"{problem} {asked}".strip()
    parts = [*instructions, whole] if first else [whole, *instructions]
    assert strip_instructions(between.join(parts)) == whole


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("9 (apples)", "9 apples"),
        ("3/8 (miles)", "3/8 miles"),
        ("1(5/6)", "11/6"),
        ("-2(1/3)", "-7/3"),
        ("2(5/3)", "2(5/3)"),
        ("Rs.160", "160"),
        ("Rs. 1,200", "1,200"),
        ("45'", "45'"),
        ("f(3)", "f(3)"),
        ("(2, 3)", "(2, 3)"),
        ("2(x+1)", "2(x+1)"),
    ],
)
def test_labels_as_people_write_them(given: str, read: str) -> None:
    assert read_label(given, "given") == read

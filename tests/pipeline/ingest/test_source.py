"""Columns are mapped as the config says, nothing that a source says is lost, and a wrong name is refused at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.source import PEEK, read_source
from schemas.config import Source
from schemas.conform import InvalidRow, conform_rows
from schemas.errors import InputError
from tests.pipeline.ingest.row_files import write_rows


def shaped(source: Source) -> list[dict[str, Any]]:
    problems, rejected = conform_rows(read_source(source), source.name)
    assert rejected.is_empty(), rejected["detail"].to_list()
    rows = problems.to_dicts()
    return [row | {"extra": json.loads(row["extra"] or "{}")} for row in rows]


def test_columns_are_mapped_and_the_rest_goes_into_extra(tmp_path: Path) -> None:
    files = write_rows(
        tmp_path, {"q": "What is 2+2?", "sol": {"final": "$4$", "steps": 1}, "tags": ["a"], "invalid": "no"}
    )
    [row] = shaped(Source(name="mine", files=files, columns={"statement": "q", "answer": "sol.final"}))
    assert (row["statement"], row["answer"]) == ("What is 2+2?", "4")
    assert row["extra"] == {"sol": {"final": "$4$", "steps": 1}, "tags": ["a"], "invalid": "no"}


def test_a_column_called_invalid_is_a_column_like_any_other(tmp_path: Path) -> None:
    files = write_rows(tmp_path, *({"statement": f"What is {n}+2?", "answer": "4", "invalid": "no"} for n in (1, 2)))
    rows = shaped(Source(name="mine", files=files))
    assert [row["extra"] for row in rows] == [{"invalid": "no"}] * 2


def test_a_mapping_wins_over_the_column_of_that_name_which_stays_in_extra(tmp_path: Path) -> None:
    files = write_rows(tmp_path, {"statement": "old", "rewritten": "new", "answer": "1", "extra": {"k": 1}})
    [row] = shaped(Source(name="mine", files=files, columns={"statement": "rewritten"}))
    assert row["statement"] == "new"
    assert row["extra"]["statement"] == "old"
    assert row["extra"]["extra"] == {"k": 1}


def test_a_mapping_wins_over_the_preset(tmp_path: Path) -> None:
    files = write_rows(tmp_path, {"question": "q", "answer": "long #### 1", "short": "7"})
    [row] = shaped(Source(name="mine", files=files, preset="gsm8k", columns={"answer": "short"}))
    assert row["answer"] == "7"


def test_lists_are_reached_by_number(tmp_path: Path) -> None:
    files = write_rows(tmp_path, {"turns": [{"content": "q"}, {"content": "3"}]})
    [row] = shaped(Source(name="m", files=files, columns={"statement": "turns.0.content", "answer": "turns.1.content"}))
    assert (row["statement"], row["answer"]) == ("q", "3")


def test_domain_and_language_come_from_the_row_the_source_or_the_default(tmp_path: Path) -> None:
    files = write_rows(tmp_path, {"statement": "a"})
    [row] = shaped(Source(name="m", files=files))
    assert (row["domain"], row["language"]) == ("math", "en")
    [row] = shaped(Source(name="m", files=files, domain="code", language="de"))
    assert (row["domain"], row["language"]) == ("code", "de")
    files = write_rows(tmp_path, {"statement": "a", "domain": "code", "language": "fr"})
    [row] = shaped(Source(name="m", files=files))
    assert (row["domain"], row["language"]) == ("code", "fr")
    [row] = shaped(Source(name="m", files=files, domain="math", language="de"))
    assert (row["domain"], row["language"]) == ("math", "de")


def test_a_row_without_domain_among_rows_with_one_is_an_invalid_row(tmp_path: Path) -> None:
    files = write_rows(tmp_path, {"statement": "a", "domain": "math"}, {"statement": "b"})
    problems, rejected = conform_rows(read_source(Source(name="m", files=files)), "m")
    assert problems["statement"].to_list() == ["a"]
    assert rejected["detail"].to_list()[0].startswith(f"{files}:2: column 'domain' has None")


def test_the_limit_counts_rows(tmp_path: Path) -> None:
    files = write_rows(tmp_path, *({"statement": str(n)} for n in range(PEEK + 9)))
    for limit in (1, PEEK, PEEK + 3, PEEK + 99):
        assert len(list(read_source(Source(name="m", files=files, limit=limit)))) == min(limit, PEEK + 9)


def test_a_code_problem_in_the_contract_keeps_all_its_columns(tmp_path: Path) -> None:
    row = {
        "domain": "code",
        "statement": "Add two numbers.",
        "tests": [{"input": "1 2", "expected": "3"}],
        "solutions": [{"language": "python", "code": "print(sum(map(int, input().split())))"}],
        "checker": {"float_tolerance": 1e-6},
        "code_language": "python",
        "source": "contest",
        "source_id": "7A",
    }
    [got] = shaped(Source(name="m", files=write_rows(tmp_path, row)))
    assert got["tests"][0]["expected"] == "3"
    assert got["checker"]["float_tolerance"] == 1e-6
    assert (got["source"], got["source_id"], got["extra"]) == ("contest", "7A", {})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, r"source 'm' has no column 'statement'; there are: question, answer; map it"),
        ({"columns": {"statement": "questoin"}}, r"no column 'questoin' \(for statement\), but 'question'; there are"),
        ({"columns": {"statement": "question", "answer": "x.y"}}, r"no column 'x\.y' \(for answer\)"),
        ({"columns": {"statement": "question", "answer": "answer.value"}}, r"no column 'answer\.value' \(for answer\)"),
        ({"columns": {"statment": "question"}}, r"'statment' is no name of the contract, but 'statement'"),
        ({"preset": "math"}, r"no column 'problem' \(for statement\)"),
    ],
)
def test_a_column_that_is_not_there_is_refused_at_once(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    files = write_rows(tmp_path, {"question": "q", "answer": "1"})
    with pytest.raises(InputError, match=said):
        read_source(Source(name="m", files=files, **options))


def test_unreadable_lines_do_not_count_as_columns(tmp_path: Path) -> None:
    files = write_rows(tmp_path, "{oops", {"statement": "a"})
    bad, good = read_source(Source(name="m", files=files))
    assert isinstance(bad, InvalidRow)
    assert "not JSON" in bad.detail
    assert good["statement"] == "a"


def test_an_empty_source_is_no_fault(tmp_path: Path) -> None:
    assert list(read_source(Source(name="m", files=write_rows(tmp_path)))) == []


def test_reasoning_gym_answers_stay_as_the_task_gives_them() -> None:
    rows = list(read_source(Source(name="g", reasoning_gym="chain_sum", size=3, seed=1)))
    assert [row["source_id"] for row in rows] == ["chain_sum-1-0", "chain_sum-1-1", "chain_sum-1-2"]

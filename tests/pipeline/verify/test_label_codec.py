"""A label survives its way through a column of text."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.verify.code import CodeLabel, DrawnTest
from pipeline.verify.label_codec import read_truth, write_truth
from schemas.errors import InputError

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
tests = st.builds(DrawnTest, texts.filter(bool), texts, st.none() | texts)
checkers = st.none() | st.dictionaries(st.sampled_from(["ignore_case", "strict_whitespace"]), st.just(True), min_size=1)
labels = st.builds(
    CodeLabel,
    st.sampled_from([None, "python", "cpp"]),
    st.none() | texts.filter(bool),
    st.lists(tests, max_size=4).map(tuple),
    checkers,
    texts,
    texts,
    st.none() | st.sampled_from([0.5, 2.0, 30.0]),
    st.dictionaries(st.sampled_from(["python", "cpp"]), st.sampled_from([3.0, 8.0])),
)


@given(labels)
def test_a_code_label_comes_back_as_it_was(label: CodeLabel) -> None:
    assert read_truth(write_truth(label)) == label


@given(texts | st.sampled_from(["{1, 2}", '{"a": 1}', "{}", '{"domain": "math"}', "{" * 5000, "\\{1, 2\\}"]))
def test_a_math_label_is_its_own_text(answer: str) -> None:
    assert read_truth(write_truth(answer)) == answer


def test_real_labels_come_back(shared_data: Path) -> None:
    rows = [json.loads(line) for line in (shared_data / "math_labels.jsonl").read_text().splitlines()]
    answers = {str(value) for row in rows for value in row.values() if isinstance(value, str)}
    assert len(answers) > 100
    for answer in answers:
        assert read_truth(write_truth(answer)) == answer


def test_no_label_is_the_empty_text() -> None:
    assert write_truth(None) == ""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"tests": "none"}, "tests"),
        ({"tests": [{"expected": "1"}]}, r"tests\[0\]"),
        ({"tests": [{"input": "1", "expected": 2}]}, r"tests\[0\]"),
        ({"tests": [], "language": "rust"}, "rust"),
        ({"tests": [], "checker": 1}, "checker"),
        ({"tests": [], "checker": {"code": "x", "language": "rust"}}, "rust"),
        ({"tests": [], "checker": {"code": "x", "language": "cpp", "protocol": "none"}}, "none"),
        ({"tests": [], "prelude": 1}, "prelude"),
        ({"tests": [], "time_limit": "soon"}, "time_limit"),
    ],
)
def test_a_code_label_with_something_odd_is_refused(said: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_truth(json.dumps({"domain": "code", **said}))

"""A label as one text, so that it can travel: in a column of a dataset, or to a reward service.

A math label is its answer, as every trainer's own math verifier takes it. A code label is a JSON object with `"domain":
"code"` and everything a judge needs: the drawn tests, how they are called and compared, the language asked for. No
answer of a math problem is such an object, so the text alone says what it is.
"""

import json
from collections.abc import Mapping
from typing import Any

from pipeline.text.json_values import count_values
from pipeline.verify.code import CodeLabel, DrawnTest, read_measured
from pipeline.verify.problem import Label
from schemas.errors import InputError
from schemas.time_limit import read_seconds

CODE = "code"
MAX_VALUES = 1 << 16
"""JSON values of one code label: drawn tests are tens, of four fields each."""


def write_truth(label: Label) -> str:
    """The text of a label; a problem without one has the empty text, which nothing is judged correct against."""
    if not isinstance(label, CodeLabel):
        return label or ""
    fields: dict[str, Any] = {
        "domain": CODE,
        "language": label.language,
        "entry_point": label.entry_point,
        "tests": [test._asdict() for test in label.tests],
        "checker": None if label.checker is None else dict(label.checker),
        "prelude": label.prelude,
        "stub": label.stub,
        "time_limit": label.time_limit,
        "measured": dict(label.measured),
    }
    return json.dumps(
        {name: value for name, value in fields.items() if value not in (None, "", {})}, ensure_ascii=False
    )


def read_truth(text: str) -> Label:
    """The label that `write_truth` wrote. Raises InputError for a code label with something missing or odd in it."""
    if not text.startswith("{"):
        return text
    if count_values(text) > MAX_VALUES:
        raise InputError(f"ground truth: over {MAX_VALUES} JSON values in one label")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(fields, dict) or fields.get("domain") != CODE:
        return text
    language, checker = fields.get("language"), fields.get("checker")
    if language not in (None, "python", "cpp"):
        raise InputError(f"ground truth: language is {language!r}; it is python, cpp or left out")
    if checker is not None and not isinstance(checker, dict):
        raise InputError("ground truth: checker is not an object")
    _check_program(checker)
    return CodeLabel(
        language=language,
        entry_point=_text(fields, "entry_point") or None,
        tests=tuple(_read_test(at, test) for at, test in enumerate(_tests(fields))),
        checker=checker,
        prelude=_text(fields, "prelude"),
        stub=_text(fields, "stub"),
        time_limit=_read_time_limit(fields.get("time_limit")),
        measured=read_measured({"seconds": fields.get("measured")}),
    )


def _read_time_limit(value: Any) -> float | None:
    if value is not None and read_seconds(value) is None:
        raise InputError(f"ground truth: time_limit is {value!r}; it is seconds, or left out")
    return read_seconds(value)


def _check_program(checker: Mapping[str, Any] | None) -> None:
    from pipeline.sandbox.program import read_program

    try:
        read_program(checker)
    except ValueError as error:
        raise InputError(f"ground truth: {error}") from None


def _tests(fields: Mapping[str, Any]) -> list[Any]:
    tests = fields.get("tests")
    if not isinstance(tests, list):
        raise InputError('ground truth: "tests" is not a list of {"input": ..., "expected": ...}')
    return tests


def _read_test(at: int, test: Any) -> DrawnTest:
    given = test.get("input") if isinstance(test, dict) else None
    expected = test.get("expected") if isinstance(test, dict) else None
    if not isinstance(given, str) or not isinstance(expected, str | None):
        raise InputError(f'ground truth: tests[{at}] is not {{"input": text, "expected": text or null}}')
    return DrawnTest(str(test.get("id") or f"t{at}"), given, expected)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str | None):
        raise InputError(f"ground truth: {name} is not text")
    return value or ""

"""Tests of code problems in the forms that sets keep them: pairs, parallel lists, assert lines, `check(candidate)`."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.ingest.code_asserts import read_asserts
from pipeline.ingest.code_rows import load_json, write_json_test
from pipeline.ingest.recognize.values import parse_text

NAMES = frozenset(
    {"tests", "test", "testcases", "testcase", "testlist", "unittests", "unittest", "publictests"}
    | {"privatetests", "generatedtests", "hiddentests", "publictestcases", "privatetestcases"}
    | {"officialtests", "sampletests", "inputoutput", "inputoutputs", "examples", "asserts", "testcode"}
    | {"groundtruth", "verificationinfo", "challengetestlist", "democases", "testset", "ios", "cases"}
    | {"assertions"}
)
INPUTS = ("inputs", "input", "stdin", "in", "args", "arguments", "test_input", "test_inputs", "given")
OUTPUTS = (
    "outputs", "output", "expected_output", "expected_outputs", "expected", "stdout", "out", "answer", "result",
    "expected_result", "test_output", "test_outputs",
)  # fmt: skip
FUNCTIONS = ("fn_name", "func_name", "entry_point", "function_name", "method_name")
GROUPS = (
    "test_cases", "tests", "testcases", "unit_tests", "public", "private", "public_tests", "private_tests", "hidden",
    "cases", "public_test_cases", "private_test_cases", "ground_truth", "functional", "examples",
)  # fmt: skip
_NAMED = re.compile(r"\s*[A-Za-z_]\w*\s*=(?!=)")


@dataclass
class Cases:
    """Tests of one problem: pairs of texts or values, or calls with what they give, and the function they call."""

    pairs: list[tuple[Any, Any]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    function: str | None = None

    def __bool__(self) -> bool:
        return bool(self.pairs or self.calls)


def read_tests(value: Any, function: str | None = None) -> Cases:
    """All tests in `value`; empty where it holds none. `function` is what a `check(candidate)` is given."""
    tests = Cases(function=function)
    _collect(parse_text(value), tests)
    return tests


def _collect(value: Any, tests: Cases) -> None:
    if isinstance(value, str):
        if "assert" in value:
            candidate = "candidate" if re.search(r"\bdef check\s*\(\s*candidate\b", value) else None
            called = read_asserts(value, candidate)
            name = tests.function
            if candidate and name:
                called = [(re.sub(r"\bcandidate\(", f"{name}(", call, count=1), given) for call, given in called]
            tests.calls += called
        return
    if isinstance(value, Mapping):
        tests.function = next((value[key] for key in FUNCTIONS if isinstance(value.get(key), str)), tests.function)
        given, expected = _get(value, INPUTS), _get(value, OUTPUTS)
        if isinstance(given, list | tuple) and isinstance(expected, list | tuple):
            tests.pairs += zip(given, expected, strict=False)
        elif given is not None and expected is not None:
            tests.pairs.append((given, expected))
        else:
            for key in GROUPS:
                if value.get(key) is not None:
                    _collect(parse_text(value[key]), tests)
        return
    if isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, Mapping):
                _collect_case(item, tests)
            elif isinstance(item, str):
                _collect(item, tests)
            elif isinstance(item, list | tuple) and len(item) == 2 and all(isinstance(part, str) for part in item):
                tests.pairs.append((item[0], item[1]))


def _collect_case(item: Mapping[str, Any], tests: Cases) -> None:
    """One case of a list: its input may be a list, of the arguments, and is not a list of inputs."""
    given, expected = _get(item, INPUTS), _get(item, OUTPUTS)
    if given is None or expected is None:
        _collect(item, tests)
        return
    tests.function = next((item[key] for key in FUNCTIONS if isinstance(item.get(key), str)), tests.function)
    tests.pairs.append((given, expected))


def _get(value: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next(
        (parse_text(value[name]) if name.endswith("s") else value[name] for name in names if name in value), None
    )


def write_tests(tests: Cases, name: str | None) -> Iterator[tuple[Any, Any]]:
    """(input, expected) as the contract has them: calls of `name`, or lines on standard input without one."""
    if tests.calls:
        yield from [pair for pair in tests.calls if name and pair[0].startswith(f"{name}(")] or tests.calls
        return
    for given, expected in tests.pairs:
        if name is None:
            yield given, expected
        elif isinstance(given, list | tuple):
            yield write_json_test(list(given), _unwrap(expected))
        elif isinstance(given, Mapping):
            yield write_json_test(dict(given), _unwrap(expected))
        elif not isinstance(given, str):
            yield write_json_test([given], _unwrap(expected))
        else:
            yield _write_text_call(given, expected, name)


def _unwrap(expected: Any) -> Any:
    """APPS writes the value of a call inside a list of one."""
    return expected[0] if isinstance(expected, list) and len(expected) == 1 else expected


def _write_text_call(given: str, expected: Any, name: str) -> tuple[str, str]:
    """A call whose arguments came as text: `words = ["a"], k = 3`, a call itself, or a JSON value a line."""
    shown = expected if isinstance(expected, str) else repr(expected)
    if given.strip().startswith(f"{name}("):
        return given.strip(), shown
    if _NAMED.match(given):
        call = f"{name}({given.strip()})"
        try:
            ast.parse(call, mode="eval")
        except (SyntaxError, ValueError):
            call = f"{name}({', '.join(line for line in given.splitlines() if line.strip())})"
        return call, shown
    parsed = parse_text(given)
    if isinstance(parsed, list | tuple):
        return write_json_test(list(parsed), load_json(expected) if isinstance(expected, str) else expected)
    lines = [line for line in given.split("\n") if line.strip()]
    values = [load_json(line) for line in lines]
    if all(value is not None for value in values) and values:
        read = load_json(expected) if isinstance(expected, str) else expected
        return write_json_test(values, read if read is not None else expected)
    return f"{name}({given.strip()})", shown

"""Tests of code problems in the forms that sets keep them: pairs, parallel lists, assert lines, `check(candidate)`."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.ingest.code_asserts import read_check
from pipeline.ingest.code_rows import load_json, unwrap_values, write_json_test
from pipeline.ingest.recognize.values import parse_text

NAMES = frozenset(
    {"tests", "test", "testcases", "testcase", "testlist", "unittests", "unittest", "publictests"}
    | {"privatetests", "generatedtests", "hiddentests", "publictestcases", "privatetestcases"}
    | {"officialtests", "sampletests", "inputoutput", "inputoutputs", "examples", "asserts"}
    | {"groundtruth", "verificationinfo", "challengetestlist", "democases", "testset", "ios", "cases"}
    | {"assertions", "samples", "sampletestcases", "testcode", "hiddentestcases", "unittestcases"}
)
INPUTS = ("inputs", "input", "stdin", "in", "args", "arguments", "test_input", "test_inputs", "given")
OUTPUTS = (
    "outputs", "output", "expected_output", "expected_outputs", "expected", "stdout", "out", "answer", "result",
    "expected_result", "test_output", "test_outputs",
)  # fmt: skip
FUNCTIONS = ("fn_name", "func_name", "entry_point", "function_name", "method_name")
GROUPS = (
    "test_cases", "tests", "testcases", "unit_tests", "public", "private", "public_tests", "private_tests", "hidden",
    "cases", "public_test_cases", "private_test_cases", "ground_truth", "functional", "examples", "test_code", "test",
    "asserts", "samples",
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
            tests.calls += read_check(value, tests.function)
        return
    if isinstance(value, Mapping):
        tests.function = _find_name(value) or tests.function
        given, expected = _get(value, INPUTS), _get(value, OUTPUTS)
        if isinstance(given, list | tuple) and isinstance(expected, list | tuple):
            tests.pairs += zip(given, expected, strict=False)
        elif given is not None and expected is not None:
            tests.pairs.append((given, expected))
        elif value and all(isinstance(case, Mapping) for case in value.values()):
            for case in value.values():
                _collect_case(case, tests)
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
    tests.function = _find_name(item) or tests.function
    tests.pairs.append((_take_stream(given, "stdin"), _take_stream(expected, "stdout")))


def _find_name(item: Mapping[str, Any]) -> str | None:
    """The function that a test says it calls, itself or in what it says about itself."""
    about = item.get("metadata")
    places = (item, about) if isinstance(about, Mapping) else (item,)
    return next((place[key] for place in places for key in FUNCTIONS if isinstance(place.get(key), str)), None)


def _take_stream(value: Any, stream: str) -> Any:
    """What a program reads or writes, where a set says of which stream it is: `{"stdin": "1 2"}`."""
    return value[stream] if isinstance(value, Mapping) and isinstance(value.get(stream), str) else value


def _get(value: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next(
        (parse_text(value[name]) if name.endswith("s") else value[name] for name in names if name in value), None
    )


def write_tests(tests: Cases, name: str | None) -> Iterator[tuple[Any, Any]]:
    """(input, expected) as the contract has them: calls of `name`, or lines on standard input without one."""
    if tests.calls:
        yield from [pair for pair in tests.calls if name and pair[0].startswith(f"{name}(")] or tests.calls
        return
    if name is None:
        yield from tests.pairs
        return
    values = unwrap_values([expected for _, expected in tests.pairs])
    for (given, expected), value in zip(tests.pairs, values, strict=True):
        if isinstance(given, list | tuple):
            yield write_json_test(list(given), value)
        elif isinstance(given, Mapping):
            yield write_json_test(dict(given), value)
        elif not isinstance(given, str):
            yield write_json_test([given], value)
        else:
            yield _write_text_call(given, expected, name)


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

"""The tests of a problem as its check takes them: test programs in their parts, calls that change their arguments."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.sandbox.calls import AFTER, NoLiteral, demand_value, parse_assert, read_call, read_literal

PASSED = ""
"""What a test program gives that ran to its end: it is judged by that alone, so this is its expected output here."""

Test = dict[str, Any]


def read_tests(rows: Iterable[Mapping[str, Any]], entry_point: str | None) -> list[Test]:
    """The tests with an input, with ids made up where missing. A test program of several asserts is several tests."""
    tests: list[Test] = []
    for index, row in enumerate(rows):
        if row.get("input") is not None:
            test = {**row, "id": row.get("id") or f"t{index}", "origin": row.get("origin") or "source"}
            tests += [test] if entry_point is None else _split_program(test, entry_point)
    return tests


def _split_program(test: Test, entry_point: str) -> list[Test]:
    if read_call(test["input"], entry_point) is not None:
        return [test]
    parts = split_asserts(test["input"])
    if len(parts) < 2:
        return [{**test, "input": demand_value(test["input"], test.get("expected")), "expected": PASSED}]
    split: list[Test] = []
    for number, part in enumerate(parts):
        case = parse_assert(part, entry_point)
        data = {"input": part, "expected": PASSED} if case is None else {"input": case.input, "expected": case.expected}
        split.append({**test, **data, "id": f"{test['id']}.{number}"})
    return split


def split_asserts(program: str) -> list[str]:
    """A test program as programs of one assert each: what stands before its asserts stands before each of them.

    Also of the asserts in `check(candidate)`. Empty where asserts stand within loops, branches or other functions, or
    where one may see what an earlier one, or a statement between them, has changed.
    """
    try:
        body = ast.parse(program).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    check = next((node for node in body if isinstance(node, ast.FunctionDef) and node.name == "check"), None)
    called = [node for node in body if _is_call_of(node, "check")]
    if check is not None:
        body = [*(node for node in body if node is not check and node not in called), *check.body]
    asserts = [node for node in body if isinstance(node, ast.Assert)]
    others = [node for node in body if not isinstance(node, ast.Assert)]
    first = next((at for at, node in enumerate(body) if isinstance(node, ast.Assert)), 0)
    changing = any(not _is_docstring(node) for node in body[first:] if node not in asserts)
    if (
        changing
        or _share_state(others, asserts)
        or any(isinstance(inner, ast.Assert) for node in others for inner in ast.walk(node))
    ):
        return []
    setup = "\n".join(ast.unparse(node) for node in others if not _is_docstring(node))
    return ["\n".join(filter(None, (setup, ast.unparse(node)))) for node in asserts]


def _share_state(setup: Sequence[ast.stmt], asserts: Sequence[ast.Assert]) -> bool:
    """Whether two asserts use one thing that the setup has made and that can change, such as an object."""
    made: set[str] = set()
    for node in setup:
        fixed = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        if not fixed and not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            made |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    used = [{n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & made for node in asserts]
    return any(one & other for at, one in enumerate(used) for other in used[at + 1 :])


def _is_call_of(node: ast.stmt, name: str) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == name
    )


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def restore_expected(test: Mapping[str, Any], entry_point: str | None) -> str | None:
    """The expected output of a kept test as it is written: none of a test program."""
    if entry_point is not None and test["expected"] == PASSED and read_call(test["input"], entry_point) is None:
        return None
    expected: str | None = test["expected"]
    return expected


def ask_for_changes(tests: Sequence[Test], entry_point: str) -> list[Test]:
    """The tests of a function that returns nothing, asking for what it changes; empty where they are no such tests.

    They are, where every test expects None and some argument can be changed. What is to come of that nobody said, so
    the solutions have to agree on it.
    """
    calls = [read_call(test["input"], entry_point) for test in tests]
    if not tests or not all(_expects_nothing(test["expected"]) for test in tests):
        return []
    if any(call is None or call.expression is not None or call.after for call in calls):
        return []
    given = [value for call in calls if call is not None for value in (*call.args, *(call.kwargs or {}).values())]
    if not any(isinstance(value, list | dict | set) for value in given):
        return []
    asking: list[Test] = []
    for test, call in zip(tests, calls, strict=True):
        if call is not None:
            words = [repr(value) for value in call.args]
            words += [f"{name}={value!r}" for name, value in (call.kwargs or {}).items()]
            name = entry_point.rpartition(".")[2]
            asking.append({**test, "input": f"{AFTER}({name}({', '.join(words)}))", "expected": None})
    return asking


def _expects_nothing(expected: str | None) -> bool:
    try:
        return expected is not None and read_literal(expected) is None
    except NoLiteral:
        return False

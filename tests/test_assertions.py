"""Every test asserts something in every case: what asserts only sometimes can pass for ever."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
Function = ast.FunctionDef | ast.AsyncFunctionDef


def read_functions(text: str) -> list[Function]:
    """All functions of a module, methods and inner ones included."""
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, Function)]


def walk_own(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and what lies below it, but for the functions defined in it."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Function | ast.Lambda):
            yield from walk_own(child)


def is_assertion(node: ast.AST, helpers: frozenset[str]) -> bool:
    """An `assert`, `pytest.raises`, a check that a subprocess ended well, or a call of a helper that asserts."""
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    checked = any(key.arg == "check" and getattr(key.value, "value", False) is True for key in node.keywords)
    return checked or name in helpers | {"raises", "assert_close", "assert_called_once", "validate"}


def find_helpers(functions: list[Function]) -> frozenset[str]:
    """The names of functions that assert, themselves or through others, and are no tests."""
    own = [function for function in functions if not function.name.startswith("test_")]
    helpers: frozenset[str] = frozenset()
    while True:
        more = {f.name for f in own if any(is_assertion(node, helpers) for node in ast.walk(f))}
        if more == helpers:
            return helpers
        helpers = frozenset(more)


def asserts(nodes: list[ast.stmt], helpers: frozenset[str]) -> bool:
    """Whether something is asserted on every way through the statements; loops are taken to run."""
    for node in nodes:
        match node:
            case ast.If():
                always = asserts(node.body, helpers) and asserts(node.orelse, helpers)
            case ast.For() | ast.AsyncFor() | ast.While():
                always = asserts(node.body, helpers)
            case ast.With() | ast.AsyncWith():
                opened = any(is_assertion(part, helpers) for item in node.items for part in ast.walk(item))
                always = opened or asserts(node.body, helpers)
            case ast.Try():
                always = any(asserts(part, helpers) for part in (node.body, node.orelse, node.finalbody))
            case _:
                always = any(is_assertion(part, helpers) for part in ast.walk(node))
        if always:
            return True
    return False


def find_faults(function: Function, helpers: frozenset[str]) -> list[str]:
    """Why a test may pass without having asserted what it is there for."""
    faults = [] if asserts(function.body, helpers) else ["asserts nothing on some way through it"]
    for node in walk_own(ast.Module(function.body, [])):
        if isinstance(node, ast.Return):
            faults.append(f"line {node.lineno}: returns; hypothesis.assume or a narrower strategy is meant")
        if isinstance(node, ast.If):
            sides = [
                any(is_assertion(part, frozenset()) for stmt in side for part in walk_own(stmt))
                for side in (node.body, node.orelse)
            ]
            if sides[0] != sides[1]:
                faults.append(f"line {node.lineno}: asserts under one side of an `if`; split the test or its cases")
    return faults


def test_every_test_asserts_in_every_case() -> None:
    texts = {path: path.read_text() for path in sorted(TESTS.rglob("*.py"))}
    functions = {path: read_functions(text) for path, text in texts.items()}
    helpers = find_helpers([function for own in functions.values() for function in own])
    tests = [
        (path, function)
        for path, own in functions.items()
        for function in own
        if function.name.startswith("test_") and path.name.startswith("test_")
    ]
    assert len(tests) > 1000
    faults = {
        f"{path.relative_to(TESTS)}::{function.name}": found
        for path, function in tests
        if (found := find_faults(function, helpers))
    }
    assert faults == {}, "\n".join(f"{name}: {found}" for name, found in faults.items())


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ("assert x", 0),
        ("if x: assert x", 2),
        ("if x:\n  assert x\n else:\n  assert not x", 0),
        ("for x in y:\n  if x: assert x", 2),
        ("for x in y:\n  if x: continue\n  assert x", 0),
        ("assert y\n for x in y:\n  if x: assert x", 1),
        ("if not x: return\n assert x", 1),
        ("with pytest.raises(ValueError): x()", 0),
        ("try: x()\n except ValueError: assert y", 1),
        ("def inner():\n  return 3\n assert inner()", 0),
        ("check(x)", 0),
        ("run(x)", 1),
    ],
)
def test_what_is_refused(body: str, faults: int) -> None:
    (test,) = read_functions(f"def test_it(x, y):\n {body}")[:1]
    assert len(find_faults(test, frozenset({"check"}))) == faults

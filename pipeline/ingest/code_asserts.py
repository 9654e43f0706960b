"""Asserts of data sets as calls and the values that they ask for."""

import ast
from collections.abc import Iterable, Sequence


def read_asserts(code: str, name: str | None = None) -> list[tuple[str, str]]:
    """(call, expected literal) of every `assert f(args) == value` in `code`; a bare `assert f(x)` expects True.

    Where no assert is of that form, a call may stand inside `set`, `sorted` and the like, as in
    `assert set(f(x)) == set("ab")`: these are test programs, which are not mixed with calls. Only calls of `name`
    where it is given; asserts of another form (properties, tolerances) are passed over.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    asserts: list[tuple[str, str]] = []
    wrapped: list[tuple[str, str]] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assert):
            continue
        test, value = node.test, "True"
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, value = test.operand, "False"
        elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq | ast.Is):
            right = test.comparators[0]
            try:
                test, value = test.left, _write_value(right)
            except (ValueError, TypeError, SyntaxError):
                continue
        inner = test
        while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id in _WRAPPERS:
            inner = inner.args[0] if len(inner.args) == 1 else ast.Constant(None)
        if not isinstance(inner, ast.Call) or not isinstance(inner.func, ast.Name) or (name and inner.func.id != name):
            continue
        (asserts if inner is test else wrapped).append((ast.unparse(test), value))
    return asserts or wrapped


_WRAPPERS = frozenset({"set", "sorted", "list", "tuple", "frozenset", "round", "abs", "len", "str", "int", "float"})
"""What an assert puts around a call to compare its value."""


def _write_value(node: ast.expr) -> str:
    """The literal that `node` stands for; sets in the order of their texts, so that ids are the same on every run."""
    try:
        return repr(ast.literal_eval(node))
    except ValueError:
        from pipeline.sandbox.calls import read_literal

        value = read_literal(ast.unparse(node))
        if isinstance(value, set | frozenset):
            return "{" + ", ".join(sorted(map(repr, value))) + "}" if value else "set()"
        return repr(value)


def find_function(calls: Iterable[str]) -> str | None:
    """The function that most of the calls are of, without what stands around them."""
    names = []
    for call in calls:
        while (head := call.partition("("))[0] in _WRAPPERS and head[2]:
            call = head[2]
        names.append(head[0])
    return max(names, key=names.count) if names else None


def find_tested(code: str, asserts: Sequence[str]) -> str | None:
    """The function of `code` that the asserts call: the last one, since helpers stand before it."""
    try:
        nodes = ast.parse(code).body
        for line in asserts:
            ast.parse(line)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names = [node.name for node in nodes if isinstance(node, ast.FunctionDef)]
    return next((name for name in reversed(names) if all(f"{name}(" in line for line in asserts)), None)

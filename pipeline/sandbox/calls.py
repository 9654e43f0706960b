"""Tests of functions as data: what is called with what, and what is to come back, read without running anything."""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.sandbox.inside import codec
from pipeline.sandbox.program import Case

MAX_TEXT = 4 << 20
AFTER = "arguments_after"
"""`arguments_after(f([3, 1, 2]))` asks for what a call leaves in its arguments, as a list of them: the test of a
function that changes an argument in place and returns nothing."""
_WORDS = {"inf": float("inf"), "nan": float("nan"), "true": True, "false": False, "null": None}
_MAKERS = {
    "set": set,
    "frozenset": frozenset,
    "list": list,
    "tuple": tuple,
    "dict": dict,
    "OrderedDict": dict,
    "Counter": dict,
    "deque": list,
    "complex": complex,
}
_UNREADABLE = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, OverflowError, LookupError)


class NoLiteral(ValueError):
    """A text that is no literal; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as data (`args`, `kwargs`), or as an `expression` to be evaluated beside the program. `loose`: it came as
    JSON, so its expected value did too, and JSON knows no tuples. `after`: its value is what it leaves in its arguments
    (`AFTER`)."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] | None = None
    expression: str | None = None
    loose: bool = False
    after: bool = False

    def tag(self) -> dict[str, Any]:
        """As the child reads it."""
        if self.expression is not None:
            return {"expression": self.expression}
        tagged = {"args": codec.encode(list(self.args)), "kwargs": codec.encode(dict(self.kwargs or {}))}
        return {**tagged, "after": True} if self.after else tagged


def read_literal(text: str) -> Any:
    """A Python literal as data, with set(), inf, nan, float('nan'), OrderedDict(...) and the like; JSON's true, false
    and null count too. Raises NoLiteral."""
    try:
        return _value(_parse(text))
    except _UNREADABLE as error:
        raise NoLiteral(f"{text[:200]!r} is no Python literal: {error}") from None


def _parse(text: str) -> ast.expr:
    if len(text) > MAX_TEXT:
        raise ValueError(f"longer than {MAX_TEXT} characters")
    return ast.parse(text.strip(), mode="eval").body


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and node.value is not ...:
        return node.value
    if isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    if isinstance(node, ast.Set):
        return set(_hashed([_value(item) for item in node.elts]))
    if isinstance(node, ast.Dict) and all(key is not None for key in node.keys):
        keys = _hashed([_value(key) for key in node.keys if key is not None])
        return dict(zip(keys, [_value(item) for item in node.values], strict=True))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _value(node.operand)
        if isinstance(inner, int | float | complex):
            return -inner if isinstance(node.op, ast.USub) else +inner
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        left, right = _value(node.left), _value(node.right)
        if isinstance(left, int | float) and isinstance(right, complex):
            return left + right if isinstance(node.op, ast.Add) else left - right
    if isinstance(node, ast.Name) and node.id in _WORDS:
        return _WORDS[node.id]
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("math", "np"):
        return _WORDS[node.attr]
    if isinstance(node, ast.Call) and not node.keywords:
        return _made(node)
    raise ValueError(f"{ast.unparse(node)[:100]} is no plain data")


def _hashed(items: list[Any]) -> list[Any]:
    codec.check_hashes(items)
    return items


def _made(node: ast.Call) -> Any:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    given = [_value(item) for item in node.args]
    if name == "float" and len(given) == 1 and isinstance(given[0], str):
        return float(given[0])
    if name == "complex" and len(given) == 2:
        return complex(*given)
    if name in ("set", "frozenset") and given:
        codec.check_hashes(list(given[0]))
    if name in _MAKERS and len(given) <= 1 and not (name == "Counter" and given and not isinstance(given[0], dict)):
        return _MAKERS[name](*given)
    raise ValueError(f"{ast.unparse(node)[:100]} is no plain data")


def read_call(text: str, entry_point: str) -> Call | None:
    """A function-call test's `input`: JSON list of arguments, JSON object of keyword arguments, a call expression, or
    one within `AFTER`. None for anything else, which is a test program."""
    stripped = text.strip()
    if stripped[:1] in ("[", "{"):
        try:
            given = json.loads(stripped)
            return Call(args=tuple(given), loose=True) if isinstance(given, list) else Call(kwargs=given, loose=True)
        except (ValueError, RecursionError):
            pass
    try:
        node = _parse(stripped)
    except _UNREADABLE:
        return None
    if isinstance(node, ast.List | ast.Dict):
        try:
            read = _value(node)
        except _UNREADABLE:
            return None
        if isinstance(read, list):
            return Call(args=tuple(read))
        return Call(kwargs=read) if all(isinstance(key, str) for key in read) else None
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == AFTER and len(node.args) == 1:
        inner = _call_of(node.args[0], "", entry_point)
        return replace(inner, after=True) if inner is not None and inner.expression is None else None
    return _call_of(node, stripped, entry_point)


def _call_of(node: ast.expr, text: str, entry_point: str) -> Call | None:
    if not isinstance(node, ast.Call) or not _names(node.func, entry_point):
        return None
    plain = isinstance(node.func, ast.Name) or ast.unparse(node.func) == entry_point
    try:
        if plain and all(keyword.arg is not None for keyword in node.keywords):
            kwargs = {str(keyword.arg): _value(keyword.value) for keyword in node.keywords}
            return Call(args=tuple(_value(item) for item in node.args), kwargs=kwargs)
    except _UNREADABLE:
        pass
    return Call(expression=text)


def _names(function: ast.expr, entry_point: str) -> bool:
    last = entry_point.rpartition(".")[2]
    if isinstance(function, ast.Name):
        return function.id in (last, "candidate")
    return isinstance(function, ast.Attribute) and function.attr == last


def parse_assert(text: str, entry_point: str) -> Case | None:
    """`assert f(args) == value` (either way round, `is True`, within a tolerance no wider than ours) as a case of
    data; None for what cannot be one, such as several statements or a comparison of two calls: that stays a test
    program."""
    try:
        if len(text) > MAX_TEXT:
            return None
        body = ast.parse(text.strip()).body
    except _UNREADABLE:
        return None
    if len(body) != 1 or not isinstance(body[0], ast.Assert):
        return None
    test = body[0].test
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    left, right, how = test.left, test.comparators[0], test.ops[0]
    if isinstance(how, ast.Eq):
        return _case(left, right, entry_point) or _case(right, left, entry_point)
    if isinstance(how, ast.Is) and isinstance(right, ast.Constant) and right.value in (True, False, None):
        return _case(left, right, entry_point)
    return None


def demand_value(text: str, expected: str | None) -> str:
    """A test program that demands `expected`, where `text` is but a value, such as `set(f(1))`: evaluated alone it
    passes with any."""
    try:
        ast.parse(text.strip(), mode="eval")
        ast.parse((expected or "").strip(), mode="eval")
    except _UNREADABLE:
        return text
    return f"assert ({text.strip()}) == ({(expected or '').strip()})"


def _case(call: ast.expr, value: ast.expr, entry_point: str) -> Case | None:
    if _call_of(call, "", entry_point) is None:
        return None
    try:
        _value(value)
    except _UNREADABLE:
        return None
    text = ast.unparse(call)
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "candidate":
        text = entry_point.rpartition(".")[2] + text[len("candidate") :]
    return Case(text, ast.unparse(value))

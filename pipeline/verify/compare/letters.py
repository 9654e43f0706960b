"""The letters of whole values, and the renaming of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from pipeline.verify.compare.expressions import letters
from pipeline.verify.reader.build import symbol
from pipeline.verify.reader.values import Node

T = TypeVar("T")


def has_part(value: Any, test: Callable[[Node], bool]) -> bool:
    """Whether one of the expressions of a value passes a test."""
    if isinstance(value, Node):
        return test(value)
    if isinstance(value, tuple):
        return any(has_part(item, test) for item in value)
    return is_dataclass(value) and any(has_part(getattr(value, field.name), test) for field in fields(value))


def value_letters(value: Any) -> frozenset[str]:
    """The letters in all expressions of a value."""
    if isinstance(value, Node):
        return letters(value)
    if isinstance(value, tuple):
        return frozenset().union(*map(value_letters, value))
    if is_dataclass(value):
        return frozenset().union(*(value_letters(getattr(value, field.name)) for field in fields(value)))
    return frozenset()


def rename_letter(value: T, old: str, new: str) -> T:
    """The value with one letter renamed in all of its expressions."""
    if isinstance(value, Node):
        return rename(value, old, new)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(rename_letter(item, old, new) for item in value)  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: rename_letter(getattr(value, field.name), old, new) for field in fields(value)}
        return replace(value, **changed)
    return value


def rename(node: Node, old: str, new: str) -> Node:
    """The expression with one letter renamed."""
    return substitute(node, old, symbol(new))


def substitute(node: Node, name: str, value: Node) -> Node:
    """The expression with a value in the place of a letter."""
    if node.op == "sym":
        return value if node.name == name else node
    return Node(node.op, tuple(substitute(arg, name, value) for arg in node.args), node.value, node.name, node.places)


def mentions_pi(value: Any) -> bool:
    """Whether pi is in a value."""
    return has_part(value, _is_pi)


def mentions_i(value: Any) -> bool:
    """Whether the imaginary unit is in a value."""
    return has_part(value, _is_i)


def _is_i(node: Node) -> bool:
    return node.name == "i" or any(map(_is_i, node.args))


def _is_pi(node: Node) -> bool:
    return node.name == "pi" or any(map(_is_pi, node.args))

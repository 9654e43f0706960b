"""New calls from known ones: arguments changed by their types, within what known arguments have in common.

What all known values at a place share (sorted, no repeats, never negative, never empty, one length, an alphabet) is
kept: a test outside the domain tells nothing of right and wrong.
"""

import ast
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.sandbox.calls import AFTER
from pipeline.sandbox.calls import read_call as read_input

Path = tuple[str | int, ...]

_EXAMPLE = re.compile(
    r"^[ \t*_`>#]*Input[ \t*_`]*:(.{1,2000}?)^[ \t*_`>#]*Output[ \t*_`]*:", re.DOTALL | re.MULTILINE | re.IGNORECASE
)
"""The examples of LeetCode's statements, as text, Markdown or within a block of code."""
WIDE = 3
"""From so many known calls on, their range is taken for the domain's; below it values may go somewhat beyond."""


@dataclass(frozen=True)
class Call:
    """A call of a function by literals. `loose`: it is written as JSON; `after`: it asks for what it leaves in its
    arguments (`pipeline.sandbox.calls`)."""

    function: str
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...] = ()
    loose: bool = False
    after: bool = False

    def __str__(self) -> str:
        if self.loose:
            return json.dumps(dict(self.kwargs) if self.kwargs else self.args, ensure_ascii=False)
        arguments = [repr(a) for a in self.args] + [f"{name}={value!r}" for name, value in self.kwargs]
        call = f"{self.function}({', '.join(arguments)})"
        return f"{AFTER}({call})" if self.after else call


def read_call(text: str, entry_point: str | None) -> Call | None:
    """The call that `text` writes: `f(1, k=2)`, or as JSON the arguments for `entry_point`; None where it is no such
    thing."""
    if entry_point and (known := read_input(text, entry_point)) is not None and (known.loose or known.after):
        name = entry_point.rpartition(".")[2] if known.after else entry_point
        return Call(name, known.args, tuple((known.kwargs or {}).items()), known.loose, known.after)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
            args = tuple(ast.literal_eval(a) for a in tree.args)
            named = tuple((k.arg, ast.literal_eval(k.value)) for k in tree.keywords if k.arg is not None)
            return Call(tree.func.id, args, named) if len(named) == len(tree.keywords) else None
        value = ast.literal_eval(tree)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return Call(entry_point, tuple(value)) if entry_point and isinstance(value, list | tuple) else None


def find_calls(statement: str, entry_point: str) -> list[str]:
    """Calls of `entry_point` with literal arguments that a statement shows as examples, in order, each once.

    Also those of the form `Input: nums = [2, 7], target = 9`, where the names of the arguments are left out.
    """
    calls: dict[str, None] = {}
    start = 0
    while (at := statement.find(entry_point + "(", start)) >= 0:
        start = at + len(entry_point) + 1
        depth = 0
        for end in range(start - 1, min(len(statement), start + 2000)):
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(statement[end], 0)
            if depth == 0:
                if (call := read_call(statement[at : end + 1], entry_point)) is not None:
                    calls[str(call)] = None
                break
    for match in _EXAMPLE.finditer(statement):
        if (call := _read_example(match.group(1), entry_point)) is not None:
            calls[str(call)] = None
    return list(calls)


def _read_example(text: str, entry_point: str) -> Call | None:
    """The arguments of an example, on one line or one a line, as a call by their order."""
    lines = [line.strip(" \t*_`>,") for line in text.splitlines()]
    call = read_input(f"f({', '.join(filter(None, lines))})", "f")
    if call is None or call.expression is not None:
        return None
    return Call(entry_point, (*call.args, *(call.kwargs or {}).values()))


@dataclass
class Domain:
    """What the known values at one place have in common."""

    values: list[Any] = field(default_factory=list)

    def add(self, value: Any) -> None:
        if len(self.values) < 2000:
            self.values.append(value)

    def every(self, check: Any, kind: type | tuple[type, ...]) -> bool:
        of_kind = [v for v in self.values if isinstance(v, kind)]
        return bool(of_kind) and all(check(v) for v in of_kind)

    def numbers(self) -> list[float | int]:
        return [v for v in self.values if isinstance(v, int | float) and not isinstance(v, bool)]


def learn_domains(calls: Sequence[Call]) -> dict[Path, Domain]:
    """Place -> what stands there over all `calls`; items of lists and values of dicts share a place each."""
    domains: dict[Path, Domain] = {}
    for call in calls:
        for path, value in _places(call):
            _learn(domains, path, value)
    return domains


def _places(call: Call) -> list[tuple[Path, Any]]:
    return [((i,), v) for i, v in enumerate(call.args)] + [((k,), v) for k, v in call.kwargs]


def _learn(domains: dict[Path, Domain], path: Path, value: Any) -> None:
    domains.setdefault(path, Domain()).add(value)
    if isinstance(value, list | tuple | set | frozenset):
        for item in value:
            _learn(domains, (*path, "*"), item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _learn(domains, (*path, "keys"), key)
            _learn(domains, (*path, str(key) if isinstance(key, str) and len(value) < 8 else "values"), item)


def mutate_call(rng: random.Random, calls: Sequence[Call], domains: dict[Path, Domain]) -> Call:
    """A new call near one of `calls`: one or two arguments changed, or arguments of two calls mixed."""
    call = rng.choice(calls)
    places = _places(call)
    if not places:
        return call
    wide = len(calls) < WIDE
    chosen = rng.sample(range(len(places)), min(len(places), rng.choice((1, 1, 1, 2, 3))))
    values = [v for _, v in places]
    others = [
        c
        for c in calls
        if len(c.args) == len(call.args) and c.kwargs and dict(c.kwargs).keys() == dict(call.kwargs).keys()
    ]
    others = others or [c for c in calls if len(c.args) == len(call.args) and not c.kwargs and not call.kwargs]
    for index in chosen:
        path = places[index][0]
        if len(others) > 1 and rng.random() < 0.15:
            values[index] = dict(_places(rng.choice(others)))[path]
        else:
            values[index] = mutate_value(rng, values[index], path, domains, wide)
    count = len(call.args)
    named = tuple(zip(dict(call.kwargs), values[count:], strict=True))
    return replace(call, args=tuple(values[:count]), kwargs=named)


def mutate_value(rng: random.Random, value: Any, path: Path, domains: dict[Path, Domain], wide: bool) -> Any:
    """Another value of the same type for one place."""
    domain = domains.get(path) or Domain([value])
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return _integer(rng, value, domain, wide)
    if isinstance(value, float):
        return _fraction(rng, value, domain, wide)
    if isinstance(value, str):
        return _text(rng, value, domain, wide)
    if isinstance(value, list | tuple):
        items = _items(rng, list(value), path, domains, domain, wide)
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, set | frozenset):
        return type(value)(_items(rng, sorted(value, key=repr), path, domains, domain, wide))
    if isinstance(value, dict) and value:
        changed = dict(value)
        for key in rng.sample(list(value), rng.choice((1, 1, len(value)))):
            below = (*path, str(key) if isinstance(key, str) and len(value) < 8 else "values")
            changed[key] = mutate_value(rng, changed[key], below, domains, wide)
        return changed
    return value


def _integer(rng: random.Random, value: int, domain: Domain, wide: bool) -> int:
    seen = [int(v) for v in domain.numbers()] or [value]
    low, high = min(seen), max(seen)
    if wide:
        low, high = (min(0, low) if low >= 0 else 2 * low - 2), 2 * abs(high) + 10
    made = rng.choice(
        (value + 1, value - 1, low, high, rng.choice(seen), rng.randint(low, high), rng.randint(low, high))
    )
    return made if low <= made <= high else rng.randint(low, high)


def _fraction(rng: random.Random, value: float, domain: Domain, wide: bool) -> float:
    seen = [float(v) for v in domain.numbers()] or [value]
    low, high = min(seen), max(seen)
    if wide:
        low, high = (low / 2 if low >= 0 else 2 * low), 2 * abs(high) + 1
    made = rng.choice((value, rng.choice(seen), low, high)) if rng.random() < 0.3 else rng.uniform(low, high)
    return made if made != value else rng.uniform(low, high)


def _text(rng: random.Random, value: str, domain: Domain, wide: bool) -> str:
    seen = [v for v in domain.values if isinstance(v, str)]
    if len(set(seen)) > 1 and rng.random() < 0.3:
        return str(rng.choice(seen))
    letters = sorted({c for v in seen for c in v}) or ["a"]
    fixed = domain.every(lambda v: len(v) == len(seen[0]), str) and len(seen) >= WIDE
    chars = list(value)
    for _ in range(rng.choice((1, 1, 2, 4))):
        way = rng.choice(("swap", "replace") if fixed else ("swap", "replace", "insert", "delete", "double", "cut"))
        at = rng.randrange(len(chars)) if chars else 0
        if way == "insert" or not chars:
            chars.insert(at, rng.choice(letters))
        elif way == "delete":
            del chars[at]
        elif way == "double":
            chars[at:at] = chars[at : at + rng.randint(1, 4)]
        elif way == "cut":
            chars = chars[: at + 1]
        elif way == "swap":
            other = rng.randrange(len(chars))
            chars[at], chars[other] = chars[other], chars[at]
        else:
            chars[at] = rng.choice(letters)
    if not chars and domain.every(bool, str) and not wide:
        return value
    return "".join(chars)


def _items(
    rng: random.Random, items: list[Any], path: Path, domains: dict[Path, Domain], domain: Domain, wide: bool
) -> list[Any]:
    below = (*path, "*")
    seen = [v for v in domain.values if isinstance(v, list | tuple)]
    pool = (domains.get(below) or Domain()).values
    fixed = len(seen) >= WIDE and len({len(v) for v in seen}) == 1
    longest = max((len(v) for v in seen), default=len(items))
    longest = longest + 4 if wide else longest
    original = list(items)
    for _ in range(rng.choice((1, 1, 2, 3))):
        way = rng.choice(("item", "item", "shuffle", "copy") if fixed else _WAYS)
        at = rng.randrange(len(items)) if items else 0
        if way == "item" and items:
            items[at] = mutate_value(rng, items[at], below, domains, wide)
        elif way == "copy" and items:
            items[at] = rng.choice(items)
        elif way == "delete" and items:
            del items[at]
        elif way == "insert" and (items or pool):
            base = rng.choice(pool or items)
            items.insert(rng.randint(0, len(items)), mutate_value(rng, base, below, domains, wide))
        elif way == "double" and items:
            items.insert(rng.randint(0, len(items)), items[at])
        elif way == "shuffle":
            rng.shuffle(items)
        elif way == "reverse":
            items.reverse()
        elif way == "cut" and items:
            items = items[: at + 1] if rng.random() < 0.5 else items[at:]
        elif way == "empty":
            items = []
    items = items[: max(longest, 1)] if not fixed else items
    if not items and seen and not any(len(v) == 0 for v in seen) and not wide:
        return original
    return _keep_shape(items, seen)


_WAYS = ("item", "item", "item", "copy", "delete", "insert", "insert", "double", "shuffle", "reverse", "cut", "empty")


def _keep_shape(items: list[Any], seen: list[Any]) -> list[Any]:
    """`items` with what all lists seen here share: sorted one way, or without repeats."""
    telling = [list(v) for v in seen if len(v) > 1]
    if not telling:
        return items
    if all(_without_repeats(v) == v for v in telling) and sum(map(len, telling)) > 8:
        items = _without_repeats(items)
    try:
        if all(sorted(v) == v for v in telling):
            return sorted(items)
        if all(sorted(v, reverse=True) == v for v in telling):
            return sorted(items, reverse=True)
    except TypeError:
        pass
    return items


def _without_repeats(items: list[Any]) -> list[Any]:
    distinct: list[Any] = []
    for item in items:
        if item not in distinct:
            distinct.append(item)
    return distinct

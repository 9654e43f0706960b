"""Test programs whose check passes whatever a solution returns, such as `assert len(f(x)) >= 0`.

Found by mutants that must fail: a trusted program whose every value is changed on its way out. Tests that are data
compare with one value, and need no such trial.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.code_tests.programs import Solution
from pipeline.sandbox.calls import read_call

if TYPE_CHECKING:
    from pipeline.sandbox import Run, Sandbox

CHANGES = ("other", "more", "empty")
"""What becomes of every value: another of the same shape, a longer or larger one, an empty one or zero."""
QUICK = 1.0
"""Seconds a test of a changed program."""

_CHANGED = """

def _change(value, how):
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return {{"other": value + 1, "more": value * 2 + 7, "empty": 0 if value else 1}}[how]
    if isinstance(value, (str, bytes)):
        more = "x" if isinstance(value, str) else b"x"
        other = more + value[1:][::-1] if value[:1] != more else value[1:] + more * 2
        return {{"other": other, "more": value + more}}.get(how, value[:0])
    if isinstance(value, (list, tuple)):
        if how == "more":
            return type(value)([*value, _change(value[0], "other")]) if value else type(value)([0])
        return type(value)(_change(item, how) for item in value[::-1]) if how == "other" else type(value)()
    if isinstance(value, (set, frozenset)):
        return type(value)(_change(item, "other") for item in value) if how == "other" else type(value)()
    if isinstance(value, dict):
        return {{key: _change(item, how) for key, item in value.items()}} if how == "other" else {{}}
    if value is None:
        return {{"other": 0, "more": 1, "empty": False}}[how]
    if hasattr(value, "__next__"):
        return iter(_change(list(value), how))
    return value


_depth = 0


def _wrap(function, how):
    def changed(*args, **kwargs):
        global _depth
        _depth += 1
        try:
            value = function(*args, **kwargs)
        except StopIteration:
            raise
        except Exception:
            value = None
        finally:
            _depth -= 1
        if _depth:
            return value
        if value is None:
            lists = [arg for arg in args if isinstance(arg, (list, dict, set))]
            for arg in lists:
                new = _change(arg, how)
                arg.clear()
                arg.extend(new) if isinstance(arg, list) else arg.update(new)
            if lists:
                return None
        return _change(value, how)

    return changed


def _wrap_class(kind, how):
    for name, member in list(vars(kind).items()):
        special = name in ("__new__", "__init__", "__post_init__", "__getattribute__", "__setattr__", "__iter__")
        if not special and type(member) is type(_wrap):
            setattr(kind, name, _wrap(member, how))

    def look(self, name):
        value = object.__getattribute__(self, name)
        return value if _depth or callable(value) or name.startswith("__") else _change(value, how)

    kind.__getattribute__ = look
    return kind


def _apply(names, path, how):
    first, *rest = path.split(".")
    if first not in names and "Solution" in names:
        first, rest = "Solution", [first, *rest]
    if isinstance(names[first], type):
        _wrap_class(names[first], how)
    else:
        names[first] = _wrap(names[first], how)


_apply(globals(), {entry!r}, {how!r})
"""


@dataclass(frozen=True)
class Empty:
    """`tests` are the places of those that pass with every change; `whole` says that all tests pass though each value
    is another."""

    tests: tuple[int, ...] = ()
    whole: bool = False


def find_empty(
    sandbox: "Sandbox", tests: Sequence[Mapping[str, Any]], entry_point: str | None, trusted: Sequence[Solution]
) -> Empty:
    """Which of `tests` check nothing that one of the `trusted` programs returns."""
    from pipeline.sandbox import Case, Program

    if entry_point is None:
        return Empty()
    places = [t for t, test in enumerate(tests) if read_call(test["input"], entry_point) is None]
    solution = next((s for s in trusted if s.language == "python"), None)
    if not places or solution is None:
        return Empty()
    cases = [Case(tests[t]["input"], tests[t]["expected"]) for t in places]
    waiting: dict[str, Future[list[Run]]] = {}
    for how in CHANGES:
        code = solution.code + _CHANGED.format(entry=entry_point, how=how)
        waiting[how] = sandbox.submit(Program("python", code, entry_point), cases, wall=QUICK)
    passed = {how: [run.status == "passed" for run in future.result()] for how, future in waiting.items()}
    empty = tuple(t for at, t in enumerate(places) if all(row[at] for row in passed.values()))
    return Empty(empty, len(places) == len(tests) and all(passed["other"]))

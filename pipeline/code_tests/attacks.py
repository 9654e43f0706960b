"""Programs that do no work: what a policy would write that has learned the tests and not the problem.

Each prints or returns what follows from the test's input without a computation: nothing, a constant, the input itself,
or what the statement's own samples say. So it is known beforehand what each gives on a test whose expected value is
data; `audit.py` runs those that may pass.
"""

import ast
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.code_tests.generate import find_samples
from pipeline.code_tests.mutate_calls import find_calls
from pipeline.sandbox.calls import Call, NoLiteral, read_call, read_literal

CONSTANTS = 8
"""Expected outputs tried as constants, the commonest first: where eight differ, no constant passes them all."""
MAX_CONSTANT = 20_000
"""Characters of a constant; nobody guesses more."""
WORDS = ("0", "1", "-1", "YES", "NO")
"""Printed whatever the tests expect: the commonest answers of contests."""
VALUES = ("None", "0", "1", "True", "False", "''", "[]", "{}")
"""Returned whatever the tests expect."""
SHORT = 6
"""Characters of an input at least, to be found within a statement: shorter ones stand there by chance."""
NEAR = 80
"""Characters that may stand between the input and its output."""
_NAMES = "from math import inf, nan\n"

Tests = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Attack:
    """One program without work. `outputs[t]` is what it gives on test t, None where that is not known beforehand."""

    name: str
    code: str
    outputs: tuple[str | None, ...]


def list_attacks(tests: Tests, entry_point: str | None, statement: str, samples: Sequence[str] = ()) -> list[Attack]:
    """The attacks on `tests`; `samples` are the ids of those that are shown to whoever solves the problem."""
    shown = find_shown(tests, entry_point, statement, samples)
    if entry_point is None:
        return _attack_texts(tests, shown)
    return _attack_calls(tests, entry_point, shown)


def find_shown(tests: Tests, entry_point: str | None, statement: str, samples: Sequence[str]) -> list[int]:
    """Which tests stand in the statement, or are among the samples beside it."""
    named = {t for t, test in enumerate(tests) if test["id"] in samples or _stands_in(statement, test)}
    if entry_point is None:
        texts = {tuple(text.split()) for text in find_samples(statement)}
        return sorted(named | {t for t, test in enumerate(tests) if tuple(test["input"].split()) in texts})
    calls = {_list_values(read_call(text, entry_point)) for text in find_calls(statement, entry_point)}
    keys = [_list_values(read_call(test["input"], entry_point)) for test in tests]
    return sorted(named | {t for t, key in enumerate(keys) if key is not None and key in calls})


def _stands_in(statement: str, test: Mapping[str, Any]) -> bool:
    """Whether a test's input stands in the statement as it is, and its output soon after."""
    words, given = " ".join(statement.split()), " ".join(test["input"].split())
    expected = " ".join((test["expected"] or "").split())
    at = words.find(given) if len(given) >= SHORT else -1
    after = words[at + len(given) :][: len(expected) + NEAR]
    return at >= 0 and bool(expected) and expected in after


def _key_call(call: Call | None) -> str | None:
    return None if call is None or call.expression is not None else repr((call.args, dict(call.kwargs or {})))


def _list_values(call: Call | None) -> str | None:
    """The values of a call's arguments, by name or not: an example in a statement names what a test may not."""
    return None if call is None or call.expression is not None else _arguments(call)


def _attack_texts(tests: Tests, shown: Sequence[int]) -> list[Attack]:
    given = [test["input"] for test in tests]
    constants = {"prints nothing": ""}
    for text in (*_commonest(tests), *WORDS):
        constants.setdefault(f"prints {_shorten(text.strip())}", text)
    attacks = [Attack(name, f"print({text!r}, end='')", (text,) * len(tests)) for name, text in constants.items()]
    for name, code, give in _ECHOES:
        attacks.append(Attack(name, f"import sys\n{code}", tuple(give(text) for text in given)))
    if shown:
        table = {" ".join(given[t].split()): tests[t]["expected"] or "" for t in shown}
        code = f"import sys\nprint({table!r}.get(' '.join(sys.stdin.read().split()), ''), end='')"
        outputs = tuple(table.get(" ".join(text.split()), "") for text in given)
        attacks.append(Attack("answers the sample tests only", code, outputs))
    return attacks


def _pick(text: str, place: int) -> str:
    tokens = text.split()
    return tokens[place] if tokens else ""


_ECHOES: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("echoes its input", "sys.stdout.write(sys.stdin.read())", lambda text: text),
    ("prints the first line", "print(sys.stdin.readline())", lambda text: text.split("\n")[0]),
    ("prints the last line", "print((sys.stdin.read().strip().splitlines() or [''])[-1])", lambda text: _last(text)),
    ("prints the first word", "print((sys.stdin.read().split() or [''])[0])", lambda text: _pick(text, 0)),
    ("prints the last word", "print((sys.stdin.read().split() or [''])[-1])", lambda text: _pick(text, -1)),
)


def _last(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]


def _attack_calls(tests: Tests, entry_point: str, shown: Sequence[int]) -> list[Attack]:
    calls = [read_call(test["input"], entry_point) for test in tests]
    values: dict[str, None] = {}
    for text in (*VALUES, *_commonest(tests)):
        if (value := _write_value(text)) is not None:
            values[value] = None
    attacks = [
        Attack(f"returns {_shorten(value)}", write_function(entry_point, value), tuple(_give(c, value) for c in calls))
        for value in values
    ]
    for which, place, given in (
        ("first", 0, "[*args, *kwargs.values(), None]"),
        ("last", -1, "[None, *args, *kwargs.values()]"),
    ):
        code = write_function(entry_point, f"{given}[{place}]")
        outputs = tuple(_give_argument(call, place) for call in calls)
        attacks.append(Attack(f"returns its {which} argument", code, outputs))
    table = {
        key: value
        for t in shown
        if (key := _key_call(calls[t])) and (value := _write_value(tests[t]["expected"])) is not None
    }
    if table:
        entries = ", ".join(f"{key!r}: {value}" for key, value in table.items())
        code = write_function(entry_point, f"{{{entries}}}.get(repr((args, kwargs)))")
        outputs = tuple(_give(call, table.get(_key_call(call) or "", "None")) for call in calls)
        attacks.append(Attack("answers the sample tests only", code, outputs))
    return attacks


def write_function(entry_point: str, value: str) -> str:
    """A program whose function `entry_point` gives the expression `value` for any `args` and `kwargs`.

    It stands at the top and in a class, since tests call it either way.
    """
    owner, _, method = entry_point.rpartition(".")
    top = f"def {method}(*args, **kwargs):\n    return {value}\n"
    inside = f"class {owner or 'Solution'}:\n    def {method}(self, *args, **kwargs):\n        return {value}\n"
    return f"{_NAMES}{top}\n{inside}"


def _commonest(tests: Tests) -> list[str]:
    counts = Counter(test["expected"] for test in tests if test["expected"] is not None)
    return [text for text, _ in counts.most_common() if len(text) <= MAX_CONSTANT][:CONSTANTS]


def _write_value(text: str | None) -> str | None:
    """An expected value as Python code; None for what is no data."""
    try:
        value = repr(read_literal(text or ""))
        ast.parse(value, mode="eval")
    except (NoLiteral, SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    return value


def _give(call: Call | None, value: str) -> str | None:
    if call is None or call.expression is not None:
        return None
    return _arguments(call) if call.after else value


def _give_argument(call: Call | None, place: int) -> str | None:
    if call is None or call.expression is not None:
        return None
    given = [*call.args, *(call.kwargs or {}).values()]
    return _arguments(call) if call.after else repr(given[place]) if given else "None"


def _arguments(call: Call) -> str:
    """What `arguments_after` gives where nothing was changed."""
    return repr([*call.args, *(call.kwargs or {}).values()])


def _shorten(text: str) -> str:
    shown = " ".join(text.split())
    return repr(shown if len(shown) <= 40 else f"{shown[:36]} ...")

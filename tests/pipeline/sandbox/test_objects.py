"""Test programs that call a constructor and then methods: the object stays with the candidate, its values are data."""

from collections.abc import Iterator

import pytest

from pipeline.sandbox import Case, Program, Sandbox

STACK = """
class Stack:
    def __init__(self, *given):
        self.items = [*given]
    def push(self, value):
        self.items.append(value)
        return self
    def pop(self):
        return self.items.pop()
    def __len__(self):
        return len(self.items)
    def __add__(self, other):
        return Stack(*self.items, *other.items)
    def __eq__(self, other):
        return True
    def __bool__(self):
        return True
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1) as opened:
        yield opened


def run(sandbox: Sandbox, code: str, entry: str, test: str) -> str:
    [result] = sandbox.run(Program("python", code, entry), [Case(test)])
    return str(result.status)


@pytest.mark.parametrize(
    ("test", "status"),
    [
        ("s = Stack()\ns.push(1).push(2)\nassert s.pop() == 2\nassert s.pop() == 1", "passed"),
        ("s = Stack(1, 2)\nassert len(s) == 2 and s.items == [1, 2]", "passed"),
        ("assert (Stack(1) + Stack(2)).items == [1, 2]", "passed"),
        ("s = Stack()\ns.items = [7]\nassert s.pop() == 7", "passed"),
        ("try:\n    Stack().pop()\n    assert False\nexcept IndexError:\n    pass", "passed"),
        ("assert Stack(1).pop() == 2", "wrong"),
        ("assert Stack(1) == Stack(2)", "runtime"),
        ("assert Stack(1) == 1", "runtime"),
        ("assert 1 in [Stack(1)]", "runtime"),
        ("assert Stack()", "runtime"),
        ("assert Stack(1).__eq__(Stack(2))", "runtime"),
        ("assert abs(Stack(1) + 1) < 1", "runtime"),
    ],
)
def test_objects_answer_with_data_and_are_never_compared(sandbox: Sandbox, test: str, status: str) -> None:
    assert run(sandbox, STACK, "Stack", test) == status


def test_a_function_returns_data_whatever_object_would_please_its_test(sandbox: Sandbox) -> None:
    pleasing = "class Any_:\n    def startswith(self, text):\n        return True\ndef name(n):\n    return Any_()"
    assert run(sandbox, pleasing, "name", "assert name(1).startswith('a')") == "runtime"


def test_iterators_come_as_their_items(sandbox: Sandbox) -> None:
    evens = "import itertools\ndef evens():\n    return itertools.count(0, 2)"
    assert run(sandbox, evens, "evens", "assert next(evens()) == 0\nassert 8 in evens()") == "passed"


def test_arguments_are_changed_by_what_returns_nothing_alone(sandbox: Sandbox) -> None:
    sort = "def f(xs, *more):\n    xs.sort()\n    for d in more:\n        d['n'] = len(xs)"
    test = "xs, d = [3, 1], {}\nf(xs, d)\nassert xs == [1, 3] and d == {'n': 2}"
    assert run(sandbox, sort, "f", test) == "passed"
    empties = "def f(xs):\n    xs.clear()\n    return []"
    assert run(sandbox, empties, "f", "xs = [3, 1]\nassert f(xs) == sorted(xs)") == "wrong"

"""Checks that pass whatever comes are found by programs whose every value is changed."""

from collections.abc import Iterator

import pytest

from pipeline.code_tests.empty_checks import find_empty
from pipeline.code_tests.programs import read_solutions
from pipeline.code_tests.read_tests import split_asserts
from pipeline.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1) as opened:
        yield opened


WORDS = "def words(text):\n    if not text:\n        raise ValueError(text)\n    return sorted(text.split())"
STACK = (
    "class Stack:\n    def __init__(self):\n        self.items = []\n    def push(self, x):\n"
    "        self.items.append(x)\n    def top(self):\n        return self.items[-1] if self.items else None\n"
    "    def __len__(self):\n        return len(self.items)"
)
SORT = "def sort(xs):\n    xs.sort()"


@pytest.mark.parametrize(
    ("code", "entry", "checks", "empty"),
    [
        (
            WORDS,
            "words",
            [
                "assert len(words('b a')) >= 0",
                "assert isinstance(words('a'), list)",
                "assert words('b') == words('b')",
                "x = words('c b')",
            ],
            True,
        ),
        (
            WORDS,
            "words",
            [
                "assert words('b a')[0] == 'a'",
                "assert len(words('b a')) == 2",
                "assert 'a' in words('a')",
                "try:\n    words('')\n    assert False\nexcept ValueError:\n    pass",
            ],
            False,
        ),
        (
            STACK,
            "Stack",
            [
                "s = Stack()\ns.push(3)\nassert s.top() == 3",
                "s = Stack()\nassert len(s) == 0",
                "s = Stack()\ns.push(1)\nassert s.items == [1]",
                "assert Stack().top() is None",
            ],
            False,
        ),
        (STACK, "Stack", ["s = Stack()\ns.push(3)\nassert len(s) >= 0", "s = Stack()"], True),
        (SORT, "sort", ["xs = [2, 1]\nsort(xs)\nassert xs == [1, 2]", "assert sort([1]) is None or sort([2])"], None),
    ],
)
def test_what_checks_nothing(sandbox: Sandbox, code: str, entry: str, checks: list[str], empty: bool | None) -> None:
    tests = [{"id": f"t{i}", "input": check, "expected": ""} for i, check in enumerate(checks)]
    found = find_empty(sandbox, tests, entry, read_solutions([{"language": "python", "code": code}]))
    expected = tuple(range(len(checks))) if empty else () if empty is False else (1,)
    assert found.tests == expected
    assert bool(found.whole) == bool(empty)


def test_tests_that_are_data_need_no_trial(sandbox: Sandbox) -> None:
    solutions = read_solutions([{"language": "python", "code": WORDS}])
    assert (
        find_empty(sandbox, [{"id": "t", "input": "words('a')", "expected": "['a']"}], "words", solutions).tests == ()
    )


def test_asserts_that_share_an_object_stay_together() -> None:
    assert split_asserts("s = Stack()\nassert s.pop() is None\nassert s.size() == 0") == []
    assert split_asserts("assert f(1) == 2\ng()\nassert f(2) == 3") == []
    assert len(split_asserts("n = 3\nassert f(n) == 2\nassert g(n) == 3")) == 2
    assert len(split_asserts("x = [1]\ny = [2]\nassert f(x) == 2\nassert f(y) == 3")) == 2

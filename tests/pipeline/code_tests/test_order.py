"""Outputs that hang on Python's hashes, on time or on chance, and problems where order does not matter."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from pipeline.code_tests import check_tests
from pipeline.sandbox import Case, Program, Sandbox, all_passed
from schemas.config import CodeTestsConfig
from schemas.conform import conform_rows

GIVEN = [
    (["pear fig kiwi", "fig pear lime"], ["pear", "fig"]),
    (["a b c d", "b c d e"], ["d", "b", "c"]),
    (["one two", "two three"], ["two"]),
    (["red green blue", "blue red green"], ["green", "red", "blue"]),
    (["x y", "z"], []),
    (["sun moon star", "moon star sky"], ["star", "moon"]),
    (["u v w", "w v u"], ["v", "w", "u"]),
]
SHARED = [
    "def common(a, b):\n    return list(set(a.split()) & set(b.split()))",
    "def common(one, two):\n    left = {word for word in one.split()}\n    return [*left.intersection(two.split())]",
    "def common(a, b):\n    found = set()\n    for word in a.split():\n        if word in b.split():\n"
    "            found.add(word)\n    return [word for word in found]",
]
MANY = ["abcdefgh", "ijklmnop", "qrstuvwx", "acegikmo", "bdfhjlnp"]
LINKS = [
    ("b a\nc b\nd b", "d c b a"),
    ("y x\nz y", "z y x"),
    ("q p\nr p\ns q", "s q r p"),
    ("n m", "n m"),
    ("f e\ng f\nh e", "h g f e"),
    ("k j\nl k", "l k j"),
]
"""Pairs of which the first comes before the second, and one of the orders that keep them."""
ORDERS = [
    "import sys\nafter, all_ = {}, set()\nfor line in sys.stdin:\n    x, y = line.split()\n"
    "    after.setdefault(x, set()).add(y)\n    all_ |= {x, y}\ndone = []\nwhile all_:\n"
    "    for x in all_:\n        if not any(x in after.get(y, ()) for y in all_):\n            break\n"
    "    done.append(x)\n    all_.discard(x)\nprint(*done)",
    "import sys\npairs = [line.split() for line in sys.stdin]\nleft = {x for p in pairs for x in p}\nout = []\n"
    "while left:\n    free = left - {y for x, y in pairs if x in left}\n    out += free\n    left -= free\nprint(*out)",
    "import sys\npairs = {tuple(line.split()) for line in sys.stdin}\nout = []\nitems = set().union(*pairs)\n"
    "def visit(x):\n    if x in items:\n        items.discard(x)\n        for a, b in pairs:\n            if b == x:\n"
    "                visit(a)\n        out.append(x)\nfor x in list(items):\n    visit(x)\nprint(*out)",
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1) as opened:
        yield opened


def check(sandbox: Sandbox, codes: list[str], tests: list[dict[str, Any]], **columns: Any) -> dict[str, Any]:
    """The kept problem, or the rejected one with its `reason`."""
    solutions = [{"id": f"s{i}", "language": "python", "code": code} for i, code in enumerate(codes)]
    row = {"domain": "code", "statement": "Do it.", "tests": tests, "solutions": solutions} | columns
    frame, bad = conform_rows([row], source="planted")
    assert bad.is_empty()
    kept, rejected = check_tests(frame, CodeTestsConfig(generate=False), sandbox)
    return pl.concat([kept, rejected], how="diagonal").row(0, named=True)


def calls(pairs: Any = GIVEN) -> list[dict[str, Any]]:
    return [
        {"id": f"t{i}", "input": f"common({', '.join(map(repr, given))})", "expected": repr(out)}
        for i, (given, out) in enumerate(pairs)
    ]


@pytest.mark.parametrize("codes", [SHARED, SHARED[:1]], ids=["three", "one"])
def test_programs_that_show_every_order_show_that_none_is_asked_for(sandbox: Sandbox, codes: list[str]) -> None:
    row = check(sandbox, codes, calls(), entry_point="common")
    assert row["checker"]["ignore_order"] == "outer"
    assert len(row["tests"]) == len(GIVEN)
    cases = [Case(test["input"], test["expected"]) for test in row["tests"]]
    ordered = "def common(a, b):\n    return sorted(set(a.split()) & set(b.split()), reverse=True)"
    doubled = "def common(a, b):\n    return [w for w in a.split() if w in b.split()] * 2"
    assert all_passed(sandbox.run(Program("python", ordered, "common"), cases, row["checker"]), len(cases))
    assert not all_passed(sandbox.run(Program("python", doubled, "common"), cases, row["checker"]), len(cases))


def test_outputs_that_are_always_sorted_ask_for_it(sandbox: Sandbox) -> None:
    tests = calls([(given, sorted(out)) for given, out in GIVEN])
    row = check(sandbox, SHARED, tests, entry_point="common")
    assert row.get("reason") in ("tests_disagree", "too_few_tests")


def test_programs_that_sort_outweigh_one_that_does_not(sandbox: Sandbox) -> None:
    sorts = [
        "def common(a, b):\n    return sorted(set(a.split()) & set(b.split()))",
        "def common(a, b):\n    return [w for w in sorted(set(a.split())) if w in b.split()]",
        "def common(a, b):\n    found = list(set(a.split()) & set(b.split()))\n    found.sort()\n    return found",
    ]
    tests = calls([(given, sorted(out)) for given, out in GIVEN])
    row = check(sandbox, [*sorts, SHARED[0]], tests, entry_point="common")
    assert row["checker"] is None
    assert [s["id"] for s in row["solutions"]] == ["s0", "s1", "s2"]


def test_several_right_orders_are_not_every_order(sandbox: Sandbox) -> None:
    tests = [{"id": f"t{i}", "input": f"{text}\n", "expected": out} for i, (text, out) in enumerate(LINKS)]
    said = "Print the letters so that the first of each pair comes before the second. If there are several, print any."
    row = check(sandbox, ORDERS, tests, statement=said)
    assert row.get("reason") in ("needs_checker", "tests_disagree", "too_few_tests")


def test_what_hangs_on_hashes_is_no_test(sandbox: Sandbox) -> None:
    """A test of one item stands; those whose output is another under another seed go, though all programs agree."""
    codes = [
        "def first(words):\n    return next(iter(set(words)), None)",
        "def first(xs):\n    for x in set(xs):\n        return x",
        "def first(words):\n    return (list(set(words)) or [None])[0]",
    ]
    many = [{"id": f"t{i}", "input": f"first({list(text)!r})", "expected": None} for i, text in enumerate(MANY)]
    one = [{"id": f"u{i}", "input": f"first([{c!r}])", "expected": repr(c)} for i, c in enumerate("pqrst")]
    row = check(sandbox, codes, [*many, *one], entry_point="first")
    assert sorted(test["id"] for test in row["tests"]) == ["u0", "u1", "u2", "u3", "u4"]
    assert "not deterministic" in row["history"][0]["detail"]


def test_a_library_that_is_not_there_is_named_and_says_nothing_against_tests(sandbox: Sandbox) -> None:
    lacking = "import no_such_library\ndef double(n):\n    return no_such_library.add(n, n)"
    codes = ["def double(n):\n    return n * 2", lacking, lacking.replace("add(n, n)", "twice(n)")]
    tests = [{"id": f"t{n}", "input": f"double({n})", "expected": str(2 * n)} for n in range(1, 7)]
    row = check(sandbox, codes, tests, entry_point="double")
    assert len(row["tests"]) == len(tests)
    assert json.loads(row["extra"])["code_tests"]["missing"] == {"no_such_library": ["s1", "s2"]}
    assert json.loads(row["extra"])["code_tests"]["failed"] == []
    assert row["history"][0]["action"] == "missing"
    row = check(sandbox, codes[1:], tests, entry_point="double")
    assert row["reason"] == "no_solution"
    assert row["detail"].endswith("no_such_library")

"""What counts as the expected output, and as the expected value."""

import itertools
import json
import math
from random import Random
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pipeline.sandbox.calls import NoLiteral, parse_assert, read_call, read_literal
from pipeline.sandbox.inside import codec
from pipeline.sandbox.judge import compare_output, compare_value, write_literal

words = st.text(st.characters(codec="ascii", exclude_categories=("Cc", "Zs")), min_size=1)
tokens = st.lists(words.filter(lambda word: word.lower().lstrip("+-") != "nan"))
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers()
keys = st.integers() | st.text() | st.tuples(st.integers(), st.text())
values = st.recursive(
    plain,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(keys, inner) | st.sets(keys),
    max_leaves=12,
)


@given(tokens, st.sampled_from((" ", "\n", "  ", "\r\n", "\t")))
def test_white_space_between_tokens_does_not_count(said: list[str], between: str) -> None:
    assert compare_output(" ".join(said), between.join(said) + between)


@given(tokens, words)
def test_a_token_more_or_less_counts(said: list[str], extra: str) -> None:
    assert not compare_output(" ".join(said), " ".join([*said, extra]))
    assert not compare_output(" ".join([*said, extra]), " ".join(said))


@given(st.integers(), st.integers())
def test_integers_are_compared_as_digits(one: int, other: int) -> None:
    assert compare_output(str(one), str(other)) == (one == other)
    assert compare_output(str(one), f"{one}.0") is False


@given(st.floats(-1e12, 1e12).filter(lambda x: not x.is_integer()), st.floats(-3e-6, 3e-6))
def test_a_number_with_a_fraction_has_a_tolerance(number: float, off: float) -> None:
    assume(abs(abs(off) - 1e-6) > 1e-9)  # At the very bound, rounding decides.
    got = number + off * max(1.0, abs(number))
    near = abs(got - number) <= 1e-6 * max(1.0, abs(number))
    assert compare_output(f"{number:.17f}", f"{got:.17f}") == near


@pytest.mark.parametrize(
    ("got", "expected", "checker", "right"),
    [
        ("1000001", "1000000", None, False),
        ("9007199254740993", "9007199254740992", None, False),
        ("yes", "YES", None, False),
        ("yes", "YES", {"ignore_case": True}, True),
        ("0.333333 0.666667", "0.3333333333 0.6666666667", None, True),
        ("0.1000020", "0.1", None, False),
        ("nan", "1.5", None, False),
        ("nan", "nan", None, False),
        ("inf", "1e308", None, False),
        ("1e999", "1.5", None, False),
        ("0x10", "16", None, False),
        ("1_000", "1000", None, False),
        ("１", "1", None, False),
        ("007", "7", None, True),
        ("-0", "0", None, True),
        ("-7", "7", None, False),
        ("1e-7", "0.0000001", None, True),
        ("1.0", "1", None, False),
        ("1.0", "1", {"float_tolerance": 1e-6}, True),
        ("3.1", "3.14", {"float_tolerance": 0.1}, True),
        ("1 2\n3", "1 2 3", {"strict_whitespace": True}, False),
        ("1  2", "1 2", {"strict_whitespace": True}, False),
        ("1 2  \n3\n\n", "1 2\n3", {"strict_whitespace": True}, True),
        ("0.5000001 x", "0.5 x", {"strict_whitespace": True}, True),
        ("1 2\n3", "3\n1 2", {"ignore_order": "outer"}, True),
        ("1 2\n3", "3\n2 1", {"ignore_order": "outer"}, False),
        ("1 2\n3", "2 1\n3", {"ignore_order": "inner"}, True),
        ("1 2\n3", "3\n1 2", {"ignore_order": "inner"}, False),
        ("1 2\n3", "3\n2 1", {"ignore_order": "all"}, True),
        ("1 1 2", "1 2 2", {"ignore_order": "all"}, False),
        ("0.5 0.25", "0.250 0.50", {"ignore_order": "inner"}, True),
        ("nan 1", "1 nan", {"ignore_order": "inner"}, False),
        ("B\na", "A\nb", {"ignore_order": "outer", "ignore_case": True}, True),
        ("", "", None, True),
        ("", "1", None, False),
        ("1", "", None, False),
        ("YES", "YES\n1 2 3", None, False),
        ("", None, None, False),
        ("None", None, None, False),
    ],
)
def test_outputs(got: str, expected: str | None, checker: dict[str, object] | None, right: bool) -> None:
    assert compare_output(expected, got, checker) is right


def same(one: Any, other: Any) -> bool:
    """Equal, with nan equal to itself, whatever the order in which a set is written."""
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return all(same(value, other[key]) for key, value in one.items())
    return repr(one) == repr(other) or one == other


@given(values)
@example((float("nan"), {-950, -6}))
def test_data_survives_the_way_out(value: Any) -> None:
    tagged = json.loads(json.dumps(codec.encode(value)))
    assert same(codec.decode(tagged), value)
    assert same(read_literal(write_literal(tagged)), value)
    assert compare_value(value, tagged)


exact = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_characters=".")) | st.binary()
exact_values = st.recursive(
    exact,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(keys, inner) | st.sets(keys),
    max_leaves=12,
)


@given(exact_values, exact_values)
@example(1, True)
@example([1], (1,))
@example({1: 2}, {1: 2, 3: 4})
def test_values_without_fractions_are_equal_as_in_python(one: Any, other: Any) -> None:
    assert compare_value(one, json.loads(json.dumps(codec.encode(other)))) == (one == other)


@given(st.integers(-(2**53), 2**53))
def test_a_number_is_itself_in_every_type(number: int) -> None:
    for one, other in itertools.product((number, float(number), complex(number)), repeat=2):
        assert compare_value([one], codec.encode([other]))


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(), st.lists(st.integers()))
def test_a_subclass_is_its_base(number: int, real: float, text: str, items: list[int]) -> None:
    for value, base in ((number, int), (real, float), (text, str), (items, list)):
        liar = type("Liar", (base,), {"__eq__": lambda self, other: True, "__hash__": None})
        tagged = codec.encode(liar(value))
        assert type(codec.decode(tagged)) is base
        assert not compare_value([value], tagged)
        assert compare_value(value, tagged)


@pytest.mark.parametrize(
    ("got", "expected", "right"),
    [
        ((1, 2), [1, 2], False),
        (1.0, 1, True),
        (True, 1, True),
        ("1", 1, False),
        (0.1 + 0.2, 0.3, True),
        (0.30001, 0.3, False),
        (2**53 + 1, 2**53, False),
        (float("nan"), 1.5, False),
        (float("nan"), float("nan"), True),
        (float("inf"), 1e308, False),
        (float("inf"), float("inf"), True),
        ({1, 2}, {2, 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        (None, "", False),
        (None, 0, False),
        ([], (), False),
    ],
)
def test_values(got: Any, expected: Any, right: bool) -> None:
    assert compare_value(expected, json.loads(json.dumps(codec.encode(got)))) is right


def test_integers_have_no_limit() -> None:
    tagged = json.loads(json.dumps(codec.encode(10**5000)))
    assert compare_value(10**5000, tagged)
    assert not compare_value(10**5000 + 1, tagged)
    assert read_literal(write_literal(tagged)) == 10**5000


@given(st.lists(st.tuples(st.integers(), st.text())))
def test_what_came_as_json_knows_no_tuples(pairs: list[tuple[int, str]]) -> None:
    tagged = codec.encode(pairs)
    assert compare_value(json.loads(json.dumps(pairs)), tagged, loose=True)
    assert compare_value(dict(json.loads(json.dumps(dict(pairs)))), codec.encode(dict(pairs)), loose=True)


@pytest.mark.parametrize(
    "reply", [{"eval": "1"}, {"t": 5}, {"d": [[1]]}, {"i": "x"}, {}, {"a": 1, "b": 2}, [[{"c": []}]]]
)
def test_a_reply_that_is_no_data_equals_nothing(reply: Any) -> None:
    for expected in (None, 1, "x", [1], (1,), {1: 2}, {1}, [[1j]]):
        assert not compare_value(expected, reply)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("set()", set()),
        ("OrderedDict([(1, 2)])", {1: 2}),
        ("Counter({'a': 1})", {"a": 1}),
        ("float('inf')", math.inf),
        ("-inf", -math.inf),
        ("math.inf", math.inf),
        ("[true, null]", [True, None]),
        ("1+2j", 1 + 2j),
        ("(1,)", (1,)),
    ],
)
def test_literals(text: str, value: Any) -> None:
    assert read_literal(text) == value


@pytest.mark.parametrize("text", ["", "f(1)", "x", "[1", "__import__('os')", "1 if 2 else 3", "(" * 5000, "set(1, 2)"])
def test_no_literals(text: str) -> None:
    with pytest.raises(NoLiteral):
        read_literal(text)


@pytest.mark.parametrize(
    ("text", "case"),
    [
        ("assert f(1, [2]) == 3", ("f(1, [2])", "3")),
        ("assert 3 == f(1)", ("f(1)", "3")),
        ("assert candidate('x') == ['y'], 'why'", ("f('x')", "['y']")),
        ("assert f(x=1) is None", ("f(x=1)", "None")),
        ("assert f(float('inf')) == set()", ("f(float('inf'))", "set()")),
        ("assert f(1)", None),
        ("assert f(1) == f(2)", None),
        ("assert f(1) < 3", None),
        ("assert g(1) == 3", None),
        ("assert sorted(f(1)) == [3]", None),
        ("assert abs(f(1) - 3) < 1e-6", None),
        ("assert f(1) == 3\nassert f(2) == 4", None),
        ("f(1) == 3", None),
        ("not python at all", None),
    ],
)
def test_asserts_become_data_where_they_can(text: str, case: tuple[str, str] | None) -> None:
    found = parse_assert(text, "f")
    assert (found and (found.input, found.expected)) == case


@pytest.mark.parametrize(
    ("text", "args", "kwargs"),
    [
        ("[1, [2], null]", (1, [2], None), {}),
        ('{"a": 1}', (), {"a": 1}),
        ("f(1, b=(2,))", (1,), {"b": (2,)}),
        ("[(1, 2)]", ((1, 2),), {}),
    ],
)
def test_calls_are_read_as_data(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    call = read_call(text, "f")
    assert call is not None
    assert (call.args, call.kwargs or {}, call.expression) == (args, kwargs, None)


def test_what_is_no_data_is_evaluated_beside_the_program_and_the_rest_is_a_test_program() -> None:
    for text in ("f(Node(1))", "f([x * x for x in range(3)])", "Solution().f(1)"):
        call = read_call(text, "f")
        assert call is not None
        assert call.expression == text
    for text in ("f(1) == 2", "assert f(1) == 2", "len(f(1))", "def check(candidate): pass", "print(f(1))"):
        assert read_call(text, "f") is None


VALUES = st.lists(st.lists(st.one_of(st.integers(-3, 3), st.sampled_from(["a", "b"]), st.just(0.5)), max_size=4))


@given(VALUES, st.randoms(use_true_random=False))
def test_any_order_takes_just_the_permutations(value: list[list[Any]], rng: Random) -> None:
    outer, inner = [*value], [[*row] for row in value]
    rng.shuffle(outer)
    for row in inner:
        rng.shuffle(row)
    both = [*inner]
    rng.shuffle(both)
    for order, right in (("outer", outer), ("inner", inner), ("all", both)):
        assert compare_value(value, codec.encode(right), {"ignore_order": order})
        assert not compare_value(value, codec.encode([*right, []]), {"ignore_order": order})


@given(VALUES.filter(any))
def test_any_order_takes_no_other_value(value: list[list[Any]]) -> None:
    changed = [[*row] for row in value]
    place = next(at for at, row in enumerate(changed) if row)
    changed[place][0] = "another"
    assert not compare_value(value, codec.encode(changed), {"ignore_order": "all"})


def test_what_stands_in_any_order_within_a_dict() -> None:
    rules = {"ignore_order": "inner"}
    assert compare_value({"x": [1, 2]}, codec.encode({"x": [2, 1]}), rules)
    assert not compare_value({"x": [1, 2]}, codec.encode({"x": [2, 1]}), {"ignore_order": "outer"})
    assert compare_value([1, 2, True], codec.encode([2, 1.0, 1]), {"ignore_order": "outer"})

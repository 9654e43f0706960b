"""What the fast path reads, exactly, and what it leaves to the slow path."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.verify.equal import approximate
from pipeline.verify.fast import key_fast, parse_fast

SAME = [
    [
        "5",
        "+5",
        "5.0",
        "5.",
        " 5 ",
        "$5$",
        r"\(5\)",
        "**5**",
        r"\boxed{5}",
        "10/2",
        r"\frac{10}{2}",
        "x = 5",
        "2+3=5",
        "(5)",
        "５",
        "५",
    ],
    [
        "-1/2",
        "-0.5",
        "-.5",
        r"-\frac{1}{2}",
        r"\frac{-1}{2}",
        r"\frac{1}{-2}",
        r"-\dfrac12",
        "−1/2",
        r"-\tfrac{1}{2}",
        "-½",
    ],
    ["5/4", "1 1/4", r"1\frac{1}{4}", r"1 \frac14", "1.25", "125%", r"125\%", "125 percent", r"\frac{5}{4}", "1¼"],
    ["50625", "50,625", r"50,\!625", "50{,}625", r"50\,625", "50 625", "50625 apples", r"50625 \text{ square units}"],
    ["100000", "1e5", "1E+5", r"1 \times 10^5", r"10^{5}", "10^5", "10**5", "100,000.00", "0.1 million"],
    ["1234.50 dollars", "$1,234.50", r"\$1234.5", "US$1,234.5", r"\$1,234.50 \text{ dollars}"],
    ["36°", r"36^\circ", r"36^{\circ}", "36 degrees", r"36 \text{ degrees}", r"36\degree"],
    ["5 cm", r"5\text{ cm}", r"5 \mathrm{cm}", "5 centimeters", "5cm", r"5\,\text{cm}"],
    ["20 cm^2", r"20\text{ cm}^2", "20 square centimeters", r"20 \text{ sq cm}", "20 cm²"],
    ["60 km/h", "60 km per hour", r"60 \text{ km/h}", "60 kilometers per hour"],
    [
        r"2\sqrt{3}",
        r"\sqrt{12}",
        r"2\sqrt3",
        r"\frac{6}{\sqrt{3}}",
        "2√3",
        "2*sqrt(3)",
        r"\sqrt{3}+\sqrt{3}",
        r"12^{1/2}",
    ],
    [r"\frac{3\pi}{2}", r"\frac{3}{2}\pi", r"1.5\pi", "3π/2", "3*pi/2", r"\pi+\frac{\pi}{2}"],
    [r"\sqrt{2}-1", r"\frac{1}{1+\sqrt{2}}", r"-1+\sqrt2"],
    ["x^2+2x+1", "(x+1)^2", "1+2x+x^2", r"x\cdot x+2x+1", "(x+1)(x+1)"],
    ["(1, 2)", "(1,2)", r"\left(1,2\right)", r"( 1 , \frac{4}{2} )", "$(1,2)$"],
    [
        r"\{1, 2\}",
        "1,2",
        "2, 1",
        "1 and 2",
        r"1 \text{ or } 2",
        r"\left\{2,1\right\}",
        "x=1 or x=2",
        r"\{1,1,2\}",
        "1$,$2",
        "x_1=1, x_2=2",
    ],
    ["[2, 3)", r"\left[2,3\right)", r"x \in [2,3)"],
    [r"(0,\infty)", r"(0, +\infty)", r"(0,∞)"],
    [r"\pm 3", "3, -3", r"\{-3,3\}", "x = 3 or x = -3", "±3"],
    ["monday", "Monday", r"\text{Monday}", r"\textbf{Monday}", "Monday."],
    ["A", "(A)", r"\text{A}", r"(\text{A})", r"\textbf{A}", "A."],
    ["3:4", "6:8", "0.75:1"],
    [r"\infty", "+∞", "infinity"],
    [r"\emptyset", r"\varnothing", "∅", r"\{\}"],
    ["1/3", r"0.\overline{3}", r"0.\bar{3}", "2/6"],
]


@pytest.mark.parametrize("writings", SAME, ids=lambda writings: writings[0])
def test_writings_of_one_value_have_one_key(writings: list[str]) -> None:
    keys = {writing: key_fast(writing) for writing in writings}
    assert None not in keys.values(), keys
    assert len(set(keys.values())) == 1, keys


def test_different_values_have_different_keys() -> None:
    keys = [key_fast(writings[0]) for writings in SAME]
    assert len(set(keys)) == len(keys)


DIFFERENT = [
    ("9007199254740993", "9007199254740992"),
    (r"2^{53}+1", r"2^{53}"),
    ("0.333", "1/3"),
    ("0.1000000000000000000001", "0.1"),
    ("(1,2)", "(2,1)"),
    ("(1,2)", r"\{1,2\}"),
    ("(1,2)", "[1,2]"),
    ("[1,2)", "(1,2]"),
    ("2, 2, 3", "2, 3"),
    ("(1,234)", "1234"),
    ("5 cm", "5 m"),
    ("5 cm", "5 cm^2"),
    ("5m", "5 m"),
    ("10:30", "1:3"),
    ("ab", "a"),
    ("Mot", "Tom"),
    ("5 million", "5"),
    ("1e-7", "2e-7"),
]


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_nothing_is_rounded_or_taken_for_another(left: str, right: str) -> None:
    keys = [key_fast(left), key_fast(right)]
    assert len(set(keys)) == 2 or keys == [None, None]


SLOW = [
    "",
    "   ",
    "5 6",
    "1 2 3",
    "5 or",
    "5 is not 6",
    "between 5 and 6 or so I think it is",
    "6 = 5",
    "1/0",
    r"\frac{1}{0}",
    r"\frac{1}",
    r"\sqrt{",
    "(1,2",
    r"\{1,2",
    "1,,2",
    r"\pm",
    r"1, \pm",
    "x =",
    "= 5",
    "$",
    "%",
    "-",
    "x^{1/0}",
    "2x3",
    "1/2x",
    "f(x)",
    r"\sin x",
    "sin x",
    "nan",
    "1 < x < 2",
    r"10^{10^{10}}",
    "9!!",
    "99999!",
    r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}",
    r"\sum_{n=1}^{\infty} n",
    "0^0",
    "x" * 1000,
    "(" * 500 + "5" + ")" * 500,
]


@pytest.mark.parametrize("text", SLOW, ids=lambda text: text[:20])
def test_what_is_not_common_is_left_to_the_slow_path(text: str) -> None:
    assert parse_fast(text) is None


fractions = st.fractions(max_denominator=10**6).filter(lambda f: abs(f) < 10**12)


def write_fraction(value: Fraction, style: int) -> str:
    sign, top, bottom = "-" if value < 0 else "", abs(value.numerator), value.denominator
    return [
        f"{sign}{top}/{bottom}",
        rf"{sign}\frac{{{top}}}{{{bottom}}}",
        rf"\dfrac{{{sign}{top}}}{{{bottom}}}",
        rf"${sign}\tfrac{{{top}}}{{{bottom}}}$",
        f"x = {sign}{top}/{bottom}",
        rf"{sign}\frac{{{top * 7}}}{{{bottom * 7}}}",
    ][style]


@given(fractions, fractions, st.integers(0, 5), st.integers(0, 5))
@example(Fraction(2**53), Fraction(2**53 + 1), 0, 1)
def test_equal_keys_are_equal_rationals(a: Fraction, b: Fraction, style_a: int, style_b: int) -> None:
    assert key_fast(write_fraction(a, style_a)) == key_fast(write_fraction(a, style_b))
    assert Fraction(str(key_fast(write_fraction(a, style_a)))) == a
    assert (key_fast(write_fraction(a, style_a)) == key_fast(write_fraction(b, style_b))) == (a == b)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=7, min_value=-(10**9), max_value=10**9))
def test_decimals_are_exact(value: Decimal) -> None:
    exact = Fraction(value)
    assert key_fast(f"{value:f}") == key_fast(f"{value:,f}") == key_fast(f"{exact.numerator}/{exact.denominator}")
    key = key_fast(f"{value:f}")
    assert key is not None
    assert Fraction(key) == exact


atoms = st.sampled_from(
    [
        "1",
        "2",
        "-3",
        "0.5",
        r"\frac{2}{3}",
        r"\sqrt{2}",
        r"2\sqrt{3}",
        r"\pi",
        "x",
        "3y",
        r"\sqrt{8}",
        "7",
        r"x^{2}",
        r"\alpha",
    ]
)
sums = st.lists(atoms, min_size=1, max_size=4)


@given(sums, st.randoms())
def test_sums_do_not_depend_on_their_order(terms: list[str], draw: object) -> None:
    shuffled = list(terms)
    draw.shuffle(shuffled)  # type: ignore[attr-defined]
    wrap = "({})".format
    assert key_fast("+".join(map(wrap, terms))) == key_fast("+".join(map(wrap, shuffled)))
    assert key_fast("".join(map(wrap, terms))) == key_fast("".join(map(wrap, shuffled)))


@given(sums, st.sampled_from(["{}", "({}, 1)", r"\{{{}, 2\}}", "[{}, 9)", "{}, 4", r"\text{{area}} = {}", "3 - ({})"]))
def test_a_key_is_an_answer_of_its_own_value(terms: list[str], frame: str) -> None:
    value = parse_fast(frame.format("+".join(f"({term})" for term in terms)))
    assert value is not None
    again = parse_fast(value.key)
    assert again is not None
    assert (again.key, again.kind == "number") == (value.key, value.kind == "number")


@given(st.text(max_size=60))
@example("\x00")
@example("\\")
@example("{\\")
@example("1:0")
def test_any_text_is_taken_and_keys_are_stable(text: str) -> None:
    key = key_fast(text)
    assert key_fast(key or "") == key


@given(st.text(alphabet=r"0123456789.,/\{}()[]$%^-+ fracsqrtxpi:=", max_size=24))
def test_mathematical_noise_is_taken(text: str) -> None:
    key = key_fast(text)
    assert key_fast(key or "") == key


def test_approximations_have_thirty_digits() -> None:
    value = parse_fast(r"\sqrt{2}+\pi")
    assert value is not None
    number = approximate(value)
    assert number is not None
    assert f"{int(number * 10**30)}" == "4555806215962888287264332107489"


FRAGMENTS = [
    r"\text{",
    "}",
    "{",
    "(",
    ")",
    "1",
    "1,",
    "000 ",
    "a ",
    r"\frac",
    r"\sqrt",
    "^",
    "_",
    "$",
    "=",
    " and ",
    " or ",
    r"\pm",
]
FRAGMENTS += [
    "/",
    ".",
    "-",
    "ab ",
    "%",
    r"\{",
    r"\}",
    " ",
    "x_1",
    r"\degree",
    "cm ",
    "per ",
    "!",
    ":",
    "[",
    "]",
    r"\infty",
    "0",
    "e",
]
FRAGMENTS += [r"\pi", r"\overline", r"\binom", r"\in ", "million ", "blue ", "p.m.", "apples ", "/h", "²", "½"]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))
def test_broken_pieces_of_answers_are_taken(text: str) -> None:
    key = key_fast(text)
    assert key_fast(key or "") == key

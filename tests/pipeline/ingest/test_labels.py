"""A label comes out of its text without markup, and says what it said: the verifier still tells right from wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.labels import clean_label, extract_label

KEPT = [
    "1,200",
    "12.5%",
    "\\$18",
    "$18",
    "3 1/2",
    "2\\frac{1}{2}",
    "5\\text{ cm}",
    "(1,2)",
    "\\{1,2\\}",
    "x=3",
    "-4",
    "1e5",
    "...",
]


@pytest.mark.parametrize("label", KEPT)
def test_what_the_verifier_reads_is_left_alone(label: str) -> None:
    assert clean_label(label) == label


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ("$\\frac{1}{2}$", "\\frac{1}{2}"),
        ("$$x+1$$", "x+1"),
        ("\\(7\\)", "7"),
        ("\\[ 7 \\]", "7"),
        ("\\boxed{7}", "7"),
        ("$\\boxed{\\frac{a}{b}}$.", "\\frac{a}{b}"),
        ("\\text{Friday}", "Friday"),
        (" 12. ", "12"),
        ("$3$ and $4$", "$3$ and $4$"),
        ("\\boxed{3} and \\boxed{4}", "\\boxed{3} and \\boxed{4}"),
        ("\\$5 to \\$7", "\\$5 to \\$7"),
        ("", None),
        ("$$", None),
        (" . ", None),
    ],
)
def test_only_markup_around_the_whole_goes(given: str, label: str | None) -> None:
    assert clean_label(given) == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("so \\boxed{1} or rather \\boxed{\\frac{3}{2}}.", "\\frac{3}{2}"),
        ("\\boxed{\\text{(B)}}", "(B)"),
        ("the answer is $\\boxed{10{,}080}$", "10{,}080"),
        ("\\boxed{\\{x : x > \\frac{1}{2}\\}}", "\\{x : x > \\frac{1}{2}\\}"),
        ("no box here", None),
        ("cut off \\boxed{12", None),
        (None, None),
    ],
)
def test_the_last_box(text: str | None, label: str | None) -> None:
    assert extract_label(text, "boxed") == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("48/2 = <<48/2=24>>24\n#### 72", "72"),
        ("#### 1\nwrong\n#### 2,125 ", "2,125"),
        ("#### -3", "-3"),
        ("#### $50", "$50"),
        ("no mark", None),
        ("####", None),
    ],
)
def test_what_follows_the_hashes(text: str, label: str | None) -> None:
    assert extract_label(text, "hashes") == label


@given(st.text(alphabet="$\\{}().[]#1ab xt\n", max_size=40))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_label(text)
    assert clean_label(once or "") == once


@pytest.mark.parametrize(
    ("given", "right", "wrong"),
    [
        ("1,200", "1200", "1201"),
        ("12.5%", "12.5\\%", "13%"),
        ("$18", "18", "19"),
        ("3 1/2", "\\frac{7}{2}", "3"),
        ("$2\\frac{1}{2}$", "2.5", "1"),
        ("5\\text{ cm}", "5", "6"),
        ("\\boxed{\\frac{1}{2}}.", "0.5", "0.25"),
        ("10{,}080", "10080", "10"),
    ],
)
def test_a_cleaned_label_is_verifiable(given: str, right: str, wrong: str) -> None:
    from pipeline.verify.decide import decide

    label = clean_label(given)
    assert label is not None
    assert decide(label, right) == "same"
    assert decide(label, wrong) == "differ"

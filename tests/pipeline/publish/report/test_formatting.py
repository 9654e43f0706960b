"""Numbers as people read them: short, and never a lie."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.publish.report.formatting import brief, meaning, plural, share, shorten, span, tone
from schemas.reasons import Reason


@settings(deadline=None)
@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_share_is_never_nothing_for_something_nor_all_for_not_all(part: int, rest: int) -> None:
    said = share(part, part + rest)
    assert (said == "0%") == (part == 0 and rest > 0)
    assert (said == "100%") == (part > 0 and rest == 0)
    assert (said == "–") == (part + rest == 0)


def test_numbers_read_well() -> None:
    assert [brief(n) for n in (0, 950, 9_999, 12_400, 112_362, 3_100_000)] == [
        "0", "950", "9,999", "12.4k", "112k", "3.1M"
    ]  # fmt: skip
    assert [span(s) for s in (0.24, 59, 600, 7200, 432_000)] == [
        "0.2 s",
        "59 s",
        "10 min",
        "2 h 00 min",
        "120 h 00 min",
    ]
    assert plural(1, "problem") == "1 problem"
    assert plural(2000, "problem") == "2,000 problems"


@settings(deadline=None)
@given(st.text(max_size=100), st.integers(0, 50))
def test_a_text_of_no_more_than_the_limit_stays(text: str, spare: int) -> None:
    assert shorten(text, len(text) + spare) == text


@settings(deadline=None)
@given(st.integers(20, 100), st.data())
def test_a_long_text_keeps_its_beginning_and_its_end(limit: int, data: st.DataObject) -> None:
    text = data.draw(st.text(min_size=limit + 1, max_size=3 * limit))
    short = shorten(text, limit)
    assert short.startswith(text[: limit // 2])
    assert short.endswith(text[-(limit - limit // 2) :])
    assert f"{len(text) - limit} characters left out" in short


def test_every_reason_has_a_colour_and_a_meaning_and_a_new_word_breaks_nothing() -> None:
    assert all(meaning(reason) and tone(reason) for reason in Reason)
    assert meaning("of_a_newer_version") == ""
    assert tone("of_a_newer_version") == "rule"

"""What comes from data does nothing to a terminal, a log or a table."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.visible import make_line, make_visible, print_visible

texts = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\x07\x08\r\x9b\u202e\u2066\ud800\u2028")))


@given(texts)
def test_nothing_is_left_that_is_obeyed_and_everything_else_stays(text: str) -> None:
    shown = make_visible(text)
    assert len(shown) == len(text)
    for before, after in zip(text, shown, strict=True):
        category = unicodedata.category(before)
        obeyed = category in ("Cc", "Cs") and before not in "\n\t"
        # Some format characters turn text round, others join letters.
        assert after in ({"�"} if obeyed else {before, "�"} if category == "Cf" else {before})
    assert make_visible(shown) == shown
    shown.encode()


@given(texts)
def test_a_line_is_one_line(text: str) -> None:
    assert len(make_line(text).splitlines()) <= 1


def test_colours_titles_and_reversed_text_are_shown_not_obeyed() -> None:
    assert make_visible("a\x1b[31mb\x1b]0;t\x07") == "a�[31mb�]0;t�"
    assert make_visible("abc\u202egpj.exe") == "abc�gpj.exe"
    assert make_visible("tab\tand\nline") == "tab\tand\nline"


def test_a_printed_line_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    print_visible("  name\x1b[2J\ud800: 3 rows")
    assert capsys.readouterr().out == "  name�[2J�: 3 rows\n"

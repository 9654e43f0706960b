"""Formulas of a statement: what is drawn, what stays as its source, and that no text becomes anything but text."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.publish.report.formulas import LONGEST, draw_label, draw_text

OURS = {"span", "math", "semantics", "annotation", "code"}
HOSTILE = [
    r"$\text{<script>alert(1)</script>}$",
    r"$\text{&lt;img src=x onerror=alert(1)&gt;}$",
    r"$\href{javascript:alert(1)}{x}$",
    r"$\style{background:url(http://example.org/x)}{x}$",
    r"$\class{formula}{x}$",
    '$\\color{red" onload="alert(1)}{x}$',
    r"$</annotation></math><script>alert(1)</script>$",
    r"<script>alert(1)</script> $x$ <img src=x>",
]
PIECES = st.sampled_from(
    [
        *("$", "$$", "\\[", "\\]", "\\(", "{", "}", "&", "\\\\", "^", "_", "<", ">", '"', "'", "x", "1", " ", "\\"),
        *("\\frac", "\\sqrt", "\\text{", "\\left", "\\right", "\\begin{matrix}", "\\end{matrix}", "\\hspace{9em}"),
        *("<script>", "\\href{javascript:x}", "\\style{a:b}", "\\class{c}", '\\color{red" x="}', "&lt;", "\\unknown"),
    ]
)


class Page(HTMLParser):
    """The elements, attributes and visible text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.sources: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.sources += [value or "" for name, value in attrs if name == "title"]


def check_harmless(html: str) -> Page:
    page = Page(html)
    assert {tag for tag in page.tags if not tag.startswith("m")} <= OURS
    assert not page.attributes & {"href", "src", "style", "id"}
    assert not any(name.startswith("on") for name in page.attributes)
    return page


def test_a_fraction_is_drawn_with_its_source_on_hover() -> None:
    page = check_harmless(draw_text(r"Find $\frac{1}{2}$ of it.", 8000))
    assert "mfrac" in page.tags
    assert page.sources == [r"$\frac{1}{2}$"]


def test_money_is_no_formula() -> None:
    assert draw_text("It costs $5 and then $7 more.", 8000) == "It costs $5 and then $7 more."
    assert Page(draw_text(r"It costs \$5. Find $x$.", 8000)).sources == ["$x$"]


@pytest.mark.parametrize(
    "text",
    [
        r"$\unknown{x}$",
        r"$\frac{1}{$",
        f"${'x+' * LONGEST}1$",
        f"${'{' * 900}x{'}' * 900}$",
        r"$\def\a{xx}\a$",
        r"never closed $\frac{1}{2}",
    ],
)
def test_what_cannot_be_converted_stays_as_its_source(text: str) -> None:
    assert draw_text(text, 8000) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    check_harmless(draw_text(text, 8000))
    check_harmless(draw_label(text.strip("$"), 400))


@given(st.lists(PIECES, max_size=30).map("".join))
def test_no_text_becomes_markup(text: str) -> None:
    check_harmless(draw_text(text, 8000))
    check_harmless(draw_text(text, 20, inline=True))
    check_harmless(draw_label(text, 400))


@pytest.mark.parametrize(
    ("label", "tag"), [(r"\frac{1}{2}", "mfrac"), ("x^2", "msup"), ("$x$", "math"), ("42", "code")]
)
def test_a_label_is_drawn_with_or_without_dollar_signs(label: str, tag: str) -> None:
    assert tag in check_harmless(draw_label(label, 400)).tags


def test_a_space_takes_no_more_room_than_a_formula_may() -> None:
    assert "9999" not in draw_text(r"$\hspace{9999em}x$", 8000).partition("<annotation")[0].partition("<math")[2]

"""Draws the formulas of a statement or a label as MathML, with their LaTeX source on hover.

A browser draws MathML without a script and without a font from outside. What cannot be converted stays as its source.
The converter escapes nothing, so none of its text reaches a page as it is: the element tree that it builds is written
again with the elements and attributes that are listed here, and every text escaped.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from pipeline.publish.report.formatting import cut, shorten
from pipeline.text.masking import find_closer
from pipeline.text.money import is_money

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

LONGEST = 2000
"""Characters of a formula that is drawn: the converter takes 30 ms for so many, and time in their square."""
MOST = 400
"""Formulas of one text that are drawn: a page of 8,000 characters has fewer, unless it means to be slow."""
LONG = 40
"""Characters from which a formula gets a scroll bar of its own where the window is narrow: MathML breaks no lines."""
LARGEST = 3.0
"""em of a space that a formula may ask for; one that asks for more is drawn without it."""

_OPENER = re.compile(r"\\\\|\\\$|\$\$?|\\\[|\\\(|\\begin\{((?:equation|align|gather|multline|eqnarray)\*?)\}")
_CLOSERS = {"\\[": "\\]", "\\(": "\\)"}
_MACROS = re.compile(r"\\(?:(?:re|provide)?new(?:command|environment)|[egx]?def|let|DeclareMathOperator)(?![A-Za-z])")
"""Macros multiply what is written: twenty lines of them can ask for more memory than there is."""
_LATEX = re.compile(r"\\[A-Za-z]|[\^_{]|\\[,;!%]")
_COMMAND = re.compile(r"\\[A-Za-z]")
_ELEMENTS = frozenset(
    str.split(
        "math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow mspace msqrt mstyle"
        " msub msubsup msup mtable mtd mtext mtr munder munderover"
    )
)
_WORDS = re.compile(r"[a-z-]{1,24}(?: [a-z-]{1,24}){0,40}")
_LENGTH = r"[+-]?(?:\d{1,3}(?:\.\d{0,6})?|\.\d{1,6})(?:em|ex|pt|px|mu|%)?"
_LENGTHS = re.compile(f"{_LENGTH}(?: {_LENGTH}){{0,40}}")
_EM = {"ex": 0.5, "pt": 0.1, "px": 0.07, "mu": 1 / 18, "%": 0.01}
"""Unit -> em, about; a number without a unit counts as one."""
_COLOURS = re.compile(r"[A-Za-z]{1,20}|#[0-9A-Fa-f]{3,8}")
_IN_WORDS = str.split(
    "accent accentunder columnalign columnlines display displaystyle fence form largeop linebreak mathvariant"
    " movablelimits notation rowlines separator stretchy symmetric"
)
_IN_LENGTHS = str.split(
    "columnspacing depth height linethickness lspace mathsize maxsize minsize rowspacing rspace scriptlevel voffset"
    " width"
)
_ATTRIBUTES = {
    **dict.fromkeys(_IN_WORDS, _WORDS),
    **dict.fromkeys(_IN_LENGTHS, _LENGTHS),
    "mathcolor": _COLOURS,
}
"""Attribute -> what its value looks like. Links, classes and styles are not among them."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula of a text: its source with its delimiters, what stands between them, and whether it is displayed."""

    source: str
    body: str
    display: bool


def split_formulas(text: str) -> Iterator[str | Formula]:
    """The parts of a text in their order: prose and formulas. A dollar sign that is money opens none; what is opened
    and never closed is prose."""
    position = start = 0
    while opened := _OPENER.search(text, position):
        opener, position = opened.group(), opened.end()
        if opener in ("\\\\", "\\$"):
            continue
        environment = opened.group(1)
        closer = f"\\end{{{environment}}}" if environment else _CLOSERS.get(opener, opener)
        end = find_closer(text, closer, position)
        if opener == "$" and is_money(text, opened.start(), end):
            continue
        if end < 0:
            break
        if start < opened.start():
            yield text[start : opened.start()]
        source = text[opened.start() : end + len(closer)]
        start = position = end + len(closer)
        body = source if environment else source[len(opener) : -len(closer)]
        yield Formula(source, body, opener not in ("$", "\\("))
    if start < len(text):
        yield text[start:]


def draw_text(text: str, limit: int, inline: bool = False) -> Markup:
    """A text as safe HTML with its formulas drawn. Of one longer than `limit` characters the beginning and the end.
    `inline`: displayed formulas stand in the line as well, for lists and tables."""
    if len(text) <= limit:
        return _draw_parts(text, inline)
    head, omitted, tail = cut(text, limit)
    return _draw_parts(head, inline) + escape(omitted) + _draw_parts(tail, inline)


def draw_label(label: str, limit: int) -> Markup:
    """A label or an answer as safe HTML: LaTeX is drawn, with or without dollar signs around it, all else is code."""
    if len(label) <= limit:
        if any(isinstance(part, Formula) for part in split_formulas(label)):
            return _draw_parts(label, inline=True)
        drawn = _draw_formula(Formula(label, label, False)) if _LATEX.search(label) else None
        if drawn is not None:
            return drawn
    return Markup("<code>{}</code>").format(shorten(label, limit))


def _draw_parts(text: str, inline: bool) -> Markup:
    drawn: list[Markup] = []
    formulas = 0
    for part in split_formulas(text):
        if isinstance(part, str):
            drawn.append(escape(part))
            continue
        formulas += 1
        shown = Formula(part.source, part.body, part.display and not inline)
        picture = _draw_formula(shown) if formulas <= MOST else None
        drawn.append(escape(part.source) if picture is None else picture)
    return Markup("").join(drawn)


@lru_cache(maxsize=4096)
def _draw_formula(formula: Formula) -> Markup | None:
    """The formula as HTML, or None where it cannot be converted."""
    body = formula.body.strip()
    if not body or len(body) > LONGEST or _MACROS.search(body):
        return None
    from latex2mathml.converter import Converter

    try:
        tree = Converter(display="block" if formula.display else "inline").convert_to_element(body)
        drawn = "".join(_write(child) for child in tree)
    except Exception:  # the converter raises whatever an unexpected text leads to; the source is shown then
        return None
    kind = "formula display" if formula.display else "formula long" if len(body) > LONG else "formula"
    display = Markup(' display="block"') if formula.display else Markup("")
    return Markup(
        '<span class="{}" title="{}"><math dir="ltr"{}><semantics><mrow>{}</mrow>'
        '<annotation encoding="application/x-tex">{}</annotation></semantics></math></span>'
    ).format(kind, formula.source, display, Markup(drawn), formula.source)


class _Unconverted(ValueError):
    """The converter left a command as it was, or built an element that is not of MathML."""


def _write(element: "Element") -> str:
    """An element of the converter's tree as HTML, with what is allowed alone. Raises _Unconverted."""
    if element.tag not in _ELEMENTS:
        raise _Unconverted(element.tag)
    text = unescape(element.text or "")
    if element.tag != "mtext" and _COMMAND.match(text):
        raise _Unconverted(text)
    attributes = "".join(
        f' {name}="{escape(value)}"' for name, value in element.attrib.items() if _is_allowed(name, value)
    )
    inside = "".join(_write(child) for child in element)
    return f"<{element.tag}{attributes}>{escape(text)}{inside}</{element.tag}>"


def _is_allowed(name: str, value: str) -> bool:
    """Whether an attribute is one of MathML's own for how things look, and asks for no more room than a formula may."""
    pattern = _ATTRIBUTES.get(name)
    if pattern is None or not pattern.fullmatch(value):
        return False
    sizes = re.findall(r"([\d.]+)(em|ex|pt|px|mu|%)?", value) if pattern is _LENGTHS else []
    return all(float(size) * _EM.get(unit, 1.0) <= LARGEST for size, unit in sizes)

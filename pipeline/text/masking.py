"""A text taken apart into prose, formulas, tables, drawings and code by one scan, `split_parts`.

`mask` replaces all that is no prose by one mark each, so that a rule about words sees words alone.
`pipeline/text/prose.py` separates prose, formulas and code for those who compare them or ask which language it is in.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.text.money import is_money

MATH = "\ue000"
DISPLAY = "\ue001"
TABLE = "\ue002"
CODE = "\ue003"
MASKS = MATH + DISPLAY + TABLE + CODE

Kind = Literal["inline", "display", "table", "drawing", "code", "link", "unclosed"]

_OPENER = re.compile(r"\\\\|\\\$|\\\[|\\\(|\$\$|\$|\\begin\{([A-Za-z]+)\*?\}|\[asy\]|<asy>|```")
_CODE_OPENER = re.compile(_OPENER.pattern + r"|~~~|`[^`\n]+`|https?://\S+")
_CLOSERS = {"\\[": "\\]", "\\(": "\\)", "[asy]": "[/asy]", "<asy>": "</asy>"}
_DOLLARS = {"$": re.compile(r"(?<!\\)\$"), "$$": re.compile(r"\$\$")}
_PARAGRAPH = re.compile(r"\n\s*\n")
_TEXT_ENVIRONMENTS = frozenset(
    str.split(
        "enumerate itemize center description quote quotation document problem question flushleft flushright parts"
    )
)
_TABLE_ENVIRONMENTS = frozenset(str.split("tabular tabularx longtable table"))
_CODE_ENVIRONMENTS = frozenset(str.split("tikzpicture asy lstlisting verbatim"))


@dataclass(frozen=True, slots=True)
class Part:
    """What is no prose in a text: from `start` to `end`, opened by `opener`, with `body` between its delimiters.

    One that is opened and never closed is `unclosed`; it reaches to where its opener ends.
    """

    kind: Kind
    opener: str
    start: int
    end: int
    body: str


@dataclass(frozen=True, slots=True)
class Masked:
    """A masked text: its prose with one mark for each formula, table and drawing, and the formulas in order.

    `unclosed` names a construct that is opened and never closed (null if none); `drawn` says that there is a drawing in
    LaTeX or Asymptote, `tabled` that there is a LaTeX table.
    """

    prose: str
    formulas: tuple[str, ...]
    unclosed: str | None
    drawn: bool
    tabled: bool


def find_closer(text: str, closer: str, position: int) -> int:
    """Where the next closer stands, -1 if nowhere; an escaped dollar sign closes nothing."""
    if closer not in _DOLLARS:
        return text.find(closer, position)
    match = _DOLLARS[closer].search(text, position)
    return match.start() if match else -1


def split_parts(text: str, lenient: bool = False) -> Iterator[Part]:
    """All that is no prose, in order, in time linear in the text. A dollar sign that is money opens nothing.

    `lenient` is for what models write: code in the line and links are parts too, a displayed formula ends with its
    paragraph at the latest, and code or an environment that is cut off ends with the text.
    """
    pattern = _CODE_OPENER if lenient else _OPENER
    absent: set[str] = set()
    position = 0
    while opened := pattern.search(text, position):
        opener, start, position = opened.group(), opened.start(), opened.end()
        name = opened.group(1)
        if opener in ("\\\\", "\\$") or name in _TEXT_ENVIRONMENTS:
            continue
        if opener.startswith("http"):
            yield Part("link", opener, start, position, opener)
            continue
        if opener[0] == "`" and opener != "```":
            yield Part("code", "`", start, position, opener[1:-1])
            continue
        closer = "\\end" + opener[6:] if name else _CLOSERS.get(opener, opener)
        end = -1 if closer in absent else find_closer(text, closer, position)
        if end < 0:
            absent.add(closer)
        if opener == "$" and is_money(text, start, end):
            continue
        if lenient and opener in ("$$", "\\[", "\\("):
            paragraph = _end_paragraph(text, position)
            if end < 0 or end > paragraph:
                end, closer = paragraph, ""
        elif lenient and end < 0 and opener != "$":
            end, closer = len(text), ""
        if end < 0:
            yield Part("unclosed", opener, start, position, "")
            continue
        body = text[position:end]
        position = end + len(closer)
        yield Part(_name_kind(name or opener, body), opener, start, position, body)


def _end_paragraph(text: str, position: int) -> int:
    end = _PARAGRAPH.search(text, position)
    return len(text) if end is None else end.start()


def _name_kind(name: str, body: str) -> Kind:
    """What a construct is, by its environment or opener and by what stands in it."""
    if name in ("```", "~~~"):
        return "code"
    if name in _CODE_ENVIRONMENTS or name in ("[asy]", "<asy>"):
        return "drawing"
    if name in _TABLE_ENVIRONMENTS or (name != "$" and "\\begin{tabular" in body) or "\\begin{array}" in body:
        return "table"
    return "inline" if name in ("$", "\\(") else "display"


_MARK = {"inline": MATH, "display": DISPLAY, "table": TABLE, "drawing": CODE, "code": CODE}


def mask(text: str) -> Masked:
    """Replace formulas, tables and drawings by marks. What follows an opener without its closer stays as it is."""
    out: list[str] = []
    formulas: list[str] = []
    kinds: set[Kind] = set()
    position, unclosed = 0, None
    for part in split_parts(text):
        if part.kind == "unclosed":
            unclosed = part.opener
            break
        out += (text[position : part.start], _MARK[part.kind])
        position = part.end
        kinds.add(part.kind)
        if part.kind in ("inline", "display", "table"):
            formulas.append(part.body)
    out.append(text[position:])
    return Masked("".join(out), tuple(formulas), unclosed, "drawing" in kinds, "table" in kinds)

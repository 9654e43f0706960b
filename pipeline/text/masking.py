"""A text with every formula, table and drawing replaced by one mark, so that a rule about words sees words alone."""

import re
from dataclasses import dataclass

from pipeline.text.money import is_money

MATH = "\ue000"
DISPLAY = "\ue001"
TABLE = "\ue002"
CODE = "\ue003"
MASKS = MATH + DISPLAY + TABLE + CODE

_OPENER = re.compile(r"\\\\|\\\$|\\\[|\\\(|\$\$|\$|\\begin\{([A-Za-z]+)\*?\}|\[asy\]|<asy>|```")
_DOLLARS = {"$": re.compile(r"(?<!\\)\$"), "$$": re.compile(r"\$\$")}
_TEXT_ENVIRONMENTS = frozenset(
    str.split(
        "enumerate itemize center description quote quotation document problem question flushleft flushright parts"
    )
)
_TABLE_ENVIRONMENTS = frozenset(str.split("tabular tabularx longtable table"))
_CODE_ENVIRONMENTS = frozenset(str.split("tikzpicture asy lstlisting verbatim"))


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


def mask(text: str) -> Masked:
    """Replace formulas, tables and drawings by marks. Linear in the text: an opener without its closer ends the
    scan."""
    out: list[str] = []
    formulas: list[str] = []
    drawn = tabled = False
    position = 0
    while opened := _OPENER.search(text, position):
        out.append(text[position : opened.start()])
        opener, position = opened.group(), opened.end()
        if opener in ("\\\\", "\\$"):
            out.append(opener)
            continue
        if opened.group(1):
            name = opened.group(1)
            if name in _TEXT_ENVIRONMENTS:
                out.append(opener)
                continue
            closer = "\\end" + opener[6:]
        else:
            name = opener
            closer = {"\\[": "\\]", "\\(": "\\)", "[asy]": "[/asy]", "<asy>": "</asy>"}.get(opener, opener)
        end = find_closer(text, closer, position)
        if opener == "$" and is_money(text, opened.start(), end):
            out.append("$")
            continue
        if end < 0:
            out.append(text[opened.start() :])
            return Masked("".join(out), tuple(formulas), opener, drawn, tabled)
        body = text[position:end]
        position = end + len(closer)
        if name in _CODE_ENVIRONMENTS or name in ("[asy]", "<asy>", "```"):
            drawn = drawn or name != "```"
            out.append(CODE)
        elif name in _TABLE_ENVIRONMENTS or (name != "$" and "\\begin{tabular" in body) or "\\begin{array}" in body:
            tabled = True
            out.append(TABLE)
            formulas.append(body)
        else:
            out.append(MATH if name in ("$", "\\(") else DISPLAY)
            formulas.append(body)
    out.append(text[position:])
    return Masked("".join(out), tuple(formulas), None, drawn, tabled)

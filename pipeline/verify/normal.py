"""Cleans the writing of an answer, never its meaning.

Models and label sets write one value in many ways: dollar delimiters, `\\left`, thin spaces, `\\dfrac`, Unicode
minus signs, full-width digits, a trailing full stop. `clean` takes that off, for the reader and for SymPy's
parser alike. What it cannot tell it leaves as it stands.
"""

from __future__ import annotations

import re

from pipeline.text.decimal_commas import write_english
from pipeline.text.thousands import join_latex, join_spaced

_CHARACTERS = {
    **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d", "-"),
    **dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u061c", ""),
    "\u066b": ".",
    "\u066c": ",",
    "\uff0c": ",",
    "\u3001": ",",
    "\uff0e": ".",
    "\u3002": ".",
    "\uff1a": ":",
    "\uff1b": ";",
    "\uff3b": "[",
    "\uff3d": "]",
    "\uff1c": "<",
    "\uff1e": ">",
    "\uff0a": "*",
    "\uff0f": "/",
    "\uff5b": "{",
    "\uff5d": "}",
    "\uff04": "$",
    "\uff1d": "=",
    "\uff08": "(",
    "\uff09": ")",
    "\uff05": "%",
    "\uff0b": "+",
    "\u00d7": r"\times ",
    "\u22c5": r"\cdot ",
    "\u00b7": r"\cdot ",
    "\u00f7": "/",
    "\u2044": "/",
    "\u2215": "/",
    "\u221a": r"\sqrt ",
    "\u221b": r"\sqrt[3]",
    "\u03c0": r"\pi ",
    "\u221e": r"\infty ",
    "\u00b0": r"^\circ ",
    "\u222a": r"\cup ",
    "\u2229": r"\cap ",
    "\u2208": r"\in ",
    "\u2264": r"\le ",
    "\u2265": r"\ge ",
    "\u2260": r"\ne ",
    "\u2248": r"\approx ",
    "\u00b1": r"\pm ",
    "\u2205": r"\emptyset ",
    "\u00bd": r"\frac{1}{2}",
    "\u2153": r"\frac{1}{3}",
    "\u2154": r"\frac{2}{3}",
    "\u00bc": r"\frac{1}{4}",
    "\u00be": r"\frac{3}{4}",
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    **{
        sup: f"^{{{digit}}}" for digit, sup in enumerate("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
    },
}
_TABLE = str.maketrans(_CHARACTERS)
_EATEN = re.compile(
    r"\t(?=ext|heta|imes|frac)|\x0c(?=rac|orall)|\x08(?=egin|inom|ar\b|eta\b|oxed)"
    r"|\r(?=ight|ho\b|angle)|\x07(?=lpha|ngle|pprox)|\x0b(?=ec\b|arphi|ee\b)"
)
"""The control character that a string literal made of a backslash and the first letter of a command."""
_EATEN_LETTERS = {"\t": "t", "\x0c": "f", "\x08": "b", "\r": "r", "\x07": "a", "\x0b": "v"}

_DROPPED = re.compile(
    r"\\(?:left|right|bigl|bigr|Bigl|Bigr|biggl|biggr|big|Big|bigg|displaystyle|textstyle|limits|nolimits)(?![A-Za-z])"
    r"|(?<!\\)\\[()\[\]!]"
)
_SPACES = re.compile(r"(?<!\\)\\(?:[ ,;:]|(?:quad|qquad|thinspace|enspace)(?![A-Za-z]))|~|\s+")
_DECIMAL_COMMA = re.compile(r"(?<=\d)\{,\}(?=[\d(\\])")
_BRACKET = re.compile(r"\\(?:left|right)\s*\\([\[\]()])")
_WRAPPER = re.compile(r"\\(?:boxed|fbox|displaystyle|mathbf|boldsymbol|bm|ensuremath)\s*\{")
_FRACTION = re.compile(r"\\[dtc]frac(?![A-Za-z])")
_DEGREES = re.compile(r"\s*(?:\^\s*(?:\\(?:text)?circ(?![A-Za-z])|\{\s*\\circ\s*\})|\\degree(?![A-Za-z])s?)")
_SYMBOLS = (
    (re.compile(r"\\(?:leq|leqslant)(?![A-Za-z])"), r"\\le "),
    (re.compile(r"\\(?:geq|geqslant)(?![A-Za-z])"), r"\\ge "),
    (re.compile(r"\\(?:lbrace)(?![A-Za-z])"), r"\\{"),
    (re.compile(r"\\(?:rbrace)(?![A-Za-z])"), r"\\}"),
    (re.compile(r"\\(?:lbrack)(?![A-Za-z])"), "["),
    (re.compile(r"\\(?:rbrack)(?![A-Za-z])"), "]"),
)
_WORDED = re.compile(r"\\(?:text|textrm|textbf|textit|textnormal|mbox)\s*\{([^{}]*\d[^{}]*)\}\s*\.?")
_ORNAMENT = re.compile(
    r"\\(?:checkmark|Large|large|LARGE|huge|Huge|small|normalsize|bf|it|sf|tt|rm)(?![A-Za-z])(?!\s*\{)"
    r"|\\(?:hspace|vspace|phantom|hphantom)\*?\s*\{[^{}]*\}|\\(?:text)?color\s*\{[A-Za-z0-9!]*\}|[\u2713\u2714\u2705]"
)
"""Fonts, sizes, colours, blank space and check marks: they say nothing of the value."""
_SIZED = re.compile(r"\\(?:Large|large|LARGE|huge|Huge|small|bf|underline|textcolor\s*\{[A-Za-z0-9!]*\})\s*(?=\{)")
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
_RUNS = re.compile(r"\s\s+")
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def closing_brace(text: str, start: int) -> int:
    """The index of the brace that closes the group whose inside starts at `start`, or -1 when it is never closed.

    Escaped braces (`\\{`) are characters, not groups.
    """
    depth, position = 1, start
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 2
            continue
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    return -1


def _unwrap(text: str) -> str:
    """Takes wrappers that hold the whole text off it: `\\boxed{5}` is 5. Each brace is looked at once."""
    if _WRAPPER.match(text) is None:
        return text
    closing: dict[int, int] = {}
    stack: list[int] = []
    for brace in _BRACES.finditer(text):
        if brace[0] == "{":
            stack.append(brace.end())
        elif brace[0] == "}" and stack:
            closing[stack.pop()] = brace.start()
    low, high = 0, len(text)
    while (match := _WRAPPER.match(text, low)) and closing.get(match.end()) == high - 1:
        low, high = match.end(), high - 1
        while low < high and text[low].isspace():
            low += 1
        while low < high and text[high - 1].isspace():
            high -= 1
    return text[low:high]


_INNER_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?=\{)")
"""A box around a part of an answer, which says nothing of the value. One around all of it goes with its braces: those
of `\\[\\boxed{(1, 2)}\\]` are no set's."""
_APOSTROPHES = re.compile(r"(?<![\d'.,])\d{1,3}(?:['\u2019]\d{3})+(?![\d'\u2019])")
"""Thousands as the Swiss write them."""


def _undollar(text: str) -> str:
    """Drops `$` as a delimiter of mathematics; a lone one, or one that is escaped, is money and stays as `$`."""
    if "$" not in text:
        return text
    bare = re.sub(r"\\\$", "\x01", text)
    if bare.count("$") % 2 == 0:
        bare = bare.replace("$", " ")
    return bare.replace("\x01", "$")


def clean(text: str) -> str:
    """The answer without formatting. Total: any string gives a string, in time linear in its length."""
    text = _EATEN.sub(lambda match: "\\" + _EATEN_LETTERS[match[0]], text).strip()
    if text.endswith("\\") and not text.endswith("\\\\"):
        text = text[:-1].rstrip()
    if _PLAIN.fullmatch(text):
        return text
    text = _RUNS.sub(" ", text).translate(_TABLE)
    text = _unwrap(text.strip("* \t\r\n"))
    if "'" in text or "\u2019" in text:
        text = _APOSTROPHES.sub(lambda match: re.sub(r"\D", "", match[0]), text)
    text = _undollar(text)
    text = _DECIMAL_COMMA.sub(".", join_latex(text)) if "{,}" in text else text
    if "\\" in text or not text.isascii():
        text = _SIZED.sub("", _ORNAMENT.sub(" ", text))
        text = join_latex(text)
        text = _BRACKET.sub(r"\1", text)
        text = _DROPPED.sub("", text)
        text = _FRACTION.sub(lambda _: r"\frac", text)
        text = text.replace("\\%", "%")
        text = _DEGREES.sub(r"\\degree ", text)
        for pattern, replacement in _SYMBOLS:
            text = pattern.sub(replacement, text)
    text = _SPACES.sub(" ", text).strip()
    if worded := _WORDED.fullmatch(text):
        text = worded[1].strip()
    if " " in text:
        text = join_spaced(text)
    text = write_english(text)
    while text and text[-1] in ".,;" and not text.endswith(("\\,", "..")):
        text = text[:-1].rstrip()
    text = _unwrap(text)
    return _INNER_BOX.sub("", text) if "box" in text else text

"""Cuts an answer into tokens. Every character belongs to a token or is white space; anything else is unreadable."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.text.latex import LAYOUT, SYNONYMS
from pipeline.verify.reader.values import TooLarge, Unreadable

MAX_TOKENS = 600

_FUNCTION_WORDS = """
sin cos tan cot sec csc sinh cosh tanh coth sech csch arcsin arccos arctan arccot arcsec arccsc arcsinh arccosh arctanh
arsinh arcosh artanh asin acos atan asinh acosh atanh ln log lg exp sqrt cbrt abs floor ceil min max gcd lcm det sgn mod
arctg arcctg arcsen ctg cotg tg sen
"""
FUNCTIONS = frozenset(_FUNCTION_WORDS.split())
_COMMAND_FUNCTION_WORDS = """
tg ctg cotg cosec sen sh ch th cth arctg arcctg arccotg arcsen arccosec arsh arch arth cis
"""
COMMAND_FUNCTIONS = frozenset(_COMMAND_FUNCTION_WORDS.split())
"""As Russian, French, Spanish and Portuguese write functions: names only as commands, letters elsewhere."""
_DIVISORS = dict.fromkeys(
    ("mcd", "MCD", "mdc", "MDC", "pgcd", "PGCD", "ggT", "\u041d\u041e\u0414", "hcf", "HCF", "gcf", "GCF"), "gcd"
) | dict.fromkeys(("mcm", "mmc", "MCM", "MMC", "ppcm", "PPCM", "kgV", "\u041d\u041e\u041a", "LCM"), "lcm")
"""Names of the greatest common divisor and the least common multiple in other languages."""
_GREEK_WORDS = """
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho varrho sigma tau
upsilon phi varphi chi psi omega ell hbar Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega nabla imath jmath
"""
GREEK = frozenset(_GREEK_WORDS.split())
_NAMES_WRITTEN = GREEK | {"infty", "infinity", "oo", "choose"}

_TEXT = r"text|textrm|textbf|textit|textnormal|mbox|hbox|textsf|texttt"
_FONT = r"mathrm|mathit|mathbf|mathsf|mathbb|mathcal|operatorname\*?|rm|boldsymbol|bm|vec|overrightarrow|bf"
_TOKEN = re.compile(
    rf"(?P<space>\s+)"
    r"|(?P<number>[1-9]\d{0,2}(?: \d{3})+(?![\d ]*[\d/])(?:\.\d+)?|\d{1,3}(?:,\d{3})+(?!\d|,\d)(?:\.\d+)?"
    r"|\d{1,3}(?:\.\d{3}){2,}(?![\d.])|\d+\.\d+|\d+\.(?!\d)|\d+|\.\d+)"
    r"|\\(?:text)?color\s*\{(?P<color>[^{}]*)\}"
    rf"|\\(?:{_TEXT})\s*\{{(?P<text>[^{{}}]*)\}}"
    rf"|\\(?P<font>{_FONT})(?![A-Za-z])\s*(?:\{{(?P<inside>\\?(?:[^{{}}\\]|\^\{{-?\d+\}})*)\}}|\s(?P<bare>[A-Za-z])(?![A-Za-z]))"
    r"|\\(?P<edge>begin|end)\s*\{(?P<environment>[A-Za-z]+\*?)\}(?:\{[lcr|]*\})?"
    r"|(?P<row>\\\\(?:\[[^\]]{0,8}\])?)"
    r"|\\(?P<command>[A-Za-z]+|[{}|$#&])"
    r"|(?P<word>[A-Za-z]+(?![A-Za-z\u00c0-\u024f])|[^\W\d_\u0370-\u03ff]+)|(?P<greek>[\u0370-\u03ff])"
    r"|(?P<mark>\*\*|<=|>=|!=|\|\||[-+*/^_!(){}\[\]|=<>,;:.&%$'°√\u20ac\u00a3\u20b9\u00a5])"
)


_NO_WORDS = re.compile(r"[\d\s.,;:()+\-*/%$=]*")
"""What stands in `\\text{}` without being text."""
_EDGE_JOIN = re.compile(r"(?<=\w),?( (?:and|or|und|oder|et|ou|и|или) )\s*$")
"""A word that joins what follows, at the end of a text."""
_BRACKET = re.compile(r"[(\[]|\\\{")
_SEPARATOR = re.compile(r",\s|;|[(\[]\d{1,3}(?:,\d{3})+[)\]](?=[\d^*+/-])")
"""In brackets `1,000` is a number only where the items are separated otherwise: (3,100) is a pair."""

_TIGHT_SEPARATOR = re.compile(r"(?<=\d),(?=\d)(?!\d{3}(?!\d))")


@dataclass(frozen=True, slots=True)
class Token:
    """`kind`: number, word, text (inside \\text{}), command, mark, begin, end, row. `spaced`: white space before it."""

    kind: str
    text: str
    spaced: bool = False


_GREEK_LETTERS = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ",
        [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "zeta",
            "eta",
            "theta",
            "iota",
            "kappa",
            "lambda",
            "mu",
            "nu",
            "xi",
            "pi",
            "rho",
            "sigma",
            "tau",
            "upsilon",
            "phi",
            "chi",
            "psi",
            "omega",
            "Gamma",
            "Delta",
            "Theta",
            "Lambda",
            "Xi",
            "Pi",
            "Sigma",
            "Phi",
            "Psi",
            "Omega",
        ],
        strict=True,
    )
)
_SAME = {
    **SYNONYMS,
    **dict.fromkeys(("nicefrac", "sfrac"), "frac"),
    "colon": ":",
    **dict.fromkeys(("|", "Vert"), "||"),
    "infinity": "infty",
    **dict.fromkeys(("land", "wedge"), "and"),
    **dict.fromkeys(("lor", "vee"), "or"),
    "varnothing": "emptyset",
    "implies": "Rightarrow",
    **dict.fromkeys(("approxeq", "simeq"), "approx"),
    "lbrace": "{",
    "rbrace": "}",
    "$": "dollar",
    "cdotp": "cdot",
    "bar": "overline",
    **dict.fromkeys(("backslash", "smallsetminus"), "setminus"),
}
_IGNORED = LAYOUT | {"hspace", "checkmark", "underline", "bf"}


def tokenize(text: str) -> tuple[Token, ...]:
    """The tokens of a cleaned answer. Raises Unreadable with the first piece that is none."""
    tokens: list[Token] = []
    position, spaced = 0, False
    grouped = _BRACKET.search(text) is None or (
        _SEPARATOR.search(text) is not None and _TIGHT_SEPARATOR.search(text) is None
    )
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Unreadable(f"cannot read {text[position : position + 12]!r}")
        position = match.end()
        kind = match.lastgroup or ""
        if match["number"] and "," in match["number"] and not grouped:
            position = match.start() + match["number"].index(",")
            tokens.append(Token("number", match["number"].partition(",")[0], spaced))
            spaced = False
            continue
        if kind == "space":
            spaced = True
            continue
        new = _classify(match, spaced)
        tokens.extend(new)
        if len(tokens) > MAX_TOKENS:
            raise TooLarge(f"more than {MAX_TOKENS} tokens")
        spaced = False
    return tuple(tokens)


def _classify(match: re.Match[str], spaced: bool) -> list[Token]:
    if match["color"] is not None:
        return []
    if match["number"]:
        written = match["number"].replace(" ", "")
        return [Token("number", written.replace(".", "") if written.count(".") > 1 else written, spaced)]
    if match["text"] is not None:
        if _NO_WORDS.fullmatch(match["text"]):
            return list(tokenize(match["text"]))
        if match["text"].strip() in FUNCTIONS:
            return [Token("command", match["text"].strip(), spaced)]
        return [Token("text", part, spaced) for part in _EDGE_JOIN.split(match["text"]) if part.strip(" ,")]
    if match["font"]:
        return _classify_font(match, spaced)
    if match["edge"]:
        return [Token(match["edge"], match["environment"], spaced)]
    if match["row"] or match["command"] == "cr":
        return [Token("row", "\\\\", spaced)]
    if match["greek"]:
        name = _GREEK_LETTERS.get(match["greek"])
        if name is None:
            raise Unreadable(f"cannot read {match['greek']!r}")
        return [Token("command", name, spaced)]
    if match["command"]:
        name = _SAME.get(match["command"], match["command"])
        if name in _IGNORED:
            return []
        if len(name) > 1 and name[:-1] in FUNCTIONS and name not in FUNCTIONS | COMMAND_FUNCTIONS and name not in _SAME:
            return [Token("command", name[:-1], spaced), Token("word", name[-1])]
        if name in ("<", ">", "*", ":", "|", "||", "/"):
            return [Token("mark", name, spaced)]
        return [Token("command", name, spaced)]
    if match["word"]:
        return _split_word(match["word"], spaced)
    mark = {"**": "^", "<=": "le", ">=": "ge", "!=": "ne", "√": "sqrt", "°": "degree"}.get(match["mark"], match["mark"])
    return [Token("command" if mark in ("le", "ge", "ne", "sqrt", "degree") else "mark", mark, spaced)]


def _classify_font(match: re.Match[str], spaced: bool) -> list[Token]:
    font, inside = match["font"].rstrip("*"), match["inside"]
    content = (inside if inside is not None else match["bare"]).strip()
    if content.startswith("\\"):
        return [Token("command", content[1:].strip(), spaced)] if content[1:].strip().isalpha() else []
    if font == "mathbb":
        return [Token("command", f"mathbb {content}", spaced)]
    if content in _DIVISORS:
        return [Token("command", _DIVISORS[content], spaced)]
    if content in FUNCTIONS or content in COMMAND_FUNCTIONS:
        return [Token("command", content, spaced)]
    if font in ("mathbf", "vec", "boldsymbol", "bm", "overrightarrow", "bf") and re.fullmatch(
        r"[A-Za-z]{1,2}", content
    ):
        return [Token("vector", content, spaced)]
    if content in ("e", "i", "d"):
        return [Token("word", content, spaced)]
    if re.fullmatch(r"-?\d+(?:\.\d+)?", content):
        sign = [Token("mark", "-", spaced)] if content[0] == "-" else []
        return [*sign, Token("number", content.lstrip("-"), spaced)]
    return [Token("text", content, spaced)]


def _split_word(word: str, spaced: bool) -> list[Token]:
    """A function's or a Greek letter's name is one; letters before such a name are cut off (`xsin`, `pir` are not)."""
    if word in _DIVISORS:
        return [Token("command", _DIVISORS[word], spaced)]
    if word in FUNCTIONS or word in _NAMES_WRITTEN:
        return [Token("command", {"infinity": "infty", "oo": "infty"}.get(word, word), spaced)]
    return [Token("word", word, spaced)]

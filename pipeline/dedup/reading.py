"""Reading: a statement as a line of canonical tokens, the same for every spelling of it.

Case, white space, quotes, dashes, dollar signs and the many spellings of one LaTeX formula go; instructions around the
problem go (`pipeline/text/wrapping.py`); numbers in words become digits (`pipeline/text/number_tokens.py`). What is
left is of two kinds. *Hard* tokens (numbers, operators, single letters, commands) are the mathematics: a problem with
others is another problem. *Words* carry the story, and may be edited. `END` stands where a sentence ends.
"""

import re
import unicodedata
from functools import lru_cache

from pipeline.text.latex import LAYOUT, SYNONYMS
from pipeline.text.number_tokens import MISSPELT, NUMBER_WORDS, join_numbers, read_digits, write_ordinal
from pipeline.text.thousands import join_latex
from pipeline.text.wrapping import strip_instructions, strip_labels, strip_source

END = "¶"

_SUPERSCRIPTS = {ord(sign): f"^{digit}" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_LETTERS = "ALPHA BETA GAMMA DELTA EPSILON THETA LAMDA MU PI RHO SIGMA TAU PHI PSI OMEGA"
_GREEK = {ord(unicodedata.lookup(f"GREEK SMALL LETTER {name}")): f" \\{name.lower()} " for name in _LETTERS.split()}
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("'’‘ʼ`´", ""),
        **dict.fromkeys('"“”„«»$&~{}_\u200b\ufeff', " "),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("×·⋅∙∗", "*"),
        "÷": " / ",
        "⁄": "/",
        "≤": " \\le ",
        "≥": " \\ge ",
        "≠": " \\ne ",
        "√": " \\sqrt ",
        "∞": " \\infty ",
        "∈": " \\in ",
        "∪": " \\cup ",
        "∩": " \\cap ",
        "∠": " angle ",
        "△": " triangle ",
        "→": " \\to ",
        "°": " degrees ",
        "%": " percent ",
        "€": " euro ",
        "£": " pound ",
        **dict.fromkeys("。？！；", ". "),
        "，": ", ",
        "：": ": ",
    }
)
_SAME = {
    **SYNONYMS,
    "choose": "binom",
    "longrightarrow": "to",
    "varepsilon": "epsilon",
    "varphi": "phi",
    "lambda": "lamda",
    **dict.fromkeys(("cdot", "times"), "*"),
    **dict.fromkeys(("pmod", "bmod"), "mod"),
}
_WORDS = frozenset({"triangle", "angle"})
"""Commands that stand for a word and that other texts write as the word."""
_DRESS = LAYOUT | frozenset(
    str.split(
        "text textrm textbf textit mathrm "
        "mathbf mathit mathcal mathbb operatorname mbox ldots dots cdots vdots ddots label tag rm bf it "
        "hfill hline noindent emph underline textsf mathsf texttt item par newline centering small large "
        "hspace vspace"
    )
)
_FUNCTIONS = frozenset(str.split("sin cos tan cot sec csc log ln sqrt gcd lcm mod arcsin arccos arctan max min lim"))

_LATEX = re.compile(
    r"""
    \\(?:begin|end)\s*\{[a-z*]+\}(?:\s*\{[rlc|\s]*\})?   # environments and a table's columns
    | \\[()\[\]!,;:>\s\\]                                # delimiters, thin spaces, line breaks
    | \\[hv]space\*?\s*\{[^}]*\}
    """,
    re.VERBOSE,
)
_FRACTION = re.compile(r"\\[dtc]?frac\s*(?:\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}|(\d)\s*(\d))")
_DEGREE = re.compile(r"\^\s*\{?\s*\\circ\b\s*\}?|\\(?:degree|deg)\b")
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(
    rf"""
    (?: \d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?(?!\d) | \d+(?:\.\d+)? | (?<![\w.])\.\d+ ) (?:(?:st|nd|rd|th)\b)?
    | \\[a-z]+
    | [{_CJK}]
    | [^\W\d_{_CJK}]+
    | [.?;:](?=\s|$)
    | [-+*/^=<>|\[\]()!]
    """,
    re.VERBOSE,
)
_POINTS = re.compile(r"(?<![A-Za-z\\])[A-Z](?: [A-Z]){1,7}(?![A-Za-z])")
_BOLD = re.compile(r"(?<![\w*])\*\*([^\s*](?:[^*\n]*[^\s*])?)\*\*(?![\w*])")
_AROUND = '.,;:!?()[]*_"“”$'
_FIRST = {"1": "first", "2": "second"}


def read_statement(text: str) -> str:
    """The canonical tokens of a statement, joined by spaces; empty where it says nothing."""
    return " ".join(read_tokens(text))


def read_names(text: str) -> str:
    """The words that a text writes as names, in lower case, in the order of the alphabet and parted by spaces.

    With a capital and small letters behind it wherever they stand; so a sentence's first word may be one.
    """
    words = set(text.split())
    names: set[str] = set()
    for word in words:
        if word[:1].isupper():
            name = word.strip(_AROUND).partition("'")[0].partition("’")[0]
            if name[1:].islower() and name.isalpha() and name.lower() not in words:
                names.add(name.lower())
    return " ".join(sorted(names))


def read_tokens(text: str, whole: bool = False) -> list[str]:
    """The canonical tokens of a statement; `whole` keeps the instructions around it."""
    plain = text if whole else strip_source(strip_labels(text))
    # `A B C` is how some converters to LaTeX write `ABC`.
    if "**" in plain:
        plain = _BOLD.sub(r"\1", plain)
    plain = _POINTS.sub(lambda points: points[0].replace(" ", ""), plain)
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain.translate(_SUPERSCRIPTS)).translate(_GREEK)
    plain = plain.lower()
    if "\\" in plain:
        plain = join_latex(plain)
        plain = _FRACTION.sub(_write_fraction, plain)
        plain = _DEGREE.sub(" degrees ", plain)
        plain = _LATEX.sub(" ", plain)
    tokens = _split(plain.translate(_SIGNS))
    if not NUMBER_WORDS.isdisjoint(tokens) or "/" in tokens:
        tokens = join_numbers(tokens)
    return tokens if whole else strip_instructions(tokens, END)


def _write_fraction(match: re.Match[str]) -> str:
    above, below, digit, digit_below = match.groups()
    return f" {above or digit}/{below or digit_below} "


def _split(plain: str) -> list[str]:
    tokens: list[str] = []
    parts = _TOKEN.findall(plain)
    for place, token_text in enumerate(parts):
        token = _canonise(token_text)
        if token in _IN_CONTEXT:
            token = _read_sign(token, tokens, parts[place + 1] if place + 1 < len(parts) else "")
        if token and not (token == END and (not tokens or tokens[-1] == END)):
            tokens.append(token)
    if tokens and tokens[-1] == END:
        tokens.pop()
    return tokens


_IN_CONTEXT = frozenset("-()!")


@lru_cache(maxsize=1 << 18)
def _canonise(text: str) -> str:
    """The canonical token of what stands in the text; empty for formatting."""
    first = text[0]
    if first == "\\":
        command = text[1:]
        if command in _WORDS:
            return command
        same = _SAME.get(command, command)
        return "" if command in _DRESS else same if len(same) == 1 else "\\" + same
    if first.isdigit() or (first == "." and len(text) > 1):
        if not text[-1].isalpha():
            return read_digits(text)
        number = read_digits(text[:-2])
        return _FIRST.get(number) or (write_ordinal(number.lstrip("0") or "0") if number.isdigit() else number)
    if first.isalpha():
        return "\\" + text if text in _FUNCTIONS else MISSPELT.get(text, text)
    return END if first in ".?;:" else text


def _read_sign(sign: str, before: list[str], following: str) -> str:
    """A hyphen, a parenthesis or an exclamation mark where it is mathematics; what it is where it is punctuation."""
    last = before[-1] if before else END
    if sign == "-":
        is_minus = following and not _is_long(following) and not _is_long(last)
        return sign if is_minus else ""
    if sign == "(":
        return sign if following and following != ")" and not _is_long(following) else ""
    if sign == ")":
        return sign if last not in ("(", END) and not _is_long(last) else ""
    return END if _is_long(last) else sign if last != END else ""


def _is_long(token: str) -> bool:
    return len(token) > 1 and token[0].isalpha()


@lru_cache(maxsize=1 << 18)
def is_hard(token: str) -> bool:
    """Whether a token is mathematics: a number, an operator, a single letter or a command. `a` and `i` are words."""
    first = token[0]
    if token == END:
        return False
    if not first.isalpha():
        return True
    return len(token) == 1 and token not in ("a", "i") and first.isascii()


@lru_cache(maxsize=1 << 18)
def is_number(token: str) -> bool:
    """Whether a token is a number in digits, with or without a fraction bar; an ordinal is none."""
    return token[0].isdigit() and not token[-1].isalpha()


def is_ordinal(token: str) -> bool:
    """Whether a token is an ordinal from `3rd` on."""
    return token[0].isdigit() and token[-1].isalpha()

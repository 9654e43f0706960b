"""The formulas of a text in pieces that two translations of one problem share, however they are written."""

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

_TEXT = re.compile(r"\\(?:text(?:rm|bf|it|up|sf)?|mbox|hbox|textup)\s*\{([^{}]*)\}")
_SPACING = re.compile(
    r"\\[,;:!> ]|\\(?:quad|qquad|displaystyle|textstyle|limits|nolimits|left|right|[bB]igg?[lrm]?|hspace\*?\{[^}]*\}"
    r"|thinspace|medspace|thickspace|enspace|mathrm|rm|operatorname\*?|mathit|boldsymbol)(?![A-Za-z])|~|&nbsp;"
)
_SAME = (
    (re.compile(r"\\[dtc]frac(?![A-Za-z])"), r"\\frac"),
    (re.compile(r"\\(?:ldots|cdots|dots[cbmio]?|hdots)(?![A-Za-z])|\.{3,}|…|⋯"), "…"),
    (re.compile(r"\\(?:leqslant|leq|le)(?![A-Za-z])|≤|⩽"), "≤"),
    (re.compile(r"\\(?:geqslant|geq|ge)(?![A-Za-z])|≥|⩾"), "≥"),
    (re.compile(r"\\(?:neq|ne)(?![A-Za-z])|≠"), "≠"),
    (re.compile(r"\\(?:rightarrow|to)(?![A-Za-z])|→"), "→"),
    (re.compile(r"\\(?:lvert|rvert|vert|mid)(?![A-Za-z])"), "|"),
    (re.compile(r"\\(?:lVert|rVert|Vert|\|)(?![A-Za-z])"), "‖"),
    (re.compile(r"\\(?:land|wedge)(?![A-Za-z])"), "∧"),
    (re.compile(r"\\colon(?![A-Za-z])"), ":"),
    (re.compile(r"\\(?:lt)(?![A-Za-z])"), "<"),
    (re.compile(r"\\(?:gt)(?![A-Za-z])"), ">"),
    (re.compile(r"\\degree(?![A-Za-z])|\^\s*\{?\s*\\circ\s*\}?|°"), "°"),
    (re.compile(r"\\prime(?![A-Za-z])"), "'"),
    (re.compile(r"\^\s*\{([\s']+)\}|\^\s*(')"), r"\1\2"),
    (re.compile(r"\\(?:tg)(?![A-Za-z])"), "tan"),
    (re.compile(r"\\(?:ctg|cotg)(?![A-Za-z])"), "cot"),
    (re.compile(r"\\arctg(?![A-Za-z])"), "arctan"),
    (
        re.compile(
            r"\\(?=(?:sin|cos|tan|cot|sec|csc|ln|log|exp|lim|max|min|sup|inf|gcd|lcm|det|arcsin|arccos|arctan)(?![a-z]))"
        ),
        "",
    ),
    (re.compile(r"\\(?:cdot|times|ast)(?![A-Za-z])|·|×|∗"), "*"),
    (re.compile(r"\\(?:%|\$|#|&)"), ""),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"[\^_]\{\}"), ""),
    (re.compile(r"(?<![\d])\.(?=\d)"), "0."),
    (re.compile(r"−|–"), "-"),
    (re.compile(r"\s+"), ""),
    (re.compile(r"\{([A-Za-z0-9*+])\}"), r"\1"),
    (re.compile(r"\\(?:mathbb|mathcal|mathfrak|mathbf|mathscr|bf|Bbb)\s*(?=[A-Za-z]|\{)"), "ℳ"),
)
_NEWLINE = re.compile(r"\\\\(?:\s*\[[^\]]*\])?")
_FRACTION = re.compile(r"\\frac\{([^{}]*)\}\{([^{}]*)\}|\\frac([0-9A-Za-z])([0-9A-Za-z])")
_ASIDE = re.compile(r"\(([^()]*(?:[<>≤≥≠=]|\\in)[^()]*)\)(?=$|[,;.]|\\end)")
_GREEK = {
    unicodedata.lookup(f"GREEK SMALL LETTER {name.upper()}"): f"\\{name} "
    for name in str.split("alpha beta gamma delta epsilon theta lamda mu pi rho sigma tau phi psi omega")
} | {"λ": r"\lambda "}
_PIECES = re.compile(r"(?:(?<=\d)\.(?=\d))|[,;，；。、]|\\\\|&|(?<![A-Za-z\\\d])\.(?!\d)|\.$")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Formulas:
    """What the formulas of a text say: `pieces` between commas, the letters and the numbers that stand alone."""

    pieces: tuple[str, ...]
    letters: frozenset[str]
    numbers: tuple[Fraction, ...]
    stream: str
    """All of them, one after the other: a piece that stands in a longer one is there."""


def read_formulas(formulas: tuple[str, ...]) -> Formulas:
    """The pieces of formulas in one spelling; words inside `\\text{}` are prose and are left out."""
    pieces: list[str] = []
    letters: set[str] = set()
    numbers: list[Fraction] = []
    spelled = [spell(formula) for formula in formulas]
    for formula in spelled:
        for piece in _PIECES.split(formula):
            piece = piece.strip(".:!?$-")
            if not piece:
                continue
            if _NUMBER.fullmatch(piece):
                numbers.append(Fraction(int(piece)))
            elif len(piece) == 1 or re.fullmatch(r"\\[A-Za-z]+", piece):
                if piece.isalnum() or piece.startswith("\\"):
                    letters.add(piece)
            elif re.search(r"\w", piece):
                pieces.append(piece)
    return Formulas(tuple(pieces), frozenset(letters), tuple(numbers), "".join(spelled))


def spell(formula: str) -> str:
    """One spelling for formulas that look alike: spaces, sizes of brackets, `\\le` and `\\leq`, dots, fractions."""
    formula = unicodedata.normalize("NFKC", _NEWLINE.sub(",", formula).replace("…", r"\dots").replace("°", r"\degree"))
    formula = "".join(_GREEK.get(letter, letter) for letter in formula)
    for _ in range(2):
        formula = _TEXT.sub(" ", formula)
    formula = _SPACING.sub(" ", formula)
    for pattern, same in _SAME:
        formula = pattern.sub(same, formula)
    return _ASIDE.sub(r",\1", _FRACTION.sub(lambda match: f"{match[1] or match[3]}/{match[2] or match[4]}", formula))

"""The formulas of a text in pieces that two translations of one problem share, however they are written."""

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

from pipeline.text.latex import LAYOUT, match_synonyms
from pipeline.verify.decide import decide

_TEXT = re.compile(r"\\(?:text(?:rm|bf|it|up|sf)?|mbox|hbox|textup)\s*\{([^{}]*)\}")
_SPACING = re.compile(
    rf"\\[,;:!> ]|\\(?:{'|'.join(sorted(LAYOUT, key=len, reverse=True))}|hspace\*?\{{[^}}]*\}}"
    r"|medspace|thickspace|enspace|mathrm|rm|operatorname\*?|mathit)(?![A-Za-z])|~|&nbsp;"
)
_SAME = (
    (re.compile(match_synonyms("frac")), r"\\frac"),
    (re.compile(r"\\(?:ldots|cdots|dots[cbmio]?|hdots)(?![A-Za-z])|\.{3,}|…|⋯"), "…"),
    (re.compile(match_synonyms("le") + "|≤|⩽"), "≤"),
    (re.compile(match_synonyms("ge") + "|≥|⩾"), "≥"),
    (re.compile(match_synonyms("ne") + "|≠"), "≠"),
    (re.compile(match_synonyms("to") + "|→"), "→"),
    (re.compile(match_synonyms("|")), "|"),
    (re.compile(r"\\(?:lVert|rVert|Vert|\|)(?![A-Za-z])"), "‖"),
    (re.compile(r"\\(?:land|wedge)(?![A-Za-z])"), "∧"),
    (re.compile(r"\\colon(?![A-Za-z])"), ":"),
    (re.compile(match_synonyms("<")), "<"),
    (re.compile(match_synonyms(">")), ">"),
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
    (re.compile(match_synonyms("*") + r"|\\(?:cdot|times)(?![A-Za-z])|·|×|∗"), "*"),
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
_GROUP = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
_FRACTION = re.compile(rf"\\frac{_GROUP}{_GROUP}|\\frac([0-9A-Za-z])([0-9A-Za-z])")
_ATOM = re.compile(r"[\w.'°!]*|\\[A-Za-z]+|\([^()]*\)(?:\^(?:\w|\{[^{}]*\}))?|\\sqrt(?:\{[^{}]*\}|\w)")
_FUNCTIONS = r"sin|cos|tan|cot|sec|csc|ln|log|exp|arcsin|arccos|arctan"
_CALLED = re.compile(
    rf"(\\(?:{_FUNCTIONS})(?![A-Za-z])\s*(?:\^\s*(?:\w|\{{[^{{}}]*\}}))?)\s*\(((?:\\[A-Za-z]+|\w|\s)+(?:/\s*\w+\s*)?)\)"
    r"(?=\s*(?:$|[-+=<>≤≥≠,;.|)\]}}/*…:?&$]|\\(?:leq?|geq?|neq?|cdot|times|in|to|dots|[)\]])(?![A-Za-z])))"
)
"""A function of a product in brackets that end it: `cos(\\omega x)-1` is `cos\\omega x-1`, `cos(\\omega)x` is not."""
_ASIDE = re.compile(r"\(([^()]*(?:[<>≤≥≠=]|\\in)[^()]*)\)(?=$|[,;.]|\\end)")
_GREEK = {
    unicodedata.lookup(f"GREEK SMALL LETTER {name.upper()}"): f"\\{name} "
    for name in str.split("alpha beta gamma delta epsilon theta lamda mu pi rho sigma tau phi psi omega")
} | {"λ": r"\lambda "}
_PIECES = re.compile(r"(?:(?<=\d)\.(?=\d))|[,;，；。、]|\\\\|&|(?<![A-Za-z\\\d])\.(?!\d)|\.$")
_ATOMS = re.compile(r"\d+|(?<![A-Za-z\\])[A-Za-z]")
LONGEST, MOST = 200, 20
"""Characters of a formula, and formulas of a text, that are compared by value: enough for all but whole derivations."""
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


def respell(formulas: tuple[str, ...], original: tuple[str, ...]) -> tuple[str, ...]:
    """Formulas in the writing of the original where the reader of answers finds them the same, of the same atoms.

    The atoms (numbers and letters) keep `2x=6` and `x=3` apart, which have one solution.
    """
    known = {spell(formula) for formula in original}
    there = {spell(formula) for formula in formulas}
    free = [formula for formula in original if spell(formula) not in there]
    written = []
    for formula in formulas:
        same = None
        if spell(formula) not in known and len(formula) <= LONGEST:
            same = next((other for other in free[:MOST] if _is_same(formula, other)), None)
        if same is not None:
            free.remove(same)
        written.append(formula if same is None else same)
    return tuple(written)


def _is_same(left: str, right: str) -> bool:
    if len(right) > LONGEST or sorted(_ATOMS.findall(left)) != sorted(_ATOMS.findall(right)):
        return False
    return decide(left, right) == "same" == decide(right, left)


def spell(formula: str) -> str:
    """One spelling for formulas that look alike: spaces, sizes of brackets, `\\le` and `\\leq`, dots, fractions."""
    formula = unicodedata.normalize("NFKC", _NEWLINE.sub(",", formula).replace("…", r"\dots").replace("°", r"\degree"))
    formula = "".join(_GREEK.get(letter, letter) for letter in formula)
    for _ in range(2):
        formula = _TEXT.sub(" ", formula)
    formula = _CALLED.sub(r"\1 \2", _SPACING.sub(" ", formula))
    for pattern, same in _SAME:
        formula = pattern.sub(same, formula)
    return _ASIDE.sub(r",\1", _FRACTION.sub(_write_fraction, formula))


def _write_fraction(match: re.Match[str]) -> str:
    above, below = (
        side if _ATOM.fullmatch(side) else f"({side})" for side in (match[1] or match[3], match[2] or match[4])
    )
    return f"{above}/{below}"

"""LaTeX commands that say the same, and those that say nothing: one table for all who compare formulas."""

import re

SYNONYMS = {
    **dict.fromkeys(("dfrac", "tfrac", "cfrac"), "frac"),
    **dict.fromkeys(("leq", "leqslant", "leqq"), "le"),
    **dict.fromkeys(("geq", "geqslant", "geqq"), "ge"),
    "neq": "ne",
    **dict.fromkeys(("dbinom", "tbinom"), "binom"),
    "rightarrow": "to",
    **dict.fromkeys(("lvert", "rvert", "vert", "mid"), "|"),
    "lt": "<",
    "gt": ">",
    "ast": "*",
    "div": "/",
}
"""Commands by the one that stands for them, without backslashes; a single character stands for itself."""

_SIZES = [f"{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")]
LAYOUT = frozenset(
    [*str.split("left right displaystyle textstyle limits nolimits quad qquad thinspace boldsymbol"), *_SIZES]
)
"""Commands about sizes, spaces and places alone, that stand before what they change and leave its meaning as it is."""


def match_synonyms(*commands: str) -> str:
    """A regular expression for `commands` and all that says the same: `match_synonyms("le")` takes `\\leqslant`."""
    names = [name for name, same in SYNONYMS.items() if same in commands]
    written = [command for command in commands if command.isalpha()]
    return rf"\\(?:{'|'.join(map(re.escape, sorted([*names, *written], key=len, reverse=True)))})(?![A-Za-z])"

"""How thousands are set apart in a number: one place for all who read numbers.

LaTeX hides the comma of `12{,}345` from its spacing or leaves a thin space in its place, English has commas, six other
languages points, and Russian, French and German spaces. Each function takes off one writing where it can mean nothing
else; what is only probable is the caller's to decide.
"""

import re

_LATEX = re.compile(r"(?<=\d)(?:\{,\}|,\\!\s*|\\[,!]\s*|\\ )(?=\d{3}(?!\d))")
_SPACED = re.compile(r"(?<![\w.,^{])\d{1,3}(?: \d{3})+(?![\d/])")
_COMMAS = re.compile(r"(?<!\d)[1-9]\d{0,2}(?:,\d{3})+(?!\d)")
_POINTS = re.compile(r"(?<![\d.,])\d{1,3}(?:\.\d{3}){2,}(?![\d.,]\d)")
_POINTS_AND_COMMA = re.compile(r"(?<![\d.,])\d{1,3}(?:\.\d{3})+,\d+(?![\d.,]\d)")


def join_latex(text: str) -> str:
    """`12{,}345`, `12\\,345` and `12,\\!345` as `12345`."""
    return _LATEX.sub("", text)


def join_spaced(text: str) -> str:
    """`12 345` as `12345`: two numbers side by side mean nothing else."""
    return _SPACED.sub(lambda match: match[0].replace(" ", ""), text)


def join_points(text: str) -> str:
    """`1.234.567` as `1234567` and `14.916,5` as `14916.5`; `14.916` may have three decimals and stays."""
    text = _POINTS_AND_COMMA.sub(lambda match: match[0].replace(".", "").replace(",", "."), text)
    return _POINTS.sub(lambda match: match[0].replace(".", ""), text)


def has_commas(text: str) -> bool:
    """Whether some number has English commas between its thousands."""
    return _COMMAS.search(text) is not None

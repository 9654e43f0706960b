"""Supervised traces and pairs out of stored samples."""

from typing import Annotated

from pydantic import Field

from schemas.config.base import Strict


class ExportConfig(Strict):
    """What stored samples become supervised traces and pairs (Magistral paper, section 5, cold start: it prints no
    number)."""

    traces: Annotated[int, Field(ge=1)] = 4
    """Rows of a problem with a pass rate of one half, and distinct traces at most. Harder ones get up to twice as many
    rows, easier ones fewer."""
    repeats: Annotated[int, Field(ge=1)] = 2
    """Rows at most with the same trace: a hard problem has few correct ones, and more copies are learned by heart."""
    pairs: Annotated[int, Field(ge=1)] = 2
    """Pairs of a correct and a wrong trace at most a problem, no trace in two of them."""
    length_ratio: Annotated[float, Field(ge=1)] = 1.5
    """The longer over the shorter trace of a pair at most: wrong traces run longer, and a preference for short ones is
    not what the pairs are to teach."""

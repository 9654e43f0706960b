"""What a row rule returns."""

from typing import Literal

from schemas.reasons import Reason

Reject = tuple[Literal[False], Reason, str]
Outcome = Literal[True] | Reject


def reject(reason: Reason, detail: str) -> Reject:
    """A rejection; `detail` quotes the evidence, for a person who looks the row up."""
    return (False, reason, detail)

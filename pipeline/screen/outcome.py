"""What a row rule returns: the row passes, is rejected by what the rule knows, or is suspected."""

from dataclasses import dataclass
from typing import Literal

from schemas.reasons import Reason

Reject = tuple[Literal[False], Reason, str]


@dataclass(frozen=True)
class Suspicion:
    """What a rule suspects and cannot know: a row that looks cut off may be a question in another form. The row goes
    on, and its samples decide.
    """

    reason: Reason
    detail: str


Outcome = Literal[True] | Reject | Suspicion


def reject(reason: Reason, detail: str) -> Reject:
    """A rejection; `detail` quotes the evidence, for a person who looks the row up."""
    return (False, reason, detail)

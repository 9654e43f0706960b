"""The rules in the order in which a person would name the trouble: the first that rejects gives the reason.

A rule that knows rejects: there is no statement, no label, a proof to write, an image to look at. A rule that reads
signs (no full stop, "as shown", an unusual request) suspects: the row goes on, and what its samples say is better
evidence than any sign. Of 1,482 real problems that looked incomplete to these rules a 7B model solved half.

A proof without a label is a proof, and parts come before the label that cannot answer them all. Multiple choice
stands in the middle: what it turns into an open problem is judged as one from there on. Whether the verifier can
compare the label is asked last and for all rows at once (`pipeline.verify.label.check_labels`), since it costs most.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.screen.answers import screen_guessable, screen_missing_answer
from pipeline.screen.choice import Opened, open_choice
from pipeline.screen.figures import screen_figure
from pipeline.screen.outcome import Outcome, Reject, Suspicion, reject
from pipeline.screen.parts import screen_parts
from pipeline.screen.proof import screen_proof
from pipeline.screen.truncation import screen_incomplete
from schemas.config import ScreenConfig
from schemas.reasons import Reason

Rule = Callable[[Mapping[str, Any], ScreenConfig], Outcome]

BEFORE_CHOICE: tuple[Rule, ...] = (screen_proof, screen_parts, screen_missing_answer, screen_guessable, screen_figure)


@dataclass(frozen=True)
class Screened:
    """A problem that goes on: `statement` and `answer` as they are now, whether they were rewritten, and what is
    suspected of it.
    """

    statement: str
    answer: str | None
    rewritten: bool
    suspicions: tuple[Suspicion, ...] = ()


def screen_problem(problem: Mapping[str, Any], config: ScreenConfig) -> Screened | Reject:
    """Put one problem through every rule but the label check: `Screened` if it goes on, else the first rejection.

    Needs `statement`; reads `answer`, `domain` and `extra` where present. Code problems only need a statement.
    """
    statement = problem.get("statement") or ""
    if not statement.strip():
        return reject(Reason.INCOMPLETE, "the statement is empty")
    if problem.get("domain", "math") == "code":
        return Screened(statement, problem.get("answer"), False)
    suspicions: list[Suspicion] = []
    for rule in BEFORE_CHOICE:
        outcome = rule(problem, config)
        if isinstance(outcome, tuple):
            return outcome
        if isinstance(outcome, Suspicion):
            suspicions.append(outcome)
    opened = open_choice(problem, config)
    if isinstance(opened, tuple):
        return opened
    if isinstance(opened, Suspicion):
        suspicions.append(opened)
    if isinstance(opened, Opened):
        problem = {**problem, "statement": opened.statement, "answer": opened.answer}
        suspicions += [opened.suspicion] if opened.suspicion else []
    rewritten = isinstance(opened, Opened)
    for outcome in (screen_incomplete(problem, config, stem=rewritten), screen_guessable(problem, config)):
        if isinstance(outcome, tuple):
            return outcome
        if isinstance(outcome, Suspicion):
            suspicions.append(outcome)
    return Screened(problem["statement"], problem.get("answer"), rewritten, tuple(suspicions))

"""Rules on the label alone: is there one, can it be guessed."""

import re
from collections.abc import Mapping
from typing import Any

from pipeline.screen.outcome import Outcome, reject
from schemas.config import ScreenConfig
from schemas.reasons import Reason

PLACEHOLDER = re.compile(
    r"(?:\\boxed\{\s*\}|n\.?/?a\.?|nan|null|none|nil|unknown|tbd|todo|missing|empty|undefined answer|not"
    r" (?:available|provided|given|applicable)"
    r"|no (?:final )?answer(?: (?:given|provided|available|found))?|answer(?: not (?:available|given"
    r"|provided))?|proof|solution|omitted"
    r"|see (?:the )?(?:above|below|solution|explanation|proof|figure|graph|work)|answers? (?:may|will|can)"
    r" vary|varies|error|[-–—_?.*#\s$\\{}()\[\]]*)",
    re.IGNORECASE,
)
WRAPPED = re.compile(r"\\(?:boxed|text|textbf|textit|mathrm|mathbf|textrm|mbox|rm|bf|fbox)\s*\{\s*([^{}]*?)\s*\}")
GUESSES = frozenset(
    str.split(
        "yes no true false yes. no. correct incorrect right wrong oui non vrai faux sí si verdadero falso ja"
        " nein wahr falsch richtig да нет"
        " верно неверно 是 否 对 错 正确 错误 はい いいえ 예 아니오 sim não verdadeiro falso vero always"
        " never sometimes"
        " possible impossible"
    )
)


def bare(answer: str) -> str:
    """The label without dollar signs, `\\boxed{}` or `\\text{}` around it, and without a final full stop."""
    text = answer.strip().strip("$").strip()
    for _ in range(3):
        match = WRAPPED.fullmatch(text)
        if not match:
            break
        text = match.group(1).strip().strip("$").strip()
    return text.removesuffix(".").strip()


def is_missing(answer: str | None) -> bool:
    """Whether a label is absent or a placeholder for one."""
    return not answer or not answer.strip() or (len(answer) < 64 and bool(PLACEHOLDER.fullmatch(bare(answer))))


def screen_missing_answer(problem: Mapping[str, Any], config: ScreenConfig) -> Outcome:
    """Reject a row without a label, or with one that only says that there is none ("N/A", "see solution")."""
    answer = problem.get("answer")
    if is_missing(answer):
        return reject(
            Reason.NO_ANSWER,
            "the answer is empty" if not (answer or "").strip() else f"the answer is a placeholder: {answer!r}",
        )
    return True


def screen_guessable(problem: Mapping[str, Any], config: ScreenConfig) -> Outcome:
    """Reject yes/no and true/false labels: a policy that knows nothing is right half of the time."""
    answer = bare(str(problem.get("answer") or ""))
    if config.reject_guessable and len(answer) < 16 and answer.lower().strip(" .,!()") in GUESSES:
        return reject(Reason.GUESSABLE, f"the answer is {answer!r}")
    return True

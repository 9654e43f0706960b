"""Problems with several right answers: what the statement says of them, and what disagreement they leave."""

import re
from collections.abc import Sequence

from pipeline.code_tests.matrix import ABSENT, Matrix
from pipeline.code_tests.outputs import look_alike
from pipeline.code_tests.truth_discovery import Weights
from schemas.config import CodeTestsConfig

_GOOD = r"(?:valid|correct|optimal|possible|such|acceptable|one)"
_THING = r"(?:solution|answer|output|one|sequence|permutation|assignment|arrangement|construction|order\w*)s?"
_VERB = r"(?:print|output|return|report|give|find|display|write|produce|choose|pick)"
_PHRASES = (
    rf"{_VERB}\s+(?:out\s+)?any\s+(?:one\b|of\b|such\b|valid\b|correct\b|optimal\b|possible\b|single\b|{_THING}\b)",
    rf"any\s+(?:one\s+)?of\s+(?:them|these|those|the\s+(?:{_GOOD}|solutions|answers))\b",
    rf"any\s+(?:{_GOOD}\s+)+{_THING}\b",
    r"any\s+(?:solution|answer|output)s?\s+(?:\w+\s+){0,4}(?:is|are|be)\s+"
    r"(?:accepted|fine|ok|okay|correct|valid|acceptable)",
    r"(?:is|are|be|exists?|has|have)\s+(?:more\s+than\s+one|multiple|several|many)\s+"
    rf"(?:(?:{_GOOD}|different)\s+)*(?:solution|answer|output|way)s?[^.]{{0,80}}"
    r"\b(?:any|either|arbitrary|all\s+(?:are|will))\b",
    r"any\s+(?:one\s+)?(?:of\s+\w+\s+)?(?:is|are|be|will\s+be|would\s+be|can\s+be)\s+(?:accepted|fine|ok|okay|correct|valid|acceptable)\b",
    rf"{_VERB}\s+any(?=\s*[.;])",
    r"in\s+any\s+(?:relative\s+)?order\b",
    r"in\s+an?\s+arbitrary\s+order\b",
    r"order\s+does\s+not\s+matter\b",
    r"(?:print|output)\s+(?:an\s+)?arbitrary\b",
)
_ANY = re.compile(r"\b(?:" + "|".join(_PHRASES) + ")", re.IGNORECASE)
_OUTPUT_SIDE = re.compile(r"\b(?:output|print|return|accept|display|write|report|answer|solution)", re.IGNORECASE)
"""Words of a sentence that make its `in any order` one of the output: what comes in, and what is done in between, have
an order too."""
_SENTENCE = re.compile(r"[.!?](?=\s|$)|\n\s*\n")

STEADY = 0.8
"""A program that ends well on this share of its tests means what it prints."""
OFTEN = 0.1
"""Disagreement on fewer tests than this share is a slip of one program."""
NEARLY_ALL = 0.9
"""Agreement of the trusted programs with the given outputs that leaves no room for other right answers: as if on ten
tests one were wrong at most."""
FAITHFUL = 0.7
"""Tests with one right answer agree with their right solutions this often, unless most expected outputs are broken."""


def read_hint(statement: str | None) -> str | None:
    """The words by which a statement says that several answers are right, or None."""
    for match in _ANY.finditer(statement or ""):
        words = " ".join(match.group().split())
        if "order" not in words.lower() or _OUTPUT_SIDE.search(_find_sentence(statement or "", match.start())):
            return words
    return None


def _find_sentence(text: str, at: int) -> str:
    """The sentence of `text` around the place `at`."""
    ends = [end.end() for end in _SENTENCE.finditer(text)]
    return text[
        max((end for end in ends if end <= at), default=0) : min((end for end in ends if end > at), default=None)
    ]


def find_several(
    matrix: Matrix,
    weights: Weights,
    trusted: Sequence[int],
    fingerprints: Sequence[str],
    hint: str | None,
    config: CodeTestsConfig,
) -> str | None:
    """Evidence that several answers are right, in words, or None.

    With a `hint` any disagreement among programs that otherwise run well is enough. Without one, the disagreeing
    outputs must look like two right answers (`look_alike`), often, and by as many programs as agree: unless these agree
    with the given outputs too, on nearly all tests.
    """
    steady = [s for s, row in enumerate(matrix.cells) if _is_steady(row)]
    plausible = [s for s in steady if _agrees_somewhere(matrix.cells[s], matrix)]
    disputed = [t for t in range(matrix.tests) if len({matrix.cells[s][t] for s in plausible} - {ABSENT, -1}) > 1]
    if hint is not None and disputed:
        return f"the statement says {hint!r}, and solutions differ on {len(disputed)} of {matrix.tests} tests"
    dissent = [s for s in steady if s not in trusted and _dissents(matrix, weights, matrix.cells[s])]
    given = _dissents(matrix, weights, matrix.given)
    core = len({fingerprints[s] for s in trusted})
    others = len({fingerprints[s] for s in dissent})
    solid = core >= config.min_solutions and weights.given >= FAITHFUL
    settled = core >= config.min_solutions and weights.given >= NEARLY_ALL
    if (others + given >= 1 and not solid) or (others >= 2 and others >= core and not settled):
        witnesses = f"{others} solutions{' and the expected outputs' if given else ''}"
        return f"{witnesses} differ from {core} as right answers would"
    return None


def _is_steady(row: Sequence[int]) -> bool:
    given_outputs = [c for c in row if c != ABSENT]
    return bool(given_outputs) and sum(c >= 0 for c in given_outputs) >= STEADY * len(given_outputs)


def _agrees_somewhere(row: Sequence[int], matrix: Matrix) -> bool:
    return any(c >= 0 and (c == matrix.given[t] or matrix.column(t).count(c) > 1) for t, c in enumerate(row))


def _dissents(matrix: Matrix, weights: Weights, row: Sequence[int]) -> bool:
    """Whether `row` differs from the consensus often, and nearly always as another right answer would."""
    differ = [t for t, c in enumerate(row) if c >= 0 and weights.consensus[t] >= 0 and c != weights.consensus[t]]
    if len(differ) < max(2, OFTEN * matrix.tests):
        return False
    alike = sum(_could_both_hold(matrix.texts[t][row[t]], matrix.texts[t][weights.consensus[t]]) for t in differ)
    return alike >= STEADY * len(differ)


def _could_both_hold(left: str, right: str) -> bool:
    """`look_alike`, for outputs varied enough that it is no accident: lists of yes and no are permutations too
    often."""
    return min(len(set(left.split())), len(set(right.split()))) >= 4 and look_alike(left, right)

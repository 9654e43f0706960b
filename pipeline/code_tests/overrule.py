"""Whether programs that agree overrule most of the given outputs: which of three explanations the data make likely.

Programs of one problem that agree with each other and contradict most of its expected outputs say that (A) these
outputs are broken, (B) the programs share a mistake, or (C) tests and programs belong to different problems. Each is
weighed by how likely it makes what is seen, as a ratio of marginal likelihoods (Kass and Raftery, Bayes factors, 1995):

- Against C speak the tests on which programs and outputs agree, each by how unlikely that is by chance: one long number
  says much, ten times YES or NO says nothing.
- Against B speaks each further program that would have to make the very same mistake. For it speaks every other
  program that prints what the tests expect, since a broken output is printed by nobody, and that the programs are
  contradicted wherever they print a certain value, since tests break whatever their value (independence in a table of
  counts, Gunel and Dickey 1974).
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from pipeline.code_tests.agree import choose_trusted
from pipeline.code_tests.matrix import ABSENT, Matrix
from pipeline.code_tests.truth_discovery import Weights, weigh_solutions
from schemas.config import CodeTestsConfig

SURE = math.log(100)
"""An explanation is believed where the others are a hundred times less likely: a repair puts the programs' outputs in
the place of what the source says."""
SHARED = 0.2
"""How often a second wrong program makes the first one's mistake on every test: twice what was counted among students'
programs, for sets whose solutions come from one place."""
LONGEST = 6
"""Letters and digits of an output that count as drawn at random: what is longer follows from its beginning."""

NEW = 1e-3
"""The chance of a wrong output that no other test has, whatever its length."""

Outputs = Sequence[int]
"""A class a test."""


def overrule_given(
    matrix: Matrix, fingerprints: Sequence[str], config: CodeTestsConfig
) -> tuple[Weights, list[int]] | None:
    """(weights, trusted programs) by the agreement of the programs alone, where these may overrule the given outputs;
    None where they may not."""
    bare = Matrix(matrix.cells, (ABSENT,) * matrix.tests, matrix.texts, matrix.failed)
    weights = weigh_solutions(bare, fingerprints)
    trusted = choose_trusted(bare, weights)
    agreeing = len({fingerprints[s] for s in trusted})
    if agreeing < config.min_solutions:
        return None
    others = {fingerprints[s]: row for s, row in enumerate(matrix.cells) if s not in trusted}
    same, another = weigh_explanations(matrix, weights.consensus, agreeing, list(others.values()))
    if min(same, another) < SURE:
        return None
    pairs = [(c, g) for c, g in zip(weights.consensus, matrix.given, strict=True) if c != ABSENT and g != ABSENT]
    return replace(weights, given=sum(c == g for c, g in pairs) / len(pairs)), trusted


def count_contradicted(matrix: Matrix, trusted: Sequence[int]) -> int:
    """On how many tests trusted programs print something, and none of them what is expected."""
    columns = [{matrix.cells[s][t] for s in trusted} - {ABSENT} for t in range(matrix.tests)]
    return sum(bool(c) and g != ABSENT and g not in c for c, g in zip(columns, matrix.given, strict=True))


def weigh_explanations(
    matrix: Matrix, consensus: Outputs, agreeing: int, others: Sequence[Outputs]
) -> tuple[float, float]:
    """By how many nats broken outputs explain `matrix` better than (one mistake of all programs, tests of another
    problem) do.

    `agreeing` distinct programs print the `consensus`; the `others` print something else.
    """
    known = [t for t in range(matrix.tests) if consensus[t] >= 0 and matrix.given[t] != ABSENT]
    given = matrix.given
    texts = {(t, c): _normal(text) for t in known for c, text in enumerate(matrix.texts[t])}
    seen = Counter(texts[t, c] for t in known for c in (consensus[t], given[t]))
    others_seen = {(t, c): seen[text] - (c == consensus[t]) - (c == given[t]) for (t, c), text in texts.items()}

    def surprise(outputs: Outputs, truth: Outputs) -> float:
        """Nats that `outputs` cost where `truth` is right, their accuracy unknown."""
        printed = [t for t in known if outputs[t] != ABSENT]
        wrong = [t for t in printed if outputs[t] != truth[t]]
        shares = [(others_seen[t, outputs[t]] + NEW) / (2 * len(known) - 1) for t in wrong if outputs[t] >= 0]
        spread = -sum(map(math.log, shares))
        return spread - _log_beta(len(printed) - len(wrong) + 1, len(wrong) + 1)

    agreed = [t for t in known if given[t] == consensus[t]]
    whole = _log_beta(len(agreed) + 1, len(known) - len(agreed) + 1)
    by_value: dict[str, list[bool]] = {}
    for t in known:
        by_value.setdefault(texts[t, consensus[t]], []).append(given[t] == consensus[t])
    apart = sum(_log_beta(sum(held) + 1, len(held) - sum(held) + 1) for held in by_value.values())
    same = (agreeing - 1) * -math.log(SHARED) - max(0.0, apart - whole)
    same -= sum(max(0.0, surprise(other, consensus) - surprise(other, given)) for other in others)
    drawn = Counter(texts[t, given[t]] for t in known)
    by_chance = [_chance(drawn, texts[t, given[t]], len(known)) for t in agreed]
    return same, whole - sum(map(math.log, by_chance))


def _chance(drawn: Counter[str], text: str, count: int) -> float:
    """The probability that tests of another problem have `text` once more: as often as the others have it, and where
    they do not, one of all texts of its length (a Dirichlet process, Ferguson 1973)."""
    return (drawn[text] - 1 + 10.0 ** -min(LONGEST, sum(map(str.isalnum, text)))) / count


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

"""The trial of a checker: a program that judges outputs is believed only after it has told right ones from wrong ones.

A package's own validator may be broken: in a sample of thirty, one accepted any colouring of the right length and one
any segment of it. So a checker has to accept what the trusted programs print on every test, and to reject what is
wrong: the outputs of programs known to be wrong, and right outputs with something changed in them. Of the latter a few
may be right by chance, so that shares are asked for, not each one.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.code_tests.corrupt import (
    ATTACK,
    CONTENT,
    CUT,
    EMPTY,
    make_attacks,
    make_content,
    make_cut,
    make_empty,
    shuffle_input,
)
from pipeline.sandbox.check import Asked, Checked

Ask = Callable[[Sequence[Asked]], list[Checked]]
"""What the checker says of each output."""

SEED = 0
"""Of all that is drawn: the same trial on every run."""
TESTS = 12
"""Tests on which outputs are changed, spread over the list: more would tell the same at a higher price."""
BASES = 2
"""Different right outputs of a test that are changed."""
OTHERS = 3
"""Outputs of other tests that are tried on one."""
SHUFFLES = 4
"""Inputs made from each of a test."""
MOST_CUT = 0.2
"""Share of the outputs cut in half that may pass: a problem that asks for any subset takes a few."""
LEAST_CAUGHT = 0.5
"""Share of the programs known to be wrong that must fail somewhere: the tests that catch some of them may be left
out."""
LEAST_CONTENT = 0.1
"""Share of the outputs with other content that must fail. Where much is right, as in "print any three numbers that do
not ...", a sound checker rejects a fifth; one that only counts tokens rejects none."""
ENOUGH = 8
"""Outputs of one family or kind from which a share says anything."""
MOST_SILENT = 0.1
"""Share of the wrong outputs for which the checker may fail to give a verdict: samples like them stay unknown."""
DETAIL = 160


@dataclass(frozen=True)
class Tried:
    """One test of the trial and its right outputs, the first of them the jury's where the checker takes it."""

    id: str
    input: str
    answer: str
    right: tuple[str, ...]


@dataclass
class Tally:
    """Of one family or kind: how many were accepted, rejected, left without a verdict."""

    accepted: int = 0
    rejected: int = 0
    silent: int = 0

    def add(self, checked: Checked) -> None:
        if checked.accepted is None:
            self.silent += 1
        elif checked.accepted:
            self.accepted += 1
        else:
            self.rejected += 1

    @property
    def asked(self) -> int:
        return self.accepted + self.rejected + self.silent


@dataclass(frozen=True)
class Trial:
    """Its outcome: `fault` is what the checker failed at, None where it stood the trial."""

    fault: str | None
    tallies: Mapping[str, Tally] = field(default_factory=dict)

    def describe(self) -> str:
        parts = [f"{name} {t.rejected} of {t.asked}" for name, t in self.tallies.items() if t.asked]
        return f"rejected: {', '.join(parts)}"


def try_changed_outputs(ask: Ask, tests: Sequence[Tried]) -> Trial:
    """The part of the trial that needs no program: empty, cut and changed outputs, those of other tests, attacks, and
    right outputs beside another input."""
    rng = random.Random(SEED)
    chosen = [test for test in tests if test.right]
    chosen = [chosen[at] for at in sorted({len(chosen) * k // TESTS for k in range(TESTS)})] if chosen else []
    asked: list[tuple[str, str, Asked]] = []
    for test in chosen:
        known = {_normal(text) for text in test.right}
        for base in test.right[:BASES]:
            made = [(EMPTY, *one) for one in make_empty(base)]
            made += [(CUT, *one) for one in make_cut(base)]
            made += [(ATTACK, *one) for one in make_attacks(base)]
            made += [(CONTENT, *one) for one in make_content(base, rng)]
            asked += [
                (family, kind, Asked(test.input, test.answer, text))
                for family, kind, text in made
                if _normal(text) not in known
            ]
            for text in dict.fromkeys(shuffle_input(test.input, rng) for _ in range(SHUFFLES)):
                if text is not None:
                    asked.append(("input", "input", Asked(text, test.answer, base)))
        others = [text for other in chosen if other is not test for text in other.right[:1]]
        for text in rng.sample(others, min(OTHERS, len(others))):
            if _normal(text) not in known:
                asked.append(("other tests", "other tests", Asked(test.input, test.answer, text)))
    families: dict[str, Tally] = {}
    kinds: dict[str, Tally] = {}
    for (family, kind, one), checked in zip(asked, ask([one for _, _, one in asked]), strict=True):
        families.setdefault(family, Tally()).add(checked)
        kinds.setdefault(kind, Tally()).add(checked)
        if family in (EMPTY, ATTACK) and checked.accepted:
            return Trial(f"it accepts {_show(one.output)} ({kind})", families)
    return Trial(_find_fault(families, kinds), families)


def _find_fault(families: Mapping[str, Tally], kinds: Mapping[str, Tally]) -> str | None:
    none = Tally()
    half, content, inputs = kinds.get("half", none), families.get(CONTENT, none), families.get("input", none)
    wrong = [families.get(name, none) for name in (EMPTY, CUT, CONTENT, ATTACK)]
    if half.asked >= ENOUGH and half.accepted > MOST_CUT * half.asked:
        return f"it accepts {half.accepted} of {half.asked} outputs cut in half"
    if content.asked >= ENOUGH and content.accepted > (1 - LEAST_CONTENT) * content.asked:
        return f"it accepts {content.accepted} of {content.asked} outputs of another content"
    if inputs.asked >= ENOUGH and inputs.accepted == inputs.asked:
        for kind, tally in kinds.items():
            if kind in CONTENT_KINDS and tally.asked >= ENOUGH and tally.accepted == tally.asked:
                return f"it looks at the shape alone: outputs with {kind} pass, and right ones beside any other input"
    silent, total = sum(t.silent for t in wrong), sum(t.asked for t in wrong)
    if silent > MOST_SILENT * total:
        return f"it gives no verdict on {silent} of {total} wrong outputs"
    return None


CONTENT_KINDS = frozenset(
    {"flattened", "a token replaced", "a letter replaced", "a number off by one", "all numbers off by one"}
)
"""Kinds of changes after which other things are said; tokens in another order may say the same."""


def try_programs(
    right: Mapping[str, Sequence[Checked | None]], wrong: Mapping[str, Sequence[Checked | None]], tests: Sequence[str]
) -> str | None:
    """What is at fault with a checker's verdicts on the outputs of whole programs, None where nothing is.

    `right` and `wrong`: program -> its verdict on each test, None where it printed nothing to judge.
    """
    for name, verdicts in right.items():
        for test, checked in zip(tests, verdicts, strict=True):
            if checked is not None and checked.accepted is not True:
                how = "rejects" if checked.accepted is False else "gives no verdict on"
                return f"it {how} the output of {name}, which is right, on test {test}: {checked.detail[:DETAIL]}"
    judged = {name: [c for c in verdicts if c is not None] for name, verdicts in wrong.items()}
    judged = {name: verdicts for name, verdicts in judged.items() if verdicts}
    caught = sum(any(not c.accepted for c in verdicts) for verdicts in judged.values())
    if judged and caught < LEAST_CAUGHT * len(judged):
        return f"it accepts all outputs of {len(judged) - caught} of {len(judged)} programs that are known to be wrong"
    return None


def count_outcomes(verdicts: Mapping[str, Sequence[Checked | None]]) -> Counter[str]:
    """How many outputs were accepted, rejected and left without a verdict."""
    words = {True: "accepted", False: "rejected", None: "no verdict"}
    return Counter(words[c.accepted] for row in verdicts.values() for c in row if c is not None)


def _normal(text: str) -> str:
    return " ".join(text.split())


def _show(text: str) -> str:
    return repr(text[:40]) if text.strip() else "an empty output"

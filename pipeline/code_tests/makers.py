"""What can make inputs for a problem: its own generator, a model's, and mutations of the inputs that are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.code_tests.authored import Authored, make_authored
from pipeline.code_tests.generate import Maker, find_seeds, make_generated, make_mutations
from pipeline.code_tests.outputs import Judge
from pipeline.code_tests.probe_inputs import guess_inputs
from pipeline.code_tests.validators import Accept, find_validator

if TYPE_CHECKING:
    from pipeline.code_tests.case import Case
    from pipeline.sandbox import Sandbox


@dataclass(frozen=True)
class Makers:
    """`makers` start from the `known` inputs; `accept` says which inputs keep the problem's promises, None where
    nothing can say it."""

    known: Sequence[str]
    makers: Sequence[Maker]
    accept: Accept | None


def find_makers(case: "Case", sandbox: "Sandbox", authored: Authored | None, judge: Judge) -> Makers | None:
    """All makers that this problem has; None where it has none."""
    statement = case.row.get("statement") or ""
    known = find_seeds(statement, [t["input"] for t in case.tests], case.entry_point)
    makers: list[Maker] = []
    own = case.extra.get("input_generator")
    if not known and not isinstance(own, str) and (authored is None or authored.generator is None):
        known = guess_inputs(sandbox, case.solutions, case.entry_point, judge)
    if isinstance(own, str):
        prelude = case.solutions[0].code if case.solutions[0].language == "python" and case.entry_point else ""
        makers.append(make_generated(sandbox, own, case.entry_point, prelude, judge.loose))
    if authored is not None and authored.generator is not None:
        makers.append(make_authored(sandbox, authored.generator, case.entry_point))
    if (mutations := make_mutations(known, case.entry_point, statement)) is not None:
        makers.append(mutations)
    if not makers:
        return None
    written = authored.validator if authored is not None else None
    return Makers(known, makers, find_validator(sandbox, case.extra, written, known))

"""Input validators: programs that say whether an input keeps what a problem promises. They bound what may be made.

They come with a contest package, or a model writes one. Neither is believed before it has accepted every known input
and refused what no problem takes. A package's speaks by its exit status: 42 is a good input, any other is none
(Problem Package Format, "Input Validators"), so that a failed `assert` refuses as well.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline.code_tests.ask_checker import ask_in_parallel
from pipeline.code_tests.corrupt import make_cut
from pipeline.code_tests.programs import LANGUAGES
from pipeline.sandbox.check import Asked

if TYPE_CHECKING:
    from pipeline.sandbox import CheckerProgram, Sandbox

Accept = Callable[[Sequence[str]], list[bool]]
"""What is said of each input."""

MALFORMED = 12
"""Known inputs that are spoiled to try a validator, spread over the list."""
LEAST_REFUSED = 0.5
"""Share of the spoiled inputs that a validator must refuse: half a list of words may be a good list of words, but one
that takes most of what is spoiled bounds nothing."""
HUGE = str(10**30)
"""Put for every number: beyond the limits of any problem that has some."""
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")


def find_validator(
    sandbox: "Sandbox", extra: Mapping[str, Any], written: str | None, known: Sequence[str]
) -> Accept | None:
    """All validators that can be trusted, as one: the package's in `extra.input_validators`, and the one that a model
    has `written`. None where there is none."""
    candidates = [partial(_ask_by_status, sandbox, program) for program in read_validators(extra)]
    if written is not None:
        candidates.append(partial(_ask_by_word, sandbox, written))
    trusted = [accept for accept in candidates if trust_validator(accept, known)]
    if not trusted:
        return None
    return lambda inputs: [all(words) for words in zip(*(accept(inputs) for accept in trusted), strict=True)]


def read_validators(extra: Mapping[str, Any]) -> "list[CheckerProgram]":
    """The validators of a problem that can be run: rows of `language`, `code` and `flags`."""
    from pipeline.sandbox import CheckerProgram

    rows = extra.get("input_validators")
    programs = []
    for row in rows if isinstance(rows, list) else []:
        code, flags = (row.get("code"), row.get("flags") or "") if isinstance(row, Mapping) else (None, "")
        language = LANGUAGES.get(str(row.get("language") or "").lower()) if isinstance(row, Mapping) else None
        if isinstance(code, str) and isinstance(flags, str) and language is not None:
            programs.append(CheckerProgram(language, code, "input", tuple(flags.split())))
    return programs


def trust_validator(accept: Accept, known: Sequence[str]) -> bool:
    """Whether a validator takes every known input, and refuses an empty one and most of what is spoiled: else it checks
    something else, or nothing."""
    if not known or not all(accept(known)) or any(accept([""])):
        return False
    chosen = [known[at] for at in sorted({len(known) * k // MALFORMED for k in range(MALFORMED)})]
    spoiled = [text for text in dict.fromkeys(bad for good in chosen for bad in spoil(good)) if text not in known]
    return sum(accept(spoiled)) <= (1 - LEAST_REFUSED) * len(spoiled)


def spoil(text: str) -> Iterator[str]:
    """Inputs that hardly any problem takes: half of it, a word for each number, and numbers beyond all limits."""
    yield from (cut for kind, cut in make_cut(text) if kind == "half")
    for other in ("x", HUGE):
        changed = _NUMBER.sub(other, text)
        if changed != text:
            yield changed


def _ask_by_status(sandbox: "Sandbox", program: "CheckerProgram", inputs: Sequence[str]) -> list[bool]:
    checked = ask_in_parallel(sandbox, program)([Asked("", "", text) for text in inputs])
    return [one.accepted is True for one in checked]


def _ask_by_word(sandbox: "Sandbox", code: str, inputs: Sequence[str]) -> list[bool]:
    """What a model's validator prints of each input; one on which it fails is not taken."""
    from pipeline.sandbox import Case, Program

    runs = sandbox.run(Program("python", code, None), [Case(text, None) for text in inputs])
    return [run.status == "passed" and (run.output or "").strip().lower() == "valid" for run in runs]

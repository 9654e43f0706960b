"""Defects as sets have them, planted into one problem at a time."""

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.screen.choice import read_extra, read_inline
from schemas.problem import problem_id

Row = dict[str, Any]

_NUMBER = re.compile(r"(?<![\w.])\d{1,6}(?![\w.]|\.\d)")
SHORTEST = 12
"""Words of a statement that is cut; what is left of a shorter one may be a problem of its own."""
KEPT = (0.5, 0.8)
"""The share of a statement's words that a cut leaves."""
CHOICE_FIELDS = ("options", "choices", "A", "B", "C", "D", "E")


@dataclass(frozen=True)
class Planted:
    """A problem with one defect. `row` has an id of its own, `original` is the id of the sound problem, and `test` the
    id of the corrupted test, whose wrong output is `expected`."""

    kind: str
    row: Row
    original: str
    test: str | None = None
    expected: str | None = None


def change_number(rng: random.Random, row: Row, others: Sequence[str]) -> Planted | None:
    """Another number in the statement; the label is that of the old one."""
    places = list(_NUMBER.finditer(row["statement"] or "")) if row["domain"] == "math" else []
    if not places:
        return None
    place = rng.choice(places)
    number = int(place.group()) + rng.randint(1, 9)
    statement = f"{row['statement'][: place.start()]}{number}{row['statement'][place.end() :]}"
    return _plant("number changed", row, statement=statement)


def change_label(rng: random.Random, row: Row, others: Sequence[str]) -> Planted | None:
    """A whole number a little off, or the label of another problem."""
    label = row["answer"]
    if row["domain"] != "math" or not label:
        return None
    if re.fullmatch(r"-?\d{1,15}", label):
        return _plant("label changed", row, answer=str(int(label) + rng.choice((-10, -2, -1, 1, 2, 10))))
    different = [other for other in others if other != label]
    return _plant("label changed", row, answer=rng.choice(different)) if different else None


def cut_statement(rng: random.Random, row: Row, others: Sequence[str]) -> Planted | None:
    """The statement without its end."""
    words = list(re.finditer(r"\S+", row["statement"] or ""))
    if len(words) < SHORTEST:
        return None
    end = words[int(len(words) * rng.uniform(*KEPT)) - 1].end()
    return _plant("statement cut", row, statement=row["statement"][:end])


def drop_options(rng: random.Random, row: Row, others: Sequence[str]) -> Planted | None:
    """A multiple-choice question without its options, under the letter or text that was its label."""
    extra = json.loads(row["extra"]) if row["extra"] else {}
    options = read_inline(row["statement"] or "") or read_extra(row)
    if row["domain"] != "math" or options is None:
        return None
    rest = {name: value for name, value in extra.items() if name not in CHOICE_FIELDS}
    return _plant("options dropped", row, statement=options.stem, extra=json.dumps(rest) if rest else None)


def corrupt_test(rng: random.Random, row: Row, others: Sequence[str]) -> Planted | None:
    """Another expected output of one test."""
    places = [at for at, test in enumerate(row["tests"] or ()) if test["expected"] is not None]
    if row["domain"] != "code" or not places:
        return None
    at = rng.choice(places)
    tests = [dict(test) for test in row["tests"]]
    expected = _corrupt(rng, tests[at]["expected"])
    tests[at]["expected"] = expected
    planted = _plant("test corrupted", row, tests=tests)
    return Planted(planted.kind, planted.row, planted.original, tests[at]["id"], expected)


_OPPOSITES = {"True": "False", "YES": "NO", "Yes": "No", "yes": "no", "true": "false"}
_SWAPPED = _OPPOSITES | {no: yes for yes, no in _OPPOSITES.items()}


def _corrupt(rng: random.Random, expected: str) -> str:
    numbers = list(re.finditer(r"\d+", expected))
    if numbers:
        place = rng.choice(numbers)
        return f"{expected[: place.start()]}{int(place.group()) + rng.randint(1, 9)}{expected[place.end() :]}"
    word = next((word for word in _SWAPPED if re.search(rf"\b{word}\b", expected)), None)
    if word is not None:
        return re.sub(rf"\b{word}\b", _SWAPPED[word], expected, count=1)
    if expected.strip() in ("[]", "''", '""', "{}", "()", "None", ""):
        return "7"
    quoted = expected.strip()[-1:] in "'\"])}"
    return "[7]" if quoted else f"{expected.rstrip()}x"


def break_translation(rng: random.Random, row: Row, others: Sequence[str]) -> Planted | None:
    """A translation that lost its last sentence, or has another number than its original."""
    text = row["statement"] or ""
    sentences = [part for part in re.split(r"(?<=[.?!。？])\s+", text.strip()) if part]
    if len(sentences) > 1 and rng.random() < 0.5:
        return _plant("translation broken", row, statement=" ".join(sentences[:-1]))
    places = list(_NUMBER.finditer(text))
    if not places:
        return None
    place = rng.choice(places)
    changed = f"{text[: place.start()]}{int(place.group()) + rng.randint(1, 9)}{text[place.end() :]}"
    return _plant("translation broken", row, statement=changed)


def leave_sound(rng: random.Random, row: Row, others: Sequence[str]) -> Planted | None:
    """No defect: what is rejected of these is lost without need."""
    return _plant("none (control)", row)


Plant = Callable[[random.Random, Row, Sequence[str]], Planted | None]
"""(randomness, problem, labels of other problems) -> the problem with a defect, None where it can have no such."""
PLANTS: Mapping[str, Plant] = {
    "number changed": change_number,
    "label changed": change_label,
    "statement cut": cut_statement,
    "options dropped": drop_options,
    "test corrupted": corrupt_test,
    "translation broken": break_translation,
    "none (control)": leave_sound,
}
CONTROL = "none (control)"


def _plant(kind: str, row: Row, **changes: Any) -> Planted:
    changed = row | changes
    return Planted(kind, changed | {"id": problem_id(changed) if changes else row["id"]}, row["id"])

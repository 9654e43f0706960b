r"""Which place of the rows holds the label, and how: after `####`, in the last `\boxed{}`, as JSON, or plain."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.ingest.labels import extract_label
from pipeline.ingest.recognize.turns import find_reply, find_turn_label, read_turns
from pipeline.ingest.recognize.values import Field, Path, Row, parse_text, plain_name, reach

How = Literal["given", "boxed", "hashes", "phrase"]

NAMES = {
    **dict.fromkeys(
        (
            "answer",
            "finalanswer",
            "expectedanswer",
            "groundtruth",
            "correctanswer",
            "答案",
            "answernumber",
            "answerstr",
        ),
        1.0,
    ),
    **dict.fromkeys(("antwort", "ergebnis", "réponse", "réponses", "respuesta", "risposta", "resposta", "ответ"), 0.97),
    **dict.fromkeys(
        ("答え", "解答", "正解", "標準答案", "정답", "답", "antwoord", "odpowiedź", "cevap", "gabarito"), 0.97
    ),
    **dict.fromkeys(
        ("verifiableanswer", "shortanswer", "goldanswer", "referenceanswer", "answerkey", "标准答案"), 0.97
    ),
    **dict.fromkeys(("groundtruthanswer", "numericanswer", "answervalue", "parsedanswer", "answertext"), 0.96),
    **dict.fromkeys(
        ("correctoption", "correctchoice", "correct", "gold", "golden", "label", "target", "ans", "gt"), 0.9
    ),
    **dict.fromkeys(("answeridx", "answerindex", "correctindex", "correctidx", "goldindex", "cop"), 0.88),
    **dict.fromkeys(("extractedanswer", "finalresult", "result", "targets", "answers", "lsolutions"), 0.8),
    **dict.fromkeys(("solution", "solutions", "reference"), 0.7),
    **dict.fromkeys(("boxedanswer", "answerlatex", "goldlabel", "correctletter", "answervaluestr"), 0.9),
    **dict.fromkeys(("informalsolution", "informalanswer", "lösung", "lösungsweg", "solución", "soluzione"), 0.55),
    **dict.fromkeys(("referencesolution", "workedsolution", "groundtruthsolution", "goldsolution"), 0.6),
    **dict.fromkeys(("output", "response", "completion", "explanation", "rationale", "cot", "解析"), 0.5),
    **dict.fromkeys(("messages", "conversations", "turns", "generatedsolution", "outputs", "chosen"), 0.45),
}
INNER = ("ground_truth", "value", "answer", "final_answer", "target", "label", "text")
"""Keys of an object that is a label with more about it."""
PLAIN_LENGTH, PLAIN_LINES = 200, 3
"""A label is no longer; what is, is a worked solution."""
WEIGHTS: dict[How, float] = {"given": 1.0, "hashes": 0.97, "boxed": 0.95, "phrase": 0.7}
NESTED = 0.02
"""What each object around a place takes from its prior, unless the object is there for the label."""
HOLDERS = ("rewardmodel", "verificationinfo", "verifier", "groundtruth", "label", "answer")
ENOUGH = 0.25
"""Share of rows that must have a label in a place; sets have problems without one."""
MARKED = 0.5
"""How well a worked solution with its label marked fits where labels stand plainly: less than the marks themselves."""
FEW = 4
"""Rows that may all have the same label."""
_PHRASE = re.compile(
    r"(?:final answer:\s*+)?(?:the |final |correct ){0,3}answer(?:\s+is)?\s*+[:：]?\s*+\**+\s*+(?:is\s++)?"
    r"([^\n]{1,80}?)\**\.?(?:\s*+I hope (?:it|this) is correct\.?)?\s*$",
    re.IGNORECASE,
)
_WORKED = re.compile(r"####|\banswer(?: is|:)|\w\W*\\boxed\b|(?-i:[a-z)\d$][.!?]\s+[A-Z])", re.IGNORECASE)
"""What a worked solution has and a label has not."""
_THING = re.compile(r"([-+]?[\d.,/]*\d)\s*\(([A-Za-z][A-Za-z ]*)\)")
_MIXED = re.compile(r"(-?)(\d{1,6})\s?\((\d{1,6})/(\d{1,6})\)")
_RUPEES = re.compile(r"^Rs\.? ?(?=\d[\d,.]*$)")
_TAG = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,} [a-z]{2,}")
MISSING = frozenset({"", "none", "null", "nan", "n/a", "na", "notfound", "not found", "no answer", "unknown", "proof"})


@dataclass(frozen=True)
class AnswerReading:
    """Where a label stands, and how; `turns` says that the place holds a conversation."""

    path: Path
    how: How
    fit: float
    turns: bool = False

    @property
    def column(self) -> str:
        """The place as a mapping names it."""
        return ".".join((*self.path, "assistant") if self.turns else self.path)

    @property
    def shown(self) -> str:
        ways = {"given": "", "boxed": " (last \\boxed{})", "hashes": " (after ####)", "phrase": ' (after "answer is")'}
        return f"{'the reply in ' if self.turns else ''}{'.'.join(self.path)}{ways[self.how]}"

    def read(self, row: Row) -> str | None:
        """The label of one row, or None."""
        return read_label(_find_value(reach(row, self.path), self.turns), self.how)


def find_answer(fields: Sequence[Field], taken: set[Path]) -> AnswerReading | None:
    """The place and the way that read the most likely labels; `taken` are places that are something else."""
    best: tuple[float, AnswerReading] | None = None
    for field in fields:
        prior = NAMES.get(field.name, 0.0)
        if prior <= 0 or field.path in taken:
            continue
        prior -= sum(NESTED for key in field.path[:-1] if plain_name(key) not in HOLDERS)
        for turns in (False, True):
            values = [_find_value(value, turns) for value in field.values]
            there = [value for value in values if value is not None]
            if not there:
                continue
            for how, weight in WEIGHTS.items():
                fits = [_fits(value, how) for value in values]
                fit, read = sum(fits) / len(there), sum(fits) / len(fits)
                if len(there) >= FEW and len({str(value) for value in there}) == 1:
                    weight = weight / 2
                score = prior * weight * fit * (1 + read) / 2
                if fit >= 0.5 and read >= ENOUGH and (best is None or score > best[0] + 1e-9):
                    best = (score, AnswerReading(field.path, how, read, turns))
    return best[1] if best else None


def fits_label(value: Any) -> bool:
    """Whether a value is a label as it stands: short, and no worked solution."""
    return _fits(value, "given") == 1.0


def _find_value(value: Any, turns: bool) -> Any:
    read = read_turns(value)
    if not turns:
        return None if read else value
    if read is None:
        return None
    label = find_turn_label(read)
    return label if label is not None else find_reply(read)


def _fits(value: Any, how: How) -> float:
    """How well a value is a label that stands so, from 0 to 1. A worked solution fits among plain labels where its own
    mark shows its label, and fits better as what it is."""
    label = read_label(value, how)
    if label is None or len(label) > PLAIN_LENGTH:
        return 0.0
    text = unwrap(value) or ""
    if how == "given":
        if label.count("\n") >= PLAIN_LINES or (_SENTENCE.search(label) and len(label) > 60):
            return 0.0
        if not _WORKED.search(text):
            return 1.0
        return MARKED if "####" in text or "\\boxed" in text else 0.0
    return float(how != "hashes" or "####" in text)


def read_label(value: Any, how: How) -> str | None:
    r"""The label in `value`. A worked text among plain labels (or the other way about) is read by its own marks."""
    text = unwrap(value)
    if text is None:
        return None
    if how == "given" and "####" in text:
        how = "hashes"
    elif how == "given" and "\\boxed" in text and _WORKED.search(text):
        how = "boxed"
    elif how == "hashes" and "####" not in text:
        how = "boxed" if "\\boxed" in text else "phrase"
    if tagged := _TAG.findall(text):
        text, how = tagged[-1], "given"
    if how == "phrase":
        phrase = _PHRASE.search(text.strip())
        text = phrase[1] if phrase else None
        how = "given"
    label = extract_label(text, how)
    return None if label is None or label.lower() in MISSING else write_plainly(label)


def write_plainly(label: str) -> str:
    """A label in the form that the verifier reads: `9 (apples)` as `9 apples`, `1(5/6)` as `11/6`, `Rs.160` as `160`.

    A label of another meaning as well (`45'` is feet, minutes or a derivative) stays as it is.
    """
    if thing := _THING.fullmatch(label):
        return f"{thing[1]} {thing[2].strip()}"
    if mixed := _MIXED.fullmatch(label):
        whole, above, below = (int(part) for part in mixed.groups()[1:])
        if 0 < above < below:
            return f"{mixed[1]}{whole * below + above}/{below}"
    return _RUPEES.sub("", label)


def unwrap(value: Any) -> str | None:
    """A label as text: out of a list of one, an object or their JSON text; several as a list; None for nothing."""
    value = parse_text(value)
    if isinstance(value, Mapping):
        value = next((value[key] for key in INNER if value.get(key) is not None), None)
        return unwrap(value) if value is not None else None
    if isinstance(value, list | tuple):
        items = [text for item in value if (text := unwrap(item)) is not None]
        if len(items) < 2:
            return items[0] if items else None
        return f"[{', '.join(items)}]" if all(not isinstance(item, str) for item in value) else ", ".join(items)
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if value is None:
        return None
    text = str(value).strip()
    if len(text) >= 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1]:
        text = text[1:-1].strip()
    return text or None

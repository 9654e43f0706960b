"""Options of a multiple-choice set, and what its labels name: a letter, an index or the option's own text.

Which of these a label is, all rows say together: one label `2` may be an index or equal to an option, two hundred are
one of them. A letter and an index win over an equal option.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.ingest.recognize.answers import unwrap
from pipeline.ingest.recognize.values import Field, Path, Row, parse_text, plain_name, reach, share

Naming = Literal["letter", "from 0", "from 1", "key", "content", "flag"]

NAMES = frozenset(
    {"options", "choices", "endings", "option", "choice", "answerchoices", "candidates", "mcoptions"}
    | {"multiplechoices", "answeroptions", "选项", "alternatives", "possibleanswers", "answeroptionlist", "optionlist"}
    | {"choicelist", "multiplechoice", "mc1targets", "answers", "answerlist", "targetscores"}
)
UNSURE = frozenset({"answers", "answerlist", "candidates"})
"""Names of options only where a label names one of them: other sets have several right answers there."""
FLAGS = ("is_correct", "isCorrect", "correct", "is_answer", "is_right", "right")
"""What says of one option that it is the right one."""
KEYED = ("{}", "option{}", "op{}", "opt{}", "choice{}", "answer{}", "ending{}")
"""Columns of one option each, under a letter or a number."""
SERIES = ("abcdefghij", "0123456789", "123456789")
MOST = 10
ENOUGH = 0.5
_LETTERS = "ABCDEFGHIJ"
_LABEL = re.compile(r"\s*+[(\[（]?\s*+([A-Ja-jＡ-Ｊ])\s*[)\].:）．、]?\s*")
_MARK = re.compile(r"\s*+[(\[（]?\s*+([A-Ja-j]|\d)\s*[)\].:）．、]\s*")
_SPLIT = re.compile(r"(?:^|(?<=[\s,;|\[\]'\"]))[(\[（]?([A-Ja-j])\s*[)\].:）．、]\s*")
_PLAIN = re.compile(r"[\s$,]|\\[ ,;!]|\\(?:left|right)")


@dataclass(frozen=True)
class OptionsReading:
    """Where the options of a row stand (one column, or one each), and how its label names one."""

    paths: tuple[Path, ...]
    naming: Naming | None
    fit: float

    @property
    def shown(self) -> str:
        return ", ".join(".".join(path) for path in self.paths)

    def read(self, row: Row) -> list[str] | None:
        """The options' texts in order, without their letters."""
        return read_options(row, self.paths)

    def resolve(self, row: Row, label: str | None) -> str | None:
        """The label, as the option's own text where it is an index or a key: only the set knows what these count."""
        options = self.read(row)
        if options is not None and self.naming == "flag":
            return None if (at := find_flagged(row, self.paths)) is None else options[at]
        if label is None or options is None or self.naming in (None, "letter", "content"):
            return label
        at = _place(label, row, self.paths, options, self.naming)
        return options[at] if at is not None else label


def find_options(fields: Sequence[Field], rows: Sequence[Row], labels: Sequence[Any]) -> OptionsReading | None:
    """The options of the rows, and what `labels` (as they stand, a row each) name; None where there are none."""
    single = [(field.path,) for field in fields if field.name in NAMES]
    best: tuple[float, tuple[Path, ...]] | None = None
    for paths in [*single, *_find_columns(fields)]:
        fit = share([read_options(row, paths) is not None for row in rows])
        if fit >= ENOUGH and (best is None or fit > best[0]):
            best = (fit, paths)
    if best is None:
        return None
    fit, paths = best
    naming = _find_naming(rows, paths, labels)
    if naming is None and share([find_flagged(row, paths) is not None for row in rows]) >= ENOUGH:
        naming = "flag"
    if naming is None and (len(paths) > 1 or plain_name(paths[0][-1]) in UNSURE):
        return None  # columns A and B of something else
    return OptionsReading(paths, naming, fit)


def find_flagged(row: Row, paths: Sequence[Path]) -> int | None:
    """The place of the only option that is marked as right: by a flag of its own, or in a list beside the texts."""
    if len(paths) > 1:
        return None
    value = parse_text(reach(row, paths[0]))
    flags: Sequence[Any] = ()
    if isinstance(value, Mapping) and isinstance(value.get("labels"), list | tuple):
        flags = value["labels"]
    elif isinstance(value, Mapping) and _are_scores(value):
        flags = list(value.values())
    elif isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value):
        flags = [next((item[key] for key in FLAGS if key in item), None) for item in value]
    right = [at for at, flag in enumerate(flags) if flag in (True, 1, "true", "True")]
    return (
        right[0]
        if len(right) == 1 and all(flag in (True, False, "true", "false", "True", "False", None) for flag in flags)
        else None
    )


def _are_scores(value: Mapping[str, Any]) -> bool:
    """Whether an object has a mark for each option under its text, as BIG-bench's `target_scores` have."""
    return len(value) > 1 and all(isinstance(mark, int | float) and mark in (0, 1) for mark in value.values())


def _find_columns(fields: Sequence[Field]) -> list[tuple[Path, ...]]:
    """Columns such as A, B, C, D or option_1 to option_4."""
    named = {(field.path[:-1], field.name): field.path for field in fields}
    groups = []
    for above in {field.path[:-1] for field in fields}:
        for form in KEYED:
            for series in SERIES:
                paths = []
                for key in series:
                    path = named.get((above, form.format(key)))
                    if path is None:
                        break
                    paths.append(path)
                if len(paths) >= 2:
                    groups.append(tuple(paths))
    return groups


def read_options(row: Row, paths: Sequence[Path]) -> list[str] | None:
    """The options at `paths` of a row: a list, an object by letter, `{text, label}`, a text of any of them; or None."""
    if len(paths) > 1:
        there = [unwrap(reach(row, path)) for path in paths]
        return _clean([text for text in there if text is not None])
    value = parse_text(reach(row, paths[0]))
    return _clean(_items(value))


def _items(value: Any) -> list[Any]:
    if isinstance(value, str):
        marks = list(_SPLIT.finditer(value))
        letters = "".join(mark[1].upper() for mark in marks)
        if len(marks) >= 2 and _LETTERS.startswith(letters):
            ends = [mark.start() for mark in marks[1:]] + [len(value)]
            return [value[mark.end() : end].strip(" \t\n,;|'\"[]") for mark, end in zip(marks, ends, strict=True)]
        lines = [line for line in value.splitlines() if line.strip()]
        return lines if 2 <= len(lines) <= MOST else []
    if isinstance(value, Mapping) and _are_scores(value):
        return list(value)
    if isinstance(value, Mapping):
        texts = next((value[key] for key in ("text", "texts", "choices", "options") if value.get(key)), None)
        return list(texts) if isinstance(texts, list | tuple) else [value[key] for key in sorted(value)]
    return list(value) if isinstance(value, list | tuple) else []


def _clean(items: list[Any]) -> list[str] | None:
    texts: list[str] = []
    for item in items:
        if isinstance(item, list | tuple) and len(item) == 1:
            item = item[0]
        if isinstance(item, Mapping):
            named = (item[key] for key in ("text", "content", "value", "option") if item.get(key) is not None)
            item = next(named, next(iter(item.values())) if len(item) == 1 else None)
        if isinstance(item, list | tuple) and len(item) == 2:
            item = item[1]
        text = unwrap(item)
        if text is None:
            return None
        texts.append(text)
    if not 2 <= len(texts) <= MOST:
        return None
    marks = [_MARK.match(text) for text in texts]
    lettered = "".join(mark[1].upper() for mark in marks if mark)
    if (
        len(lettered) == len(texts) and lettered in (_LETTERS[: len(texts)], "0123456789"[: len(texts)])
    ) or lettered == "1234567890"[: len(texts)]:
        texts = [text[mark.end() :].strip() for text, mark in zip(texts, marks, strict=True) if mark]
    return texts


def _keys(row: Row, paths: Sequence[Path]) -> list[str]:
    """What the set calls each option: ARC's `label` list, an object's keys, the ends of its columns' names."""
    if len(paths) > 1:
        return [plain_name(path[-1]) for path in paths]
    value = parse_text(reach(row, paths[0]))
    if isinstance(value, Mapping):
        keys = value.get("label") or value.get("labels") or (sorted(value) if "text" not in value else None)
        return [str(key).lower() for key in keys] if isinstance(keys, list | tuple) else []
    if isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value):
        named = [
            next((item[key] for key in ("label", "key", "id") if item.get(key) is not None), None) for item in value
        ]
        return [str(key).lower() for key in named] if all(key is not None for key in named) else []
    return []


def _place(label: str, row: Row, paths: Sequence[Path], options: list[str], naming: Naming) -> int | None:
    if naming == "letter":
        letter = _LABEL.fullmatch(label)
        at = ord(_half(letter[1]).upper()) - 65 if letter else -1
    elif naming == "key":
        keys, wanted = _keys(row, paths), plain_name(label)
        at = next((at for at, key in enumerate(keys) if wanted in (key, plain_name(key))), -1)
        if at < 0 and wanted:
            at = next((at for at, key in enumerate(keys) if key.endswith(wanted)), -1)
    elif naming == "content":
        at = next((at for at, text in enumerate(options) if _plain(text) == _plain(label)), -1)
    else:
        number = int(label) if re.fullmatch(r"\d{1,2}", label) else -1
        at = number - (naming == "from 1")
    return at if 0 <= at < len(options) else None


def _half(letter: str) -> str:
    return chr(ord(letter) - 0xFEE0) if ord(letter) > 0xFF00 else letter


def _plain(text: str) -> str:
    return _PLAIN.sub("", text).lower()


def _find_naming(rows: Sequence[Row], paths: Sequence[Path], labels: Sequence[Any]) -> Naming | None:
    """How the labels name options: what fits most rows; letters, keys and indices win over equal texts."""
    cases = [
        (row, options, text, label)
        for row, label in zip(rows, labels, strict=True)
        if (options := read_options(row, paths)) and (text := unwrap(label)) is not None
    ]
    if not cases:
        return None
    fits = {
        naming: share([_place(text, row, paths, options, naming) is not None for row, options, text, _ in cases])
        for naming in ("letter", "key", "content", "from 0", "from 1")
    }
    numbers = [int(text) for _, _, text, _ in cases if re.fullmatch(r"\d{1,2}", text)]
    typed = share([isinstance(label, int) and not isinstance(label, bool) for *_, label in cases]) > ENOUGH
    certain = 0 in numbers or any(text == str(len(options)) for _, options, text, _ in cases)
    if 0 in numbers:
        fits["from 1"] = 0.0
    # A number as text that is always an option's own text is that, unless an index is sure and fits as well.
    if (
        not typed
        and fits["content"] >= max(fits["from 0"], fits["from 1"])
        and not (0 in numbers and fits["from 0"] == 1)
    ):
        fits["from 0"] = fits["from 1"] = 0.0
    if not certain and fits["from 0"] == fits["from 1"] and (len(paths) > 1 or not typed):
        # Whoever gives each option a column of its own counts from 1, as in a spreadsheet.
        fits["from 0" if len(paths) > 1 else "from 1"] = 0.0
    best = max(fits, key=lambda naming: fits[naming])
    order: tuple[Naming, ...] = ("letter", "key", "from 0", "from 1", "content")
    chosen = next(naming for naming in order if fits[naming] == fits[best])
    return chosen if fits[chosen] > ENOUGH else None

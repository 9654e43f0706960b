"""Changes one thing in real labels and counts what the verifier still accepts, and rewrites them and counts rejects.

A mutation changes one digit, sign, letter, relation, bracket or unit; a rewriting changes spacing or commands only.
Left out are mutations that do not change the value under docs/verify.md, counted by their reason (`name_equality`).
Run: `python -m benchmarks.verify_mutations [OUT.json] [LABELS.jsonl ...]`. All files of ../shared/data are read; the
labels of a row are what stands under LABEL_FIELDS.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.verify.label import screen_label
from pipeline.verify.math import MathVerifier

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LABEL_FIELDS = ("gold", "first_answer", "second_answer", "answer_of_full", "true_answer", "given_answer")
_RELATIONS = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le", r"\leq": r"\geq", r"\geq": r"\leq"}
_UNITS = {"cm": "mm", "km": "m", "hours": "minutes", "minutes": "hours", "meters": "feet", "feet": "inches"}
_COMMAND = re.compile(r"\\[A-Za-z]+|\\.")
_LETTER = re.compile(r"(?<![A-Za-z\\])[a-z](?![A-Za-z])")


def read_labels(files: Iterable[Path]) -> list[str]:
    """The different labels of some files, in order. Where a row has no `gold`, its `answer` is a label."""
    labels: dict[str, None] = {}
    for file in files:
        for line in file.read_text(encoding="utf-8").removesuffix("\n").split("\n"):
            row = json.loads(line)
            fields = LABEL_FIELDS if row.get("gold") is not None else (*LABEL_FIELDS, "answer")
            for label in (row.get(field) for field in fields):
                if isinstance(label, str | int | float):
                    labels.setdefault(str(label))
    return list(labels)


def mutate(label: str, draw: random.Random) -> Iterator[tuple[str, str]]:
    """(kind, label with one thing changed), at most one of each kind."""
    digits = [match.start() for match in re.finditer(r"\d", label)]
    if digits:
        at = draw.choice(digits)
        other = draw.choice([digit for digit in "123456789" if digit != label[at]])
        yield "digit", label[:at] + other + label[at + 1 :]
    signs = [match.start() for match in re.finditer(r"[-+]", label)]
    if signs:
        at = draw.choice(signs)
        yield "sign", label[:at] + ("-" if label[at] == "+" else "+") + label[at + 1 :]
    masked = _COMMAND.sub(lambda match: "\x00" * len(match[0]), label)
    letters = [match.start() for match in _LETTER.finditer(masked)]
    if letters and "text" not in label:
        at = draw.choice(letters)
        yield "letter", label[:at] + draw.choice([c for c in "abcknpqrtuvwxyz" if c != label[at]]) + label[at + 1 :]
    for relation, other in _RELATIONS.items():
        pattern = re.compile(re.escape(relation) + r"(?![A-Za-z])")
        if match := pattern.search(label):
            yield "relation", label[: match.start()] + other + label[match.end() :]
            break
    if re.search(r"\d\s*\\?(?:text\{\s*)?(?:" + "|".join(_UNITS) + r")\b", label):
        for unit, other in _UNITS.items():
            if match := re.search(rf"\b{unit}\b", label):
                yield "unit", label[: match.start()] + other + label[match.end() :]
                break
    if match := re.fullmatch(r"(\\left)?([\[(])(.+,.+?)(\\right)?([\])])", label.strip("$ ")):
        opener = {"[": "(", "(": "["}[match[2]]
        yield "bracket", f"{match[1] or ''}{opener}{match[3]}{match[4] or ''}{match[5]}"


def rewrite(label: str) -> Iterator[str]:
    """The same label in another spacing or set of commands."""
    if "\\frac" in label:
        yield label.replace("\\frac", "\\dfrac")
    if "\\left" not in label and "(" in label and ")" in label:
        yield label.replace("(", "\\left(").replace(")", "\\right)")
    if "\\left" in label:
        yield re.sub(r"\\(?:left|right)(?![A-Za-z])", "", label)
    if "$" not in label:
        yield f"${label}$"
    if "," in label and not re.search(r"\d,\d|,\\!|\{,\}", label):
        yield re.sub(r", *", r",\\ ", label)
    if re.search(r"(?<![eE^_{<>!])[+=]", label) and "text" not in label:
        yield re.sub(r"(?<![<>!])\s*([+=])\s*", r" \1 ", label)
    yield rf"\boxed{{{label}}}" if "$" not in label else f" {label} "


def name_equality(kind: str, label: str, mutated: str) -> str:
    """Why a mutation leaves the value as it was, or ""."""
    if re.sub(r"\s", "", label).replace("+-", "-") == re.sub(r"\s", "", mutated).replace("+-", "-"):
        return "the same text"
    if (
        kind == "sign"
        and re.search(r"\\infty", label) is None
        and re.fullmatch(r"[-+]?0(?:\.0*)?", mutated.strip("$ "))
    ):
        return "the sign of zero"
    if kind == "letter" and (head := re.match(r"\$?\s*[A-Za-z]\(([a-z])\)\s*=(.*)", label, re.DOTALL)):
        value = _COMMAND.sub("", head[2])
        if head[1] not in value and mutated.endswith(head[2]):
            return "the argument of a constant function"
    if kind == "digit" and r"\approx" in label and mutated.split(r"\approx")[0] == label.split(r"\approx")[0]:
        return "the rounding beside an exact value"
    if (
        kind == "digit"
        and (decimal := re.search(r"\.\d{6}", label))
        and mutated[: decimal.end()] == label[: decimal.end()]
    ):
        return "a place behind the sixth of a decimal"
    if kind == "letter" and (bound := re.search(r"\\(?:sum|prod)_\{([a-z])=", mutated)):
        return "" if bound[1] in mutated[bound.end() :] else "a bound letter that the term is free of"
    if (
        kind == "sign"
        and (bases := re.search(r"\(-1\)\^\{[^{}]*[-+]1\}", label))
        and mutated[: bases.start(0) + 5] == label[: bases.start(0) + 5]
    ):
        return "a change by two in the exponent of -1"
    if kind == "sign" and (r"\pm" in label or r"\mp" in label):
        return "both signs are meant"
    return ""


def main(out: Path | None = None, files: Iterable[Path] = (), seeds: int = 2) -> dict[str, Any]:
    """Measures, prints every accepted mutation and rejected rewriting, and returns the figures."""
    labels = read_labels([*sorted(DATA.glob("*.jsonl")), *files])
    readable = [label for label in labels if screen_label(label) is True]
    tried: Counter[str] = Counter()
    accepted: list[tuple[str, str, str]] = []
    rejected: list[tuple[str, str]] = []
    left_out: Counter[str] = Counter()
    rewritten = 0
    with MathVerifier() as verifier:
        for label in readable:
            for seed in range(seeds):
                for kind, mutated in mutate(label, random.Random(f"{seed} {label}")):
                    if reason := name_equality(kind, label, mutated):
                        left_out[reason] += 1
                        continue
                    tried[kind] += 1
                    if verifier.compare(label, mutated).verdict.value == "correct":
                        accepted.append((kind, label, mutated))
            for text in rewrite(label):
                rewritten += 1
                if verifier.compare(label, text).verdict.value != "correct":
                    rejected.append((label, text))
    for kind, label, mutated in accepted:
        print(f"accepted {kind}: {label!r} || {mutated!r}")
    for label, text in rejected:
        print(f"rejected: {label!r} || {text!r}")
    result = {
        "benchmark": "verify_mutations",
        "labels": len(labels),
        "readable": len(readable),
        "mutations": dict(tried),
        "tried": sum(tried.values()),
        "left_out": dict(left_out),
        "accepted": len(accepted),
        "accepted_1_in": round(sum(tried.values()) / len(accepted)) if accepted else None,
        "rewritten": rewritten,
        "rejected": len(rejected),
    }
    print(json.dumps(result))
    if out is not None:
        out.write_text(json.dumps(result, indent=2) + "\n")
    return result


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None, [Path(name) for name in sys.argv[2:]])

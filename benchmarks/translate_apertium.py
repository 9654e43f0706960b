"""What Apertium's translations of real problems come to: how many pass the check, and why the others do not.

    python -m benchmarks.translate_apertium [OUT.json]

Reads the English problems of ../shared/data/polymath.jsonl and gsm8k-test.jsonl (skips where absent, or where Apertium
is not installed), each into each of its languages. What passes goes into `OUT.json` too, to be read by eye: the check
sees no wrong word with the right numbers around it.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.language import read_rows
from pipeline.translate.apertium import ask_apertium, name_apertium, say_install
from pipeline.translate.asking import Refusal, Wanted
from pipeline.translate.check import check_translation
from schemas.config.translate import APERTIUM_LANGUAGES

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def read_statements() -> dict[str, list[str]]:
    """Set -> English statements: grade school (GSM8K), and PolyMath's contest problems above that level."""
    polymath = [row for row in read_rows(DATA / "polymath.jsonl") if row["lang"] == "en" and row["level"] != "low"]
    return {
        "gsm8k": [row["problem"] for row in read_rows(DATA / "gsm8k-test.jsonl")],
        "polymath": [row["problem"] for row in polymath],
    }


def measure(statements: list[str], language: str) -> dict[str, Any]:
    """How many pass, what is refused by kind, those that pass with their originals, and problems a second."""
    began = time.perf_counter()
    replies = ask_apertium([Wanted(statement, language) for statement in statements])
    seconds = time.perf_counter() - began
    refused: Counter[str] = Counter()
    passed = []
    for statement, reply in zip(statements, replies, strict=True):
        if reply is None:
            raise SystemExit("Apertium does not run here; its warning says why")
        outcome = (False, reply.why) if isinstance(reply, Refusal) else check_translation(statement, reply, language)
        if outcome is True:
            passed.append((statement, reply))
        else:
            refused[outcome[1].partition(":")[0]] += 1
    return {
        "tried": len(statements),
        "passed": len(passed),
        "refused": dict(refused.most_common()),
        "problems_per_second": len(statements) / seconds,
        "translations": passed,
    }


def main(out: Path | None = None) -> None:
    """Print what passes and what is refused, by set and language, and write it to `out`."""
    if not (DATA / "polymath.jsonl").exists():
        print("no real problems beside this checkout; nothing measured")
        return
    if advice := say_install(APERTIUM_LANGUAGES):
        print(f"nothing measured: {advice}")
        return
    report = {
        name: {language: measure(statements, language) for language in APERTIUM_LANGUAGES}
        for name, statements in read_statements().items()
    }
    print(f"{name_apertium()}\n{'':10} {'':2} {'tried':>6} {'passed':>6}  refused")
    for name, languages in report.items():
        for language, figures in languages.items():
            refused = ", ".join(f"{kind} {count}" for kind, count in figures["refused"].items())
            print(f"{name:10} {language} {figures['tried']:6} {figures['passed']:6}  {refused}")
            print(f"{'':13} {figures['problems_per_second']:.0f} problems a second")
    if out:
        out.write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)

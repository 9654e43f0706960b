"""False accepts, false rejects and unknowns on hand-judged pairs of label and answer, beside math-verify's in one run.

`fallback`: verdicts that were left to SymPy. Times are CPU time of this process, which other work on the machine does
not stretch; that of SymPy's own processes is not in them.

Run: `python -m benchmarks.verify_cases [OUT.json]`. Data: ../shared/data/verify-cases.jsonl and hard-verify.jsonl; rows
whose truth is doubtful are left out.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from pipeline.verify.decide import decide
from pipeline.verify.math import Judgement, MathVerifier

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def load_cases(data: Path = DATA) -> dict[str, list[dict[str, Any]]]:
    """Name of a set -> rows with `gold`, `answer`, `right`, `completion` (whether it is a whole one)."""
    cases = [json.loads(line) for line in (data / "verify-cases.jsonl").read_text().splitlines()]
    hard = [json.loads(line) for line in (data / "hard-verify.jsonl").read_text().splitlines()]
    return {
        "cases": [
            {**row, "right": bool(int(row["expected"])), "completion": row["kind"] != "pair", "part": row["kind"]}
            for row in cases
        ],
        "hard": [
            {**row, "right": row["truth"] == "right", "completion": False, "part": f"{row['origin']} {row['kind']}"}
            for row in hard
            if row["truth"] != "doubtful"
        ],
    }


def judge_peer(row: dict[str, Any]) -> str:
    """math-verify's verdict on one row, as it wants its input: LaTeX between dollars."""
    from math_verify import parse, verify

    text = row["answer"] if row["completion"] else f"${row['answer']}$"
    try:
        return "correct" if verify(parse(f"${row['gold']}$"), parse(text)) else "wrong"
    except Exception:
        return "unknown"


def judge_ours(verifiers: dict[str, MathVerifier], row: dict[str, Any]) -> Judgement:
    """The verifier's judgement on one row."""
    if not row["completion"]:
        return verifiers["last"].compare(row["gold"], row["answer"])
    how = "last" if row["kind"] == "completion" else "boxed"
    return verifiers[how].judge(row["gold"], row["answer"])


def main(out: Path | None = None, peer: bool = True, show: bool = False) -> dict[str, Any]:
    """Measures both sets, prints a table, writes the figures to `out` as JSON when it is given, and returns them."""
    logging.disable(logging.WARNING)
    result: dict[str, Any] = {"benchmark": "verify_cases"}
    with MathVerifier() as boxed, MathVerifier("last") as last:
        verifiers = {"boxed": boxed, "last": last}
        for name, rows in load_cases().items():
            for who in ("ours", "math-verify") if peer else ("ours",):
                counts: Counter[str] = Counter()
                seconds = []
                for row in rows:
                    began = time.process_time()
                    if who == "ours":
                        judgement = judge_ours(verifiers, row)
                        verdict = judgement.verdict.value
                        counts["fallback"] += decide(row["gold"], judgement.answer or "") == "fallback"
                    else:
                        verdict = judge_peer(row)
                    seconds.append(time.process_time() - began)
                    counts["right" if row["right"] else "not right"] += 1
                    kind = {(True, "wrong"): "false_reject", (False, "correct"): "false_accept"}.get(
                        (row["right"], verdict), "unknown" if verdict == "unknown" else ""
                    )
                    counts[kind] += 1
                    if show and kind and who == "ours":
                        print(f"{kind}\t{row['part']}\t{row['gold']!r} || {row['answer'][-160:]!r}")
                figures = {
                    key: counts[key]
                    for key in ("right", "not right", "false_accept", "false_reject", "unknown", "fallback")
                }
                figures["p99_ms"] = round(1000 * sorted(seconds)[int(0.99 * len(seconds))])
                figures["max_ms"] = round(1000 * max(seconds))
                result[f"{name}: {who}"] = figures
    print(f"{'set':20}" + "".join(f"{key:>14}" for key in figures))
    for name, figures in result.items():
        if isinstance(figures, dict):
            print(f"{name:20}" + "".join(f"{value:>14}" for value in figures.values()))
    if out is not None:
        out.write_text(json.dumps(result, indent=2) + "\n")
    return result


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    main(Path(arguments[0]) if arguments else None, "--ours" not in sys.argv, "--show" in sys.argv)

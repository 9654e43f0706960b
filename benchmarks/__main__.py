"""Every benchmark, each beside its peers: `python -m benchmarks [NAME ...]` writes bench-results/NAME.json."""

import importlib
import sys
import time
from pathlib import Path

BENCHMARKS = (
    "sandbox",
    "code_tests",
    "code_kinds",
    "vacuous",
    "checkers",
    "screen_math",
    "suspects_from_rates",
    "verify_math",
    "verify_cases",
    "verify_mutations",
    "labels_read",
    "label_audit",
    "label_witnesses",
    "label_conflicts_from_rates",
    "decide",
    "budget",
    "first_tokens",
    "dedup",
    "decontaminate",
    "scale",
    "view",
    "language",
    "translate",
    "translate_apertium",
    "sampling",
    "train_step",
    "train_memory",
    "reward",
)
LONG = ("curated_against_raw", "second_stage")
"""Those that train one model after another; they run only where they are named."""
OUT = Path("bench-results")


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all but the long ones."""
    unknown = sorted({*names} - {*BENCHMARKS, *LONG})
    if unknown:
        sys.exit(f"no benchmark {unknown[0]!r}; there are: {', '.join((*BENCHMARKS, *LONG))}")
    OUT.mkdir(exist_ok=True)
    for name in names or BENCHMARKS:
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        importlib.import_module(f"benchmarks.{name}").main(OUT / f"{name}.json")
        print(f"-- {name}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

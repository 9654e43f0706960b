"""How many rows of a folder of forms `goldilocks stage screen` reads rightly, with nothing but the form's own mapping.

    python -m benchmarks.forms ../shared/data/forms

A form is a folder with data and `expect.json`: `point_at`, `needs` (`nothing` or `mapping: YAML`), and `rows` in the
order of the data, as the README of the forms says. A row is right where its statement, label or option, tests,
programs, function name and language are. A row that the screen rejects counts by what was read of it.
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.stage_file import name_source, run_stage
from schemas.config import Source
from schemas.errors import InputError
from schemas.load import build_config
from schemas.yaml_text import read_yaml

Row = dict[str, Any]
READ_LATER = ("invalid_row",)
"""Reasons of rows that were not read at all."""


def read_form(folder: Path, out: Path) -> tuple[list[Row], list[Row]]:
    """The rows of one form after `stage screen`: (kept or rejected by a rule, not read). Raises InputError."""
    expected = json.loads((folder / "expect.json").read_text(encoding="utf-8"))
    place = folder / expected["point_at"]
    if expected["point_at"] == ".":
        place = out / folder.name
        shutil.copytree(folder, place, ignore=shutil.ignore_patterns("expect.json"))
    mapping = {} if expected["needs"] == "nothing" else read_yaml("{" + expected["needs"].partition(":")[2] + "}")
    source = Source.model_validate({"name": name_source(str(place)), "files": str(place), **mapping})
    config = build_config({"run": str(out), "sources": [source.model_dump()]})
    run_stage("screen", source, str(out), config)
    kept = pl.read_parquet(out / "kept.parquet").to_dicts()
    rejected = pl.read_parquet(out / "rejected.parquet").to_dicts()
    bad = [row for row in rejected if row["reason"] in READ_LATER]
    return [*kept, *(row for row in rejected if row["reason"] not in READ_LATER)], bad


def compare_form(folder: Path) -> tuple[int, int, list[str]]:
    """(rows that are right, rows, what is wrong) of one form."""
    expected = json.loads((folder / "expect.json").read_text(encoding="utf-8"))["rows"]
    with tempfile.TemporaryDirectory() as out:
        try:
            rows, bad = read_form(folder, Path(out))
        except InputError as error:
            return 0, len(expected), [str(error).splitlines()[0][:200]]
        except Exception as error:  # a crash is what this looks for
            return 0, len(expected), [f"{type(error).__name__}: {error}"[:200]]
    right, faults = 0, []
    for number, wanted in enumerate(expected):
        if wanted.get("reject"):
            wrong = [] if bad else [f"{wanted['reject']} was read"]
        else:
            row = find_row(rows, wanted)
            wrong = ["not there"] if row is None else compare_row(row, wanted)
        right += not wrong
        faults += [f"row {number}: {fault}" for fault in wrong]
    return right, len(expected), faults


def find_row(rows: list[Row], wanted: Row) -> Row | None:
    """The row whose statement is the expected one: as read, or as it was before the screen rewrote it."""
    return next((row for row in rows if any(is_statement(text, wanted) for text in list_statements(row))), None)


def list_statements(row: Row) -> list[str]:
    before = [json.loads(e["detail"]).get("statement") for e in row["history"] if e["action"] == "rewritten"]
    return [text for text in (row["statement"], *before) if text]


def is_statement(text: str, wanted: Row) -> bool:
    given = [squeeze(right) for right in (wanted["statement"], *wanted.get("statement_or", []))]
    parts = wanted.get("parts")
    if parts:
        return bool(re.search(".*".join(re.escape(squeeze(part)) for part in parts), squeeze(text), re.DOTALL))
    read = squeeze(text)
    more = bool(wanted.get("starter_code") or wanted.get("options"))
    return any(read == right or (more and read.startswith(right)) for right in given)


def squeeze(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\xa0", " ")).strip()


def compare_row(row: Row, wanted: Row) -> list[str]:
    """What is wrong with a row, a line each."""
    faults = []
    right = [bare(text or "") for text in (wanted.get("answer"), *wanted.get("answer_or", []))]
    if wanted.get("given") is not None:
        right.append(bare(wanted["given"]))
    if wanted.get("tests") is None and bare(row["answer"] or "") not in right:
        faults.append(f"answer {row['answer']!r}, not {right}")
    if row["domain"] != wanted["domain"] or row["language"] != wanted["language"]:
        faults.append(f"{row['domain']} in {row['language']}")
    if wanted.get("tests") is not None:
        tests = len({(test["input"], test["expected"]) for test in row["tests"]})
        programs = len(row["solutions"])
        most = wanted["solutions"] + (wanted.get("solutions_wrong") or 0)
        if tests != wanted["tests"]:
            faults.append(f"{tests} tests, not {wanted['tests']}")
        if not wanted["solutions"] <= programs <= most:
            faults.append(f"{programs} programs, not {wanted['solutions']}")
        if row["entry_point"] != wanted.get("entry_point"):
            faults.append(f"function {row['entry_point']!r}, not {wanted.get('entry_point')!r}")
    return faults


def bare(text: str) -> str:
    return re.sub(r"^\$(.*)\$$", r"\1", text.strip()).strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="forms whose name begins so; all if not given")
    args = parser.parse_args()
    forms = [path.parent for path in sorted(args.folder.glob("*/expect.json"))]
    forms = [form for form in forms if not args.names or form.name.startswith(tuple(args.names))]
    totals: Counter[str] = Counter()
    for form in forms:
        right, rows, faults = compare_form(form)
        totals += Counter({"right": right, "rows": rows, "whole": int(right == rows), "forms": 1})
        print(f"{form.name:28} {right} of {rows}", *faults[:4], sep="\n    " if faults else "")
    if not forms:
        sys.exit(f"{args.folder}: no folder with an expect.json in it")
    print(
        f"read rightly: {totals['right']} of {totals['rows']} rows ({totals['right'] / totals['rows']:.1%}), "
        f"{totals['whole']} of {totals['forms']} forms whole"
    )


if __name__ == "__main__":
    main()

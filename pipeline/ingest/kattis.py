"""A folder of contest packages in the Kattis problem format, as rows of code problems.

A package is a folder with problem.yaml: statement (problem_statement/ or statement/, LaTeX or Markdown), data/sample
and data/secret with pairs *.in and *.ans, submissions/VERDICT with programs. Format: the Kattis Problem Package
Format specification (legacy and 2023-07). Submissions come without their verdict, except that accepted ones come
first: the stage `code_tests` decides for itself.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from pipeline.ingest.code_rows import shape_problem
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError

SUFFIXES = {".py": "python", ".py3": "python", ".cpp": "cpp", ".cc": "cpp", ".cxx": "cpp", ".c++": "cpp", ".c": "cpp"}
VERDICTS = ("accepted", "wrong_answer", "time_limit_exceeded", "run_time_error", "partially_accepted")
MAX_TEST_BYTES = 1_000_000
"""A larger input or answer is left out: rows are held in memory, and few programs are told apart only by such a one."""
STATEMENTS = ("problem_statement/problem.en", "problem_statement/problem", "statement/problem.en", "statement/problem")


def read_packages(folder: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """A row for each package at or below `folder`, by path. One that cannot be read gives an `InvalidRow`.

    Raises InputError where there is no package at all.
    """
    root = Path(folder)
    places = sorted(path.parent for path in root.rglob("problem.yaml"))
    if not places:
        raise InputError(f"{root}: no package in it; a contest package is a folder with a file problem.yaml")
    for place in places:
        try:
            yield {**read_package(place), WHERE: str(place)}
        except (OSError, ValueError, yaml.YAMLError) as error:
            yield InvalidRow(f"{place}: {type(error).__name__}: {error}", {"raw": place.name, WHERE: str(place)})


def read_package(place: Path) -> dict[str, Any]:
    """One package. Raises ValueError for one without a statement, and what reading its files raises."""
    said = yaml.safe_load((place / "problem.yaml").read_text(encoding="utf-8")) or {}
    if not isinstance(said, dict):
        raise ValueError("problem.yaml is no mapping")
    flags = str(said.get("validator_flags") or "").split()
    pairs = list(_find_tests(place))
    programs = list(_find_programs(place))
    samples = [name for name, _, _ in pairs if name.startswith("sample/")]
    title = said.get("name")
    return shape_problem(
        _find_statement(place),
        [(given, answer) for _, given, answer in pairs],
        [(language, code) for _, language, code in programs],
        source_id=place.name,
        checker=read_flags(flags),
        custom_checker=str(said.get("validation") or "default").split()[0] != "default" or _has_own_validator(place),
        extra={
            "title": title.get("en") if isinstance(title, dict) else title,
            "license": said.get("license"),
            "author": said.get("author") or said.get("credits"),
            "samples": samples or None,
        },
        test_ids=[name for name, _, _ in pairs],
        solution_ids=[name for name, _, _ in programs],
    )


def read_flags(flags: list[str]) -> dict[str, Any]:
    """The default validator's flags as a checker: it ignores case and white space unless told otherwise."""
    tolerance = None
    for name, value in zip(flags, [*flags[1:], ""], strict=True):
        if name in ("float_tolerance", "float_relative_tolerance", "float_absolute_tolerance"):
            try:
                tolerance = max(tolerance or 0.0, float(value))
            except ValueError:
                raise ValueError(f"validator_flags: {name} wants a number, not {value!r}") from None
    return {
        "float_tolerance": tolerance,
        "ignore_case": "case_sensitive" not in flags or None,
        "strict_whitespace": "space_change_sensitive" in flags or None,
    }


def _has_own_validator(place: Path) -> bool:
    return any(
        (place / name).is_dir() and any((place / name).iterdir()) for name in ("output_validators", "output_validator")
    )


def _find_statement(place: Path) -> str:
    for name in STATEMENTS:
        for suffix in (".md", ".tex"):
            path = place / f"{name}{suffix}"
            if path.is_file():
                return path.read_text(encoding="utf-8")
    raise ValueError(f"no statement; looked for {STATEMENTS[0]}.tex, .md and the like")


def _find_tests(place: Path) -> Iterator[tuple[str, str, str]]:
    for kind in ("sample", "secret"):
        for given in sorted((place / "data" / kind).rglob("*.in")):
            answer = given.with_suffix(".ans")
            small = answer.is_file() and max(given.stat().st_size, answer.stat().st_size) <= MAX_TEST_BYTES
            if small:
                name = given.relative_to(place / "data").with_suffix("").as_posix()
                yield name, given.read_text("utf-8", "replace"), answer.read_text("utf-8", "replace")


def _find_programs(place: Path) -> Iterator[tuple[str, str, str]]:
    folder = place / "submissions"
    there = {path.name for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else set()
    ordered = [name for name in VERDICTS if name in there] + sorted(there - set(VERDICTS))
    for verdict in ordered:
        for path in sorted((folder / verdict).iterdir()):
            language = SUFFIXES.get(path.suffix.lower())
            if path.is_file() and language is not None:
                yield f"{verdict}/{path.name}", language, path.read_text("utf-8", "replace")

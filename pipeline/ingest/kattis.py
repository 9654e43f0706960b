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

from pipeline.ingest.code_rows import shape_problem
from pipeline.ingest.inside import check_inside
from schemas.config import ReadingConfig
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError
from schemas.yaml_text import YamlError, read_yaml

PLAIN = ReadingConfig()
SUFFIXES = {".py": "python", ".py3": "python", ".cpp": "cpp", ".cc": "cpp", ".cxx": "cpp", ".c++": "cpp", ".c": "cpp"}
VERDICTS = ("accepted", "wrong_answer", "time_limit_exceeded", "run_time_error", "partially_accepted")
MAX_TEST_BYTES = 1_000_000
"""A larger input or answer is left out: rows are held in memory, and few programs are told apart only by such a one."""
STATEMENTS = ("problem_statement/problem.en", "problem_statement/problem", "statement/problem.en", "statement/problem")


def read_packages(folder: str | os.PathLike[str], reading: ReadingConfig = PLAIN) -> Iterator[dict[str, Any]]:
    """A row for each package at or below `folder`, by path. One that cannot be read gives an `InvalidRow`: also one
    with a link out of it, or over a limit of `reading`.

    Raises InputError where there is no package at all.
    """
    root = Path(folder)
    places = sorted(path.parent for path in root.rglob("problem.yaml"))
    if not places:
        raise InputError(f"{root}: no package in it; a contest package is a folder with a file problem.yaml")
    for place in places:
        try:
            check_inside(place, root)
            yield {**read_package(place, reading), WHERE: str(place)}
        except (OSError, ValueError) as error:
            kind = "" if isinstance(error, InputError | YamlError) else f"{type(error).__name__}: "
            yield InvalidRow(f"{place}: {kind}{error}", {"raw": place.name, WHERE: str(place)})


def read_package(place: Path, reading: ReadingConfig = PLAIN) -> dict[str, Any]:
    """One package. Raises ValueError for one without a statement, with a link out of it or over a limit of `reading`,
    and what reading its files raises."""
    package = _Package(place, reading.row_mb << 20)
    settings = read_yaml(package.read("problem.yaml"), reading.yaml_values, "reading.yaml_values") or {}
    if not isinstance(settings, dict):
        raise ValueError("problem.yaml is no mapping")
    flags = str(settings.get("validator_flags") or "").split()
    pairs = list(_find_tests(package))
    programs = list(_find_programs(package))
    samples = [name for name, _, _ in pairs if name.startswith("sample/")]
    title = settings.get("name")
    return shape_problem(
        _find_statement(package),
        [(given, answer) for _, given, answer in pairs],
        [(language, code) for _, language, code in programs],
        source_id=place.name,
        checker=read_flags(flags),
        custom_checker=str(settings.get("validation") or "default").split()[0] != "default"
        or _has_own_validator(place),
        extra={
            "title": title.get("en") if isinstance(title, dict) else title,
            "license": settings.get("license"),
            "author": settings.get("author") or settings.get("credits"),
            "samples": samples or None,
        },
        test_ids=[name for name, _, _ in pairs],
        solution_ids=[name for name, _, _ in programs],
    )


class _Package:
    """The files of a package, together of at most `most` bytes, and none outside of it whatever its links say."""

    def __init__(self, place: Path, most: int) -> None:
        self.place, self.most, self.left = place, most, most

    def read(self, name: str | Path, errors: str = "strict") -> str:
        """The text of a file in the package. Raises LeadsOut, and ValueError past the limit."""
        path = self.place / name
        check_inside(path, self.place)
        with path.open("rb") as file:
            data = file.read(self.left + 1)
        self.left -= len(data)
        if self.left < 0:
            raise ValueError(f"{name}: the package's files are over {self.most >> 20} MiB (reading.row_mb)")
        return data.decode("utf-8", errors).replace("\r\n", "\n").replace("\r", "\n")

    def size(self, path: Path) -> int | None:
        """Bytes of a plain file; None where there is none. Raises LeadsOut."""
        if not os.path.lexists(path):
            return None
        check_inside(path, self.place)
        return path.stat().st_size if path.is_file() else None


def read_flags(flags: list[str]) -> dict[str, Any]:
    """The default validator's flags as a checker: it ignores case and white space unless told otherwise."""
    tolerance = None
    for name, value in zip(flags, [*flags[1:], ""], strict=False):
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


def _find_statement(package: _Package) -> str:
    for name in STATEMENTS:
        for suffix in (".md", ".tex"):
            if package.size(package.place / f"{name}{suffix}") is not None:
                return package.read(f"{name}{suffix}")
    raise ValueError(f"no statement; looked for {STATEMENTS[0]}.tex, .md and the like")


def _find_tests(package: _Package) -> Iterator[tuple[str, str, str]]:
    data = package.place / "data"
    for kind in ("sample", "secret"):
        for given in sorted((data / kind).rglob("*.in")):
            answer = given.with_suffix(".ans")
            sizes = [package.size(path) for path in (given, answer)]
            if all(size is not None and size <= MAX_TEST_BYTES for size in sizes):
                name = given.relative_to(data).with_suffix("").as_posix()
                yield name, package.read(given, "replace"), package.read(answer, "replace")


def _find_programs(package: _Package) -> Iterator[tuple[str, str, str]]:
    folder = package.place / "submissions"
    if package.size(folder) is None and not folder.is_dir():
        return
    there = {path.name for path in folder.iterdir() if path.is_dir()}
    ordered = [name for name in VERDICTS if name in there] + sorted(there - set(VERDICTS))
    for verdict in ordered:
        check_inside(folder / verdict, package.place)
        for path in sorted((folder / verdict).iterdir()):
            language = SUFFIXES.get(path.suffix.lower())
            size = None if language is None else package.size(path)
            if language is not None and size is not None and size <= MAX_TEST_BYTES:
                yield f"{verdict}/{path.name}", language, package.read(path, "replace")

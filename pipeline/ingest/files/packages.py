"""Contest packages as rows of code problems: Kattis, ICPC and BAPCtools folders, and the archives that DOMjudge takes.

A package is a folder with problem.yaml or domjudge-problem.ini: a statement (problem_statement/ or statement/, or
beside them; LaTeX, Markdown, HTML or text), data/sample and data/secret with pairs *.in and *.ans, submissions/VERDICT
with programs, output_validators. Format: the Problem Package Format specification (legacy and 2023-07), and DOMjudge's
manual. The accepted submissions come first. Whether they are right the stage `code_tests` decides for itself; a
validator of the package's own is tried with the jury's verdicts, which come in `extra`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import PurePosixPath
from typing import Any

from pipeline.ingest.code_rows import shape_problem
from pipeline.ingest.files.find import Place
from pipeline.ingest.files.members import Members
from pipeline.ingest.files.validators import read_validators
from schemas.config import ReadingConfig
from schemas.conform import WHERE
from schemas.yaml_text import read_yaml

SUFFIXES = {".py": "python", ".py3": "python", ".cpp": "cpp", ".cc": "cpp", ".cxx": "cpp", ".c++": "cpp", ".c": "cpp"}
VERDICTS = ("accepted", "wrong_answer", "time_limit_exceeded", "run_time_error", "partially_accepted")
MAX_TEST_BYTES = 1_000_000
"""A larger input or answer is left out: rows are held in memory, and few programs are told apart only by such a one."""
STATEMENT_FOLDERS = ("problem_statement/", "statement/", "")
STATEMENT_SUFFIXES = (".md", ".tex", ".html", ".txt")
OUTPUT_VALIDATORS = ("output_validators", "output_validator")
INPUT_VALIDATORS = ("input_validators", "input_format_validators")
GROUPS = ("data/testdata.yaml", "data/test_group.yaml", "data/secret/testdata.yaml", "data/secret/test_group.yaml")
"""Where a package may say what its validator is told, beside problem.yaml."""
_STATEMENT = re.compile(r"problem(?:\.([a-z]{2,3})(?:[-_][A-Za-z]+)?)?(\.[a-z]+)")
_INI = re.compile(r"""^[ \t]*+([\w-]++)[ \t]*+=[ \t]*+(['"]?)(.*?)\2[ \t\r]*$""", re.MULTILINE)


def read_package(place: Place, reading: ReadingConfig) -> dict[str, Any]:
    """One package. Raises ValueError for one without a statement that is text, with a link out of it or over a limit
    of `reading`, and what reading its files raises."""
    files = Members(place.tree, place.path, reading.row_mb << 20)
    settings = _read_settings(files, reading)
    statement, language = _read_statement(files)
    pairs = list(_read_tests(files))
    programs = list(_read_programs(files))
    kinds = _words(settings.get("validation")) + _words(settings.get("type"))
    interactive = "interactive" in kinds or "multi-pass" in kinds
    has_validator = any(files.list_below(folder) for folder in OUTPUT_VALIDATORS)
    flags = _read_flags(settings, files, reading)
    scored = "score" in kinds or "scoring" in kinds
    program = _read_checker(files, flags) if has_validator and not interactive and not scored else None
    title = settings.get("name")
    if isinstance(title, Mapping):
        title = title.get("en") or next(iter(title.values()), None)
    row = shape_problem(
        statement,
        [(given, answer) for _, given, answer in pairs],
        [(known, code) for _, known, code in programs],
        source_id=PurePosixPath(place.path).name or PurePosixPath(place.name).name.partition(".")[0],
        checker=program or read_flags(flags),
        custom_checker=program is None and ("custom" in kinds or interactive or has_validator),
        extra={
            "title": title,
            "license": settings.get("license"),
            "author": settings.get("author") or settings.get("credits"),
            "contest": settings.get("source"),
            "interactive": interactive or None,
            "samples": [name for name, _, _ in pairs if name.startswith("sample/")] or None,
            "verdicts": {name: name.partition("/")[0] for name, _, _ in programs} or None,
            "input_validators": _read_input_validators(files, reading) or None,
        },
        test_ids=[name for name, _, _ in pairs],
        solution_ids=[name for name, _, _ in programs],
    )
    return row | {"language": language, WHERE: place.name}


def _read_checker(files: Members, flags: list[str]) -> dict[str, Any] | None:
    """The package's one output validator as a checker; None where it cannot be run here, or where there are more."""
    validators = read_validators(files, OUTPUT_VALIDATORS)
    if len(validators) != 1 or validators[0] is None:
        return None
    only = validators[0]
    return {"language": only.language, "code": only.code, "protocol": "kattis", "flags": " ".join(flags) or None}


def _read_input_validators(files: Members, reading: ReadingConfig) -> list[dict[str, Any]]:
    """The package's input validators that can be run here: each has to accept an input."""
    names = ("input_validator_flags", "input_validator_args")
    flags = " ".join(_read_group_flags(files, reading, names)) or None
    validators = [one for one in read_validators(files, INPUT_VALIDATORS) if one is not None]
    return [{"language": one.language, "code": one.code, "flags": flags} for one in validators]


def _read_settings(files: Members, reading: ReadingConfig) -> dict[str, Any]:
    """What problem.yaml says, and domjudge-problem.ini where that is silent."""
    settings: dict[str, Any] = {}
    if files.has("domjudge-problem.ini"):
        ini = {name.lower(): value for name, _, value in _INI.findall(files.read("domjudge-problem.ini", "replace"))}
        settings["name"] = ini.get("name") or None
        settings["validator_flags"] = ini.get("special_compare_args") or None
        if ini.get("special_run"):
            settings["validation"] = "custom interactive"
        elif ini.get("special_compare"):
            settings["validation"] = "custom"
    if files.has("problem.yaml"):
        read = read_yaml(files.read("problem.yaml"), reading.yaml_values, "reading.yaml_values") or {}
        if not isinstance(read, dict):
            raise ValueError("problem.yaml is no mapping")
        settings |= {name: value for name, value in read.items() if value is not None}
    return settings


def _words(value: Any) -> list[str]:
    """The words of a setting that is text, or a list of texts."""
    if isinstance(value, list):
        return [word for item in value for word in _words(item)]
    return [] if value is None else str(value).split()


def _read_flags(settings: Mapping[str, Any], files: Members, reading: ReadingConfig) -> list[str]:
    names = ("output_validator_flags", "output_validator_args")
    return _words(settings.get("validator_flags")) + _read_group_flags(files, reading, names)


def _read_group_flags(files: Members, reading: ReadingConfig, names: Sequence[str]) -> list[str]:
    """What the settings of the groups of tests say under `names`."""
    flags: list[str] = []
    for path in GROUPS:
        if files.has(path):
            group = read_yaml(files.read(path), reading.yaml_values, "reading.yaml_values")
            if isinstance(group, Mapping):
                flags += [word for name in names for word in _words(group.get(name))]
    return flags


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


def _read_statement(files: Members) -> tuple[str, str | None]:
    """(text, its language where the name says it): English where there is a choice."""
    seen: list[str] = []
    for folder in STATEMENT_FOLDERS:
        here = [name.removeprefix(folder) for name in (files.list_below(folder[:-1]) if folder else files.names)]
        ranked = []
        for name in here:
            match = _STATEMENT.fullmatch(name)
            if match is None or match[2] == ".yaml":
                continue
            seen.append(folder + name)
            if match[2] in STATEMENT_SUFFIXES:
                ranked.append((match[1] != "en", match[1] or "", STATEMENT_SUFFIXES.index(match[2]), name))
        if ranked:
            _, language, _, name = min(ranked)
            text = files.read(folder + name)
            return (_read_html(text) if name.endswith(".html") else text), language or None
    if seen:
        raise ValueError(f"no statement that is text: only {', '.join(seen[:3])}; add it as problem.md or problem.tex")
    raise ValueError("no statement; looked for problem_statement/problem.en.tex, .md and the like")


class _Html(HTMLParser):
    """The text of a page, a paragraph a block."""

    BLOCKS = frozenset(
        {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ul", "ol", "table", "tr", "pre", "br", "section"}
    )
    HIDDEN = frozenset({"style", "script", "head", "title"})

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._hidden += tag in self.HIDDEN
        if tag in self.BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in self.HIDDEN and self._hidden > 0
        if tag in self.BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def _read_html(text: str) -> str:
    page = _Html()
    page.feed(text)
    page.close()
    return re.sub(r"[ \t]*\n\s*\n\s*", "\n\n", "".join(page.parts)).strip()


def _read_tests(files: Members) -> Iterator[tuple[str, str, str]]:
    """(id, input, answer) of every pair."""
    files.list_below("data")
    for kind in ("sample", "secret"):
        for given in files.list_below(f"data/{kind}"):
            stem = given.removesuffix(".in")
            if stem == given or not files.has(f"{stem}.ans"):
                continue
            texts = [files.read_short(name, MAX_TEST_BYTES) for name in (given, f"{stem}.ans")]
            if texts[0] is not None and texts[1] is not None:
                yield stem.removeprefix("data/"), texts[0], texts[1]


def _read_programs(files: Members) -> Iterator[tuple[str, str, str]]:
    """(id, language, code): files below a verdict's folder, and the one program of a folder there."""
    names = [name.removeprefix("submissions/") for name in files.list_below("submissions")]
    verdicts = {name.partition("/")[0] for name in names}
    ordered = [name for name in VERDICTS if name in verdicts] + sorted(verdicts - set(VERDICTS))
    for verdict in ordered:
        below = files.list_below(f"submissions/{verdict}")
        for path in below:
            language = SUFFIXES.get(PurePosixPath(path).suffix.lower())
            if language is None or not _stands_alone(path, below):
                continue
            code = files.read_short(path, MAX_TEST_BYTES)
            if code is not None and "python2" not in code[:64]:
                yield path.removeprefix("submissions/"), language, code


def _stands_alone(path: str, names: list[str]) -> bool:
    """Whether a program is one file: directly below its verdict, or alone in a folder of its own."""
    folder = path.rpartition("/")[0]
    return folder.count("/") == 1 or sum(name.startswith(f"{folder}/") for name in names) == 1

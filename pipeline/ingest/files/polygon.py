"""Polygon packages as rows of code problems: what Codeforces' workshop for problems gives out ("standard" or "full").

A package is a folder with problem.xml, which names everything: statements by language, a set of tests with the pattern
of their names, the checker, and solutions with tags. A standard package leaves its generated tests to be made; what is
there is read. A checker of testlib's own collection is a way to compare, any other is a program that is tried with the
jury's verdicts as every checker is.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree

from pipeline.ingest.code_rows import shape_problem
from pipeline.ingest.files.find import Place
from pipeline.ingest.files.members import Members
from pipeline.ingest.files.validators import inline_files
from pipeline.text.whole_number import read_whole
from schemas.config import ReadingConfig
from schemas.conform import WHERE

MAX_TEST_BYTES = 1_000_000
"""As of other packages: a larger input or answer is left out."""
MAX_TESTS = 10_000
"""Looked for where problem.xml only counts its tests."""
LANGUAGES = {
    "english": "en", "russian": "ru", "spanish": "es", "french": "fr", "portuguese": "pt", "german": "de",
    "italian": "it", "chinese": "zh", "japanese": "ja", "ukrainian": "uk", "polish": "pl", "kazakh": "kk",
    "armenian": "hy", "azerbaijani": "az", "romanian": "ro", "persian": "fa", "arabic": "ar", "korean": "ko",
}  # fmt: skip
SECTIONS = (
    ("", "legend"),
    ("Input", "input"),
    ("Output", "output"),
    ("Interaction", "interaction"),
    ("Scoring", "scoring"),
    ("Note", "notes"),
)
VERDICTS = {
    "main": "accepted",
    "accepted": "accepted",
    "wrong-answer": "wrong_answer",
    "presentation-error": "wrong_answer",
    "rejected": "wrong_answer",
    "time-limit-exceeded": "time_limit_exceeded",
    "time-limit-exceeded-or-memory-limit-exceeded": "time_limit_exceeded",
    "memory-limit-exceeded": "run_time_error",
    "failed": "run_time_error",
}
"""Tags of solutions as the verdicts of contest packages. Of other tags (`time-limit-exceeded-or-accepted`) the jury
does not say what the program is, and `do-not-run` is not read."""
_TOKENS: dict[str, Any] = {"ignore_case": False}
COMPARISONS: dict[str, dict[str, Any]] = {
    "wcmp": _TOKENS,
    "lcmp": _TOKENS,
    "ncmp": _TOKENS,
    "icmp": _TOKENS,
    "hcmp": _TOKENS,
    "yesno": {"ignore_case": True},
    "nyesno": {"ignore_case": True},
    "fcmp": {"ignore_case": False, "strict_whitespace": True},
    "rcmp": {"float_tolerance": 1.5e-6},
    "acmp": {"float_tolerance": 1.5e-6},
    "dcmp": {"float_tolerance": 1e-6},
    "rcmp4": {"float_tolerance": 1e-4},
    "rcmp6": {"float_tolerance": 1e-6},
    "rcmp9": {"float_tolerance": 1e-9},
    "rncmp": {"float_tolerance": 1.5e-5},
}
"""Checkers of testlib's collection, as their own first lines describe them. The others of it are run as programs."""
_NOTHING: dict[str, Any] = {"float_tolerance": None, "ignore_case": None, "strict_whitespace": None}
_INCLUDES_TESTLIB = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]testlib\.h[">]', re.MULTILINE)


def read_polygon(place: Place, reading: ReadingConfig) -> dict[str, Any]:
    """One package. Raises ValueError for one without a statement that is text or with a problem.xml that is none, and
    what reading its files raises."""
    files = Members(place.tree, place.path, reading.row_mb << 20)
    problem = _read_xml(files)
    language, statement = _read_statement(files, problem)
    tests, missing = _read_tests(files, problem)
    programs = list(_read_programs(files, problem))
    interactive = problem.find("assets/interactor") is not None
    checker, custom = (None, True) if interactive else _read_checker(files, problem)
    judging = problem.find("judging")
    file = judging.get("input-file") if judging is not None else None
    row = shape_problem(
        statement,
        [(given, answer) for _, given, answer in tests],
        [(known, code) for _, known, code in programs],
        source_id=problem.get("short-name") or PurePosixPath(place.path or place.name).name,
        checker=checker,
        custom_checker=custom,
        extra={
            "title": _find_title(problem, language),
            "tags": [tag.get("value") for tag in problem.findall("tags/tag")] or None,
            "interactive": interactive or None,
            "input_file": file or None,
            "tests_not_in_package": missing or None,
            "verdicts": {name: verdict for name, _, _ in programs if (verdict := name.partition("/")[0]) != "other"}
            or None,
        },
        test_ids=[name for name, _, _ in tests],
        solution_ids=[name for name, _, _ in programs],
    )
    return row | {"language": LANGUAGES.get(language), WHERE: place.name}


def _read_xml(files: Members) -> ElementTree.Element:
    text = files.read("problem.xml")
    if "<!ENTITY" in text:
        raise ValueError("problem.xml defines entities, which are not read; take them out")
    try:
        problem = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"problem.xml is no XML ({error})") from None
    if problem.tag != "problem":
        raise ValueError(f"problem.xml begins with <{problem.tag}>, not with <problem> as Polygon writes it")
    return problem


def _find_title(problem: ElementTree.Element, language: str) -> str | None:
    names = {name.get("language"): name.get("value") for name in problem.findall("names/name")}
    return names.get(language) or next(iter(names.values()), None)


def _read_statement(files: Members, problem: ElementTree.Element) -> tuple[str, str]:
    """(language in Polygon's words, text): English where there is a choice. The text is made of its sections where the
    package has these apart, and is the LaTeX document otherwise."""
    statements = problem.findall("statements/statement")
    named = [one.get("language") or "" for one in statements]
    beside = [name.split("/")[1] for name in files.list_below("statement-sections") if name.count("/") > 1]
    languages = sorted(dict.fromkeys([*named, *beside]), key=lambda language: (language != "english", language))
    for language in languages:
        parts = _read_sections(files, language)
        sections = [f"{head}\n{text}".strip() for head, name in SECTIONS if (text := (parts.get(name) or "").strip())]
        if parts.get("legend") and sections:
            return language, "\n\n".join(sections)
    for one in sorted(statements, key=lambda one: one.get("language") != "english"):
        path = one.get("path") or ""
        if path.endswith(".tex") and files.has(path):
            return one.get("language") or "", files.read(path, "replace")
    raise ValueError(
        "no statement that is text; looked for statement-sections/LANGUAGE/legend.tex and statements/*.tex"
    )


def _read_sections(files: Members, language: str) -> Mapping[str, str]:
    """The sections by name, out of their own files or out of the properties beside the LaTeX document."""
    parts = {
        name: files.read(path, "replace")
        for _, name in SECTIONS
        if files.has(path := f"statement-sections/{language}/{name}.tex")
    }
    properties = f"statements/{language}/problem-properties.json"
    if "legend" not in parts and files.has(properties):
        read = json.loads(files.read(properties))
        if isinstance(read, Mapping):
            parts = {name: text for _, name in SECTIONS if isinstance(text := read.get(name), str)}
    return parts


def _read_tests(files: Members, problem: ElementTree.Element) -> tuple[list[tuple[str, str, str]], int]:
    """((id, input, answer) of every test that is there, how many are not)."""
    sets = problem.findall("judging/testset")
    chosen = next((one for one in sets if one.get("name") == "tests"), sets[0] if sets else None)
    if chosen is None:
        return [], 0
    given, answer = (chosen.findtext(f"{name}-path-pattern") or "" for name in ("input", "answer"))
    tests, missing = [], 0
    listed = chosen.findall("tests/test")
    count = read_whole((chosen.findtext("test-count") or "").strip()) or 0
    for number in range(1, max(len(listed), min(count, MAX_TESTS)) + 1):
        names = [_fill(pattern, number) for pattern in (given, answer)]
        if not all(files.has(name) for name in names):
            missing += 1
            continue
        texts = [files.read_short(name, MAX_TEST_BYTES) for name in names]
        if texts[0] is not None and texts[1] is not None:
            sample = number <= len(listed) and listed[number - 1].get("sample") == "true"
            kind = "sample" if sample else "test"
            tests.append((f"{kind}/{number:02d}", texts[0], texts[1]))
    return tests, missing


def _fill(pattern: str, number: int) -> str:
    """`tests/%02d.a` with the test's number in it."""
    return re.sub(r"%0?(\d?)d", lambda match: str(number).zfill(int(match[1] or 0)), pattern, count=1)


def _read_programs(files: Members, problem: ElementTree.Element) -> Iterator[tuple[str, str, str]]:
    """(VERDICT/FILE, language, code) of each solution in C++ or Python 3, those that are right first."""
    solutions = [one for one in problem.findall("assets/solutions/solution") if one.get("tag") != "do-not-run"]
    order = list(VERDICTS)
    ranked = sorted(solutions, key=lambda one: order.index(tag) if (tag := one.get("tag")) in order else len(order))
    for one in ranked:
        source = one.find("source")
        path = "" if source is None else source.get("path") or ""
        language = None if source is None else _name_language(source.get("type") or "")
        if language is None or not files.has(path):
            continue
        code = files.read_short(path, MAX_TEST_BYTES)
        if code is not None:
            verdict = VERDICTS.get(one.get("tag") or "", "other")
            yield f"{verdict}/{PurePosixPath(path).name}", language, code


def _name_language(kind: str) -> str | None:
    """Polygon's type of a source (`cpp.g++17`, `python.pypy3-64`) as a language that is run here."""
    family, _, version = kind.partition(".")
    if family in ("cpp", "c"):
        return "cpp"
    return "python" if family == "python" and not version.removeprefix("pypy").startswith("2") else None


def _read_checker(files: Members, problem: ElementTree.Element) -> tuple[dict[str, Any] | None, bool]:
    """(the checker, whether there is one that cannot be run here)."""
    asset = problem.find("assets/checker")
    if asset is None:
        return None, False
    known = (asset.get("name") or "").removeprefix("std::").removesuffix(".cpp")
    if (asset.get("name") or "").startswith("std::") and known in COMPARISONS:
        return _NOTHING | COMPARISONS[known], False
    source = asset.find("source")
    path = "" if source is None else source.get("path") or ""
    if source is None or not files.has(path) or (language := _name_language(source.get("type") or "")) is None:
        return None, True
    headers = [name for name in files.names if name.endswith((".h", ".hpp")) or name == path]
    texts = {name: text for name in headers if (text := files.read_short(name, MAX_TEST_BYTES)) is not None}
    if path not in texts:
        return None, True
    code = inline_files(path, texts) if language == "cpp" else texts[path]
    if _INCLUDES_TESTLIB.search(code):  # the package came without the header
        return None, True
    return {"language": language, "code": code, "protocol": "testlib", "flags": None}, False

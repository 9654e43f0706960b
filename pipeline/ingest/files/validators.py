"""A package's own validators as programs of one file: what they include or import from beside them comes into it.

Output validators stand in output_validators/ (or output_validator/ since the format of 2023-07), input validators in
input_validators/, each a file or a folder of files. Format: the Problem Package Format specification, "Output
Validator" and "Input Validators". Only C++ and Python run here, and
only without a build script.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.ingest.files.members import Members
from pipeline.ingest.inside import LeadsOut

MAX_BYTES = 1_000_000
"""Of one file: the largest headers of validators have a tenth."""
SOURCES = {".py": "python", ".py3": "python", ".cpp": "cpp", ".cc": "cpp", ".cxx": "cpp", ".c++": "cpp", ".c": "cpp"}
BESIDE = (".h", ".hh", ".hpp", ".hxx", ".txt", ".md", ".yaml", ".yml", ".in", ".ans")
"""Endings of files that are no program."""
SCRIPTS = ("build", "run")
"""Files that say how a folder is built or started, which nothing here does."""
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">\n]+)[">][^\n]*$', re.MULTILINE)
_MAIN = re.compile(r"\bmain\s*\(")
_IMPORTER = """\
import importlib.abc as _abc, importlib.util as _util, json as _json, sys as _sys
class _Beside(_abc.MetaPathFinder, _abc.Loader):
    texts = _json.loads({texts!r})
    def find_spec(self, name, path=None, target=None):
        return _util.spec_from_loader(name, self) if name in self.texts else None
    def exec_module(self, module):
        exec(compile(self.texts[module.__name__], module.__name__, "exec"), module.__dict__)
_sys.meta_path.insert(0, _Beside())
"""


@dataclass(frozen=True)
class Validator:
    """One program, whole in `code`."""

    language: str
    code: str


def read_validators(files: Members, folders: Sequence[str]) -> list[Validator | None]:
    """The validators below the first of `folders` that is there, None for one that cannot be run here."""
    for folder in folders:
        names = files.list_below(folder)
        if not names:
            continue
        single = folder.endswith("validator")
        parts = {name.removeprefix(f"{folder}/").partition("/")[0] for name in names} if not single else {""}
        programs = {part for part in parts if part == "" or _is_program(f"{folder}/{part}", names)}
        return [_read_program(files, names, f"{folder}/{part}".rstrip("/")) for part in sorted(programs)]
    return []


def _is_program(path: str, names: Sequence[str]) -> bool:
    """A folder, or a file in any language: a header or a text beside it is none."""
    return path not in names or PurePosixPath(path).suffix.lower() not in BESIDE


def _read_program(files: Members, names: Sequence[str], path: str) -> Validator | None:
    folder = path.rpartition("/")[0] if path in names else path
    inside = [name for name in names if name.startswith(f"{folder}/")]
    if any(name.rpartition("/")[2] in SCRIPTS for name in inside):
        return None
    texts = {name: text for name in inside if (text := _read_text(files, name)) is not None}
    candidates = [path] if path in texts else [name for name in texts if PurePosixPath(name).suffix.lower() in SOURCES]
    entry = _find_entry(candidates, texts)
    if entry is None:
        return None
    language = SOURCES.get(PurePosixPath(entry).suffix.lower())
    if language is None:
        return None
    code = inline_files(entry, texts) if language == "cpp" else _bundle(entry, texts)
    return Validator(language, code)


def _read_text(files: Members, name: str) -> str | None:
    """A file's text; None for what is no text, too long, or a link out of the package."""
    try:
        text = files.read_short(name, MAX_BYTES)
    except LeadsOut:
        return None
    return None if text is None or "\0" in text else text


def _find_entry(candidates: Sequence[str], texts: Mapping[str, str]) -> str | None:
    """The file to compile or run: the only one, or the only one with a main program."""
    if len(candidates) == 1:
        return candidates[0]
    mains = [name for name in candidates if _has_main(name, texts[name])]
    return mains[0] if len(mains) == 1 else None


def _has_main(name: str, text: str) -> bool:
    if name.endswith((".py", ".py3")):
        return "__main__" in text or name.endswith("/__main__.py")
    return _MAIN.search(text) is not None


def inline_files(entry: str, texts: Mapping[str, str]) -> str:
    """The C++ file `entry` with what it includes from beside it. `texts`: every file there by its path."""
    return _inline(entry, texts, set())


def _inline(name: str, texts: Mapping[str, str], taken: set[str]) -> str:
    """A C++ file with the files beside it in the place of their first `#include`."""
    taken.add(name)

    def include(match: re.Match[str]) -> str:
        wanted = _resolve(name, match.group(1), texts)
        if wanted is None:
            return match.group()
        return "" if wanted in taken else _inline(wanted, texts, taken)

    return _INCLUDE.sub(include, texts[name])


def _resolve(name: str, wanted: str, texts: Mapping[str, str]) -> str | None:
    """The file that `wanted` names in an `#include` of `name`: relative to it, or of that name anywhere beside it."""
    parts: list[str] = []
    for part in (*name.split("/")[:-1], *wanted.split("/")):
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", ""):
            parts.append(part)
    place = "/".join(parts)
    if place in texts:
        return place
    named = [other for other in texts if f"/{other}".endswith(f"/{wanted}")]
    return named[0] if len(named) == 1 else None


def _bundle(entry: str, texts: Mapping[str, str]) -> str:
    """A Python file with the modules beside it before it."""
    folder = entry.rpartition("/")[0]
    modules = {
        name.removeprefix(f"{folder}/").removesuffix(".py"): text
        for name, text in texts.items()
        if name != entry and name.startswith(f"{folder}/") and name.endswith(".py")
    }
    used = {name: text for name, text in modules.items() if "/" not in name}
    if not any(re.search(rf"\b(?:import|from)\s+{re.escape(name)}\b", texts[entry]) for name in used):
        return texts[entry]
    from pipeline.sandbox.program import put_prelude

    return put_prelude(_IMPORTER.format(texts=json.dumps(used)), texts[entry])

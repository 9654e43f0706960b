"""Programs that are given with a problem: plain texts, objects with a language, parallel lists, fenced replies."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.ingest.recognize.values import parse_text

NAMES = {
    **dict.fromkeys(("solutions", "correctsolutions", "acceptedsolutions", "pythonsolutions", "submissions"), 1.0),
    **dict.fromkeys(("correctsubmissions", "acceptedsubmissions", "correctcodes"), 1.0),
    **dict.fromkeys(("solution", "canonicalsolution", "goldstandardsolution", "referencesolution", "codes"), 0.95),
    **dict.fromkeys(("goldensolution", "goldensolutions", "referencecode", "solutioncodes"), 0.95),
    **dict.fromkeys(("code", "correctcode", "pythonsolution", "goldsolution", "program", "solutioncode"), 0.9),
    **dict.fromkeys(("completion", "answer", "groundtruth", "goldcode", "reference", "python", "cpp"), 0.7),
    **dict.fromkeys(("output", "response", "messages"), 0.5),
}
CODES = ("code", "solution", "content", "program", "source", "source_code", "text")
LANGUAGES = ("language", "lang", "programming_language")
_CPP = re.compile(r"#include\s*[<\"]|\bint\s+main\s*\(|\busing namespace\b|\bstd::")
_OTHER = re.compile(
    r"\bpublic\s+(?:static|class)\b|\bSystem\.out\b|\bfunc main\(\)|\bfn main\(\)|\bconsole\.log\(|<\?php"
)
_PYTHON = re.compile(
    r"^[ \t]*+(?:def \w+\s*\(|class \w+|import \w|from \w[\w.]* import|for .+:|while .+:|if .+:|print\s*\(|return\b"
    r"|\w[\w, ]*=[^=])",
    re.MULTILINE,
)
_BODY = re.compile(r"[ \t]+return\b")
"""The body of a function whose head stands elsewhere."""
_FENCE = re.compile(r"```([\w+#]*)[ \t]*\n(.*?)```", re.DOTALL)


def name_language(given: Any, code: str) -> str | None:
    """`python` or `cpp` by what the set says, else by the program; None for another language."""
    if isinstance(given, str) and given.strip():
        name = given.strip().lower()
        if name.startswith(("python2", "python 2", "py2")):
            return None
        if name.startswith(("py", "python")):
            return "python"
        return "cpp" if re.match(r"(?:gnu )?(?:c\+\+|cpp|g\+\+)", name) else None
    if _CPP.search(code):
        return "cpp"
    return None if _OTHER.search(code) else "python"


def is_code(text: Any) -> bool:
    """Whether a text is a program rather than prose about one."""
    if not isinstance(text, str) or not (_CPP.search(text) or _PYTHON.search(text)):
        return False
    return "(" in text or bool(_BODY.match(text))


def read_programs(value: Any) -> list[tuple[str, str]]:
    """(language, program) of everything in `value` that is one in Python 3 or C++."""
    return list(dict.fromkeys(_programs(parse_text(value))))


def _programs(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield from _one(value, None)
    elif isinstance(value, Mapping):
        codes = next((value[key] for key in CODES if value.get(key) is not None), None)
        given = next((value[key] for key in LANGUAGES if value.get(key) is not None), None)
        if isinstance(codes, list | tuple):
            languages = given if isinstance(given, list | tuple) else [given] * len(codes)
            for language, code in zip(languages, codes, strict=False):
                yield from _one(code, language)
        elif codes is not None:
            yield from _one(codes, given)
        else:
            for key, inner in value.items():
                for code in inner if isinstance(inner, list | tuple) else [inner]:
                    yield from _one(code, str(key))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _programs(item)


def _one(code: Any, given: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(code, str):
        return
    fences = _FENCE.findall(code)
    if fences:
        given, code = fences[-1][0] or given, fences[-1][1]
    elif not is_code(code):
        return
    language = name_language(given, code)
    if language is not None:
        yield language, code

"""Translation by Apertium, a translator by rules that Debian packages: no model, and rough prose.

    ask_apertium([Wanted("A book has 12 pages.", "es")])   # ["Un libro tiene 12 páginas."]

English goes to Spanish, and from Spanish to French or Italian: Debian has no other way there. It is called as a program
(its licence is the GPL's), one process for all statements of a shard and one pair of languages. Words that it does not
know carry a `*`, those that it cannot inflect a `#`, which the check refuses. What comes back from the way back with
other words was taken in another sense, and is refused here.
"""

import hashlib
import logging
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from pipeline.progress import track
from pipeline.text.prose import separate
from pipeline.translate.asking import Refusal, Reply, Wanted
from pipeline.translate.placeholders import Hidden, bare, hide
from pipeline.translate.repairs import ease, repair_forms, repair_writing
from pipeline.translate.round_trip import count_words, find_changed_words
from pipeline.translate.senses import find_wrong_sense

log = logging.getLogger(__name__)

WAYS: Mapping[str, tuple[str, ...]] = {
    "es": ("eng-spa",),
    "fr": ("eng-spa", "es-fr"),
    "it": ("eng-spa", "spa-ita"),
}
"""Language -> the pairs, as Apertium names them, that lead to it from English."""
BACK: Mapping[str, tuple[str, ...]] = {
    "es": ("spa-eng",),
    "fr": ("fr-es", "spa-eng"),
    "it": ("ita-spa", "spa-eng"),
}
"""Language -> the pairs that lead back."""
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "eng-spa": ("apertium-eng-spa",),
    "spa-eng": ("apertium-eng-spa",),
    "es-fr": ("apertium-fr-es",),
    "fr-es": ("apertium-fr-es",),
    "spa-ita": ("apertium-spa-ita",),
    "ita-spa": ("apertium-spa-ita", "cg3"),
}
"""Pair -> the Debian packages that it needs."""
MOST_CHANGED = 0.2
"""Share of the words of meaning that may come back as others. Of ten translations above it that were read by eye half
were broken, of 24 below it a sixth."""
HANG_SECONDS = 60.0
"""A hang guard of one process, with a second more for each text: it takes a hundredth of that."""

_RESERVED = re.compile(r"[\[\]{}^$/\\@<>]")
_ESCAPED = re.compile(r"\\(.)")
_DATA = re.compile(r"'(/[^']+)'")
_PROBE = "3"
_END = "[]"
"""A blank behind each text: without one, a full stop at its end comes out behind the mark that the text is done."""
_MARKED = re.compile(r"[*#@](\w[\w'’-]*)")


class ApertiumFailed(RuntimeError):
    """The program ended with an error, hung or lost a text; the message says which pair and what it printed."""


def find_missing(languages: Iterable[str]) -> list[str]:
    """The Debian packages that are missing for translations into `languages`."""
    pairs = {pair for language in languages for pair in (*WAYS[language], *BACK[language])}
    packages = {name for pair in pairs for name in PACKAGES[pair] if _find_mode(pair) is None}
    if "ita-spa" in pairs and shutil.which("cg-proc") is None:
        packages.add("cg3")
    return sorted(packages)


def say_install(languages: Iterable[str]) -> str:
    """What to do before it translates into `languages`; empty where nothing is missing."""
    missing = find_missing(languages)
    command = f"apt-get install --no-install-recommends {' '.join(missing)}"
    return f"Apertium is not installed; as root run: {command}" if missing else ""


def describe_apertium(languages: Iterable[str]) -> str:
    """What its translations depend on: the program's version and, of each pair, a hash of its data or `none`."""
    pairs = sorted({pair for language in languages for pair in (*WAYS[language], *BACK[language])})
    modes = {pair: _find_mode(pair) for pair in pairs}
    hashes = (f"{pair}:{'none' if mode is None else _hash_data(mode)}" for pair, mode in modes.items())
    return " ".join([f"apertium {read_version() or 'none'}", *hashes])


def name_apertium() -> str:
    """What a report calls it."""
    return " ".join(["Apertium", *filter(None, [read_version()])])


@lru_cache(maxsize=1)
def read_version() -> str | None:
    """The version of the program; None where it is not installed."""
    program = _find_program()
    if program is None:
        return None
    printed = subprocess.run([program, "-V"], env=_environment(), capture_output=True, text=True, check=False).stdout
    return printed.split()[-1] if printed.strip() else None


def ask_apertium(wanted: Sequence[Wanted]) -> list[Reply]:
    """A `Translator` into Spanish, French and Italian.

    A reply is null where the program or a pair is not installed or does not run, which is logged.
    """
    replies: list[Reply] = [None] * len(wanted)
    with track("translate by Apertium", len(wanted), "problems", part=True) as work:
        for language in dict.fromkeys(want.language for want in wanted):
            places = [place for place, want in enumerate(wanted) if want.language == language]
            done = _translate_into(language, [wanted[place].statement for place in places])
            for place, reply in zip(places, done, strict=True):
                replies[place] = reply
            work.advance(len(places))
    return replies


def _translate_into(language: str, statements: Sequence[str]) -> list[Reply]:
    if advice := say_install([language]):
        log.warning("translate: %d problems stay in English: %s", len(statements), advice)
        return [None] * len(statements)
    hidden = [hide(statement) for statement in statements]
    texts = [ease(one.text) for one in hidden]
    try:
        first, *others = WAYS[language]
        texts = _go(first, texts)
        for pair in others:
            texts = [_keep_names(*both) for both in zip(texts, _go(pair, texts), statements, strict=True)]
        back: Sequence[str] = texts
        for pair in BACK[language]:
            back = _go(pair, [_MARKED.sub(r"\1", text) for text in back])
    except ApertiumFailed as error:
        log.warning("translate: %d problems stay in English for now: %s", len(statements), error)
        return [None] * len(statements)
    return [
        Refusal(why) if (why := _find_change(one, part, text, again, language)) else _finish(one, part, text, language)
        for one, part, text, again in zip(statements, hidden, texts, back, strict=True)
    ]


def _go(pair: str, texts: Sequence[str]) -> list[str]:
    """Each text through one pair, line by line; one with a word that the pair before did not know goes no further."""
    stuck = [_MARKED.search(text) is not None for text in texts]
    lines = [[] if stays else text.split("\n") for text, stays in zip(texts, stuck, strict=True)]
    done = iter(_run_safely(pair, [line.strip() for parts in lines for line in parts if line.strip()]))

    def take_next(line: str) -> str:
        """The translation of a line with the spaces around it that the line had."""
        translated = repair_forms(bare(next(done)), pair)
        return line[: len(line) - len(line.lstrip())] + translated + line[len(line.rstrip()) :]

    return [
        text if stays else "\n".join(take_next(line) if line.strip() else line for line in parts)
        for text, stays, parts in zip(texts, stuck, lines, strict=True)
    ]


def _keep_names(before: str, after: str, statement: str) -> str:
    """`after` without the marks of words with a capital that all three texts have: names that only the last pair does
    not know.
    """
    if _MARKED.search(before):
        return after
    names = {word for word in _MARKED.findall(after) if word[0].isupper() and word in before and word in statement}
    return _MARKED.sub(lambda match: match[1] if match[1] in names else match[0], after)


def _find_change(statement: str, hidden: Hidden, text: str, back: str, language: str) -> str:
    """What is wrong with the sense of a translation, or ""; none and one with unknown words are left to the check."""
    if not text or _MARKED.search(text):
        return ""
    if sense := find_wrong_sense(separate(statement).prose, text, language):
        return f"sense: {sense!r} is taken in another sense"
    english = ease(hidden.text)
    changed = find_changed_words(english, back)
    if len(changed) > MOST_CHANGED * count_words(english):
        return f"sense: translated back, {', '.join(map(repr, changed[:3]))} is no more there"
    return ""


def _finish(statement: str, hidden: Hidden, text: str, language: str) -> Reply:
    whole = hidden.restore(repair_writing(text, statement, language))
    return Refusal("formula: a part that must stay as it is was lost or doubled") if whole is None else whole


def _run_safely(pair: str, texts: Sequence[str]) -> list[str]:
    """`_run`; a text on which the program fails comes back empty, the others do not suffer for it.

    Raises ApertiumFailed where the program fails on any text.
    """
    try:
        return _run(pair, texts)
    except ApertiumFailed:
        _run(pair, [_PROBE])
    if len(texts) < 2:
        return [""] * len(texts)
    half = len(texts) // 2
    return [*_run_safely(pair, texts[:half]), *_run_safely(pair, texts[half:])]


def _run(pair: str, texts: Sequence[str]) -> list[str]:
    """Texts through one process. Raises ApertiumFailed."""
    if not texts:
        return []
    stream = "".join(f"{_escape(text)}{_END}\0" for text in texts)
    process = subprocess.Popen(
        [_find_program() or "apertium", "-f", "none", "-z", pair],
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, errors = process.communicate(stream.encode(), HANG_SECONDS + len(texts))
    except subprocess.TimeoutExpired:
        raise ApertiumFailed(f"apertium {pair} did not end") from None
    finally:
        _end(process)
    parts = out.decode("utf-8", "replace").split("\0")
    done = [part.rstrip() for part in parts[: len(texts)]]
    if process.returncode or len(done) < len(texts) or not all(part.endswith(_END) for part in done):
        message = errors.decode("utf-8", "replace").strip()[-500:]
        raise ApertiumFailed(f"apertium {pair} ended with {process.returncode}: {message or 'a text is missing'}")
    return [" ".join(_ESCAPED.sub(r"\1", part.removesuffix(_END)).split()) for part in done]


def _escape(text: str) -> str:
    return _RESERVED.sub(r"\\\g<0>", text)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the program with all that its pipeline started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _environment() -> dict[str, str]:
    """An UTF-8 locale, whatever the user's is, and none of the settings that change where it looks for its data."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {"LC_ALL": "C.UTF-8"}


def _find_program() -> str | None:
    return shutil.which("apertium")


def _find_mode(pair: str) -> Path | None:
    """The file that says how a pair's programs are called; None where the program or the pair is not installed."""
    program = _find_program()
    if program is None:
        return None
    mode = Path(program).resolve().parents[1] / "share" / "apertium" / "modes" / f"{pair}.mode"
    return mode if mode.is_file() else None


@lru_cache(maxsize=8)
def _hash_data(mode: Path) -> str:
    """Of the mode's file and of the data that it names."""
    digest = hashlib.sha256(mode.read_bytes())
    for name in _DATA.findall(mode.read_text(encoding="utf-8")):
        if Path(name).is_file():
            digest.update(Path(name).read_bytes())
    return digest.hexdigest()[:16]

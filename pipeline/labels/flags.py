"""Labels that a person has doubts about, or has ruled on: notes kept in the run, one small file each, that nothing
rewrites.

`flags/TIME-RANDOM.json` is a flag, or takes one back by its name. A file appears whole or not at all and is never
changed, so that several people may flag while the run is curated or decided again; no stage removes them. What a person
ruled is heard as a witness when the run is decided again. A flag is about a problem's id, which is a hash of what the
problem says: where the label is corrected, the id is another one, and the flag stays with what was flagged.
"""

import json
import re
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from pipeline.run.layout import FLAGS, flag_name
from pipeline.run.storage import RunFolder
from pipeline.verify.guard import MAX_ANSWER
from schemas.errors import InputError

NOTE = 2000
"""Characters of a note: a paragraph, not a discussion."""
ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Flag:
    """One flag. `seen` is what the person had before them: the label, what the run made of the problem, and why."""

    name: str
    problem_id: str
    note: str
    made: str
    """When, in UTC, ISO 8601."""
    seen: dict[str, str | None]
    answer: str | None = None
    """The right answer, where the person gave one: a ruling, which the next decision hears as a witness."""


@dataclass(frozen=True)
class Flags:
    """The flags of a run that nobody took back, oldest first; and the files that say nothing, with the reason."""

    open: tuple[Flag, ...]
    unreadable: dict[str, str]

    def of(self, problem_id: str) -> tuple[Flag, ...]:
        return tuple(flag for flag in self.open if flag.problem_id == problem_id)


def add_flag(
    folder: RunFolder, problem_id: str, note: str, seen: dict[str, str | None], answer: str | None = None
) -> Flag:
    """Flag a problem, or rule on its `answer`. Raises InputError where the id is none, or a text is empty or too
    long.
    """
    note = note.strip().replace("\r\n", "\n")
    if not ID.fullmatch(problem_id):
        raise InputError(f"{problem_id[:40]!r} is no problem's id; it has 16 hex digits")
    if not note:
        raise InputError("a flag needs a note: say what may be wrong with the label")
    if len(note) > NOTE:
        raise InputError(f"the note has {len(note)} characters; {NOTE} are the most, shorten it")
    answer = (answer or "").strip() or None
    if answer is not None and len(answer) > MAX_ANSWER:
        raise InputError(f"the answer has {len(answer)} characters; {MAX_ANSWER} are the most that can be compared")
    now = datetime.now(UTC)
    flag = Flag(_new_name(now), problem_id, note, now.isoformat(timespec="seconds"), seen, answer)
    fields = {key: value for key, value in asdict(flag).items() if key != "name"}
    folder.write_json(flag.name, fields)
    return flag


def withdraw_flag(folder: RunFolder, name: str) -> None:
    """Take back the open flag `name`; the file stays. Raises InputError where there is none."""
    if name not in {flag.name for flag in read_flags(folder).open}:
        raise InputError(f"{name[:80]!r} is no open flag of this run; it may have been taken back already")
    now = datetime.now(UTC)
    folder.write_json(_new_name(now), {"withdraws": name, "made": now.isoformat(timespec="seconds")})


def read_flags(folder: RunFolder) -> Flags:
    """Every open flag of a run. Older flags call the outcome that was seen `fate`."""
    flags: dict[str, Flag] = {}
    withdrawn: set[str] = set()
    unreadable: dict[str, str] = {}
    for name in folder.list(FLAGS, ".json"):
        try:
            fields = json.loads(folder.read_bytes(name))
            if "withdraws" in fields:
                withdrawn.add(str(fields["withdraws"]))
                continue
            seen_fields = (fields.get("seen") or {}).items()
            seen = {
                "outcome" if key == "fate" else str(key): None if value is None else str(value)
                for key, value in seen_fields
            }
            answer = fields.get("answer")
            flags[name] = Flag(
                name,
                str(fields["problem_id"]),
                str(fields["note"]),
                str(fields.get("made") or ""),
                seen,
                None if answer is None else str(answer),
            )
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            unreadable[name] = f"{type(error).__name__}: {error}"
    return Flags(tuple(flag for name, flag in flags.items() if name not in withdrawn), unreadable)


def read_rulings(folder: RunFolder) -> dict[str, str]:
    """Problem -> the right answer by the last person who gave one."""
    return {flag.problem_id: flag.answer for flag in read_flags(folder).open if flag.answer}


def _new_name(now: datetime) -> str:
    """No two are alike, whoever writes them and whatever the clock says; the order of names is that of time."""
    return flag_name(f"{now:%Y%m%dT%H%M%S%f}", uuid.uuid4().hex[:8])

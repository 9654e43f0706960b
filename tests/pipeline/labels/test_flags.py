"""Notes on labels: added, never rewritten, and still there whatever is done to the run."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.labels.flags import NOTE, add_flag, read_flags, withdraw_flag
from pipeline.publish.run import decide_again
from pipeline.run.storage import RunFolder
from schemas.errors import InputError
from tests.pipeline.publish.report_runs import lay_run, tell_small_run

ID = "0123456789abcdef"


NOTES = st.text(min_size=1, max_size=40).filter(str.strip)


@given(st.lists(st.tuples(st.sampled_from(["0" * 16, "f" * 16]), NOTES), max_size=5), st.data())
def test_what_is_open_is_what_was_added_and_not_taken_back(notes: list[tuple[str, str]], data: st.DataObject) -> None:
    folder = RunFolder(f"memory://flags-{uuid.uuid4()}")
    kept = []
    for id_, note in notes:
        flag = add_flag(folder, id_, note, {"answer": note, "outcome": "keep"})
        if data.draw(st.booleans()):
            withdraw_flag(folder, flag.name)
        else:
            kept.append(flag)
    assert sorted(read_flags(folder).open, key=lambda flag: flag.name) == sorted(kept, key=lambda flag: flag.name)


def test_the_outcome_in_older_flags_is_read() -> None:
    folder = RunFolder(f"memory://flags-{uuid.uuid4()}")
    flag = add_flag(folder, ID, "wrong", {"answer": "4", "fate": "keep"})
    assert [read.seen for read in read_flags(folder).open] == [{"answer": "4", "outcome": "keep"}]
    assert flag.seen == {"answer": "4", "fate": "keep"}


@given(st.text(" \n\t\u2003", max_size=10))
def test_a_flag_without_a_note_is_refused(note: str) -> None:
    folder = RunFolder(f"memory://flags-{uuid.uuid4()}")
    with pytest.raises(InputError, match="needs a note"):
        add_flag(folder, ID, note, {})
    assert read_flags(folder).open == ()


def test_a_flag_survives_a_new_decision_and_nothing_rewrites_it(tmp_path: Path) -> None:
    folder = lay_run(tmp_path, tell_small_run())
    flag = add_flag(folder, ID, "12 is the number of marbles before", {"answer": "12"})
    written = folder.read_bytes(flag.name)
    decide_again(folder.root, ["keep.max=9"])
    assert read_flags(folder).open == (flag,)
    withdraw_flag(folder, flag.name)
    assert read_flags(folder).open == ()
    assert folder.read_bytes(flag.name) == written


def test_people_who_flag_at_once_lose_nothing(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    with ThreadPoolExecutor(8) as people:
        flags = list(people.map(lambda n: add_flag(folder, ID, f"note {n}", {}), range(64)))
    assert {flag.note for flag in read_flags(folder).open} == {f"note {n}" for n in range(64)}
    assert len({flag.name for flag in flags}) == 64


def test_a_torn_or_foreign_file_hides_no_other(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    flag = add_flag(folder, ID, "is it 10?", {})
    folder.write_bytes("flags/20260101T000000000000-torn.json", b'{"problem_id": "0123')
    folder.write_bytes("flags/20260101T000000000000-list.json", b"[1]")
    (tmp_path / "flags" / ".20260101T000000000000-half.json.12345678.tmp").write_text("{")
    told = read_flags(folder)
    assert told.open == (flag,)
    assert {Path(name).name.split("-")[1] for name in told.unreadable} == {"torn.json", "list.json"}


@pytest.mark.parametrize(
    ("id_", "note", "told"),
    [("../problems/00000", "x", "no problem's id"), (ID, "  ", "needs a note"), (ID, "x" * (NOTE + 1), "shorten it")],
)
def test_what_is_no_flag_is_refused_with_the_reason(tmp_path: Path, id_: str, note: str, told: str) -> None:
    folder = RunFolder(str(tmp_path))
    with pytest.raises(InputError, match=told):
        add_flag(folder, id_, note, {})
    with pytest.raises(InputError, match="no open flag"):
        withdraw_flag(folder, "manifest.json")
    assert folder.list("flags", "") == []


def test_a_flag_keeps_what_the_person_saw(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    flag = add_flag(folder, ID, "Ответ другой\r\n第二行", {"answer": "12", "majority_answer": None})
    told = json.loads(folder.read_bytes(flag.name))
    assert told["note"] == "Ответ другой\n第二行"
    assert told["seen"] == {"answer": "12", "majority_answer": None}

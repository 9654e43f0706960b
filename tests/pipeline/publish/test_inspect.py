"""`goldilocks inspect`: what lies in a run or a file, and one problem with its whole story."""

import io
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.labels.flags import add_flag, withdraw_flag
from pipeline.publish.inspect import clean, inspect_path
from pipeline.run.storage import RunFolder
from schemas.errors import InputError
from schemas.reasons import Reason
from tests.pipeline.publish.report_runs import Told, lay_run, tell_small_run, tell_sums


def look(path: object, width: int = 160, **asked: object) -> str:
    """What is printed, on one line a row."""
    console = Console(width=width, record=True, file=io.StringIO(), color_system=None)
    inspect_path(str(path), console=console, **asked)  # type: ignore[arg-type]
    return console.export_text()


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return lay_run(tmp_path_factory.mktemp("run"), tell_small_run(), shard_rows=10)


def test_a_run_is_told_by_stage_reason_and_source(run: RunFolder) -> None:
    said = look(run.root)
    assert f"{run.root}: 30 problems in, 18 kept" in said
    assert ["ingest", "30", "29", "1", "0"] in lines(said)
    assert ["screen", "29", "26", "3", "0"] in lines(said)
    assert ["decide", "26", "18", "8", "0"] in lines(said)
    assert ["sums", "24", "18", "75%"] in lines(said)
    assert ["words", "6", "0", "0%"] in lines(said)
    assert Reason.PROOF.meaning in said
    assert "416 sample rows in 3 files" in said
    assert ["pass_rate", "Float64"] in lines(said)


def test_looking_loads_no_library_that_only_deciding_needs(run: RunFolder) -> None:
    code = (
        "import sys; from rich.console import Console; from pipeline.publish.inspect import inspect_path;"
        "inspect_path(sys.argv[1], console=Console(file=sys.stderr)); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, run.root], capture_output=True, text=True, check=True)
    assert "30 problems in, 18 kept" in done.stderr
    assert not set(done.stdout.split()) & {"scipy", "flint", "jinja2", "pyarrow"}


def test_rows_are_as_many_as_asked_for(run: RunFolder) -> None:
    assert "row 1" in look(run.root, rows=2)
    assert "row 2" not in look(run.root, rows=2)
    assert "row 0" not in look(run.root, rows=0)


def test_a_kept_problem_is_shown_with_all_that_is_known(run: RunFolder) -> None:
    said = look(run.root, problem="sum-7")
    assert "What is 61 + 26 - 8?" in said
    assert "kept in curated/00000.parquet" in said
    assert ["answer", "79"] in lines(said)
    assert ["1", "ingest", "read", "from", "sums"] in lines(said)
    assert sum(line[1:3] == ["correct", "79"] for line in lines(said)) == 7
    assert sum(line[:1] != ["│"] and line[1:2] == ["wrong"] for line in lines(said)) == 9
    assert "decision, pass 1" in said


def test_a_problem_left_out_says_by_what_and_why(run: RunFolder) -> None:
    said = look(run.root, problem="root")
    assert f"left out by screen: proof ({Reason.PROOF.meaning})" in said
    assert "in rejected/screen-00002.parquet" in said
    assert "asks to prove" in said
    assert "no samples" in said


def test_a_problem_that_waits_says_so(tmp_path: Path) -> None:
    folder = lay_run(tmp_path, tell_sums(12), shard_rows=10, finished=False)
    said = look(folder.root, problem="sum-11")
    assert "waiting in stages/screen/00001.parquet; not decided yet" in said
    assert sum(line[1:2] == ["correct"] for line in lines(said)) == 11


def test_an_id_or_its_beginning_means_the_same_problem(run: RunFolder) -> None:
    table = run.read_table("curated/00000.parquet")
    id_ = table["id"][0]
    assert look(run.root, problem=id_) == look(run.root, problem=id_[:9])


def test_an_unknown_id_names_what_is_near(run: RunFolder) -> None:
    with pytest.raises(InputError, match="no problem has the id or source_id 'sum-7x'; did you mean sum-7"):
        look(run.root, problem="sum-7x")
    with pytest.raises(InputError, match=r"ids here are such as [0-9a-f]{16}"):
        look(run.root, problem="%%%")


def test_a_beginning_that_means_several_names_them(run: RunFolder) -> None:
    ids = sorted(id_ for _, table in run.read_tables("problems", ["id"]) for id_ in table["id"])
    first = next(a[0] for a, b in pairwise(ids) if a[0] == b[0])
    meant = [id_ for id_ in ids if id_.startswith(first)]
    with pytest.raises(InputError, match=rf"'{first}' means {len(meant)} problems: {meant[0]}|give more of the id"):
        look(run.root, problem=first)


def test_texts_are_shortened_unless_in_full(tmp_path: Path) -> None:
    long = "start " + "and so on " * 100 + "middle " + "and so on " * 100 + "\\boxed{7}"
    told = Told(
        "What is 3 + 4?", "7", "long", "seven", samples=[(long, "7", "correct")] * 4 + [("8", "8", "wrong")] * 12
    )
    folder = lay_run(tmp_path, [told])
    short = look(folder.root, problem="seven")
    assert "start" in short
    assert "\\boxed{7}" in short.replace("\n", "").replace(" ", "")
    assert "middle" not in short
    assert "middle" in look(folder.root, problem="seven", full=True)


def test_a_jsonl_file_needs_no_contract(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    rows = [{"id": f"p{n}", "question": f"What is {n} + {n}?", "level": n, "source": "mine"} for n in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    said = look(path, rows=1)
    assert "3 rows in 1 file" in said
    assert ["question", "str"] in lines(said)
    assert ["level", "int"] in lines(said)
    assert ["mine", "3", "100%"] in lines(said)
    one = look(path, problem="p2")
    assert "What is 2 + 2?" in one
    assert "own.jsonl:3" in one
    with pytest.raises(InputError, match="no problem has the id or source_id 'q9'"):
        look(path, problem="q9")


def test_a_folder_of_tables_is_counted_as_one(run: RunFolder) -> None:
    said = look(f"{run.root}/rejected", rows=1)
    assert "12 rows in" in said
    assert ["too_easy", "4", "33%"] in lines(said)
    kept = run.read_table("curated/00000.parquet")
    assert str(kept["statement"][0]) in look(f"{run.root}/curated", problem=str(kept["id"][0]))


def test_what_is_no_table_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"not parquet at all")
    with pytest.raises(InputError, match=r"broken.parquet: not a Parquet file"):
        look(broken)
    with pytest.raises(InputError, match="nowhere"):
        look(tmp_path / "nowhere")


def test_text_from_data_commands_neither_rich_nor_the_terminal(tmp_path: Path) -> None:
    told = Told(
        "[red]\x1b[2J[/red] [link=http://x]y[/link]",
        "\x9b1m",
        "[bold]",
        "a\x07b",
        samples=[("[/]", "[/]", "wrong")] * 16,
    )
    said = look(lay_run(tmp_path, [told]).root, problem=told.row["id"])
    assert "[red]�[2J[/red] [link=http://x]y[/link]" in said
    assert not set(said) & {"\x1b", "\x9b", "\x07"}
    assert clean("a\tb\nc\r\x7f").plain == "a\tb\nc��"


def test_doubtful_labels_are_told(tmp_path: Path) -> None:
    folder = lay_run(tmp_path, tell_sums(8))
    assert "flagged" not in look(folder.root)
    flags = [add_flag(folder, tell_sums(n + 1)[n].row["id"], f"note {n}", {"answer": f"label {n}"}) for n in range(8)]
    withdraw_flag(folder, flags[3].name)
    said = look(folder.root)
    assert [n for n in range(8) if f"note {n} " in said and f"label {n} " in said] == [0, 1, 2, 4, 5, 6, 7]
    assert "flagged  note 5" in look(folder.root, problem="sum-5")
    folder.write_bytes("flags/torn.json", b"{")
    assert "flags/torn.json cannot be read as a flag" in look(folder.root)

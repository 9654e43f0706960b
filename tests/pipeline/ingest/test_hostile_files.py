"""Files that others wrote: what leads out of its folder is not followed, what stands for gigabytes is not unfolded."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.ingest.files import read_packages, read_rows
from pipeline.ingest.files.parquet import measure
from pipeline.ingest.hub import read_dataset
from schemas.config import ReadingConfig
from schemas.conform import InvalidRow
from schemas.errors import InputError

SECRET = "SECRET-of-this-machine"
SMALL = ReadingConfig(row_mb=1, row_values=1000, yaml_values=100)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "outside" / "secret.jsonl"
    path.parent.mkdir()
    path.write_text(json.dumps({"statement": SECRET}) + "\n")
    return path


def refusal(row: object) -> str:
    assert isinstance(row, InvalidRow)
    return row.detail


def make_package(place: Path) -> Path:
    for name, text in {
        "problem.yaml": "name: Sum",
        "problem_statement/problem.tex": "Add two numbers.",
        "data/secret/1.in": "1 2\n",
        "data/secret/1.ans": "3\n",
        "submissions/accepted/a.py": "print(sum(map(int, input().split())))",
    }.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return place


@pytest.mark.parametrize(
    "name",
    [
        "problem.yaml",
        "problem_statement/problem.tex",
        "data/secret/1.in",
        "data/secret/1.ans",
        "submissions/accepted/a.py",
        "problem_statement",
        "data",
        "data/secret",
        "submissions",
        "submissions/accepted",
    ],
)
@pytest.mark.parametrize("relative", [False, True])
def test_no_part_of_a_package_is_a_link_out_of_it(tmp_path: Path, name: str, relative: bool) -> None:
    place = make_package(tmp_path / "packages" / "sum")
    [row] = read_packages(place.parent)
    assert not isinstance(row, InvalidRow)
    outside = make_package(tmp_path / "elsewhere" / SECRET) / name
    (tmp_path / "gone").mkdir()
    (place / name).rename(tmp_path / "gone" / "part")
    (place / name).symlink_to(os.path.relpath(outside, (place / name).parent) if relative else outside)
    [row] = read_packages(place.parent)
    assert "a link out of" in refusal(row) or "not followed" in refusal(row)


def test_a_link_within_a_package_is_as_good_as_a_file(tmp_path: Path) -> None:
    place = make_package(tmp_path / "packages" / "sum")
    (place / "data" / "secret" / "2.in").symlink_to("1.in")
    (place / "data" / "secret" / "2.ans").symlink_to("1.ans")
    [row] = read_packages(place.parent)
    assert [test["id"] for test in row["tests"]] == ["secret/1", "secret/2"]


def test_a_package_s_pipes_and_devices_are_not_opened(tmp_path: Path) -> None:
    place = make_package(tmp_path / "packages" / "sum")
    os.mkfifo(place / "data" / "secret" / "2.in")
    (place / "data" / "secret" / "2.ans").write_text("3")
    [row] = read_packages(place.parent)
    assert "no plain file" in refusal(row)


def test_a_package_has_a_size(tmp_path: Path) -> None:
    place = make_package(tmp_path / "packages" / "sum")
    for n in range(3):
        (place / "data" / "secret" / f"big{n}.in").write_text("x" * 400_000)
        (place / "data" / "secret" / f"big{n}.ans").write_text("x")
    [row] = read_packages(place.parent, SMALL)
    assert "over 1 MiB (reading.row_mb)" in refusal(row)
    assert not isinstance(next(read_packages(place.parent)), InvalidRow)


@pytest.mark.parametrize("place", ["", "*.jsonl"])
def test_a_folder_s_link_out_of_it_is_not_followed(tmp_path: Path, secret: Path, place: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.jsonl").symlink_to(secret)
    with pytest.raises(InputError, match=r"a\.jsonl: a link out of"):
        list(read_rows(str(folder / place)))
    (folder / "a.jsonl").unlink()
    (folder / "real.jsonl").write_text('{"statement": "x"}\n')
    (folder / "a.jsonl").symlink_to("real.jsonl")
    assert len(list(read_rows(str(folder / place)))) == 2


def test_what_is_named_may_be_a_link(tmp_path: Path, secret: Path) -> None:
    (tmp_path / "named.jsonl").symlink_to(secret)
    (tmp_path / "folder").symlink_to(secret.parent)
    assert [row["statement"] for row in read_rows(str(tmp_path / "named.jsonl"))] == [SECRET]
    assert [row["statement"] for row in read_rows(str(tmp_path / "folder"))] == [SECRET]
    assert [row["statement"] for row in read_rows(str(tmp_path / "folder" / "*.jsonl"))] == [SECRET]


def test_a_folder_s_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    with pytest.raises(InputError, match="no plain file"):
        list(read_rows(str(tmp_path)))


@pytest.mark.parametrize("how", ["..", "absolute", "link"])
def test_a_set_s_card_names_no_file_outside_it(tmp_path: Path, secret: Path, how: str) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "b.jsonl").write_text('{"statement": "x"}\n')
    if how == "link":
        (folder / "a.jsonl").symlink_to(secret)
    else:
        named = f"../outside/{secret.name}" if how == ".." else str(secret)
        (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: default\n  data_files: {named}\n---\n")
    with pytest.raises(InputError, match=r"a link out of|not part of it"):
        list(read_dataset(str(folder)))


def test_a_snapshot_of_the_hub_s_cache_is_links_to_its_blobs(tmp_path: Path) -> None:
    repo = tmp_path / "datasets--o--n"
    (repo / "blobs").mkdir(parents=True)
    (repo / "blobs" / "0a1b").write_text('{"statement": "x"}\n')
    snapshot = repo / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    (snapshot / "a.jsonl").symlink_to("../../blobs/0a1b")
    assert [row["statement"] for row in read_rows(str(snapshot))] == ["x"]


def anchors() -> str:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join([*levels, "validator_flags: *a8"])


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (anchors(), "over 100 values, aliases followed (reading.yaml_values)"),
        ("a: &a {b: &b {c: [1, 2, 3]}, <<: *b}\n" + "\n".join(f"k{n}: *a" for n in range(40)), "over 100 values"),
        ("a: &a [*a]", "holds itself"),
        ("a: " + "[" * 50_000, "deep"),
        ("[" * 80 + "]" * 80, "deep"),
        ("name: a\nname: b", "line 2: the key 'name' comes twice"),
        ("a: {b: 1, b: 2}", "comes twice"),
        ("a: !!python/object/apply:os.system [id]", "not YAML"),
        ("a: " + "9" * 5000, "not YAML"),
        ("? [a]\n: 1", "not YAML"),
    ],
    ids=["anchors", "merge", "itself", "open", "depth", "twice", "twice below", "python", "digits", "list as key"],
)
def test_a_problem_yaml_is_plain_data_of_its_size(tmp_path: Path, text: str, wrong: str) -> None:
    place = make_package(tmp_path / "packages" / "sum")
    (place / "problem.yaml").write_text(text)
    [row] = read_packages(place.parent, SMALL)
    assert str(place) in refusal(row)
    assert wrong in refusal(row)


def write_dictionary(path: Path) -> None:
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 2500, pa.int32()), pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({"statement": text}), path, compression="zstd")


def write_nested(path: Path) -> None:
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), pa.array(["x" * 1_000_000]))
    tests = pa.StructArray.from_arrays([text, text], ["input", "expected"])
    pq.write_table(pa.table({"tests": pa.ListArray.from_arrays([0, 20_000], tests)}), path, compression="zstd")


def write_page(path: Path) -> None:
    pq.write_table(pa.table({"statement": ["x" * (400 << 20)]}), path, compression="zstd", use_dictionary=False)


def write_line(path: Path) -> None:
    with gzip.open(path, "wb") as file:
        for _ in range(500):
            file.write(b" " * (1 << 20))


def write_values(path: Path) -> None:
    path.write_bytes(b'{"statement": [' + b"{}," * 10_000_000 + b"{}]}\n")


def write_array(path: Path) -> None:
    path.write_bytes(b"[[" + b"{}," * 10_000_000 + b"{}]]")


def write_many(path: Path) -> None:
    with gzip.open(path, "wb") as file:
        for n in range(70):
            file.write(b'{"statement": "%d %s"}\n' % (n, b"x" * (30 << 20)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "write", "wrong"),
    [
        ("a.parquet", write_dictionary, None),
        ("b.parquet", write_nested, "b.parquet row 0: 38146 MiB; a row has at most 64 MiB (reading.row_mb)"),
        ("c.parquet", write_page, "write it again"),
        ("d.jsonl.gz", write_line, "d.jsonl.gz:1: a row of over 64 MiB (reading.row_mb)"),
        ("e.jsonl", write_values, "e.jsonl:1: a row of over 1000000 values (reading.row_values)"),
        ("f.json", write_array, "f.json: element 0: a row of over 1000000 values (reading.row_values)"),
        ("g.jsonl.gz", write_many, None),
    ],
)
def test_a_small_file_of_gigabytes_is_read_within_bounds(
    tmp_path: Path, name: str, write: Callable[[Path], None], wrong: str | None
) -> None:
    """Read in a process of its own, by the memory that it uses at most.

    The limit of the process is only for the machine's sake: it counts what allocators keep of what was freed, too.
    """
    write(tmp_path / name)
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (8 << 30, 8 << 30))\n"
        "from pipeline.ingest.ingest import ingest\n"
        "from pipeline.run.storage import RunFolder\n"
        "from schemas.config import Config\n"
        "config = Config(run=sys.argv[2], sources=({'name': 's', 'files': sys.argv[1]},))\n"
        "try: print(ingest(config, RunFolder(sys.argv[2])))\n"
        "except ValueError as error: print(error)\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / name), str(tmp_path / "run")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (wrong or "'read': ") in done.stdout
    assert int(done.stdout.splitlines()[-1]) < 2 << 20, "KiB at its highest"


def test_more_may_be_allowed(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"statement": "x" * (1 << 21)}) + "\n")
    (tmp_path / "b.json").write_text(json.dumps([{"statement": "x" * (1 << 21)}] * 2))
    for name, rows in (("a.jsonl", 1), ("b.json", 2)):
        with pytest.raises(InputError, match=r"reading\.row_mb"):
            list(read_rows(str(tmp_path / name), reading=SMALL))
        assert len(list(read_rows(str(tmp_path / name), reading=ReadingConfig(row_mb=3)))) == rows


def test_a_table_is_measured_as_it_will_be_built() -> None:
    plain = pa.array([[{"a": "xy", "b": None}], [], [{"a": "z", "b": "ä"}, {"a": "", "b": "q"}]])
    assert measure(plain) == (3 + 3 + 6, 6)
    assert measure(plain.slice(2, 1)) == (1 + 2 + 4, 4)
    coded = pa.array(["long", "long", None]).dictionary_encode()
    assert measure(coded) == (3, 8)
    assert measure(pa.array([[("k", "value")], [("k", "v")]], pa.map_(pa.string(), pa.string())).slice(1, 1)) == (3, 2)

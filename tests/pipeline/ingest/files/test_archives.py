"""What is in an archive is read as what is in a folder, and nothing is read that is not in it."""

import bz2
import gzip
import io
import json
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.ingest.files import read_rows, streams
from schemas.conform import WHERE, InvalidRow
from schemas.errors import InputError

ROWS = [{"problem": "a", "answer": "1"}, {"problem": "b", "answer": "2"}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def as_parquet() -> bytes:
    sink = io.BytesIO()
    pl.DataFrame(ROWS).write_parquet(sink)
    return sink.getvalue()


def as_arrow() -> bytes:
    sink = io.BytesIO()
    pl.DataFrame(ROWS).write_ipc(sink)
    return sink.getvalue()


def as_stream() -> bytes:
    sink = io.BytesIO()
    pl.DataFrame(ROWS).write_ipc_stream(sink)
    return sink.getvalue()


FORMS: dict[str, Callable[[], bytes]] = {
    "set.jsonl": lambda: LINES,
    "set.json": lambda: json.dumps(ROWS).encode(),
    "set.csv": lambda: b"problem,answer\na,1\nb,2\n",
    "set.tsv": lambda: b"problem\tanswer\na\t1\nb\t2\n",
    "set.xml": lambda: b"<s><p problem='a' answer='1'/><p problem='b' answer='2'/></s>",
    "set.yaml": lambda: b"- {problem: a, answer: '1'}\n- {problem: b, answer: '2'}\n",
    "set.parquet": as_parquet,
    "set.arrow": as_arrow,
    "set.feather": as_stream,
}


def zstd(data: bytes) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


PACK = {"": bytes, ".gz": gzip.compress, ".zst": zstd, ".bz2": bz2.compress, ".xz": lzma.compress}


def as_zip(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return sink.getvalue()


def as_tar(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return sink.getvalue()


def plain(rows: Any) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != WHERE} for row in rows]


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.parametrize("name", FORMS)
def test_every_form_comes_in_every_compression(name: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / (name + ending)
    path.write_bytes(PACK[ending](FORMS[name]()))
    assert plain(read_rows(path)) == ROWS


@pytest.mark.parametrize("name", [name for name in FORMS if name != "set.yaml"])
def test_every_form_comes_in_an_archive(name: str, tmp_path: Path) -> None:
    files = {f"set/train/{name}": FORMS[name](), "set/readme.txt": b"no rows", "__MACOSX/set/._a.json": b"no"}
    archives = {"a.zip": as_zip(files), "a.tar": as_tar(files), "a.tar.gz": gzip.compress(as_tar(files))}
    archives |= {"a.tgz": archives["a.tar.gz"], "a.tar.xz": lzma.compress(as_tar(files))}
    for archive, data in archives.items():
        (tmp_path / archive).write_bytes(data)
        rows = list(read_rows(tmp_path / archive))
        assert plain(rows) == ROWS
        assert rows[0][WHERE].startswith(f"{tmp_path / archive}/set/train/{name}")


def test_a_folder_of_archives_with_objects_in_folders(tmp_path: Path) -> None:
    (tmp_path / "MATH.zip").write_bytes(as_zip({"train/algebra/1.json": json.dumps(ROWS[0], indent=2).encode()}))
    [row] = read_rows(tmp_path)
    assert (row["folder"], row["source_id"]) == ("train/algebra", "train/algebra/1")


def test_several_streams_of_xz_are_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.xz").write_bytes(lzma.compress(LINES) + lzma.compress(LINES))
    assert plain(read_rows(tmp_path / "a.jsonl.xz")) == ROWS * 2


@pytest.mark.slow
def test_a_cut_xz_gives_its_rows_and_then_names_itself(tmp_path: Path) -> None:
    lines = b"".join(b'{"n": "%d"}\n' % (n * 7919 % 1000003) for n in range(300_000))
    data = lzma.compress(lines)
    (tmp_path / "a.jsonl.xz").write_bytes(data[: len(data) // 2])
    rows = read_rows(tmp_path / "a.jsonl.xz")
    assert next(rows)["n"] == "0"
    with pytest.raises(InputError, match="cannot be read to its end"):
        list(rows)


@pytest.mark.parametrize(
    "data", [as_zip({"a.jsonl": LINES})[:-30], b"PK\x03\x04", as_tar({"a.jsonl": LINES})[:600], b"x" * 600]
)
@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_a_broken_archive_is_named(data: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=name):
        list(read_rows(tmp_path / name))


@pytest.mark.parametrize("name", ["../a.jsonl", "/etc/a.jsonl", "set/../../a.jsonl", "..\\a.jsonl"])
@pytest.mark.parametrize("pack", [as_zip, as_tar])
def test_no_member_leads_out(pack: Callable[[dict[str, bytes]], bytes], name: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.zip" if pack is as_zip else "a.tar")
    path.write_bytes(pack({"b.jsonl": LINES, name: LINES}))
    with pytest.raises(InputError, match="leads out of the archive"):
        list(read_rows(path))


def test_links_in_archives_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.jsonl").write_bytes(LINES)
    link = zipfile.ZipInfo("a.jsonl")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, str(tmp_path / "secret.jsonl"))
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            member = tarfile.TarInfo(f"{kind!r}.jsonl")
            member.type, member.linkname = kind, str(tmp_path / "secret.jsonl")
            tar.addfile(member)
    for name in ("a.zip", "a.tar"):
        with pytest.raises(InputError, match="a link in an archive; it is not followed"):
            list(read_rows(tmp_path / name))


def test_archives_in_archives_end(tmp_path: Path) -> None:
    one = as_zip({"a.jsonl": LINES})
    two = as_zip({"one.zip": one})
    (tmp_path / "two.zip").write_bytes(two)
    assert plain(read_rows(tmp_path / "two.zip")) == ROWS
    (tmp_path / "three.zip").write_bytes(as_zip({"two.zip": two}))
    with pytest.raises(InputError, match="unpack them"):
        list(read_rows(tmp_path / "three.zip"))


@pytest.mark.parametrize("name", ["a.tar.gz", "a.parquet.gz", "a.zip"])
def test_what_unfolds_beyond_all_proportion_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "EXPANDED", 1 << 20)
    data = bytes(8 << 20)
    (tmp_path / name).write_bytes(as_zip({"b.parquet": data}) if name == "a.zip" else gzip.compress(data))
    with pytest.raises(InputError, match="unpack it if you trust it"):
        list(read_rows(tmp_path / name))


def test_an_archive_without_data_says_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(as_zip({"readme.txt": b"hello"}))
    with pytest.raises(InputError, match=r"an archive without \*\.parquet"):
        list(read_rows(tmp_path / "a.zip"))


@pytest.mark.parametrize(
    ("name", "data", "wrong"),
    [
        ("a.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ("a.jsonl", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ("a.json", b"\n<!DOCTYPE html>\n<html>", "a web page"),
        ("a.pkl", b"\x80\x04", "a pickle runs code"),
        ("a.rar", b"Rar!", "unpack it first"),
        ("a.dat", b"\x00\x01", "its name must be one of"),
        ("a.csv.gz", b"problem,answer\n", "cannot be read to its end"),
    ],
)
def test_a_file_that_is_no_data_says_what_it_is(name: str, data: bytes, wrong: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=wrong):
        list(read_rows(tmp_path / name))


def test_a_file_whose_name_says_nothing_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    for data in (LINES, gzip.compress(LINES), as_parquet(), as_zip({"a.csv": FORMS["set.csv"]()})):
        (tmp_path / "problems").write_bytes(data)
        assert plain(read_rows(tmp_path / "problems")) == ROWS


def test_a_name_that_is_nearly_right_is_named(tmp_path: Path) -> None:
    (tmp_path / "problems.jsonl").write_bytes(LINES)
    with pytest.raises(InputError, match=r"no such file, but 'problems\.jsonl'"):
        read_rows(tmp_path / "problem.jsonl")


def test_what_the_hub_lays_beside_data_is_no_data(tmp_path: Path) -> None:
    for name in ("dataset_infos.json", "README.md", ".gitattributes", "config.yaml", ".cache/huggingface/a.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('{"default": {"features": {}}}')
    (tmp_path / "train.csv").write_bytes(FORMS["set.csv"]())
    assert plain(read_rows(tmp_path)) == ROWS


def test_one_bad_package_of_an_archive_is_one_bad_row(tmp_path: Path) -> None:
    files = {"p/problem.yaml": b"name: P", "q/problem.yaml": b"name: Q", "q/statement/problem.en.md": b"Add."}
    (tmp_path / "contest.zip").write_bytes(as_zip(files))
    bad, good = read_rows(tmp_path / "contest.zip")
    assert isinstance(bad, InvalidRow)
    assert (good["statement"], good["source_id"]) == ("Add.", "q")

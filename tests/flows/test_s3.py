"""A whole run on an S3-compatible store, a real server on loopback: the same content as on a disk, whole objects, and
no more listing than there are shards.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from flows.cli.doctor import look_at_store
from flows.cli.errors import Exit
from flows.offline import grade_imported
from pipeline.publish.shards import check_counts
from pipeline.run import lock
from pipeline.run.layout import LOCK
from pipeline.run.lock import LostRunError, hold_run
from pipeline.run.storage import RunFolder
from pipeline.sample.store import EvidenceStore
from schemas.config import Config
from schemas.errors import InputError
from schemas.sample import SAMPLE_DTYPES, SAMPLE_KEY
from tests.conftest import ROOT, Run, free_port
from tests.flows.scripted_run import assert_same_content, mixed_problems, start_scripted_model
from tests.flows.test_curate import write_rows
from tests.s3 import serve_s3, with_environment
from tests.test_docs import commands

pytestmark = pytest.mark.model
pytest.importorskip("s3fs", reason="make cluster installs it")
PAGE = ROOT / "docs" / "cluster.md"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with serve_s3(tmp_path_factory.mktemp("s3")) as environment, with_environment(environment):
        yield environment


def test_a_run_on_the_store_is_the_run_on_a_disk(
    goldilocks: Run, s3: dict[str, str], tmp_path: Path, prefect_home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.items():
        monkeypatch.setitem(prefect_home, name, value)
    write_rows(tmp_path / "problems.jsonl", mixed_problems(16))
    model = start_scripted_model()
    config = {
        "run": str(tmp_path / "run"),
        "sources": [{"name": "problems", "files": str(tmp_path / "problems.jsonl")}],
        "model": {"name": "m", "url": model.url},
        "prompt": {"template": "raw", "chat": False},
        "sampling": {"n": 8},
        "verify": {"extract": "last"},
        "flow": {"shard_rows": 5},
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(config))
    goldilocks("curate", str(tmp_path / "run.yaml"))
    there = "s3://goldilocks/curated"
    goldilocks("curate", str(tmp_path / "run.yaml"), "--set", f"run={there}")
    check_counts(RunFolder(there))
    assert_same_content(str(tmp_path / "run"), there)
    for name in ("manifest.json", "README.md", "report.html", "funnel.svg"):
        assert RunFolder(there).exists(name)
    calls = model.calls
    goldilocks("curate", str(tmp_path / "run.yaml"), "--set", f"run={there}")
    assert model.calls == calls
    assert_same_content(str(tmp_path / "run"), there)
    assert not RunFolder(there).list(".lock", "")
    with hold_run(RunFolder(there)):
        told = goldilocks("curate", str(tmp_path / "run.yaml"), "--set", f"run={there}", check=Exit.BAD_INPUT).stderr
    assert "another process is working on this run" in told


def test_the_page_s_commands_on_a_store(s3: dict[str, str], prefect_home: dict[str, str]) -> None:
    found = [command for command in commands(PAGE) if "s3://" in command]
    assert len(found) >= 4
    path = f"{Path(sys.executable).parent}{os.pathsep}{prefect_home['PATH']}"
    for command in found:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
            env=prefect_home | s3 | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def grade(run: str, shards: int, where: Path) -> None:
    """Problems of `shards` shards with samples that are there already, graded into `run`."""
    problems = [row for row in mixed_problems(2 * shards) if row["source_id"].startswith("sum")]
    samples = [
        {"source_id": row["source_id"], "completion": f"It is {int(row['answer']) + i % 2}."}
        for row in problems
        for i in range(4)
    ]
    write_rows(where / f"p{shards}.jsonl", problems)
    write_rows(where / f"s{shards}.jsonl", samples)
    config = Config.model_validate(
        {
            "run": run,
            "sources": [{"name": "mine", "files": "-"}],
            "verify": {"extract": "last"},
            "flow": {"shard_rows": 2},
        }
    )
    grade_imported(str(where / f"p{shards}.jsonl"), str(where / f"s{shards}.jsonl"), run, config)


def test_listing_grows_with_the_shards_and_not_with_their_square(
    s3: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aiobotocore.httpsession import AIOHTTPSession

    requests: Counter[str] = Counter()
    send = AIOHTTPSession.send

    async def count(session: Any, request: Any) -> Any:
        requests["list" if request.method == "GET" and "list-type=2" in request.url else request.method] += 1
        return await send(session, request)

    names = 0
    listed = RunFolder.list

    def measure(folder: RunFolder, *what: str) -> list[str]:
        nonlocal names
        found = listed(folder, *what)
        names += len(found)
        return found

    monkeypatch.setattr(AIOHTTPSession, "send", count)
    monkeypatch.setattr(RunFolder, "list", measure)
    seen: list[tuple[int, int]] = []
    for shards in (4, 8, 16):
        requests.clear()
        names = 0
        grade(f"s3://goldilocks/shards-{shards}", shards, tmp_path)
        seen.append((requests["list"], names))
    (few, more, most), (short, longer, longest) = zip(*seen, strict=True)
    assert few > 0
    # Of a cost a + b x shards, twice the shards add b x shards; of a square they would add four times as much.
    assert most - more <= 2 * (more - few) + 4
    assert longest - longer <= 2 * (longer - short) + 4


def sample(index: int, completion: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(SAMPLE_DTYPES)
    texts = dict.fromkeys(("problem_id", "prompt", "model", "revision", "params"), "x")
    return {**row, **texts, "index": index, "completion": completion, "verdict": "wrong", "verifier": "v"}


def test_evidence_is_appended_merged_and_sealed_on_the_store_as_on_a_disk(s3: dict[str, str], tmp_path: Path) -> None:
    tables = []
    for place in ("s3://goldilocks/evidence", str(tmp_path)):
        for half in (0, 1):
            store = EvidenceStore(RunFolder(place), "00000", flush_seconds=1e-9)
            for i in range(40):
                store.append([sample(i + 20 * half, f"{half} {i}")])
            assert store.load().height == 40 + 20 * half
        store.seal()
        assert RunFolder(place).list("samples") == ["samples/00000.parquet"]
        tables.append(EvidenceStore(RunFolder(place), "00000").load())
    assert tables[0].equals(tables[1])
    assert tables[0].select(SAMPLE_KEY).is_duplicated().sum() == 0


def test_a_damaged_sample_file_on_the_store_is_set_aside(s3: dict[str, str]) -> None:
    folder = RunFolder("s3://goldilocks/damaged")
    store = EvidenceStore(folder, "00000")
    store.append([sample(0, "whole")])
    store.seal()
    folder.write_bytes("samples/00000.parquet", b"PAR1 cut")
    assert EvidenceStore(folder, "00000").load().is_empty()
    assert folder.list("samples", ".damaged") == ["samples/00000.parquet.damaged"]


DIE = """
import os, signal, sys
import s3fs
from pipeline.run.storage import RunFolder
call = s3fs.S3FileSystem._call_s3
async def dying(fs, method, *more, **named):
    if method in ("complete_multipart_upload", sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    return await call(fs, method, *more, **named)
s3fs.S3FileSystem._call_s3 = dying
RunFolder("s3://goldilocks/torn").write_bytes("problems/00000.parquet", b"new" * 40_000_000)
"""


def test_a_writer_that_is_killed_leaves_the_old_object(s3: dict[str, str]) -> None:
    folder = RunFolder("s3://goldilocks/torn")
    folder.write_table("problems/00000.parquet", pl.DataFrame({"id": ["old"]}))
    for moment in ("complete_multipart_upload", "upload_part"):
        done = subprocess.run([sys.executable, "-c", DIE, moment], cwd=ROOT, env=os.environ | s3, check=False)
        assert done.returncode == -signal.SIGKILL
        assert folder.read_table("problems/00000.parquet")["id"].to_list() == ["old"]
        assert folder.list("problems") == ["problems/00000.parquet"]


HOLD = "import time; from pipeline.run.lock import hold_run; from pipeline.run.storage import RunFolder\n"
HOLD += "with hold_run(RunFolder('s3://goldilocks/held')):\n    print('held', flush=True)\n    time.sleep(3600)"


def test_a_run_on_the_store_is_held_by_one_until_that_one_is_gone(s3: dict[str, str]) -> None:
    folder = RunFolder("s3://goldilocks/held")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=ROOT, env=os.environ | s3, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(InputError, match=f"pid {holder.pid}"), hold_run(folder):
        pass
    holder.kill()
    holder.wait()
    with hold_run(folder):
        assert len(folder.list(LOCK, ".json")) == 1
    assert not folder.list(LOCK, ".json")


def claim_from_afar(folder: RunFolder) -> str:
    name = f"{LOCK}/other.json"
    folder.write_json(name, {"host": "elsewhere", "pid": 1, "boot": "b", "space": "s", "started": "1"})
    return name


def test_a_claim_from_another_machine_lapses_by_the_clock_of_the_store(
    s3: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder("s3://goldilocks/lapsed")
    claim_from_afar(folder)
    with pytest.raises(InputError, match="elsewhere pid 1"), hold_run(folder):
        pass
    monkeypatch.setattr(lock, "LEASE", 0.5)
    time.sleep(2)
    with hold_run(folder):
        assert len(folder.list(LOCK, ".json")) == 1


@pytest.mark.parametrize("taken", ["removed", "shared"])
def test_a_process_whose_run_was_taken_over_stops(
    s3: dict[str, str], monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    """One that was started in the background too, where the shell has SIGINT ignored."""
    folder = RunFolder(f"s3://goldilocks/taken-{taken}")
    monkeypatch.setattr(lock, "BEAT", 0.1)

    def work() -> None:
        with hold_run(folder):
            if taken == "shared":
                claim_from_afar(folder)
            else:
                folder.remove(folder.list(LOCK, ".json")[0])
            time.sleep(60)

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(LostRunError):
            work()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_bucket_that_is_not_there_is_bad_input(s3: dict[str, str]) -> None:
    with pytest.raises(InputError, match="check that the bucket exists"), hold_run(RunFolder("s3://nowhere/run")):
        pass


def test_a_store_that_nothing_here_knows_is_bad_input_that_says_what_to_install() -> None:
    with pytest.raises(InputError, match="goldilocks"):
        RunFolder("nostore://bucket/run")


def test_the_doctor_says_whether_the_store_answers(s3: dict[str, str]) -> None:
    assert look_at_store("s3://goldilocks/anything").ok is True
    with with_environment({**s3, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}):
        assert look_at_store("s3://goldilocks/anything").ok is False
    assert look_at_store("nostore://bucket/run").fix == "make cluster"

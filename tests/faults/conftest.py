"""One undisturbed run for the session, and runs to disturb."""

import ctypes
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from tests.conftest import PR_SET_PDEATHSIG, ROOT, free_port
from tests.faults.figures import FIGURES, SEED
from tests.faults.flow import Fault, finish, start
from tests.faults.problems import Row, configure, make_rows, write_rows
from tests.faults.result import assert_same, count_doubled, read_result, sort_rows

GUARD = 240


@pytest.fixture(scope="session")
def chance() -> random.Random:
    return random.Random(SEED)


def start_server(command: list[str], url: str, log: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    """A process that answers at `url` when this returns."""
    parent = os.getpid()

    def die_with_us() -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    with log.open("ab") as out:
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True, preexec_fn=die_with_us
        )
    deadline = time.monotonic() + GUARD
    while True:
        assert server.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        with suppress(httpx.HTTPError):
            if httpx.get(url, timeout=2).status_code == 200:
                return server
        time.sleep(0.05)


def end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@dataclass
class PrefectServer:
    """A Prefect server of its own, which may be killed and started again with the database that it had."""

    port: int
    home: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
        return clean | {
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "CRITICAL",
        }

    def start(self) -> None:
        command = [sys.executable, "-m", "prefect", "--no-prompt", "server", "start", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--no-ui"]
        url = f"http://127.0.0.1:{self.port}/api/health"
        self.process = start_server(command, url, self.home / "server.log", self.environment)

    def kill(self) -> None:
        if self.process is not None:
            end(self.process)
            self.process = None


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """The session's server; runs are forked with it in their environment."""
    server = PrefectServer(free_port(), tmp_path_factory.mktemp("prefect"))
    server.start()
    before = dict(os.environ)
    os.environ.update(server.environment)
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        yield server
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)
        server.kill()


@dataclass
class Trial:
    """A folder with problems, a run to disturb, and the stand-in model server that it samples from."""

    folder: Path
    config: Path
    run: Path
    problems_file: Path
    port: int
    server: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def serve(self, seconds: float = 0.02) -> None:
        command = [sys.executable, "-m", "tests.faults.tape", str(self.port), str(self.problems_file)]
        command += [str(self.run), str(seconds)]
        self.server = start_server(command, f"{self.url}/models", self.folder / "tape.log", dict(os.environ))

    def stop(self) -> None:
        if self.server is not None:
            end(self.server)
            self.server = None

    def curate(self, fault: Fault | None = None, count: Path | None = None) -> int:
        """One whole run; its exit code."""
        return finish(start(self.config, self.log, fault, count))

    def said(self) -> str:
        return self.log.read_text()[-4000:] if self.log.exists() else ""


Make = Callable[..., Trial]


def open_trial(folder: Path, problems_file: Path, seconds: float = 0.02, **changes: Any) -> Trial:
    """A trial in `folder`, with its server up."""
    port = free_port()
    config = configure(folder, problems_file, f"http://127.0.0.1:{port}/v1", **changes)
    trial = Trial(folder, config, folder / "run", problems_file, port)
    trial.serve(seconds)
    return trial


@pytest.fixture(scope="session")
def problems_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The problems that most trials share: histories name the file."""
    path = tmp_path_factory.mktemp("problems") / "problems.jsonl"
    write_rows(path, make_rows())
    return path


@pytest.fixture
def make_trial(prefect: PrefectServer, problems_file: Path, tmp_path: Path) -> Iterator[Make]:
    """A trial in a folder of its own below `tmp_path`, over the shared problems or over `rows`."""
    made: list[Trial] = []

    def make(name: str = "trial", rows: list[Row] | None = None, seconds: float = 0.02, **changes: Any) -> Trial:
        folder = tmp_path / name
        folder.mkdir()
        source = problems_file if rows is None else folder / "problems.jsonl"
        if rows is not None:
            write_rows(source, rows)
        made.append(open_trial(folder, source, seconds, **changes))
        return made[-1]

    yield make
    for trial in made:
        trial.stop()


@dataclass(frozen=True)
class Undisturbed:
    """What the problems come to when nothing happens; `operations` on files and `seconds` that took."""

    result: dict[str, Any]
    operations: int
    seconds: float
    run: Path


@pytest.fixture(scope="session")
def undisturbed(prefect: PrefectServer, problems_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    trial = open_trial(folder, problems_file)
    try:
        assert trial.curate(count=folder / "warm") == 0, trial.said()
        shutil.rmtree(trial.run)
        began = time.monotonic()
        assert trial.curate(count=folder / "count") == 0, trial.said()
        seconds = time.monotonic() - began
    finally:
        trial.stop()
    result = read_result(trial.run)
    kinds = set(result["decisions"]["decision"])
    assert {"keep", "label_contradicted", "too_easy"} <= kinds, kinds
    assert result["curated"].height >= 5
    return Undisturbed(result, int((folder / "count").read_text()), seconds, trial.run)


def check(trial: Trial, expected: dict[str, Any], kind: str, faults: int = 1, moved: str | None = None) -> None:
    """Compare a trial with what it should have come to, and count what was tried and lost.

    `moved` is where the trial stood that is compared with, where it had problems of its own: histories name the file.
    """
    FIGURES.count(kind, faults)
    found = read_result(trial.run)
    if moved is not None:
        found = {name: move(table, str(trial.folder), moved) for name, table in found.items()}
    for name in ("problems", "rejected", "samples", "curated"):
        here, there = (result.get(name) for result in (found, expected))
        FIGURES.lost += max(0, (0 if there is None else there.height) - (0 if here is None else here.height))
    FIGURES.problems += expected["problems"].height
    FIGURES.samples += expected["samples"].height
    FIGURES.doubled += count_doubled(trial.run)
    assert_same(found, expected)


def move(table: Any, here: str, there: str) -> Any:
    """A table whose histories name another folder."""
    if not isinstance(table, pl.DataFrame) or "history" not in table.columns:
        return table
    entry = pl.element()
    renamed = entry.struct.with_fields(pl.field("detail").str.replace(here, there, literal=True))
    return sort_rows(table.with_columns(pl.col("history").list.eval(renamed)))

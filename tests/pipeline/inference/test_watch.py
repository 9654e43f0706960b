"""The watch over the engine's process: deaths, hangs, poison and orphans, with real processes and real kills.

The process here is a stand-in worker that speaks the engine's protocol without a model; test_engine does it with vLLM.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.inference.engine import EngineDied, EngineFailure, Request, SamplingParams
from pipeline.inference.models import ResolvedModel
from pipeline.inference.prompts import Prompt
from pipeline.inference.vllm_engine import VllmEngine
from pipeline.inference.worker_process import engine_arguments
from schemas.config import ModelConfig

ROOT = Path(__file__).resolve().parents[3]
WORKER = "tests.pipeline.inference.stand_in_worker"
GUARD = 60


def ask(text: str, n: int = 2) -> Request:
    return Request(Prompt(None, text, "0" * 16), n, SamplingParams(max_tokens=8))


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Any]:
    @contextmanager
    def opened(**model: Any) -> Iterator[VllmEngine]:
        (tmp_path / "model").mkdir(exist_ok=True)
        (tmp_path / "model" / "model.safetensors").write_bytes(b"none")
        config = ModelConfig(**{"name": str(tmp_path / "model"), "restarts": 3, "timeout": 30, **model})
        engine = VllmEngine(config, worker=WORKER)
        try:
            yield engine
        finally:
            engine.close()

    return opened


def test_every_request_gets_its_completions(opened: Callable[..., Any]) -> None:
    with opened(max_num_seqs=4) as engine:
        futures = [engine.submit(ask(f"q{i}", n=i % 5 + 1)) for i in range(200)]
        for i, future in enumerate(futures):
            assert [one.text for one in future.result(GUARD)] == [f"q{i}!"] * (i % 5 + 1)
        assert engine.in_flight() == 0
        assert (engine.stats.requests, engine.stats.restarts) == (200, 0)
        assert engine.stats.tokens == 2 * sum(i % 5 + 1 for i in range(200))


def test_no_process_starts_before_the_first_request(opened: Callable[..., Any]) -> None:
    with opened() as engine:
        assert engine.pid is None


def test_one_death_costs_nobody_a_completion(opened: Callable[..., Any], tmp_path: Path) -> None:
    with opened() as engine:
        futures = [engine.submit(ask(f"DIE-ONCE {tmp_path / 'mark'}" if i == 20 else f"q{i}")) for i in range(50)]
        assert all(len(future.result(GUARD)) == 2 for future in futures)
        assert engine.stats.restarts == 1


def test_a_child_that_is_killed_is_replaced(opened: Callable[..., Any]) -> None:
    with opened() as engine:
        engine.submit(ask("first")).result(GUARD)
        killed = engine.pid
        os.kill(killed, signal.SIGKILL)
        assert len(engine.submit(ask("second")).result(GUARD)) == 2
        assert engine.pid not in (None, killed)


def test_every_start_has_another_seed_unless_the_config_names_one(opened: Callable[..., Any]) -> None:
    def seeds(engine: Any) -> list[str]:
        drawn = []
        for _ in range(2):
            drawn.append(engine.submit(ask("SEED")).result(GUARD)[0].text)
            os.kill(engine.pid, signal.SIGKILL)
        return drawn

    with opened() as engine:
        first, second = seeds(engine)
        assert first != second
    with opened(engine={"seed": 7}) as engine:
        assert seeds(engine) == ["7!", "7!"]


def test_a_poison_request_fails_alone(opened: Callable[..., Any]) -> None:
    with opened() as engine:
        futures = [engine.submit(ask("DIE" if i == 7 else f"q{i}")) for i in range(30)]
        with pytest.raises(EngineFailure, match=r"died 3 times of this request.*SIGKILL"):
            futures[7].result(GUARD)
        assert all(len(future.result(GUARD)) == 2 for i, future in enumerate(futures) if i != 7)
        assert engine.stats.restarts == 3


def test_several_poisons_do_not_use_up_the_restarts(opened: Callable[..., Any]) -> None:
    with opened() as engine:
        futures = [engine.submit(ask("DIE" if i in (3, 9, 17) else f"q{i}")) for i in range(20)]
        failed = [i for i, future in enumerate(futures) if future.exception(GUARD) is not None]
        assert failed == [3, 9, 17]
        assert all(isinstance(futures[i].exception(), EngineFailure) for i in failed)


@pytest.mark.slow
def test_a_hang_is_a_death(opened: Callable[..., Any]) -> None:
    with opened(timeout=1.5) as engine:
        stuck, fine = engine.submit(ask("HANG")), engine.submit(ask("q"))
        with pytest.raises(EngineFailure, match=r"no sign of life for 1\.5 s"):
            stuck.result(GUARD)
        assert len(fine.result(GUARD)) == 2


@pytest.mark.slow
def test_a_long_completion_is_no_hang(opened: Callable[..., Any]) -> None:
    with opened(timeout=1.5) as engine:
        assert len(engine.submit(ask("LONG")).result(GUARD)) == 2
        assert engine.stats.restarts == 0


def test_a_refused_request_fails_alone_and_kills_nothing(opened: Callable[..., Any]) -> None:
    with opened() as engine:
        refused, fine = engine.submit(ask("REFUSE")), engine.submit(ask("q"))
        with pytest.raises(EngineFailure, match="too long"):
            refused.result(GUARD)
        assert len(fine.result(GUARD)) == 2
        assert engine.stats.restarts == 0


def test_when_restarts_are_used_up_everybody_is_told_why_and_what_to_do(opened: Callable[..., Any]) -> None:
    with opened(restarts=2, engine={"dies_at_start": True}) as engine:
        futures = [engine.submit(ask(f"q{i}")) for i in range(5)]
        for future in futures:
            with pytest.raises(
                EngineDied, match=r"(?s)SIGKILL.*started again 2 times.*doctor.*the stand-in worker speaks"
            ):
                future.result(GUARD)
        with pytest.raises(EngineDied):
            engine.submit(ask("later")).result(GUARD)
        assert engine.stats.restarts == 2


def test_settings_that_fit_no_engine_are_not_tried_again(opened: Callable[..., Any]) -> None:
    with opened(engine={"unusable": True}) as engine:
        with pytest.raises(EngineDied, match="these settings fit no model"):
            engine.submit(ask("q")).result(GUARD)
        assert engine.stats.restarts == 0


def test_closing_fails_what_is_owed_and_leaves_no_process(opened: Callable[..., Any]) -> None:
    with opened() as engine:
        engine.submit(ask("q")).result(GUARD)
        pending, pid = engine.submit(ask("HANG")), engine.pid
        engine.close()
        assert isinstance(pending.exception(GUARD), EngineDied)
        assert not is_alive(pid)


def test_a_child_outlives_the_thread_that_asked_first(opened: Callable[..., Any]) -> None:
    import threading

    with opened() as engine:
        thread = threading.Thread(target=lambda: engine.submit(ask("q")).result(GUARD))
        thread.start()
        thread.join()
        pid = engine.pid
        time.sleep(0.3)
        assert len(engine.submit(ask("q")).result(GUARD)) == 2
        assert engine.pid == pid


PARENT = """
import sys
from pipeline.inference.vllm_engine import VllmEngine
from pipeline.inference.engine import Request, SamplingParams
from pipeline.inference.prompts import Prompt
from schemas.config import ModelConfig
engine = VllmEngine(ModelConfig(name=sys.argv[1]), worker=sys.argv[2])
engine.submit(Request(Prompt(None, "q", "k"), 1, SamplingParams(8))).result()
engine.submit(Request(Prompt(None, "HANG", "k"), 1, SamplingParams(8)))
print(engine.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_parent_leaves_no_orphan(opened: Callable[..., Any], tmp_path: Path, signum: int) -> None:
    with opened():
        pass
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "model"), WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.send_signal(signum)
    parent.wait(GUARD)
    wait_gone(child)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_gone(pid: int, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while is_alive(pid):
        assert time.monotonic() < end, f"process {pid} is still there"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("device", "given", "eager"),
    [("cpu", None, True), ("cuda", None, False), ("cpu", False, False), ("cuda", True, True)],
)
def test_a_gpu_compiles_unless_the_config_says_otherwise(
    device: str, given: bool | None, eager: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.inference.worker_process.find_device", lambda: device)
    resolved = ResolvedModel("a folder", "folder-0", True)
    assert engine_arguments(ModelConfig(enforce_eager=given), resolved)["enforce_eager"] is eager

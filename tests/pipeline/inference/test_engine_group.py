"""Several engines as one: real processes of the stand-in worker, and one test with vLLM."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.inference.engine import EngineDied, EngineFailure
from pipeline.inference.engine_group import EngineGroup
from pipeline.inference.machine import ALONE, Place
from pipeline.inference.open import open_engine
from pipeline.inference.vllm_engine import VllmEngine
from schemas.config import ModelConfig
from schemas.errors import InputError
from tests.pipeline.inference.test_watch import GUARD, WORKER, ask


@contextmanager
def open_group(folder: Path, *of_each: dict[str, Any]) -> Iterator[EngineGroup]:
    (folder / "model.safetensors").write_bytes(b"none")
    common: dict[str, Any] = {"name": str(folder), "restarts": 0, "timeout": 30, "max_num_seqs": 4}
    places = [Place(number, len(of_each)) for number in range(len(of_each))]
    group = EngineGroup(
        [VllmEngine(ModelConfig(**common | own), WORKER, place) for own, place in zip(of_each, places, strict=True)]
    )
    try:
        yield group
    finally:
        group.close()


def test_the_work_is_shared_and_every_request_is_answered(tmp_path: Path) -> None:
    with open_group(tmp_path, {}, {}, {}) as group:
        futures = [group.submit(ask(f"q{i}")) for i in range(120)]
        assert [future.result(GUARD)[0].text for future in futures] == [f"q{i}!" for i in range(120)]
        each = [engine.stats.requests for engine in group.engines]
        assert sum(each) == group.stats.requests == 120
        assert min(each) >= 20
        assert group.capacity == sum(engine.capacity for engine in group.engines)
        assert group.in_flight() == 0


def test_what_an_engine_that_is_dead_for_good_held_is_asked_of_the_others(tmp_path: Path) -> None:
    with open_group(tmp_path, {"engine": {"dies_at_start": True}}, {}) as group:
        futures = [group.submit(ask(f"q{i}")) for i in range(40)]
        assert [future.result(GUARD)[0].text for future in futures] == [f"q{i}!" for i in range(40)]
        assert [engine.is_dead for engine in group.engines] == [True, False]
        assert not group.is_dead


def test_without_a_living_engine_every_request_says_why(tmp_path: Path) -> None:
    dying = {"engine": {"dies_at_start": True}}
    with open_group(tmp_path, dying, dying) as group:
        for future in [group.submit(ask(f"q{i}")) for i in range(6)]:
            with pytest.raises(EngineDied, match="SIGKILL"):
                future.result(GUARD)
        assert group.is_dead


def test_a_request_that_is_refused_is_asked_of_nobody_else(tmp_path: Path) -> None:
    with open_group(tmp_path, {}, {}) as group:
        with pytest.raises(EngineFailure, match="too long"):
            group.submit(ask("REFUSE")).result(GUARD)
        assert group.stats.requests == 0
        assert not group.is_dead


def test_closing_fails_what_is_pending_and_leaves_no_process(tmp_path: Path) -> None:
    with open_group(tmp_path, {}, {}) as group:
        pending = [group.submit(ask("HANG")) for _ in range(2)]
        until = time.monotonic() + GUARD
        while None in (pids := [engine.pid for engine in group.engines if isinstance(engine, VllmEngine)]):
            assert time.monotonic() < until
            time.sleep(0.05)
        group.close()
        assert all(isinstance(future.exception(GUARD), EngineDied) for future in pending)
        with pytest.raises(EngineDied):
            group.submit(ask("later")).result(GUARD)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid or 0), 0)


@pytest.mark.parametrize(
    ("visible", "devices", "expected"),
    [
        ("0,1,2,3", 1, ["0", "1", "2"]),
        ("4,5,6,7,8,9", 2, ["4,5", "6,7", "8,9"]),
        ("GPU-a, GPU-b, GPU-c", 1, ["GPU-a", "GPU-b", "GPU-c"]),
    ],
)
def test_each_has_gpus_of_its_own(
    visible: str, devices: int, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.inference.machine.find_device", lambda: "cuda")
    base = {"CUDA_VISIBLE_DEVICES": visible, "HOME": "h"}
    given = [Place(number, 3).restrict(base, devices) for number in range(3)]
    assert [environment["CUDA_VISIBLE_DEVICES"] for environment in given] == expected
    assert all(environment["HOME"] == "h" for environment in given)
    assert ALONE.restrict(base, devices) == base


def test_too_few_gpus_are_told_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.inference.machine.find_device", lambda: "cuda")
    with pytest.raises(InputError, match="2 engines of 4 GPUs each want 8, and 6 may be used"):
        Place(1, 2).restrict({"CUDA_VISIBLE_DEVICES": "0,1,2,3,4,5"}, 4)


def test_on_a_cpu_each_has_its_share_of_the_cores() -> None:
    shares = [Place(number, 2).restrict({"VLLM_CPU_OMP_THREADS_BIND": "0-4"}, 1) for number in range(2)]
    assert [share["VLLM_CPU_OMP_THREADS_BIND"] for share in shares] == ["0,2,4", "1,3"]


@pytest.mark.model
def test_two_engines_of_vllm_answer_and_one_that_is_killed_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    with open_engine(ModelConfig(engines=2, max_model_len=256, max_num_seqs=16)) as group:
        assert isinstance(group, EngineGroup)
        futures = [group.submit(ask(f"Count to {i}:", n=4)) for i in range(24)]
        assert [len(future.result(240)) for future in futures] == [4] * 24
        first, second = group.engines
        assert isinstance(first, VllmEngine)
        assert min(first.stats.requests, second.stats.requests) > 0
        os.kill(int(first.pid or 0), signal.SIGKILL)
        futures = [group.submit(ask(f"Count to {i}:", n=4)) for i in range(24)]
        assert [len(future.result(240)) for future in futures] == [4] * 24
        assert (first.stats.restarts, group.is_dead) == (1, False)

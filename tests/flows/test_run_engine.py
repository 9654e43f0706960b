"""The engine of a run: one for all stages, and another in its place when it has died, so that sampling goes on."""

from functools import partial
from pathlib import Path

import pytest

from flows.curate import hold_engine
from pipeline.inference import open as opening
from pipeline.inference.engine import EngineDied, Request, SamplingParams
from pipeline.inference.prompts import Prompt
from pipeline.inference.vllm_engine import VllmEngine
from schemas.config import Config
from schemas.load import build_config

GUARD = 60


def ask(text: str) -> Request:
    return Request(Prompt(None, text, "0" * 16), 1, SamplingParams(max_tokens=8))


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"none")
    worker = "tests.pipeline.inference.stand_in_worker"
    monkeypatch.setattr(opening, "VllmEngine", partial(VllmEngine, worker=worker))
    sources = [{"name": "a", "files": "b"}]
    return build_config({"run": str(tmp_path), "sources": sources, "model": {"name": str(model), "restarts": 0}})


def test_one_engine_serves_every_stage(config: Config) -> None:
    with hold_engine(config) as held:
        assert held.open() is held.open()


def test_a_worker_killed_in_a_stage_fails_that_stage_and_not_the_next(config: Config) -> None:
    with hold_engine(config) as held:
        judge = held.open()
        with pytest.raises(EngineDied):
            judge.submit(ask("DIE")).result(GUARD)
        assert judge.is_dead
        sampling = held.open()
        assert sampling is not judge
        assert sampling.submit(ask("a")).result(GUARD)[0].text == "a!"

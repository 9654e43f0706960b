"""What the doctor says of the servers that a config names, and of the GPUs that it needs."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.doctor import look_at_engine, look_at_translator
from flows.cli.fit import look_at_memory
from flows.cli.main import app
from schemas.config import Config, ModelConfig, Source, TranslateConfig
from tests.conftest import ROOT, free_port
from tests.pipeline.inference.unruly import Unruly, answer


def test_each_server_is_looked_at_and_what_it_serves_is_said() -> None:
    here, other = (Unruly(lambda body, _: answer(1), root=root) for root in ("weights-1", None))
    gone = f"http://127.0.0.1:{free_port()}/v1"
    try:
        model = here.model(url=(here.url, other.url, gone))
        config = Config(run="r", sources=(Source(name="s", files="f"),), model=model)
        first, second, third, trainer = look_at_engine(config)
        afar = config.train.model_copy(update={"on_servers": True})
        (wrong,) = look_at_engine(config.model_copy(update={"model": here.model(name="another"), "train": afar}))
    finally:
        here.vanish()
        other.vanish()
    assert (first.ok, second.ok, third.ok) == (True, True, False)
    assert "weights-1" in first.state
    assert gone in third.state
    assert "vllm serve" in third.fix
    assert wrong.ok is False
    assert "model.name" in wrong.fix
    assert (trainer.what, trainer.ok) == ("engine: here", None), "rollouts and pass 2 are asked of it"


def test_a_translator_that_is_not_installed_is_no_error_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = TranslateConfig(enabled=True, by="apertium")
    config = Config(run="r", sources=(Source(name="s", files="f"),), translate=asked)
    monkeypatch.setenv("PATH", "")
    (finding,) = look_at_translator(config)
    assert finding.ok is None
    assert "apt-get install" in finding.fix
    assert list(look_at_translator(config.model_copy(update={"translate": TranslateConfig(by="apertium")}))) == []


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ([], 0, "fits"),
        (["--gpu-memory", "48"], 1, "does not fit; what would: --set"),
        (["--gpus", "4"], 2, "placement.trainer has GPU"),
    ],
)
def test_a_config_is_held_against_the_gpus_that_it_is_to_have(
    options: list[str], code: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.cli.doctor.examine", lambda _: True)
    done = CliRunner().invoke(app, ["doctor", str(ROOT / "configs" / "8xgpu-qwen3-8b.yaml"), *options])
    assert done.exit_code == code, done.output
    assert told in " ".join(done.output.split())


def test_defaults_are_shown_for_every_node_where_there_is_no_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    model = ModelConfig(name="Qwen/Qwen3-8B")
    assert look_at_memory(Config(run="r", sources=(Source(name="s", files="f"),), model=model))
    shown = capsys.readouterr().out
    assert "8.19B parameters" in shown
    assert [line.split()[0] for line in shown.splitlines() if line[:1].isdigit()] == ["1", "2", "4", "8"]


@pytest.mark.parametrize("served", [False, True])
def test_a_model_that_is_not_here_is_no_fault_where_servers_have_it(
    served: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1" if served else None
    model = ModelConfig(name=str(tmp_path / "elsewhere"), url=url)
    assert look_at_memory(Config(run="r", sources=(Source(name="s", files="f"),), model=model)) is served
    shown = capsys.readouterr().out
    assert "Memory is not reckoned" in shown
    assert "elsewhere" in shown

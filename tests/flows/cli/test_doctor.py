"""What the doctor says of the servers that a config names."""

import pytest

from flows.cli.doctor import look_at_engine, look_at_translator
from schemas.config import Config, Source, TranslateConfig
from tests.conftest import free_port
from tests.pipeline.inference.unruly import Unruly, answer


def test_each_server_is_looked_at_and_what_it_serves_is_said() -> None:
    here, other = (Unruly(lambda body, _: answer(1), root=root) for root in ("weights-1", None))
    gone = f"http://127.0.0.1:{free_port()}/v1"
    try:
        model = here.model(url=(here.url, other.url, gone))
        config = Config(run="r", sources=(Source(name="s", files="f"),), model=model)
        first, second, third = look_at_engine(config)
        (wrong,) = look_at_engine(config.model_copy(update={"model": here.model(name="another")}))
    finally:
        here.vanish()
        other.vanish()
    assert (first.ok, second.ok, third.ok) == (True, True, False)
    assert "weights-1" in first.state
    assert gone in third.state
    assert "vllm serve" in third.fix
    assert wrong.ok is False
    assert "model.name" in wrong.fix


def test_a_translator_that_is_not_installed_is_no_error_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = TranslateConfig(enabled=True, by="apertium")
    config = Config(run="r", sources=(Source(name="s", files="f"),), translate=asked)
    monkeypatch.setenv("PATH", "")
    (finding,) = look_at_translator(config)
    assert finding.ok is None
    assert "apt-get install" in finding.fix
    assert list(look_at_translator(config.model_copy(update={"translate": TranslateConfig(by="apertium")}))) == []

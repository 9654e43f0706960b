"""TRL takes the exports: each trainer prepares the data, and trains a step on it."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.publish.export import export_run
from pipeline.run.storage import RunFolder
from tests.pipeline.publish.export.runs import lay_mixed, save_reader

pytest.importorskip("trl", reason="TRL is the reader here; it comes with the extra `parity`")

# TRL imports vLLM: 12 seconds of CPU before its first line.
pytestmark = pytest.mark.slow

QUIET: dict[str, Any] = {
    "use_cpu": True,
    "bf16": False,
    "report_to": [],
    "max_steps": 1,
    "save_strategy": "no",
    "disable_tqdm": True,
    "gradient_checkpointing": False,
    "per_device_train_batch_size": 2,
}


@pytest.fixture(scope="module", params=["chat", "raw"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    chat = {"prompt": {"template": "plain", "chat": request.param == "chat"}}
    return lay_mixed(tmp_path_factory.mktemp("mixed") / "run", **chat)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_reader(tmp_path_factory.mktemp("model"))


def load(name: str, run: RunFolder, out: Path) -> Any:
    from datasets import load_dataset

    export_run(name, run.root, str(out / "export"))
    data = load_dataset(str(out / "export"), cache_dir=str(out / "cache"))
    assert set(data) == {"train", "test"}
    return data["train"]


def test_grpo(run: RunFolder, model: str, tmp_path: Path) -> None:
    from trl import GRPOConfig, GRPOTrainer

    seen: list[dict[str, Any]] = []

    def reward(completions: list[Any], **columns: Any) -> list[float]:
        seen.append(columns)
        return [float(n) for n in range(len(completions))]

    config = GRPOConfig(output_dir=str(tmp_path / "out"), num_generations=2, max_completion_length=4, **QUIET)
    data = load("trl", run, tmp_path)
    GRPOTrainer(model, reward_funcs=reward, args=config, train_dataset=data).train()
    [columns] = seen
    assert set(columns["ground_truth"]) <= set(data["ground_truth"])
    assert {"id", "domain", "language", "statement"} <= columns.keys()


def test_sft(run: RunFolder, model: str, tmp_path: Path) -> None:
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir=str(tmp_path / "out"), max_length=512, **QUIET)
    data = load("sft", run, tmp_path)
    trainer = SFTTrainer(model, args=config, train_dataset=data)
    [batch] = [next(iter(trainer.get_train_dataloader()))]
    trained = batch["labels"] != -100
    assert 0 < trained.sum() < trained.numel()
    shown = trainer.processing_class.decode(batch["input_ids"][0][trained[0]])
    completions = {row if isinstance(row, str) else row[0]["content"] for row in data["completion"]}
    assert shown.removesuffix("<|end|>") in completions
    trainer.train()


def test_dpo(run: RunFolder, model: str, tmp_path: Path) -> None:
    from trl import DPOConfig, DPOTrainer

    config = DPOConfig(output_dir=str(tmp_path / "out"), max_length=512, **QUIET)
    data = load("dpo", run, tmp_path)
    done = DPOTrainer(model, args=config, train_dataset=data).train()
    assert done.training_loss == pytest.approx(0.693, abs=0.01)

"""TRL trains on the sorted files, and what it logs of that moves the problems."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.publish.curriculum.rebands import reband
from pipeline.publish.curriculum.write import export_curriculum
from tests.pipeline.publish.export.runs import lay_mixed, save_reader

pytest.importorskip("trl", reason="TRL is the reader here; it comes with the extra `parity`")

# TRL imports vLLM: 12 seconds of CPU before its first line.
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("chat", [True, False])
def test_its_own_log_is_read(chat: bool, tmp_path: Path) -> None:
    from datasets import load_dataset
    from trl import GRPOConfig, GRPOTrainer

    run = lay_mixed(tmp_path / "run", prompt={"template": "plain", "chat": chat})
    export_curriculum(run.root, str(tmp_path / "out"), ["curriculum.trainer=trl"])
    data = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]

    def goldilocks(completions: list[Any], **columns: Any) -> list[float]:
        return [1.0] * len(completions)

    config = GRPOConfig(
        output_dir=str(tmp_path / "trained"),
        num_generations=8,
        per_device_train_batch_size=16,
        max_completion_length=4,
        max_steps=1,
        use_cpu=True,
        bf16=False,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        gradient_checkpointing=False,
        shuffle_dataset=False,
        log_completions=True,
        logging_steps=1,
    )
    (tmp_path / "model").mkdir()
    model = save_reader(tmp_path / "model")
    GRPOTrainer(model, reward_funcs=goldilocks, args=config, train_dataset=data).train()
    done = reband(str(tmp_path / "out"), str(tmp_path / "trained" / "completions"))
    assert (done.read, done.unknown, done.unmatched, done.problems, done.last_step) == (16, 0, 0, 2, 1)
    table = pl.read_parquet(tmp_path / "out" / "curriculum.parquet")
    seen = table.filter(pl.col("recent_n").is_not_null())
    assert sorted(seen["id"]) == sorted(data["id"][:2])
    assert set(seen["recent_n"]) == {8}

"""A stage that asks the model: what it could not ask is asked by the next run, and rejects nothing."""

from pathlib import Path

from flows.outcomes import is_stale, stage_key
from flows.tasks import run_stage_on_shard
from pipeline.run.storage import RunFolder
from pipeline.stages import find_stage
from schemas.conform import conform_rows
from tests.pipeline.sample.scripted import ScriptedEngine, config_for


def test_a_shard_whose_requests_failed_is_judged_again(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path / "run"))
    rows = [{"domain": "math", "statement": f"What is {n} + 3?", "answer": str(n + 3)} for n in range(5)]
    folder.write_table("problems/00000.parquet", conform_rows(rows, "s")[0])
    config = config_for(folder.root)
    asked = []
    for fails in (True, False, False):
        engine = ScriptedEngine({"": ["no idea"]}, fails=lambda text, fails=fails: fails)  # type: ignore[misc]
        run_stage_on_shard.fn(config, folder, "judge", "00000", "problems", engine)
        engine.close()
        key = stage_key(config, folder, find_stage("judge"), "00000", "problems", engine)
        assert is_stale(folder, "judge", "00000", key) == fails
        assert folder.count_rows("stages/judge/00000.parquet") == 5
        asked.append(engine.submitted > 0)
    assert asked == [True, True, False]

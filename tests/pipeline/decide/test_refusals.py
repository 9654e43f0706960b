"""Problems whose prompt the grader does not take are decided as that, by what the run has recorded."""

from pathlib import Path

import polars as pl

from pipeline.decide.run import decide_run
from pipeline.run.evidence import read_refusals, record_refusals
from pipeline.run.layout import decisions_name, problems_name, refusals_name
from pipeline.run.storage import RunFolder
from pipeline.sample.store import EvidenceStore
from schemas.problem import complete_columns
from schemas.refusal import REFUSAL_DTYPES
from tests.pipeline.sample.scripted import config_for, problems_of

SHARD = "00000"
MESSAGE = "the prompt has 900 tokens, but model.max_model_len is 256"


def refuse(*ids: str) -> pl.DataFrame:
    return pl.DataFrame([(id_, "prompt_too_long", MESSAGE) for id_ in ids], schema=REFUSAL_DTYPES, orient="row")


def sample(problem: str, index: int) -> dict[str, object]:
    return {
        "problem_id": problem,
        "prompt": "p",
        "model": "m",
        "revision": "r",
        "params": "s",
        "index": index,
        "completion": "so 1",
        "tokens": 3,
        "finish_reason": "stop",
        "answer": "1",
        "answer_key": "1",
        "verdict": "correct",
        "verdict_detail": None,
        "verifier": "v",
        "seconds": 0.1,
        "says_missing": False,
    }


def test_a_refused_problem_leaves_under_its_reason_unless_its_samples_decide(tmp_path: Path) -> None:
    folder, config = RunFolder(str(tmp_path)), config_for(str(tmp_path))
    problems = complete_columns(problems_of(["1", "1", "1"]))
    long, waiting, easy = problems["id"]
    folder.write_table(problems_name(SHARD), problems)
    store = EvidenceStore(folder, SHARD)
    store.append(sample(easy, index) for index in range(16))
    store.seal()
    record_refusals(folder, SHARD, [long, easy], refuse(long, easy))
    assert decide_run(folder, config) == {"prompt_too_long": 1, "too_easy": 1, "undetermined": 1}
    decided = folder.read_table(decisions_name(SHARD, 1)).filter(pl.col("problem_id") == long).row(0, named=True)
    assert (decided["decision"], decided["detail"]) == ("prompt_too_long", MESSAGE)
    assert waiting not in read_refusals(folder, SHARD)["problem_id"]


def test_what_was_recorded_of_problems_that_are_not_asked_again_stays(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    record_refusals(folder, SHARD, ["a", "b", "c"], refuse("a", "b"))
    record_refusals(folder, SHARD, ["b", "c"], refuse("c"))
    assert read_refusals(folder, SHARD)["problem_id"].to_list() == ["a", "c"]
    record_refusals(folder, SHARD, ["a", "c"], refuse())
    assert not folder.exists(refusals_name(SHARD, 1))
    assert read_refusals(folder, SHARD).is_empty()

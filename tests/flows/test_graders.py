"""Several graders of one run: each keeps its own pass rates, one decides, and all are heard of the labels."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from flows.offline import grade_imported
from pipeline.decide.run import decide_run
from pipeline.run.evidence import EARLIER, add_earlier, find_graded, record_evidence
from pipeline.run.storage import RunFolder
from pipeline.sample.graders import bring_graders
from pipeline.sample.session import open_grading
from schemas.config import Config
from schemas.config.graders import AlsoGraded
from schemas.errors import InputError
from schemas.label import RATE
from schemas.problem import complete_columns
from tests.conftest import Run, Served
from tests.flows.scripted_run import add, mixed_problems
from tests.flows.test_curate import configure, write_rows
from tests.pipeline.inference.unruly import Unruly
from tests.pipeline.sample.scripted import ScriptedEngine, config_for, problems_of

PROBLEMS = [{"source_id": f"s{n}", "domain": "math", "statement": f"{n} + 1?", "answer": str(n + 1)} for n in range(6)]


def say(model: str, off: int = 0) -> list[dict[str, Any]]:
    return [
        {"source_id": f"s{n}", "model": model, "completion": f"\\boxed{{{n + 1 + off * (k % 2)}}}"}
        for n in range(6)
        for k in range(4)
    ]


def grade(where: Path, name: str, samples: list[dict[str, Any]]) -> RunFolder:
    for file, rows in (("problems", PROBLEMS), (name, samples)):
        (where / f"{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = Config.model_validate({"run": "r", "sources": [{"name": "problems", "files": "f"}]})
    grade_imported(str(where / "problems.jsonl"), str(where / f"{name}.jsonl"), str(where / name), config)
    return RunFolder(str(where / name))


def make_config(folder: RunFolder, *graders: dict[str, Any]) -> Config:
    return Config.model_validate(
        {"run": folder.root, "sources": [{"name": "problems", "files": "f"}], "also_graded_by": list(graders)}
    )


def read_rates(folder: RunFolder) -> pl.DataFrame:
    rates = pl.concat([table for _, table in folder.read_tables("rates")])
    RATE.validate(rates)
    return rates


def read_evidence_of(folder: RunFolder, model: str) -> pl.DataFrame:
    """The verdicts on one model's samples."""
    samples = pl.concat([table for _, table in folder.read_tables("samples")]).filter(pl.col("model") == model)
    return samples.select("problem_id", "index", "verdict", "verdict_detail").sort("problem_id", "index")


def hold_evidence(folder: RunFolder, model: str) -> None:
    """What a curated run records: which samples decide."""
    for shard, name in find_graded(folder).items():
        ids = folder.read_table(name, ["id"]).select(pl.col("id").alias("problem_id"), pl.lit(model).alias("model"))
        record_evidence(folder, shard, ids)


def test_another_run_and_a_file_are_witnesses_and_decide_nothing(tmp_path: Path) -> None:
    own, other = grade(tmp_path, "own", say("a")), grade(tmp_path, "other", say("b", off=1))
    hold_evidence(own, "a")
    before = pl.concat([table for _, table in own.read_tables("decisions")])
    (tmp_path / "more.jsonl").write_text("".join(json.dumps(row) + "\n" for row in say("c", off=2)))
    config = make_config(own, {"run": other.root}, {"samples": str(tmp_path / "more.jsonl")})
    assert bring_graders(own, config) == 48
    assert bring_graders(own, config) == 0
    decide_run(own, config)
    assert pl.concat([table for _, table in own.read_tables("decisions")]).equals(before)
    rates = read_rates(own).group_by("model").agg(pl.col("n").sum(), pl.col("correct").sum()).sort("model")
    assert rates.rows() == [("a", 24, 24), ("b", 24, 12), ("c", 24, 12)]
    labels = pl.concat([table for _, table in own.read_tables("labels")])
    assert (labels["independent"] == 3).all()


def read_earlier(folder: RunFolder) -> list[tuple[int, int]]:
    """What an earlier grader said of each problem, where one did."""
    ((shard, name),) = find_graded(folder).items()
    problems = add_earlier(folder, shard, folder.read_table(name), 1)
    return problems.select(EARLIER).rows() if EARLIER[0] in problems.columns else []


def test_one_grader_of_another_run_or_file_is_the_earlier_one_of_the_first_pass(tmp_path: Path) -> None:
    own, other = grade(tmp_path, "own", say("a")), grade(tmp_path, "other", say("b", off=1))
    hold_evidence(own, "a")
    assert read_earlier(own) == []
    (tmp_path / "more.jsonl").write_text("".join(json.dumps(row) + "\n" for row in say("c")[:20]))
    graders = {"run": other.root}, {"samples": str(tmp_path / "more.jsonl")}
    for _ in range(2):
        bring_graders(own, make_config(own, *graders))
        assert read_earlier(own) == [(2, 4)] * 6, "b was asked of all six problems, c of five"
    bring_graders(own, make_config(own, graders[1]))
    assert sorted(read_earlier(own), key=str) == [(4, 4)] * 5 + [(None, None)]
    bring_graders(own, make_config(own))
    assert read_earlier(own) == [], "samples stay, but nobody names their grader any more"


def test_samples_that_decide_are_no_earlier_graders(tmp_path: Path) -> None:
    own, other = grade(tmp_path, "own", say("a")), grade(tmp_path, "other", say("a"))
    hold_evidence(own, "a")
    bring_graders(own, make_config(own, {"run": other.root}))
    assert read_earlier(own) == []


def test_a_file_of_a_model_whose_prompt_opens_its_thoughts_is_judged_as_it_would_be_alone(tmp_path: Path) -> None:
    """Its completions close thoughts that they never opened; that is no fault of theirs."""
    thinking = [row | {"completion": f"So it is.</think>{row['completion']}"} for row in say("c")]
    own, alone = grade(tmp_path, "own", say("a")), grade(tmp_path, "alone", thinking)
    hold_evidence(own, "a")
    assert bring_graders(own, make_config(own, {"samples": str(tmp_path / "alone.jsonl")})) == 24
    theirs = [read_evidence_of(folder, "c") for folder in (own, alone)]
    assert theirs[0].equals(theirs[1])
    assert set(theirs[0]["verdict"]) == {"correct"}


def test_a_run_without_samples_is_named(tmp_path: Path) -> None:
    own = grade(tmp_path, "own", say("a"))
    with pytest.raises(InputError, match=r"also_graded_by: run .*nowhere"):
        bring_graders(own, make_config(own, {"run": str(tmp_path / "nowhere")}))


def test_a_list_of_models_is_one_that_decides_and_others() -> None:
    data = {"run": "r", "sources": [{"name": "s", "files": "f"}], "model": [{"name": "a"}, {"name": "b"}]}
    config = Config.model_validate(data)
    assert config.model.name == "a"
    assert [grader.model and grader.model.name for grader in config.also_graded_by] == ["b"]
    assert Config.model_validate(config.model_dump(mode="json")) == config


def test_a_grader_is_one_thing() -> None:
    with pytest.raises(ValidationError, match="names run and samples"):
        make_config(RunFolder("memory://none"), {"run": "a", "samples": "b"})


def add_wrongly(body: dict[str, Any], number: int) -> tuple[int, dict[str, str], Any]:
    status, headers, said = add(body, number)
    for choice in said["choices"]:
        choice["text"] = " 1000"
    return status, headers, said


@pytest.mark.server
def test_two_models_of_one_run_have_their_own_rates(goldilocks: Run, tmp_path: Path) -> None:
    first, second = Unruly(add), Unruly(add_wrongly, root="other")
    write_rows(tmp_path / "problems.jsonl", mixed_problems(5))
    models = [{"name": "m", "url": first.url}, {"name": "m", "url": second.url}]
    config = configure(tmp_path, Served(first.url, "m"), model=models)
    goldilocks("curate", str(config))
    rates = read_rates(RunFolder(str(tmp_path / "run")))
    graders = rates.group_by("model", "revision").agg(pl.col("correct").sum(), pl.col("n").sum())
    assert graders.height == 2
    assert 0 in graders["correct"].to_list()
    calls = first.calls + second.calls
    goldilocks("curate", str(config))
    assert first.calls + second.calls == calls


def test_what_another_run_says_saves_samples_and_grading_again_asks_nothing(tmp_path: Path) -> None:
    """The other run has another temperature, so none of its samples counts here; its model is the same."""
    rates = [16] * 60 + [8] * 30 + [0] * 60
    problems = problems_of(["1"] * len(rates))
    script = {f"problem {at}": ["so 1"] * rate + ["so 2", "so 3", "so 4", "so 5"] * 4 for at, rate in enumerate(rates)}

    def grade_run(name: str, temperature: float, stop: str, **more: Any) -> int:
        folder = RunFolder(str(tmp_path / name))
        config = config_for(folder.root, stop=stop, **more)
        sampling = config.sampling.model_copy(update={"temperature": temperature})
        config = config.model_copy(update={"sampling": sampling})
        if not find_graded(folder):
            folder.write_table("problems/00000.parquet", complete_columns(problems.with_columns(domain=pl.lit("math"))))
        bring_graders(folder, config)
        engine = ScriptedEngine(script)
        with open_grading(config, folder, engine=engine) as grading:
            assert grading.grade("00000") == 0
        engine.close()
        decide_run(folder, config)
        return engine.submitted

    grade_run("before", 0.5, "full")
    others = (AlsoGraded(run=str(tmp_path / "before")),)
    alone = grade_run("alone", 1.0, "confident")
    assert grade_run("after", 1.0, "confident", also_graded_by=others) < 0.8 * alone
    assert grade_run("after", 1.0, "confident", also_graded_by=others) == 0
    samples = pl.concat([table for _, table in RunFolder(str(tmp_path / "after")).read_tables("samples")])
    brought, taken = (samples.filter(pl.col("grading_pass").is_null() == null) for null in (True, False))
    assert brought.height > 0, "what was taken for another run's pass is of no pass here"
    assert set(taken["grading_pass"]) == {1}
    decisions = [
        RunFolder(str(tmp_path / name)).read_table("decisions/pass-1-00000.parquet") for name in ("alone", "after")
    ]
    assert decisions[0]["decision"].equals(decisions[1]["decision"])

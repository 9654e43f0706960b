"""What a stage trains on, from what a run's folder holds."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.inference.prompts import Prompt
from pipeline.publish.held_out import is_held_out
from pipeline.run.storage import RunFolder
from schemas.config import Config, EvaluationConfig, Source, TrainConfig, TrainStage
from schemas.errors import InputError
from schemas.label import LABEL_DTYPES, LabelOutcome
from tests.pipeline.publish.report_runs import Told, lay_run
from trainer.problems import Task, choose_held_out, choose_problems, keep_apart

KEPT = TrainStage(name="one")
HARDER = TrainStage(name="two", data="harder")


def answers(right: int) -> list[tuple[str, str | None, str]]:
    return [("7", "7", "correct")] * right + [(str(n), str(n), "wrong") for n in range(16 - right)]


TOLD = [Told(f"What is {n} + {7 - n} - {n} + {n}? ({right})", "7", samples=answers(right)) for n, right in enumerate(
    (0, 0, 1, 4, 8, 12, 13, 16)
)]  # fmt: skip


def config(root: Path, share: float = 0.0, **more: object) -> Config:
    train = TrainConfig(evaluation=EvaluationConfig(share=share, **more))  # type: ignore[arg-type]
    return Config(run=str(root), sources=(Source(name="sums", reasoning_gym="chain_sum"),), train=train)


def rights(tasks: object) -> list[int]:
    return sorted(int(task.statement.split("(")[1].rstrip(")")) for task in tasks)  # type: ignore[attr-defined]


def regrade(folder: RunFolder, decisions: dict[str, str]) -> None:
    """Give every problem the decision of pass 2 that `decisions` says for its statement."""
    first = folder.read_table("decisions/pass-1-00000.parquet")
    texts = folder.read_table("stages/screen/00000.parquet", ["id", "statement"])
    second = first.join(texts, left_on="problem_id", right_on="id").with_columns(
        pl.col("statement").replace_strict(decisions, default=pl.col("decision")).alias("decision"),
        pl.lit(2, pl.Int8).alias("grading_pass"),
    )
    folder.write_table("decisions/pass-2-00000.parquet", second.drop("statement"))


def test_the_first_stage_takes_what_was_kept(tmp_path: Path) -> None:
    folder = lay_run(tmp_path / "run", TOLD)
    assert rights(choose_problems(folder, config(tmp_path), KEPT)) == [1, 4, 8, 12]


def test_harder_adds_the_never_solved_and_drops_what_training_solved(tmp_path: Path) -> None:
    folder = lay_run(tmp_path / "run", TOLD)
    solved = [task.id for task in choose_problems(folder, config(tmp_path), KEPT) if "(12)" in task.statement]
    assert rights(choose_problems(folder, config(tmp_path), HARDER, solved)) == [0, 0, 1, 4, 8]


def test_after_a_second_pass_harder_is_what_that_pass_kept(tmp_path: Path) -> None:
    folder = lay_run(tmp_path / "run", TOLD)
    regrade(folder, {str(TOLD[0].statement): "keep", str(TOLD[5].statement): "too_easy"})
    assert rights(choose_problems(folder, config(tmp_path), HARDER)) == [0, 1, 4, 8]
    assert rights(choose_problems(folder, config(tmp_path), KEPT)) == [1, 4, 8, 12]


def test_a_repaired_label_is_what_is_trained_on_in_an_older_run(tmp_path: Path) -> None:
    folder = lay_run(tmp_path / "run", TOLD)
    before = choose_problems(folder, config(tmp_path), KEPT)
    label = {"outcome": LabelOutcome.REPAIRED.value, "answer": "8", "label": "7", "independent": 2, "clash": False}
    labels = [{"problem_id": before[0].id, "backing": [], "witnesses": []} | label]
    folder.write_table("labels/00000.parquet", pl.DataFrame(labels, schema=LABEL_DTYPES))
    name = "decisions/pass-1-00000.parquet"
    folder.write_table(name, folder.read_table(name).drop("repaired_label", strict=False))
    after = choose_problems(folder, config(tmp_path), KEPT)
    assert [task.label for task in before] == ["7"] * 4
    assert [task.label for task in after] == ["8", "7", "7", "7"]
    assert [task.repaired for task in after] == ["8", "", "", ""]


def test_a_stage_is_trained_on_the_labels_that_its_pass_decided_by(tmp_path: Path) -> None:
    folder = lay_run(tmp_path / "run", TOLD)
    regrade(folder, {})
    first, second = ("decisions/pass-1-00000.parquet", "decisions/pass-2-00000.parquet")
    id_ = choose_problems(folder, config(tmp_path), KEPT)[0].id
    repaired = pl.when(pl.col("problem_id") == id_).then(pl.lit("8")).alias("repaired_label")
    folder.write_table(second, folder.read_table(second).with_columns(repaired))
    label = {"outcome": LabelOutcome.REPAIRED.value, "answer": "8", "label": "7", "independent": 2, "clash": False}
    labels = [{"problem_id": id_, "backing": [], "witnesses": []} | label]
    folder.write_table("labels/00000.parquet", pl.DataFrame(labels, schema=LABEL_DTYPES))
    assert folder.read_table(first)["repaired_label"].null_count() == len(TOLD)
    kept, harder = ({task.id: task for task in choose_problems(folder, config(tmp_path), of)} for of in (KEPT, HARDER))
    assert (kept[id_].label, kept[id_].repaired) == ("7", "")
    assert (harder[id_].label, harder[id_].repaired) == ("8", "8")


@pytest.mark.parametrize("stage", [KEPT, HARDER], ids=["kept", "harder"])
def test_a_problem_comes_with_what_its_samples_said(tmp_path: Path, stage: TrainStage) -> None:
    folder = lay_run(tmp_path / "run", TOLD)
    for task in choose_problems(folder, config(tmp_path), stage):
        (right,) = rights([task])
        assert (task.right, task.wrong) == (right, 16 - right)


def test_what_somebody_published_says_it_too(tmp_path: Path) -> None:
    laid, alone = lay_run(tmp_path / "run", TOLD), RunFolder(str(tmp_path / "alone"))
    curated = laid.read_table("curated/00000.parquet")
    alone.write_table("curated/a.parquet", curated)
    assert sorted(task.right for task in choose_problems(alone, config(tmp_path), KEPT)) == [1, 4, 8, 12]
    alone.write_table("curated/a.parquet", curated.drop("n", "correct"))
    assert {(task.right, task.wrong) for task in choose_problems(alone, config(tmp_path), KEPT)} == {(0, 0)}


HELD_OUT = "A farmer sells 12 melons on Monday and 30 melons on Friday. How many melons does the farmer sell in all?"
ALIKE = {
    "copy": "Problem 7. " + HELD_OUT,
    "edited": HELD_OUT.replace("in all", "in total"),
    "part": "Read this first, and take your time with it. " + HELD_OUT + " Then rest.",
}
OTHER_NUMBERS = HELD_OUT.replace("12", "15").replace("30", "48")
OTHER = "How many prime numbers are there between 100 and 130?"


def task(statement: str, answer: str = "42") -> Task:
    return Task(f"{abs(hash(statement)):016x}"[:16], statement, "math", "en", Prompt(None, statement, ""), answer)


@pytest.mark.parametrize("statement", ALIKE.values(), ids=ALIKE)
@pytest.mark.parametrize("variants", ["keep", "reject"])
def test_what_is_held_out_is_not_trained_on_in_other_words(
    tmp_path: Path, statement: str, variants: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = [task(statement), task(OTHER, "6")]
    assert keep_apart(tasks, [task(HELD_OUT)], config(tmp_path, variants=variants)) == tuple(tasks[1:])
    assert "1 of 2 problems are not trained on" in capsys.readouterr().out


def test_with_other_numbers_it_is_trained_on_where_the_config_says_so(tmp_path: Path) -> None:
    tasks = (task(OTHER_NUMBERS, "63"), task(OTHER, "6"))
    assert keep_apart(tasks, [task(HELD_OUT)], config(tmp_path)) == tasks[1:]
    assert keep_apart(tasks, [task(HELD_OUT)], config(tmp_path, variants="keep")) == tasks
    assert keep_apart(tasks, [], config(tmp_path)) == tasks


@pytest.mark.parametrize(("held_out", "other"), [("1 + 1", "4 + 4 - 4"), ("3 + 1", "2 + 3 + 2"), ("3 - 3", "3 + 5")])
def test_a_sum_is_no_part_of_one_that_has_other_numbers(tmp_path: Path, held_out: str, other: str) -> None:
    """A `1` counts among them, and how often each is there."""
    text = "State the final answer to the following arithmetic problem: {} ="
    tasks = (task(text.format(other)),)
    assert keep_apart(tasks, [task(text.format(held_out))], config(tmp_path, variants="keep")) == tasks
    whole = task("Read this first. " + text.format(held_out) + " Then rest for a while.")
    with pytest.raises(InputError):
        keep_apart([whole], [task(text.format(held_out))], config(tmp_path, variants="keep"))


def test_problems_that_are_all_like_held_out_ones_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"all 1 problems.*train.evaluation.variants"):
        keep_apart([task(OTHER_NUMBERS)], [task(HELD_OUT)], config(tmp_path))


def test_shards_alone_can_be_trained_on(tmp_path: Path) -> None:
    laid = lay_run(tmp_path / "run", TOLD)
    alone = RunFolder(str(tmp_path / "alone"))
    alone.write_table("curated/a.parquet", laid.read_table("curated/00000.parquet"))
    assert rights(choose_problems(alone, config(tmp_path), KEPT)) == [1, 4, 8, 12]


def test_held_out_problems_are_never_trained_on(tmp_path: Path) -> None:
    told = [Told(f"How much is 7 + 0 * {n}? (8)", "7", samples=answers(8)) for n in range(60)]
    folder = lay_run(tmp_path / "run", told, shard_rows=60)
    settings = config(tmp_path, share=0.3)
    train = {task.id for task in choose_problems(folder, settings, KEPT)}
    held = {task.id for task in choose_held_out(folder, settings)}
    assert held
    assert not train & held
    assert len(train | held) == 60
    assert all(is_held_out(id, 0.3) for id in held)


def test_held_out_sources_leave_out_what_the_run_has(tmp_path: Path) -> None:
    folder = lay_run(tmp_path / "run", TOLD)
    source = Source(
        name="held-out",
        reasoning_gym="chain_sum",
        size=20,
        params={"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1},
    )
    first = choose_held_out(folder, config(tmp_path, sources=(source,)))
    assert len(first) > 10
    folder.write_table("problems/00009.parquet", folder.read_table("problems/00000.parquet").head(1).with_columns(
        pl.lit(first[0].statement).alias("statement")
    ))  # fmt: skip
    second = choose_held_out(folder, config(tmp_path, sources=(source,)))
    assert {task.id for task in first} - {task.id for task in second} == {first[0].id}


def test_the_number_held_out_is_bounded(tmp_path: Path) -> None:
    told = [Told(f"How much is 7 + 0 * {n}? (8)", "7", samples=answers(8)) for n in range(60)]
    folder = lay_run(tmp_path / "run", told, shard_rows=60)
    assert len(choose_held_out(folder, config(tmp_path, share=0.5, problems=5))) == 5


def test_a_run_with_nothing_kept_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="goldilocks curate"):
        choose_problems(RunFolder(str(tmp_path / "none")), config(tmp_path), KEPT)

"""Samples that someone already has: matched, verified and decided, and nothing that they said is lost."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest

from flows.offline import grade_imported
from pipeline.publish.shards import check_counts
from pipeline.run.storage import RunFolder
from pipeline.sample import offline
from schemas.config import Config
from schemas.decision import DECISION
from schemas.errors import InputError
from schemas.problem import problem_id
from schemas.reasons import Reason
from schemas.sample import SAMPLE, SAMPLE_KEY

PROBLEMS: list[dict[str, Any]] = [
    {"source_id": "easy", "statement": "1 + 1?", "answer": "2"},
    {"source_id": "fair", "statement": "6 * 7?", "answer": "42"},
    {"source_id": "mislabelled", "statement": "5 * 5?", "answer": "24"},
    {"source_id": "hard", "statement": "P = NP?", "answer": "7"},
    {"source_id": "half", "statement": "1 / 2?", "answer": "1/2"},
    {"source_id": "unsampled", "statement": "9 - 1?", "answer": "8"},
    {"source_id": "unlabelled", "statement": "10 - 1?", "answer": None},
    {"source_id": "a proof", "statement": "Prove it.", "answer": "By induction on n, q.e.d."},
    {"source_id": "odd", "statement": "Sing!", "answer": "la", "domain": "music"},
]
ANSWERS: dict[str, list[str | None]] = {
    "easy": ["2"] * 4,
    "fair": ["42", "41", "42", None],
    "mislabelled": ["25", "25.0", "\\frac{50}{2}", "24"],
    "hard": ["1", "2", "3", "4"],
    "half": ["0.5", "\\frac12", "50\\%", "2"],
}
EXPECTED = {
    "easy": "too_easy",
    "fair": "keep",
    "mislabelled": "label_contradicted",
    "hard": "never_solved",
    "half": "keep",
    "unsampled": "undetermined",
    "unlabelled": "no_answer",
    "a proof": "unverifiable_answer",
    "odd": "invalid_row",
}


def box(answer: str | None) -> str:
    return "I do not know." if answer is None else f"So it is \\boxed{{{answer}}}."


SAMPLES: list[dict[str, Any]] = [
    {"source_id": source_id, "completion": box(answer)} for source_id, said in ANSWERS.items() for answer in said
]


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def make_config(root: str, **more: Any) -> Config:
    return Config.model_validate({"run": root, "sources": [{"name": "mine", "files": "p.jsonl"}], **more})


def grade(
    where: Path,
    problems: list[dict[str, Any]] = PROBLEMS,
    samples: list[dict[str, Any]] = SAMPLES,
    out: str | None = None,
    **more: Any,
) -> tuple[RunFolder, dict[str, Any]]:
    given_problems, given_samples = write_jsonl(where / "p.jsonl", problems), write_jsonl(where / "s.jsonl", samples)
    root = out or str(where / "out")
    manifest = grade_imported(given_problems, given_samples, root, make_config(root, **more))
    return RunFolder(root), manifest


def read_all(folder: RunFolder, below: str) -> pl.DataFrame:
    return pl.concat([table for _, table in folder.read_tables(below)], how="diagonal")


def outcomes(folder: RunFolder) -> dict[str, str]:
    kept = dict.fromkeys(read_all(folder, "curated")["source_id"], "keep")
    turned = read_all(folder, "rejected").filter(pl.col("stage") != "samples")
    return kept | dict(turned.select("source_id", "reason").iter_rows())


@pytest.mark.parametrize("shard_rows", [2, 100])
@pytest.mark.parametrize("place", ["local", "memory"])
def test_problems_meet_their_samples_and_each_has_its_outcome(tmp_path: Path, shard_rows: int, place: str) -> None:
    out = None if place == "local" else f"memory://graded-{uuid4().hex}"
    folder, manifest = grade(tmp_path, out=out, flow={"shard_rows": shard_rows})
    assert outcomes(folder) == EXPECTED
    check_counts(folder)
    assert [(s["stage"], s["in"], s["kept"]) for s in manifest["stages"]] == [
        ("ingest", 9, 8),
        ("verify", 8, 6),
        ("decide", 6, 2),
    ]
    samples, decisions = read_all(folder, "samples"), read_all(folder, "decisions")
    SAMPLE.validate(samples)
    DECISION.validate(decisions)
    assert samples.height == len(SAMPLES)
    assert samples["completion"].to_list().count("I do not know.") == 1
    assert folder.exists("README.md")
    assert folder.exists("report.html")
    curated = {row["source_id"]: row for row in read_all(folder, "curated").iter_rows(named=True)}
    assert curated["fair"]["history"][-1]["detail"] == "2 of 4 correct by unnamed model"
    assert curated["fair"]["source"] == manifest["config"]["sources"][0]["name"] == "p"


def test_rejects_carry_the_evidence_in_words(tmp_path: Path) -> None:
    folder, _ = grade(tmp_path)
    details = dict(read_all(folder, "rejected").select("source_id", "detail").iter_rows())
    assert details["mislabelled"] == "3 of 4 say 25, the label says 24 (1 agree)"
    assert details["unsampled"] == "no samples"
    assert "p.jsonl:9" in details["odd"]
    assert "music" in details["odd"]


def test_how_answers_are_found_is_part_of_the_config(tmp_path: Path) -> None:
    said = [{"source_id": "fair", "completion": f"It must be {n}. The answer is {n}"} for n in (42, 41, 42, 40)]
    (tmp_path / "boxed").mkdir()
    (tmp_path / "last").mkdir()
    assert outcomes(grade(tmp_path / "boxed", samples=said)[0])["fair"] == "never_solved"
    assert outcomes(grade(tmp_path / "last", samples=said, verify={"extract": "last"})[0])["fair"] == "keep"


def test_a_problem_is_found_by_any_of_its_names(tmp_path: Path) -> None:
    ours = problem_id({"domain": "math", "language": "en", "statement": "6 * 7?", "answer": "42"})
    problems: list[dict[str, Any]] = [
        {"statement": "6 * 7?", "answer": "42"},
        {"id": "given-id", "statement": "6 * 8?", "answer": "48"},
        {"source_id": "17", "statement": "6 * 9?", "answer": "54"},
    ]
    samples: list[dict[str, Any]] = [
        {"problem_id": ours, "completion": box("42")},
        {"problem_id": "given-id", "completion": box("48")},
        {"source_id": 17, "completion": box("54")},
    ]
    folder, manifest = grade(tmp_path, problems, samples)
    assert manifest["samples"]["correct"] == 3
    assert ours in read_all(folder, "samples")["problem_id"].to_list()


def test_samples_that_cannot_be_used_are_kept_with_what_is_wrong(tmp_path: Path) -> None:
    problems = [*PROBLEMS, {"source_id": "twice", "statement": "a", "answer": "1"}]
    problems.append({"source_id": "twice", "statement": "b", "answer": "1"})
    bad: list[tuple[dict[str, Any], str]] = [
        ({"source_id": "nobody", "completion": "x"}, "no problem is called 'nobody'"),
        ({"source_id": "fair", "completion": None}, "`completion` is missing"),
        ({"source_id": "fair", "completion": 5}, "`completion` is int, not text"),
        ({"completion": "x"}, "neither `problem_id` nor `source_id`"),
        ({"source_id": "unlabelled", "completion": "x"}, "was rejected: no_answer"),
        ({"source_id": "twice", "completion": "x"}, "names several problems"),
    ]
    unusable = [row for row, _ in bad]
    folder, manifest = grade(tmp_path, problems, unusable + SAMPLES)
    rejected = read_all(folder, "rejected").filter(pl.col("stage") == "samples")
    assert rejected["reason"].to_list() == [Reason.INVALID_ROW.value] * len(bad)
    for row, extra, detail, (given_row, said) in zip(
        range(1, 99), rejected["extra"], rejected["detail"], bad, strict=False
    ):
        assert json.loads(extra) == given_row
        assert said in detail
        assert f"s.jsonl:{row}: " in detail
    assert manifest["samples"]["count"] == len(SAMPLES)
    assert all(stage["stage"] != "samples" for stage in manifest["stages"])


def test_a_line_that_is_not_json_stops_nothing(tmp_path: Path) -> None:
    problems = write_jsonl(tmp_path / "p.jsonl", PROBLEMS)
    lines = [json.dumps(row) for row in SAMPLES]
    (tmp_path / "s.jsonl").write_text("\n".join([lines[0], '{"source_id": "fair", "comp', *lines[1:]]) + "\n")
    out = str(tmp_path / "out")
    manifest = grade_imported(problems, str(tmp_path / "s.jsonl"), out, make_config(out))
    assert manifest["samples"]["count"] == len(SAMPLES)
    (rejected,) = RunFolder(out).read_table("rejected/samples-00000.parquet").to_dicts()
    assert "s.jsonl:2: not JSON" in rejected["detail"]
    assert "comp" in rejected["extra"]


def test_parquet_samples_in_many_pieces_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples of one problem lie far apart, and more are there than may be held at once."""
    (tmp_path / "whole").mkdir()
    whole, _ = grade(tmp_path / "whole")
    monkeypatch.setattr(offline, "SPILL_ROWS", 3)
    problems, samples = tmp_path / "p.parquet", tmp_path / "s.parquet"
    pl.DataFrame(PROBLEMS).write_parquet(problems)
    pl.DataFrame(SAMPLES).with_row_index("at").sort(pl.col("at") % 4, "at").drop("at").write_parquet(samples)
    out = str(tmp_path / "out")
    grade_imported(str(problems), str(samples), out, make_config(out, flow={"shard_rows": 2}))
    assert outcomes(RunFolder(out)) == outcomes(whole) == EXPECTED
    assert read_all(RunFolder(out), "samples").height == len(SAMPLES)


def test_models_and_tokens_are_kept_where_they_are_known(tmp_path: Path) -> None:
    samples = [
        {"source_id": "fair", "completion": box("42"), "model": "a/b", "tokens": 7, "index": 3},
        {"source_id": "fair", "completion": box("41"), "model": "a/b", "tokens": "9", "index": 3},
        {"source_id": "fair", "completion": box("42"), "tokens": -1},
    ]
    folder, manifest = grade(tmp_path, samples=samples)
    stored = read_all(folder, "samples")
    assert stored.select("model", "index", "tokens", "verdict").rows() == [
        ("a/b", 0, 9, "wrong"),
        ("a/b", 3, 7, "correct"),
        ("unnamed model", 0, None, "correct"),
    ]
    assert stored.select(SAMPLE_KEY).is_unique().all()
    assert manifest["samples"]["tokens"] == 16


def test_grading_again_replaces_what_was_graded(tmp_path: Path) -> None:
    grade(tmp_path, flow={"shard_rows": 2})
    folder, _ = grade(tmp_path, problems=PROBLEMS[:2])
    assert folder.list("curated") == ["curated/00000.parquet"]
    assert set(outcomes(folder)) == {"easy", "fair"}
    check_counts(folder)


def test_another_run_is_not_written_over(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path / "out"))
    folder.write_table("samples/00000.parquet", pl.DataFrame({"dear": [1]}))
    with pytest.raises(InputError, match="give another folder"):
        grade(tmp_path)
    assert folder.list("") == ["samples/00000.parquet"]


def test_samples_that_lie_in_the_folder_to_be_written_are_not_deleted(tmp_path: Path) -> None:
    folder, _ = grade(tmp_path)
    inside = folder.at("samples/00000.parquet")
    with pytest.raises(InputError, match="lies in the folder"):
        grade_imported(str(tmp_path / "p.jsonl"), inside, folder.root, make_config(folder.root))
    assert folder.exists("samples/00000.parquet")


def test_a_file_of_which_nothing_can_be_used_is_an_error_that_shows_the_first_row(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none of its 2 rows can be used; the first: .*s\.jsonl:1: .*missing"):
        grade(tmp_path, samples=[{"source_id": "fair", "text": "x"}] * 2)
    with pytest.raises(InputError, match="no such file"):
        grade_imported(str(tmp_path / "no.jsonl"), str(tmp_path / "no.jsonl"), str(tmp_path / "o"), make_config("o"))


def test_real_answers_of_many_models(tmp_path: Path, shared_data: Path) -> None:
    """Planted wrong labels: no right label falls, most of the wrong ones do, and repairs hold."""
    rows = [json.loads(line) for line in (shared_data / "math_labels.jsonl").open(encoding="utf-8")]
    truth = {t["id"]: t for t in map(json.loads, (shared_data / "math_labels.truth.jsonl").open(encoding="utf-8"))}
    problems = [{"source_id": row["id"], "statement": row["problem"], "answer": row["answer"]} for row in rows]
    samples = [
        {"source_id": row["id"], "completion": sample["text"], "model": sample["model"]}
        for row in rows
        for sample in row["samples"]
    ]
    folder, _ = grade(tmp_path, problems, samples, verify={"extract": "last"}, flow={"shard_rows": 50})
    contradicted = {id_ for id_, outcome in outcomes(folder).items() if outcome == "label_contradicted"}
    wrong = {id_ for id_, told in truth.items() if told["corrupted"]}
    doubtful = {id_ for id_, told in truth.items() if told["natural_label_suspect"]}
    source_ids = {row["id"]: row["source_id"] for row in read_all(folder, "problems").iter_rows(named=True)}
    labels = read_all(folder, "labels").filter(pl.col("outcome") == "repaired")
    repaired = {source_ids[id_]: answer for id_, answer in labels.select("problem_id", "answer").iter_rows()}
    fallen = contradicted | repaired.keys()
    assert fallen - wrong - doubtful == set()
    assert len(fallen & wrong) >= 0.7 * len(wrong)
    assert all(float(answer) == float(truth[id_]["true_answer"]) for id_, answer in repaired.items())
    rows = read_all(folder, "curated").filter(pl.col("answer_origin") == "repaired")
    assert all(row["answer"] == repaired[row["source_id"]] != row["previous_answer"] for row in rows.to_dicts())
    assert all(row["history"][-2]["stage"] == "labels" for row in rows.to_dicts())

"""What the card says of sources, licences, overlaps and calibration is what the run's files say."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from flows.offline import grade_imported
from pipeline.decontaminate.decontaminate import decontaminate
from pipeline.publish.card import render_card
from pipeline.publish.manifest import build_manifest
from pipeline.publish.provenance import Provenance, gather_provenance
from pipeline.run.storage import RunFolder
from schemas.config import Config, DecontaminateConfig
from schemas.conform import conform_rows
from tests.conftest import ROOT
from tests.pipeline.publish.small_runs import make_config, make_run, publish

DATA = ROOT / "tests" / "data" / "labels"
KEPT = "Six times seven, asked in way 0?"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(str(tmp_path / "run"))


def gather(folder: RunFolder, **more: Any) -> Provenance:
    make_run(folder)
    config = make_config(folder.root, **more)
    publish(folder, config)
    return gather_provenance(folder, config, build_manifest(folder, config))


def test_what_came_of_each_source_adds_up(folder: RunFolder) -> None:
    found = gather(folder)
    (row,) = found.sources
    assert found.stages == ("ingest", "screen", "decide")
    assert (row.name, row.came, row.out, row.added, row.kept) == (
        "sums",
        7,
        {"ingest": 1, "screen": 1, "decide": 4},
        0,
        1,
    )
    assert row.came + row.added == sum(row.out.values()) + row.kept


@pytest.mark.parametrize(
    ("publish", "own", "license", "said"),
    [
        ({"license": "mit"}, None, "mit", "Licence: mit."),
        ({"licenses": {"sums": "cc-by-4.0"}}, None, "cc-by-4.0", "Licence: cc-by-4.0, that of all sources."),
        ({"licenses": {"sums": "cc-by-4.0"}}, "mit", "mit", "| sums | mit | 1 |"),
        ({}, "mit", "mit", "Licence: mit, that of all sources."),
        ({}, None, None, "No licence was stated"),
    ],
)
def test_a_licence_is_the_rows_own_or_its_source_s(
    publish: dict[str, Any], own: str | None, license: str | None, said: str, folder: RunFolder
) -> None:
    make_run(folder)
    config = make_config(folder.root, publish=publish)
    _publish(folder, config, {"license": own} if own else {})
    text = render_card(folder, config, build_manifest(folder, config))
    assert said in text
    assert yaml.safe_load(text.split("---\n")[1]).get("license") == license


@pytest.mark.parametrize(("publish", "license"), [({}, "odbl"), ({"licenses": {"sums": "cc-by-4.0"}}, "cc-by-4.0")])
def test_a_licence_of_the_sets_own_card_counts_where_the_config_has_none(
    publish: dict[str, Any], license: str, folder: RunFolder, tmp_path: Path
) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "README.md").write_text("---\nlicense: odbl\n---\n# A set\n")
    make_run(folder)
    config = make_config(folder.root, publish=publish)
    source = config.sources[0].model_copy(update={"files": None, "dataset": str(tmp_path / "set")})
    config = config.model_copy(update={"sources": (source,)})
    _publish(folder, config, {})
    text = render_card(folder, config, build_manifest(folder, config))
    assert yaml.safe_load(text.split("---\n")[1]).get("license") == license


def test_several_licences_are_a_mixed_set(folder: RunFolder) -> None:
    make_run(folder)
    config = make_config(folder.root, publish={"licenses": {"sums": "mit"}})
    _publish(folder, config, {})
    curated = folder.read_table("curated/00000.parquet")
    other = curated.with_columns(source=pl.lit("other"), extra=pl.lit('{"license": "cc-by-sa-4.0"}'))
    folder.write_table("curated/00000.parquet", pl.concat([curated, other]))
    text = render_card(folder, config, folder.read_json("manifest.json"))
    assert "This is a mixed set: each problem is under the licence of its source." in text
    assert "| sums | mit | 1 |" in text
    assert "| other | cc-by-sa-4.0 | 1 |" in text
    assert yaml.safe_load(text.split("---\n")[1])["license"] == "other"


def _publish(folder: RunFolder, config: Config, extra: dict[str, str]) -> None:
    publish(folder, config)
    curated = folder.read_table("curated/00000.parquet")
    folder.write_table("curated/00000.parquet", curated.with_columns(extra=pl.lit(json.dumps(extra))))
    build_manifest(folder, config)


def test_overlaps_are_counted_by_benchmark_and_by_how(folder: RunFolder, tmp_path: Path) -> None:
    item = {"id": "i1", "problem": KEPT, "answer": "42"}
    (tmp_path / "bench.jsonl").write_text(json.dumps(item) + "\n")
    named = {"name": "our own bench", "files": str(tmp_path / "bench.jsonl"), "id": "id"}
    config = DecontaminateConfig.model_validate({"benchmarks": [named]})
    rows, _ = conform_rows([{"domain": "math", "statement": KEPT, "answer": "42"}], "sums")
    kept, rejected = decontaminate(rows, config)
    assert (kept.height, rejected.height) == (0, 1)
    make_run(folder)
    folder.write_table("rejected/decontaminate-00000.parquet", rejected)
    settings = make_config(folder.root, decontaminate={"benchmarks": [named]}, publish={"compare": [named]})
    publish(folder, settings)
    found = gather_provenance(folder, settings, {"model": {"name": "m"}, "samples": {"unknown": 0}})
    (overlap,), (compared,) = found.benchmarks, found.compared
    assert (overlap.name, sum(overlap.rejected.values()), overlap.kept) == ("our own bench", 1, {})
    assert (compared.name, sum(compared.kept.values())) == ("our own bench", 1)
    assert any("benchmarks of the table" in limit for limit in found.limits)


def test_the_card_shows_how_true_the_posteriors_are(folder: RunFolder) -> None:
    config = Config.model_validate({"run": "r", "sources": [{"name": "s", "files": "f"}]})
    grade_imported(str(DATA / "problems.jsonl"), str(DATA / "samples.jsonl"), folder.root, config)
    text = folder.read_bytes("README.md").decode()
    bins = folder.read_json("labels/witnesses.json")["calibration"]["bins"]
    assert bins
    for part in bins:
        assert f"| {part['problems']} | {part['predicted']:.2f} | {part['agreed']:.2f} |" in text
    assert "repaired by their witnesses, not by a person: 1." in text


def test_limits_say_what_was_not_looked_at(folder: RunFolder) -> None:
    limits = gather(folder).limits
    assert any("no benchmark" in limit for limit in limits)
    assert any("a/model" in limit and "16 samples" in limit for limit in limits)

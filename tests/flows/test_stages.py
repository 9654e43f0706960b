"""Stages in a whole run: one entry adds a stage everywhere, and the run's own keys say what is done."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.outcomes import stage_key
from pipeline import stages
from pipeline.run.storage import RunFolder
from schemas.load import load_config
from tests.conftest import ROOT, Run, Served
from tests.flows.scripted_run import add, mixed_problems
from tests.flows.test_curate import configure, sums, write_rows
from tests.flows.toy_stage import add_stage
from tests.pipeline.inference.unruly import Unruly

DONE = ("problems", "stages", "rejected", "samples")
"""Folders of a run in which a finished one writes nothing."""


def answer(body: dict[str, Any], number: int) -> tuple[int, dict[str, str], Any]:
    """Adds; what is asked as a chat is answered in words that decide nothing."""
    if "messages" not in body:
        return add(body, number)
    choices = [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Who knows."}}]
    return 200, {}, {"id": "1", "object": "o", "created": 0, "model": "m", "choices": choices}


def snapshot(run: Path) -> dict[str, int]:
    """Every file of the folders in `DONE`, and when it was written; decisions are made again each time."""
    files = [
        path
        for name in DONE
        for path in (run / name).rglob("*")
        if path.is_file() and not path.name.startswith("decide-")
    ]
    return {str(path.relative_to(run)): path.stat().st_mtime_ns for path in files}


def find_stranger() -> list[str]:
    """The start of a command that another user runs on another machine, as far as a process can tell; where the kernel
    does not let it, only the environment says so.
    """
    command = ["unshare", "--user", "--map-user=1234", "--map-group=1234", "--uts", "--keep-caps"]
    command += ["sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]
    try:
        allowed = subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    return command if allowed else []


def stranger_environment(home: Path) -> dict[str, str]:
    places = {name: str(home) for name in ("HOME", "PREFECT_HOME", "XDG_CACHE_HOME")}
    return places | {"USER": "stranger", "LOGNAME": "stranger", "HOSTNAME": "elsewhere"}


@pytest.mark.server
def test_a_finished_run_does_nothing_twice_for_another_user_and_in_another_place(
    goldilocks: Run, prefect_home: dict[str, str], tmp_path: Path
) -> None:
    """What ran is what was written: every stage, the one that asks a model among them, and every sample."""
    model = Unruly(answer)
    write_rows(tmp_path / "problems.jsonl", mixed_problems(6))
    write_rows(tmp_path / "benchmark.jsonl", [{"problem": "What is 8 + 9?", "answer": "17"}])
    benchmark = {"name": "sums", "files": str(tmp_path / "benchmark.jsonl")}
    config = configure(
        tmp_path,
        Served(model.url, "m"),
        screen={"judge": {"enabled": True, "max_tokens": 8}},
        decontaminate={"benchmarks": [benchmark]},
        flow={"shard_rows": 3},
    )
    assert "changed since the last run" not in goldilocks("curate", str(config)).stderr
    calls, before = model.calls, snapshot(tmp_path / "run")
    assert {f"stages/{name}/00000.key" for name in ("screen", "judge", "dedup", "decontaminate")} <= before.keys()
    assert calls > 0

    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "run", elsewhere / "run")
    moved = shutil.move(tmp_path / "problems.jsonl", elsewhere / "moved.jsonl")
    (tmp_path / "benchmark.jsonl").touch()
    settings = [f"run={elsewhere / 'run'}", f"sources.0.files={moved}"]
    arguments = [part for setting in settings for part in ("--set", setting)]
    done = subprocess.run(
        [*find_stranger(), sys.executable, "-m", "flows.cli.main", "curate", str(config), *arguments],
        cwd=elsewhere,
        env=prefect_home | stranger_environment(tmp_path / "another") | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert snapshot(elsewhere / "run") == before
    assert model.calls == calls
    assert f"sources.0.files: {str(tmp_path / 'problems.jsonl')!r}, now {str(moved)!r}" in done.stderr

    write_rows(tmp_path / "benchmark.jsonl", [{"problem": "What is 9 + 9?", "answer": "18"}])
    goldilocks("curate", str(config), *arguments)
    grown = snapshot(elsewhere / "run")
    again = {name for name in grown if grown[name] != before.get(name)}
    assert {f"stages/decontaminate/{shard}.key" for shard in ("00000", "00001")} <= again
    assert all("decontaminate" in name for name in again)


@pytest.mark.server
def test_one_entry_adds_a_stage_to_the_command_line_the_flow_and_the_report(
    prefect_home: dict[str, str], tmp_path: Path
) -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "tests.flows.toy_stage", *arguments]
        environment = prefect_home | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"}
        return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout

    assert "short statements alone" in run("stage", "--help")
    problems_file = tmp_path / "problems.jsonl"
    write_rows(problems_file, sums(7, 4))
    assert "short: 4 in, 3 kept, 1 rejected" in run("stage", "short", str(problems_file), str(tmp_path / "out"))

    model = Unruly(add)
    config = configure(tmp_path, Served(model.url, "m"))
    printed = run("curate", str(config))
    assert "short" in printed
    folder = RunFolder(str(tmp_path / "run"))
    manifest = folder.read_json("manifest.json")
    assert [stage["stage"] for stage in manifest["stages"]] == ["ingest", "screen", "short", "dedup", "decide"]
    toy = manifest["stages"][2]
    assert (toy["in"], toy["kept"], toy["reasons"]) == (4, 3, {"incomplete": 1})
    assert "short" in folder.read_bytes("report.html").decode()
    assert folder.exists("stages/short/00000.key")


def test_one_entry_adds_a_stage_to_the_order_the_key_and_the_docs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stages, "STAGES", stages.STAGES)
    add_stage()
    folder = RunFolder(str(tmp_path))
    folder.write_table("problems/00000.parquet", pl.DataFrame({"id": ["a"]}))
    write_rows(tmp_path / "problems.jsonl", sums(1, 1))
    config = load_config(configure(tmp_path, Served("http://127.0.0.1:1/v1", "m")))
    changed = config.model_copy(
        update={"screen": config.screen.model_copy(update={"reject_guessable": not config.screen.reject_guessable})}
    )
    toy = stages.find_stage("short")
    keys = [stage_key(one, folder, toy, "00000", "problems") for one in (config, changed, config)]
    assert keys[0] == keys[2] != keys[1]
    assert stages.choose_stages(config, has_code=True) == ["screen", "short", "dedup", "code_tests"]
    assert stages.order_stages(["dedup", "short", "screen"]) == ["screen", "short", "dedup"]
    assert "| `short` | short statements alone |" in stages.describe_stages()


def test_a_key_is_the_same_wherever_the_folder_lies(tmp_path: Path) -> None:
    write_rows(tmp_path / "problems.jsonl", sums(1, 1))
    config = load_config(configure(tmp_path, Served("http://127.0.0.1:1/v1", "m")))
    folders = [RunFolder(str(tmp_path / name)) for name in ("here", "there")]
    for folder in folders:
        folder.write_table("problems/00000.parquet", pl.DataFrame({"id": ["a"]}))
    for stage in stages.STAGES:
        keys = {
            stage_key(config.model_copy(update={"run": folder.root}), folder, stage, "00000", "problems")
            for folder in folders
        }
        assert len(keys) == 1


def test_the_docs_list_the_stages_as_they_are() -> None:
    assert stages.describe_stages() in (ROOT / "docs" / "runs.md").read_text()


def test_names_of_old_runs_are_known_and_ordered() -> None:
    assert stages.find_stage("court").name == "code_tests"
    assert stages.order_stages(["court", "screen", "translate", "curated"]) == ["screen", "court", "translate"]


def test_every_reference_of_a_stage_resolves() -> None:
    import pkgutil

    for stage in stages.STAGES:
        references = [name for name in (stage.function, stage.splitter, stage.counter) if name is not None]
        assert references, stage.name
        assert all(callable(pkgutil.resolve_name(name)) for name in references)

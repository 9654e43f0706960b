"""The loop: where its second pass is asked, and once round on two engines and two ranks. Its page in tests/test_docs
runs it on one of each. It goes round on a server that takes weights too.
"""

import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
import yaml

from flows.loop import describe_grader, loop_held
from pipeline.inference.models import folder_revision
from pipeline.inference.server_weights import FIRST, LAUNCH, root_of
from pipeline.publish.shards import check_counts
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.errors import InputError
from schemas.load import ConfigError, build_config
from tests.conftest import ROOT, Run, serve_model
from trainer.checkpoints import LOG, find_checkpoints, read_rows

GUARD = 1200
"""Seconds: a guard against hanging, several times what it takes."""
URLS = ["http://127.0.0.1:8000/v1", "http://127.0.0.1:8001/v1"]
SERVED: dict[str, Any] = {
    "run": "runs/a",
    "sources": [{"name": "a", "files": "b"}],
    "model": {"name": "ours/model", "url": URLS, "max_model_len": 64},
    "sampling": {"max_tokens": 32},
    "flow": {"runner": "ray", "ray": "10.0.0.1:6379", "shard_rows": 7},
}


def test_the_second_pass_stays_where_the_trained_weights_lie(tmp_path: Path) -> None:
    here = describe_grader(Config.model_validate(SERVED), tmp_path)
    assert (here.model.url, here.flow.runner) == (None, "threads")
    assert (here.model.name, here.model.max_model_len, here.flow.shard_rows) == (str(tmp_path), 64, 7)
    assert Config.model_validate(here.model_dump()) == here


def test_the_second_pass_has_every_gpu_where_the_first_had_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.placement.count_gpus", lambda environment: 8)
    for engine, gpus, engines in (({}, None, 8), ({"tensor_parallel_size": 2}, None, 4), ({}, 4, 4)):
        model = SERVED["model"] | {"engine": engine}
        config = Config.model_validate(SERVED | {"model": model, "placement": {"gpus": gpus}})
        assert describe_grader(config, tmp_path).model.engines == engines
    alone = Config.model_validate(SERVED | {"model": {"max_model_len": 64, "engines": 2}, "flow": {}})
    assert describe_grader(alone, tmp_path).model.engines == 2, "as many as the first pass had"


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ({"max_model_len": 32}, "sampling.max_tokens is 32, and the engines that grade pass 2.*train.on_servers"),
        ({"engine": {"tensor_parallel_size": 16}}, "1 of 16 GPUs each grade here, and 8 may be used"),
    ],
)
def test_what_could_not_grade_the_second_pass_is_refused_before_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: dict[str, Any], told: str
) -> None:
    monkeypatch.setattr("trainer.placement.count_gpus", lambda environment: 8)
    train = {"rollout_engine": {"engine": {"tensor_parallel_size": 1}, "max_model_len": 64}}
    config = Config.model_validate(
        SERVED | {"run": str(tmp_path / "run"), "model": SERVED["model"] | model, "train": train, "flow": {}}
    )
    with pytest.raises(InputError, match=told):
        loop_held(config)
    assert not (tmp_path / "run").exists()


def test_servers_that_take_weights_are_asked_for_the_second_pass_too(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"trained")
    there = describe_grader(Config.model_validate(SERVED | {"train": {"on_servers": True}}), tmp_path)
    assert (there.model.urls, there.flow.runner, there.model.name) == (tuple(URLS), "ray", "ours/model")
    assert (there.model.weights, there.model.revision) == (str(tmp_path), folder_revision(tmp_path))
    assert Config.model_validate(there.model_dump()) == there


def test_rollouts_on_servers_need_servers() -> None:
    with pytest.raises(ConfigError, match=r"train\.on_servers samples from the servers of model\.url"):
        build_config(SERVED | {"model": {}, "flow": {}, "train": {"on_servers": True}})


def test_the_page_starts_servers_by_the_line_that_errors_say() -> None:
    page = " ".join((ROOT / "docs" / "cluster.md").read_text().replace("\\\n", " ").split())
    settings, options = LAUNCH.split(" vllm serve NAME ")
    assert LAUNCH in page
    assert page.count(options) == page.count(settings) == 3


def test_the_page_s_scripts_are_bash() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "cluster.md").read_text(), re.DOTALL)
    assert len(blocks) >= 6
    for block in blocks:
        subprocess.run(["bash", "-n"], input=block, text=True, check=True)


def small_loop(run: Path, **sections: Any) -> dict[str, Any]:
    """A config of twelve sums, of which some are surely solved now and then, and one stage of two small steps."""
    config: dict[str, Any] = {
        "run": str(run),
        "sources": [
            {
                "name": "sums",
                "reasoning_gym": "chain_sum",
                "params": {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 2},
                "size": 12,
            }
        ],
        "model": {"max_model_len": 256, "max_num_seqs": 32},
        "prompt": {"template": "raw", "chat": False},
        "sampling": {"max_tokens": 12, "stop_strings": ["\n"]},
        "verify": {"extract": "last"},
        "keep": {"min": 1, "max": 15},
        "train": {
            "num_generations": 8,
            "learning_rate": 1e-5,
            "checkpoint_every": 1,
            "evaluation": {"share": 0},
            "stages": [{"name": "one", "steps": 2, "prompts_per_batch": 2, "plateau": 0}],
        },
    }
    return config | {name: config.get(name, {}) | section for name, section in sections.items()}


def check_loop(run: Path) -> None:
    """Both passes graded the same problems by two models, and every step was taken."""
    folder = RunFolder(str(run))
    check_counts(folder)
    assert folder.read_json("manifest.json")["grading_pass"] == 2
    samples = pl.concat(table for _, table in folder.read_tables("samples"))
    graded = [set(table["problem_id"]) for table in samples.partition_by("revision")]
    assert len(graded) == 2
    assert graded[0] == graded[1]
    rows = read_rows(run / "training" / LOG)
    assert [row["version"] for row in rows] == [1, 2]
    assert all(row["max_lag"] <= row["version"] for row in rows)


def find_workers(root: int) -> set[tuple[int, int]]:
    """(parent, process) of every engine below the process `root`."""
    parents, workers = {}, set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
            if b"pipeline.inference.vllm_worker" in path.with_name("cmdline").read_bytes():
                workers.add(int(path.parent.name))
        except (OSError, ValueError):
            continue
    below = set()
    for pid in workers:
        above = parents[pid]
        while above not in (0, root):
            above = parents.get(above, 0)
        if above == root:
            below.add((parents[pid], pid))
    return below


@pytest.mark.model
def test_two_engines_and_two_ranks_go_round_the_loop(prefect_home: dict[str, str], tmp_path: Path) -> None:
    config = small_loop(tmp_path / "run", model={"engines": 2}, train={"processes": 2})
    (tmp_path / "loop.yaml").write_text(yaml.safe_dump(config))
    environment = prefect_home | {"PYTHONPATH": str(ROOT), "VLLM_CPU_KVCACHE_SPACE": "1"}
    command = [sys.executable, "-m", "flows.cli.main", "loop", "loop.yaml"]
    log, workers = tmp_path / "log", set[tuple[int, int]]()
    with log.open("w") as out:
        loop = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=out, stderr=out)

    def watch() -> None:
        while loop.poll() is None:
            workers.update(find_workers(loop.pid))
            time.sleep(0.2)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        assert loop.wait(GUARD) == 0, log.read_text()[-3000:]
    finally:
        loop.kill()
        watching.join()
    check_loop(tmp_path / "run")
    # Two for each pass, and two beside the first rank.
    by_parent = {parent: len({pid for above, pid in workers if above == parent}) for parent, _ in workers}
    assert sorted(by_parent.values()) == [2, 4]
    (checkpoint,) = find_checkpoints(tmp_path / "run" / "training" / "one")
    assert sorted(path.name for path in checkpoint.glob("learner-*.pt")) == ["learner-0.pt", "learner-1.pt"]


@pytest.mark.model
def test_a_server_grades_samples_while_training_and_grades_again_by_the_trained_weights(
    goldilocks: Run, tmp_path: Path
) -> None:
    """One real server, started as the page says; no engine runs beside the trainer."""
    with serve_model(tmp_path / "server.log", name="embedded", takes_weights=True) as (served, _):
        config = small_loop(tmp_path / "run", model={"name": "embedded", "url": served.url}, train={"on_servers": True})
        (tmp_path / "loop.yaml").write_text(yaml.safe_dump(config))
        goldilocks("loop", "loop.yaml", cwd=tmp_path)
        given_back = httpx.get(f"{root_of(served.url)}/weight_info", timeout=60).json()
    assert given_back == {"weight_version": FIRST}
    check_loop(tmp_path / "run")
    log = (tmp_path / "server.log").read_text()
    # Weights of each step go in while it generates; the second pass's, and its own after both, while nothing does.
    assert log.count("POST /pause?mode=keep") >= 2
    assert log.count("POST /pause?mode=wait") == 3
    assert log.count("POST /collective_rpc") == log.count("POST /pause")

"""The same flow on a real Ray cluster of several nodes, against a real Prefect server: what comes out is what the run
in this process gives, row for row, also when a node is killed in the middle.
"""

import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from flows.cli.doctor import look_at_ray
from flows.cli.errors import Exit
from flows.ray import open_runner
from pipeline.inference.server_weights import FIRST, root_of
from pipeline.publish.shards import check_counts
from pipeline.run.storage import RunFolder
from schemas.config import Config
from schemas.errors import InputError
from schemas.load import ConfigError, load_config
from schemas.sample import SAMPLE_KEY
from tests.conftest import ROOT, Run, free_port, serve_model
from tests.flows.scripted_run import add, assert_same_content, mixed_problems
from tests.flows.test_code_run import add as code_problem
from tests.flows.test_curate import evidence, write_rows
from tests.flows.test_loop import check_loop, small_loop
from tests.flows.test_schedule import answers, started, wait_for
from tests.pipeline.inference.unruly import Unruly
from tests.test_docs import commands

pytestmark = pytest.mark.model
ray = pytest.importorskip("ray", reason="make cluster installs it")
GUARD = 400
NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}


@pytest.fixture(scope="module")
def prefect_server(prefect_home: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a client of a real Prefect server on loopback."""
    port, log = free_port(), tmp_path_factory.mktemp("prefect-server") / "log"
    url = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with started(command, prefect_home, log):
        wait_for("the server", lambda: answers(url), log)
        yield {"PREFECT_API_URL": url}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Three nodes of one CPU each, on this machine; this process is no part of it."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    found = Cluster(initialize_head=True, connect=False, head_node_args=NODE)
    try:
        for _ in range(2):
            found.add_node(**NODE)
        yield found
    finally:
        found.shutdown()


def configure(where: Path, model: Unruly, **flow: Any) -> Path:
    """A config over `where`/problems.jsonl with small shards."""
    config = {
        "run": str(where / "run"),
        "sources": [{"name": "problems", "files": "problems.jsonl"}],
        "model": {"name": "m", "url": model.url, "concurrency": 2},
        "prompt": {"template": "raw", "chat": False},
        "sampling": {"n": 8, "stop": "full"},
        "verify": {"extract": "last"},
        "flow": {"shard_rows": 6, "flush_seconds": 0.2, **flow},
    }
    path = where / "run.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def parts(run: Path) -> int:
    """Shards of which some samples are stored and more are being taken."""
    return sum(1 for shard in (run / "samples").glob("*/") if any(shard.glob("part-*.parquet")))


def test_a_run_on_a_cluster_that_loses_a_node_is_the_run_in_one_process(
    goldilocks: Run, cluster: Any, prefect_server: dict[str, str], prefect_home: dict[str, str], tmp_path: Path
) -> None:
    go_on = threading.Event()
    go_on.set()

    def hold_most(body: dict[str, Any], number: int) -> tuple[int, dict[str, str], Any]:
        """Two answers of a shard come at once, the others when the test says so."""
        found = re.search(r"What is (\d+)", body["prompt"])
        if found and int(found[1]) % 6 not in (1, 2):
            go_on.wait(GUARD)
        return add(body, number)

    model = Unruly(hold_most)
    write_rows(tmp_path / "problems.jsonl", [*mixed_problems(30), code_problem("code")])
    config, run = configure(tmp_path, model), tmp_path / "afar"
    goldilocks("curate", str(config), cwd=tmp_path)

    go_on.clear()
    on_ray = ["--set", f"run={run}", "--set", "flow.runner=ray", "--set", f"flow.ray={cluster.address}"]
    log = tmp_path / "log"
    with log.open("w") as out:
        flow = subprocess.Popen(
            [sys.executable, "-m", "flows.cli.main", "curate", str(config), *on_ray],
            cwd=tmp_path,
            env=prefect_home | prefect_server | {"PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=out,
        )
    try:
        wait_for("sampling on every node", lambda: parts(run) >= 3 or flow.poll() is not None, log)
        assert flow.poll() is None, log.read_text()
        # One task fits on a node: three shards under way are on three nodes.
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        go_on.set()
        assert flow.wait(GUARD) == 0, log.read_text()
    finally:
        go_on.set()
        flow.kill()
        flow.wait()
    check_counts(RunFolder(str(run)))
    assert evidence(run).select(SAMPLE_KEY).is_duplicated().sum() == 0
    assert_same_content(str(tmp_path / "run"), str(run))

    calls = model.calls
    goldilocks("curate", str(config), "--set", f"run={run}", cwd=tmp_path)
    assert model.calls == calls
    assert_same_content(str(tmp_path / "run"), str(run))


def test_a_cluster_that_starts_and_ends_with_the_run_gives_the_same(
    goldilocks: Run, prefect_server: dict[str, str], prefect_home: dict[str, str], tmp_path: Path
) -> None:
    write_rows(tmp_path / "problems.jsonl", mixed_problems(8))
    config = configure(tmp_path, Unruly(add))
    goldilocks("curate", str(config), cwd=tmp_path)
    prefect_home["PREFECT_API_URL"] = prefect_server["PREFECT_API_URL"]
    try:
        goldilocks("curate", str(config), "--set", "run=afar", "--set", "flow.runner=ray", cwd=tmp_path)
    finally:
        del prefect_home["PREFECT_API_URL"]
    assert_same_content(str(tmp_path / "run"), str(tmp_path / "afar"))


def test_the_loop_on_a_cluster_has_its_second_pass_on_servers_that_take_the_trained_weights(
    goldilocks: Run, prefect_server: dict[str, str], prefect_home: dict[str, str], tmp_path: Path
) -> None:
    """Both passes are tasks on Ray, and all three sample from one real vLLM server, started as the page says."""
    with serve_model(tmp_path / "server.log", name="embedded", takes_weights=True) as (served, _):
        config = small_loop(
            tmp_path / "run",
            model={"name": "embedded", "url": served.url},
            train={"on_servers": True},
            flow={"runner": "ray", "shard_rows": 4},
        )
        (tmp_path / "loop.yaml").write_text(yaml.safe_dump(config))
        prefect_home["PREFECT_API_URL"] = prefect_server["PREFECT_API_URL"]
        try:
            goldilocks("loop", "loop.yaml", cwd=tmp_path)
        finally:
            del prefect_home["PREFECT_API_URL"]
        address = f"{root_of(served.url)}/weight_info"
        assert httpx.get(address, timeout=60).json() == {"weight_version": FIRST}
    check_loop(tmp_path / "run")


def test_without_a_prefect_server_that_all_reach_a_run_on_ray_is_refused(goldilocks: Run, tmp_path: Path) -> None:
    model = Unruly(add)
    write_rows(tmp_path / "problems.jsonl", mixed_problems(2))
    told = goldilocks(
        "curate", str(configure(tmp_path, model, runner="ray")), check=Exit.BAD_INPUT, cwd=tmp_path
    ).stderr
    assert "PREFECT_API_URL" in told


def test_a_cluster_that_is_not_there_is_bad_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    config = load_config(configure(tmp_path, Unruly(add), runner="ray", ray=f"ray://127.0.0.1:{free_port()}"))
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4200/api"}),
        pytest.raises(InputError, match="ray start --head"),
        open_runner(config),
    ):
        pass


def test_the_doctor_says_whether_the_cluster_answers(tmp_path: Path) -> None:
    config = load_config(configure(tmp_path, Unruly(add), runner="ray"))
    assert look_at_ray(config).ok is True
    nowhere = load_config(configure(tmp_path, Unruly(add), runner="ray", ray=f"127.0.0.1:{free_port()}"))
    assert look_at_ray(nowhere).ok is False
    assert look_at_ray(load_config(configure(tmp_path, Unruly(add), runner="ray", ray="nonsense"))).ok is False


def test_the_page_s_doctor_finds_all_that_a_config_names(goldilocks: Run, tmp_path: Path) -> None:
    (command,) = (line for line in commands(ROOT / "docs" / "cluster.md") if "doctor" in line)
    configure(tmp_path, Unruly(add), runner="ray").rename(tmp_path / "cluster.yaml")
    told = goldilocks(*shlex.split(command, comments=True)[1:], cwd=tmp_path).stdout
    assert "prefect-ray" in told
    assert "serves m" in " ".join(told.split())


def test_ray_without_model_servers_is_refused_when_the_config_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"flow\.runner ray needs model\.url"):
        load_config(configure(tmp_path, Unruly(add), runner="ray"), ["model.url=null"])


def test_threads_need_nothing_of_ray(tmp_path: Path) -> None:
    config = Config.model_validate({"run": str(tmp_path), "sources": [{"name": "s", "files": "f"}]})
    with open_runner(config) as runner:
        assert type(runner).__name__ == "ThreadPoolTaskRunner"
    assert os.environ.get("RAY_ADDRESS") is None

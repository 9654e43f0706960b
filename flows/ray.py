"""Where the tasks of a flow run: in threads of this process, or spread over a Ray cluster. It is chosen here alone.

On Ray every task of a shard goes where a CPU is free: its stages, sampling (which asks the model servers from there),
verification, publishing. A stage over the whole set is one task. The cluster's machines need this package, the run's
folder (shared or remote) and a Prefect server that all of them reach.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from prefect.settings import PREFECT_API_URL
from prefect.task_runners import ThreadPoolTaskRunner

from schemas.config import Config
from schemas.errors import InputError

REACH_SECONDS = 10.0
OBJECT_STORE_BYTES = 128 << 20
"""Of a cluster started here: what passes between tasks are names and counts, tables lie in the run's folder."""
PLACE = "GOLDILOCKS_PLACE"
"""Tells Ray's workers the directory that relative paths of the config start from."""
PASSED_ON = (
    "PREFECT_LOGGING_LEVEL",
    "PREFECT_SERVER_LOGGING_LEVEL",
    "PREFECT_SERVER_ANALYTICS_ENABLED",
    "DO_NOT_TRACK",
)


@contextmanager
def open_runner(config: Config) -> Iterator[Any]:
    """The task runner that `flow.runner` asks for, until the block ends.

    Raises InputError where Ray is not installed or not there, or no Prefect server is configured: one that a worker
    brings would not be the others'.
    """
    if not runs_on_ray(config):
        yield ThreadPoolTaskRunner(max_workers=config.flow.concurrency)
        return
    # Ray counts its uses with its makers, unless this says otherwise.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        from prefect_ray import RayTaskRunner
    except ImportError as error:
        raise InputError(f"flow.runner ray: {error}; run `make cluster`, or install goldilocks[ray]") from None
    if not PREFECT_API_URL.value():
        raise InputError(
            "flow.runner ray needs a Prefect server that every machine reaches: run `prefect server start` and set "
            "PREFECT_API_URL to its address, such as http://10.0.0.1:4200/api"
        )
    address = config.flow.ray
    try:
        reach_cluster(address)
        ray.init(address, **describe_driver(config))
    except Exception as error:
        raise InputError(
            f"flow.ray {address}: {error}; give the address of a running cluster (`ray start --head` says it), or local"
        ) from error
    try:
        yield RayTaskRunner(address=address)
    finally:
        ray.shutdown()


def runs_on_ray(config: Config) -> bool:
    """Whether tasks may run in other processes, on other machines."""
    return config.flow.runner == "ray"


def describe_driver(config: Config) -> dict[str, Any]:
    """The arguments of `ray.init`: no dashboard, little memory, no log lines of workers among ours."""
    variables = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    variables |= {PLACE: os.getcwd(), "PREFECT_API_URL": PREFECT_API_URL.value() or ""}
    arguments: dict[str, Any] = {
        "namespace": "goldilocks",
        "log_to_driver": False,
        "logging_level": "ERROR",
        "runtime_env": {"env_vars": variables, "worker_process_setup_hook": "flows.ray.settle_worker"},
    }
    if config.flow.ray == "local":
        arguments |= {
            "num_cpus": config.flow.concurrency,
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE_BYTES,
        }
    return arguments


def reach_cluster(address: str) -> None:
    """Return when somebody listens at the address of a cluster; Ray itself asks for half a minute. Raises OSError."""
    if address in ("local", "auto"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise OSError("this is neither local, auto, HOST:PORT nor ray://HOST:PORT")
    socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()


def settle_worker() -> None:
    """What a Ray worker does before its first task: go to where the run was started, where that is on its machine."""
    with suppress(OSError, KeyError):
        os.chdir(Path(os.environ[PLACE]))

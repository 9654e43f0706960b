"""What this machine offers an engine, and the environment that makes vLLM quick on it."""

import glob
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from itertools import takewhile
from pathlib import Path
from typing import Any

from schemas.errors import InputError

ROOT = Path(__file__).resolve().parents[2]

NODE_GPUS = "GOLDILOCKS_GPUS"
"""The variable with all GPUs that a run may use, in a process that sees only some of them."""

KV_CACHE_GB = "2"
"""Of the CPU engine, unless VLLM_CPU_KVCACHE_SPACE says otherwise: plenty for 256 short sequences of a small model."""

TCMALLOC = ("libtcmalloc_minimal.so.4", "libtcmalloc.so.4")
OPENMP = ("libiomp5.so",)
LIBRARY_FOLDERS = ("/usr/lib/*-linux-gnu", "/lib/*-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib", "/opt/*/lib")


def find_project(base: Mapping[str, str]) -> dict[str, str]:
    """`base` for a child process that imports this project, also where it is not installed.

    A folder of the user's that is called `pipeline` or `schemas` and stands where they work is not looked at: the path
    is safe (Python's `-P`).
    """
    path = os.pathsep.join(filter(None, [str(ROOT), base.get("PYTHONPATH")]))
    return {**base, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


@dataclass(frozen=True)
class Place:
    """Which of `of` engines on this machine one is, from 0, and so which devices it has."""

    number: int
    of: int
    gpus: tuple[int, ...] = ()
    """Of those that may be used, counted from 0; where none is given, those behind the ones of the engines before."""
    share: float | None = None
    """Of the GPUs' memory, where the trainer has them in turn: the engine sleeps while the trainer steps."""

    def name(self, model: str) -> str:
        """The model, with the engine's number where there are several."""
        return model if self.of == 1 else f"{model}, {self.number + 1} of {self.of}"

    def restrict(self, base: Mapping[str, str], devices: int) -> dict[str, str]:
        """`base` with this engine's devices alone: `devices` GPUs of those that may be used, or its share of the cores.

        Raises InputError where there are not enough GPUs for all.
        """
        if self.of == 1 and not self.gpus:
            return dict(base)
        if find_device() == "cpu":
            if self.of == 1:
                return dict(base)
            cores = engine_cores(base)
            share = cores[self.number :: self.of] or [cores[self.number % len(cores)]]
            return {**base, "VLLM_CPU_OMP_THREADS_BIND": ",".join(map(str, share))}
        visible = list_gpus(base)
        first = self.number * devices
        own = self.gpus or tuple(range(first, first + devices))
        if max(own) >= len(visible):
            if self.gpus:
                raise InputError(f"placement: an engine is to have GPU {max(own)}, and {len(visible)} may be used")
            raise InputError(
                f"model.engines: {self.of} engines of {devices} GPU{'s' * (devices != 1)} each want "
                f"{self.of * devices}, and {len(visible)} may be used; lower model.engines or "
                "model.engine.tensor_parallel_size"
            )
        others = {name: value for name, value in base.items() if name != NODE_GPUS}
        return {**others, "CUDA_VISIBLE_DEVICES": ",".join(visible[gpu] for gpu in own)}


ALONE = Place(0, 1)


_GPU = re.compile(r"\d+|(?:GPU|MIG)-.+")


def list_gpus(environment: Mapping[str, str]) -> list[str]:
    """The GPUs that a run may use, as CUDA_VISIBLE_DEVICES names them; where it is not set, all of them.

    CUDA sees those before the first that is none: a number below 0, or a word such as Slurm's NoDevFiles.
    """
    named = environment.get(NODE_GPUS, environment.get("CUDA_VISIBLE_DEVICES"))
    if named is not None:
        names = [name.strip() for name in named.split(",") if name.strip()]
        return list(takewhile(_GPU.fullmatch, names))
    # WSL has one device for all GPUs, of which CUDA's first is used.
    return [str(number) for number in range(len(glob.glob("/dev/nvidia[0-9]*") or glob.glob("/dev/dxg")))]


def count_gpus(environment: Mapping[str, str]) -> int:
    """How many GPUs a run may use; 0 where vLLM is built for a CPU."""
    return 0 if find_device() == "cpu" else len(list_gpus(environment))


def read_memory(root: Path = Path("/")) -> float | None:
    """Bytes of memory that processes here may have: the machine's, or what a container or a job's group is held to."""
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    limits = [1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemTotal:")]
    for group in groups:
        _, kinds, path = group.split(":", 2)
        if kinds and "memory" not in kinds.split(","):
            continue
        # Version 2 has one tree for all kinds of limits.
        base, file = ("sys/fs/cgroup/memory", "memory.limit_in_bytes") if kinds else ("sys/fs/cgroup", "memory.max")
        own = Path(path.lstrip("/"))
        for folder in (own, *own.parents):
            try:
                limits.append(float((root / base / folder / file).read_text()))
            except (OSError, ValueError):
                # Not there, or `max`.
                continue
    return min(limits, default=None)


def engine_environment(base: Mapping[str, str]) -> dict[str, str]:
    """The variables of the engine's process: `base` with what vLLM needs; what the user has set stays."""
    quiet = {
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_LOGGING_LEVEL": "WARNING",
        "TOKENIZERS_PARALLELISM": "false",
        # The engine shares one process with its scheduler: one thing to start, to watch and to kill.
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    }
    environment = {**quiet, **base}
    if find_device() != "cpu":
        return environment
    environment.setdefault("VLLM_CPU_KVCACHE_SPACE", KV_CACHE_GB)
    cores = engine_cores(environment)
    listed = ",".join(map(str, cores))
    environment.setdefault("OMP_NUM_THREADS", str(len(cores)))
    already = base.get("LD_PRELOAD", "")
    libraries = (find_library(TCMALLOC), find_library(OPENMP))
    preload = [path for path in libraries if path and Path(path).name not in already]
    environment["LD_PRELOAD"] = ":".join(filter(None, [already, *preload]))
    if "libiomp" in environment["LD_PRELOAD"]:
        environment.setdefault("KMP_AFFINITY", f"granularity=fine,explicit,proclist=[{listed}]")
        environment.setdefault("KMP_BLOCKTIME", "5")
    return environment


def engine_cores(environment: Mapping[str, str]) -> list[int]:
    """The logical CPUs that the engine computes on: VLLM_CPU_OMP_THREADS_BIND such as `0-3,8`, else all that we may
    use.
    """
    bound = environment.get("VLLM_CPU_OMP_THREADS_BIND", "")
    if not bound or not bound[0].isdigit():
        return sorted(os.sched_getaffinity(0))
    cores: list[int] = []
    for part in bound.split("|")[0].split(","):
        first, _, last = part.partition("-")
        cores.extend(range(int(first), int(last or first) + 1))
    return cores


def find_device() -> str:
    """`cpu` or `cuda`: what the installed vLLM is built for and finds here. Imports neither vLLM nor torch."""
    if vllm_version()[0] == "vllm-cpu":
        return "cpu"
    return "cuda" if glob.glob("/dev/nvidia[0-9]*") or glob.glob("/dev/dxg") else "cpu"


def vllm_version() -> tuple[str, str]:
    """(distribution, version), or ("", "") where vLLM is not installed."""
    for name in ("vllm-cpu", "vllm"):
        try:
            return name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "", ""


def find_library(names: tuple[str, ...]) -> str | None:
    """The first of the shared libraries `names` on this machine: in this environment, or where the system has them."""
    folders = [f"{sys.prefix}/lib", *LIBRARY_FOLDERS]
    for name in names:
        for folder in folders:
            paths = sorted(glob.glob(f"{folder}/{name}"))
            if paths:
                return paths[0]
    return None


def describe_engine() -> dict[str, Any]:
    """What `doctor` says of the engine: build, device, cores, preloaded libraries, and `advice` on what would make
    it faster.
    """
    name, version = vllm_version()
    device = find_device()
    engine: dict[str, Any] = {"vllm": f"{name} {version}".strip() or None, "device": device, "advice": []}
    if not name:
        engine["advice"].append("vLLM is not installed: install goldilocks[cpu] or goldilocks[gpu], or set model.url")
    if device == "cpu":
        environment = engine_environment(os.environ)
        engine["cores"] = engine_cores(environment)
        engine["kv_cache_gb"] = int(environment["VLLM_CPU_KVCACHE_SPACE"])
        engine["tcmalloc"] = find_library(TCMALLOC)
        engine["openmp"] = find_library(OPENMP)
        if engine["tcmalloc"] is None:
            engine["advice"].append("tcmalloc makes the CPU engine faster: apt-get install libtcmalloc-minimal4")
        if engine["openmp"] is None:
            engine["advice"].append("Intel OpenMP makes the CPU engine faster on x86: pip install intel-openmp")
    return engine

"""What this machine has, and what to do about what it has not."""

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.inference.machine import vllm_version
from schemas.config import Config


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `ok` is None for what is merely good to know; `fix` says what to do where it is False."""

    what: str
    ok: bool | None
    state: str
    fix: str = ""


NEEDED_DISK_GB = 5
"""The environment is 4 GB; a run adds its shards."""


def examine(config: Config) -> bool:
    """Print the findings as a table; True when nothing that a run needs is missing."""
    findings = list(look(config))
    table = Table("", "what", "found", "what to do", show_edge=False, pad_edge=False)
    for finding in findings:
        sign = {True: "[green]ok[/]", False: "[red]missing[/]", None: ""}[finding.ok]
        table.add_row(sign, finding.what, finding.state, finding.fix if finding.ok is not True else "")
    Console().print(table)
    return all(finding.ok is not False for finding in findings)


def look(config: Config) -> Iterator[Finding]:
    """Every finding, cheapest first; no model is started."""
    yield Finding("python", True, platform.python_version())
    yield from look_at_packages()
    yield look_at_gpu()
    yield from look_at_engine(config)
    yield look_at_model(config)
    yield from look_at_sandbox(config)
    yield from look_at_translator(config)
    yield look_at_prefect()
    yield look_at_ray(config)
    yield look_at_disk(config)
    yield look_at_browser()


def look_at_packages() -> Iterator[Finding]:
    """The libraries whose version matters for what comes out."""
    for name in ("polars", "datasets", "prefect", "transformers", "torch", "math-verify"):
        try:
            yield Finding(name, True, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding(name, False, "not installed", "make setup")


def look_at_gpu() -> Finding:
    """Which accelerator torch sees."""
    import torch

    if not torch.cuda.is_available():
        return Finding("gpu", None, f"none; {os.cpu_count()} CPU cores")
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return Finding("gpu", True, ", ".join(names))


def look_at_engine(config: Config) -> Iterator[Finding]:
    """vLLM as installed, or the server that the config names."""
    if config.model.urls:
        yield from (look_at_server(url, config.model.name) for url in config.model.urls)
        if not config.train.on_servers:
            name, version = vllm_version()
            need = "make setup, before goldilocks train or loop: they ask vLLM here for rollouts and pass 2"
            yield Finding("engine: here", None, f"{name} {version}" if name else "no vLLM", "" if name else need)
        return
    from pipeline.inference.machine import describe_engine

    engine = describe_engine()
    yield Finding("engine", engine["vllm"] is not None, engine["vllm"] or "no vLLM", "make setup")
    for what in ("device", "cores", "kv_cache_gb", "tcmalloc", "openmp"):
        if engine.get(what) is not None:
            yield Finding(f"engine: {what.replace('_', ' ')}", None, str(engine[what]))
    for advice in engine["advice"]:
        yield Finding("engine", None, "", advice)


def look_at_server(url: str, name: str) -> Finding:
    """Whether an OpenAI-compatible server answers at `url` and serves `name`."""
    import httpx

    try:
        models = httpx.get(f"{url.rstrip('/')}/models", timeout=5).raise_for_status().json()["data"]
        served = {model["id"]: model.get("root") or model["id"] for model in models}
    except (httpx.HTTPError, KeyError, ValueError) as error:
        return Finding("engine", False, f"{url}: {error}", "start it (vllm serve MODEL), or correct model.url")
    if name not in served:
        return Finding("engine", False, f"{url} serves {', '.join(served)}", f"set model.name, which is {name}, to one")
    return Finding("engine", True, f"{url} serves {name} ({served[name]})")


def look_at_model(config: Config) -> Finding:
    """Whether the model is here, or has to be fetched first."""
    from pipeline.inference.embedded import NAME, REVISION, cache_root, is_whole

    if config.model.urls:
        return Finding("model", None, f"{config.model.name} at {len(config.model.urls)} URL(s)")
    if config.model.name == "embedded":
        folder = cache_root() / "models" / f"{NAME}-{REVISION}"
        place = "in" if is_whole(folder) else "at first use into"
        return Finding("model", True, f"{NAME}, {place} {folder}")
    if Path(config.model.name).is_dir():
        return Finding("model", True, f"folder {config.model.name}")
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(config.model.name, "config.json", revision=config.model.revision)
    return Finding(
        "model", None, f"{config.model.name}: {'in the Hub cache' if cached else 'to be fetched from the Hub'}"
    )


def look_at_sandbox(config: Config) -> Iterator[Finding]:
    """Which walls programs of code problems run behind here, and why; C++ where a compiler is.

    Math needs none, so that none is missing unless the config asks for a mode that does not work here.
    """
    from pipeline.sandbox import describe_sandbox

    sandbox = describe_sandbox()
    mode, advice = sandbox["mode"], "; ".join(sandbox["install"])
    asked = config.sandbox.mode
    if asked not in ("auto", "unsafe", mode):
        yield Finding("sandbox", False, f"{asked} is asked for, and this machine gives {mode or 'none'}", advice)
    else:
        state = f"{mode or 'none, so no code problems'}: {sandbox['why']}"
        yield Finding("sandbox", True if mode == "bubblewrap" else None, state, advice)
    yield Finding("sandbox: python", None, sandbox["python"] or "none under /usr")
    yield Finding("sandbox: C++", None, sandbox["compiler"] or "none, so no C++ programs")


def look_at_translator(config: Config) -> Iterator[Finding]:
    """Apertium, where the config asks for it; without it a run leaves its problems in English."""
    if not config.translate.enabled or config.translate.by != "apertium":
        return
    from pipeline.translate.apertium import name_apertium, say_install

    advice = say_install(config.translate.languages)
    yield Finding("translator", None if advice else True, "none" if advice else name_apertium(), advice)


def look_at_prefect() -> Finding:
    """The server that flows report to; none is fine, a configured one that is silent is not."""
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    if not url:
        return Finding("prefect server", None, "none configured: runs bring their own", "prefect server start")
    import httpx

    try:
        httpx.get(f"{url}/health", timeout=5).raise_for_status()
        return Finding("prefect server", True, url)
    except httpx.HTTPError as error:
        return Finding("prefect server", False, f"{url}: {error}", "prefect server start, or unset PREFECT_API_URL")


def look_at_ray(config: Config) -> Finding:
    """Ray and what joins it to Prefect; whether the cluster is there is seen when a run asks for it."""
    try:
        versions = f"ray {metadata.version('ray')}, prefect-ray {metadata.version('prefect-ray')}"
    except metadata.PackageNotFoundError:
        asked = config.flow.runner == "ray"
        return Finding("ray", False if asked else None, "not installed: shards run in this process", "make cluster")
    if config.flow.runner != "ray":
        return Finding("ray", True, versions)
    from flows.ray import reach_cluster

    try:
        reach_cluster(config.flow.ray)
        return Finding("ray", True, f"{versions}; cluster: {config.flow.ray}")
    except OSError as error:
        return Finding("ray", False, f"{versions}; {config.flow.ray}: {error}", "ray start --head, or correct flow.ray")


def look_at_disk(config: Config) -> Finding:
    """Free space where the run goes."""
    if "://" in config.run:
        return look_at_store(config.run)
    place = Path(config.run).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / 1e9
    return Finding("disk", free >= NEEDED_DISK_GB, f"{free:.0f} GB free at {place}", f"free {NEEDED_DISK_GB} GB")


def look_at_store(run: str) -> Finding:
    """Whether the remote store of the run answers, and lets its folder be listed."""
    from pipeline.run.storage import RunFolder
    from schemas.errors import InputError

    try:
        folder = RunFolder(run)
        folder.fs.find(folder.path)
        return Finding("storage", True, f"{run} can be listed")
    except InputError as error:
        return Finding("storage", False, str(error), "make cluster")
    except Exception as error:
        return Finding("storage", False, f"{run}: {error}", "check the bucket, its address and your credentials")


def look_at_browser() -> Finding:
    """Chromium is for the report's own test; people open the report in theirs."""
    path = shutil.which("chromium")
    return Finding("chromium", None, path or "none: needed by `make test` alone", "apt-get install chromium")

"""What `goldilocks doctor CONFIG` says of memory: what GPUs and node must hold, whether it fits, what to change."""

import os
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from pipeline.inference.embedded import ModelError
from pipeline.inference.machine import count_gpus
from pipeline.inference.shape import ModelShape, read_shape
from schemas.config import Config
from trainer.fit import NODES, Fit, Load, find_change, reckon_fit, reckon_host_loads, take_defaults
from trainer.memory import GB, find_gpu_memory


def look_at_memory(config: Config) -> bool:
    """Print the placement of `config` and of the defaults on nodes of 1 to 8 GPUs; True where the config's own fits.

    Without GPUs, here or in the config, nothing can be said of its own, and without the model's config nothing at all:
    a model that servers have need not be here.
    """
    console = Console()
    try:
        shape = read_shape(config.model)
    except ModelError as error:
        console.print(f"\nMemory is not reckoned: {error}", markup=False, highlight=False, soft_wrap=True)
        return bool(config.model.urls)
    gpus = config.placement.gpus or count_gpus(os.environ)
    memory = find_gpu_memory(config)
    console.print(
        f"\n[bold]{shape.name}[/], {shape.parameters / 1e9:.2f}B parameters, "
        f"{shape.cache_bytes() / 1e3:.0f} kB of cache a token; GPUs of {memory:g} GB"
    )
    fit = reckon_fit(config, shape, gpus, memory * GB) if gpus else None
    host = reckon_host_loads(config, shape, gpus)
    if fit is not None:
        _print_fit(console, config, shape, fit, memory)
    if host:
        _print_host(console, host)
    _print_defaults(console, config, shape, memory)
    return fit is None or (fit.fits and all(load.spare >= 0 for load in host))


def _print_fit(console: Console, config: Config, shape: ModelShape, fit: Fit, memory: float) -> None:
    console.print(f"{fit.gpus} GPU{'s' * (fit.gpus > 1)}: {fit.placement or fit.trouble}")
    if fit.loads:
        console.print(_list_loads(fit.loads, "of one GPU, GB"))
    if fit.fits:
        console.print("[green]fits[/]")
        return
    if fit.placement is not None and fit.trouble:
        console.print(f"[red]{fit.trouble}[/]")
    change = find_change(config, shape, fit.gpus, memory * GB)
    console.print("[red]does not fit[/]; what would: ", end="")
    console.print(change, markup=False, highlight=False, soft_wrap=True)


def _print_host(console: Console, host: Sequence[Load]) -> None:
    """The node's own memory."""
    console.print(f"\nThe node's own memory: {host[0].memory / GB:.0f} GB")
    console.print(_list_loads(host, "GB"))


def _list_loads(loads: Sequence[Load], unit: str) -> Table:
    table = Table("", unit, "in all", "left", show_edge=False, pad_edge=False)
    for load in loads:
        parts = "; ".join(f"{what} {size / GB:.1f}" for what, size in load.demand.parts.items() if size >= GB / 20)
        verdict = "" if load.spare >= 0 else "[red]does not fit[/] "
        note = f"\n[dim]{load.note}[/]" if load.note and load.spare >= 0 else ""
        table.add_row(load.who, parts + note, f"{load.demand.total / GB:.1f}", f"{verdict}{load.spare / GB:.1f}")
    return table


def _print_defaults(console: Console, config: Config, shape: ModelShape, memory: float) -> None:
    """The defaults of every usual node, each with its tightest load."""
    table = Table("GPUs", "by default", "fits", "what would", show_edge=False, pad_edge=False)
    for gpus in NODES:
        plain = take_defaults(config, gpus)
        fit = reckon_fit(plain, shape, gpus, memory * GB)
        tight = fit.tightest
        if fit.fits and tight is not None:
            state = f"[green]yes[/], {tight.spare / GB:.1f} GB left ({tight.who})"
        elif fit.trouble or tight is None:
            state = f"[red]no[/]: {fit.trouble}"
        else:
            state = f"[red]no[/], {-tight.spare / GB:.1f} GB too much ({tight.who})"
        change = "" if fit.fits else find_change(plain, shape, gpus, memory * GB).replace("[", r"\[")
        table.add_row(str(gpus), str(fit.placement or ""), state, change)
    console.print()
    console.print(table)

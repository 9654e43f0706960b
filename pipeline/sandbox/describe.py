"""Which walls this machine gives, tried out rather than guessed, and what to install for better ones."""

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from pipeline.sandbox import box
from pipeline.sandbox.box import MODES, Mode, SandboxUnavailable
from pipeline.sandbox.compile import compiler_version
from pipeline.sandbox.inside.lockdown import landlock_abi
from pipeline.sandbox.program import Limits
from pipeline.sandbox.worker import Worker


@dataclass(frozen=True, slots=True)
class Trial:
    """Whether a mode works here: `why` not, and what to do about it."""

    works: bool
    why: str = ""
    install: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The mode taken, and what to warn of."""

    mode: Mode
    warning: str = ""


@lru_cache(maxsize=len(MODES))
def try_mode(mode: Mode) -> Trial:
    """Start a worker in `mode` and run a program in it."""
    try:
        box.find_interpreter()
    except SandboxUnavailable as error:
        return Trial(False, str(error), "apt-get install python3")
    if mode != "unsafe" and not box.seccomp_here():
        return Trial(False, "the system-call filter is written for x86-64", "use an x86-64 machine")
    if mode == "landlock" and landlock_abi() < 1:
        return Trial(False, "this kernel has no Landlock", "Linux 5.13 or later with landlock in its lsm= list")
    worker = Worker(mode, Limits())
    try:
        reply, outputs, message = worker.attempt("program", [b"print(input())", b"walls"], 1)
    finally:
        worker.close()
    if outputs == [b"walls\n"]:
        return Trial(True)
    message = str(reply.get("infra") or message)
    if mode == "bubblewrap":
        return Trial(False, *box.why_not_bubblewrap(message))
    return Trial(False, message, "")


def choose_mode(asked: Literal["auto"] | Mode) -> Choice:
    """The mode to run in; raises SandboxUnavailable where it does not work, or for `auto` where no safe one does."""
    if asked not in ("auto", *MODES):
        raise ValueError(f"mode is {asked!r}; it is one of auto, {', '.join(MODES)}")
    if asked == "unsafe":
        trial = try_mode("unsafe")
        if not trial.works:
            raise SandboxUnavailable(f"no sandbox at all: {trial.why}")
        return Choice("unsafe", "sandbox mode unsafe: programs can read what this user can read")
    bubblewrap = try_mode("bubblewrap") if asked != "landlock" else Trial(False)
    if bubblewrap.works:
        return Choice("bubblewrap")
    if asked == "bubblewrap":
        raise SandboxUnavailable(f"no bubblewrap sandbox: {bubblewrap.why}; {bubblewrap.install}")
    landlock = try_mode("landlock")
    if landlock.works:
        missing = f"no namespaces ({bubblewrap.why}); {bubblewrap.install}" if asked == "auto" else ""
        return Choice("landlock", f"sandbox mode landlock: {missing}" if missing else "")
    raise SandboxUnavailable(
        f"this machine gives no sandbox. bubblewrap: {bubblewrap.why or 'not asked for'}; {bubblewrap.install}. "
        f"landlock: {landlock.why}; {landlock.install}. mode='unsafe' runs without walls, at your own risk."
    )


def describe_sandbox() -> dict[str, Any]:
    """What `auto` takes here: `mode` (None where there is none), `why`, `install` (what would make it better),
    `python` and `compiler` (as found, or None), `landlock` (version), `root` (workers get uids of their own)."""
    install = []
    trials = {mode: try_mode(mode) for mode in ("bubblewrap", "landlock")}
    mode = next((mode for mode, trial in trials.items() if trial.works), None)
    if not trials["bubblewrap"].works:
        install.append(trials["bubblewrap"].install)
    try:
        python: str | None = " ".join(box.find_interpreter())
    except SandboxUnavailable:
        python = None
    try:
        compiler: str | None = compiler_version()
    except SandboxUnavailable:
        compiler = None
        install.append("apt-get install g++ (for C++ programs)")
    why = {
        "bubblewrap": "namespaces, seccomp and limits all work",
        "landlock": f"no namespaces: {trials['bubblewrap'].why}",
        None: f"bubblewrap: {trials['bubblewrap'].why}; landlock: {trials['landlock'].why}",
    }[mode]
    return {
        "mode": mode,
        "why": why,
        "install": [what for what in install if what],
        "python": python,
        "compiler": compiler,
        "landlock": landlock_abi(),
        "root": os.getuid() == 0,
    }

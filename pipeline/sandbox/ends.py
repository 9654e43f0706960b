"""How a process ended, as a status: before any output is looked at."""

import signal

from pipeline.sandbox.inside import children
from pipeline.sandbox.program import Limits, Status
from pipeline.sandbox.worker import Attempt

MAX_DETAIL = 1000
ENOUGH = 0.1
"""Share of its time that a program must have had on a machine that is too busy, for what it did not end in that to be
held against it."""


def end_of(tried: Attempt, limits: Limits) -> tuple[Status, str]:
    """How a process ended, as a status; `passed` is a good end, before any output is looked at."""
    last_words = tried.stderr[-MAX_DETAIL:]
    if tried.infra is not None:
        return Status.INFRA, tried.infra
    no_memory = tried.exit == children.OUT_OF_MEMORY or (tried.exit != 0 and "std::bad_alloc" in last_words)
    if tried.rss_mb > limits.memory_mb or no_memory:
        return Status.MEMORY, f"over {limits.memory_mb} MB"
    if tried.starved and tried.cpu < ENOUGH * limits.wall:
        return Status.INFRA, f"the machine was too busy: {tried.cpu:.1f} s of CPU when {limits.wall:g} s were long over"
    if tried.timed_out or tried.exit == -signal.SIGXCPU:
        return Status.TIME, f"over {limits.wall:g} s" if tried.timed_out else f"over {limits.cpu} s of CPU"
    if outlived(tried, limits):
        return Status.TIME, f"over {limits.cpu} s of CPU"
    if tried.exit == -signal.SIGXFSZ or len(tried.output) >= limits.output_mb << 20:
        return Status.OUTPUT, f"over {limits.output_mb} MB of output"
    if tried.exit == children.NO_COMPILE:
        return Status.COMPILE, last_words
    if tried.exit < 0:
        return Status.RUNTIME, f"{_signal_name(-tried.exit)}: {last_words}"
    if tried.exit:
        return Status.RUNTIME, last_words or f"exit status {tried.exit}"
    return Status.PASSED, ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def outlived(attempt: Attempt, limits: Limits) -> bool:
    """Whether a process went on past its CPU limit: the signal that ends it there can be caught."""
    return attempt.cpu > limits.cpu and attempt.exit != -signal.SIGXCPU

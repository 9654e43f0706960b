"""What a trainer's process does with the host's memory."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from trainer.heap import ENVIRONMENT, bound_caches, unbound

PAGES = """
import resource, torch
from trainer.heap import keep_memory
{first}
def touch():
    return torch.ones(1 << 24)
counts = []
for _ in range(40):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    touch()
    counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(min(counts))
"""


def count_new_pages(first: str) -> int:
    """The fewest pages that one of some large tensors touched first, in a process of its own.

    The fewest: a small object in the gap that a tensor left makes the next take a new place, which is then a gap too.
    """
    command = [sys.executable, "-c", PAGES.format(first=first)]
    return int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
def test_memory_that_was_freed_is_used_again() -> None:
    assert count_new_pages("") > 100 * max(1, count_new_pages("keep_memory()"))


def measure_growth(environment: dict[str, str]) -> float:
    """MB that steps on groups of other lengths leave behind, each, in a process with this environment."""
    command = [sys.executable, "-m", "tests.trainer.growth"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif("glibc" not in (os.confstr("CS_GNU_LIBC_VERSION") or ""), reason="malloc is not glibc's")
def test_a_step_leaves_nothing_behind() -> None:
    clean = unbound(dict(os.environ))
    assert measure_growth(bound_caches(clean)) < 0.2 < 1 < measure_growth(clean)


def test_what_the_user_has_set_stands_and_engines_do_not_inherit_what_we_set() -> None:
    before = {"LRU_CACHE_CAPACITY": "64", "PATH": "/bin"}
    bound = bound_caches(before)
    assert {**ENVIRONMENT, **before} == bound
    assert unbound(bound) == before

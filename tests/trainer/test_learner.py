"""What the learner's process does with memory; what it learns is tested by the step, and over several ranks."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

PAGES = """
import resource, torch
from trainer.learner import keep_memory
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

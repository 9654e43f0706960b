"""How much memory this machine has for a run: what the kernel says, or the limit of a container or a job."""

from pathlib import Path

import pytest

from pipeline.inference.machine import read_memory

MEMINFO = "MemTotal:       1000000 kB\nMemFree:         500000 kB\n"
ALL = 1_024_000_000


def lay(root: Path, groups: str, limits: dict[str, str]) -> Path:
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "meminfo").write_text(MEMINFO)
    (root / "proc" / "self" / "cgroup").write_text(groups)
    for name, limit in limits.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(limit + "\n")
    return root


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("0::/\n", {}, ALL),
        ("0::/\n", {"memory.max": "max"}, ALL),
        ("0::/\n", {"memory.max": "4096"}, 4096),
        ("0::/job/step\n", {"job/memory.max": "8192", "job/step/memory.max": "max"}, 8192),
        ("0::/job/step\n", {"job/memory.max": "8192", "job/step/memory.max": "4096"}, 4096),
        # A container that sees its own group as the root, under a path that only the host knows.
        ("0::/kubepods/pod1/c2\n", {"memory.max": "4096"}, 4096),
        ("5:memory:/slurm/job\n4:cpu:/slurm\n", {"memory/slurm/job/memory.limit_in_bytes": "4096"}, 4096),
        # Version 1 writes no limit as a number that no machine has.
        ("5:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, ALL),
        # The mixed tree: version 2 without a controller of memory, version 1 with it.
        ("5:memory:/a\n0::/a\n", {"memory/a/memory.limit_in_bytes": "4096", "unified/a/cgroup.procs": ""}, 4096),
    ],
)
def test_the_tightest_limit_counts(tmp_path: Path, groups: str, limits: dict[str, str], expected: float) -> None:
    assert read_memory(lay(tmp_path, groups, limits)) == expected


def test_a_machine_that_does_not_say_is_not_guessed(tmp_path: Path) -> None:
    assert read_memory(tmp_path) is None

"""What a hostile program may leave behind: processes, descriptors, files."""

import os
from pathlib import Path


def descendants() -> set[int]:
    """All live processes under this one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    new = {os.getpid()}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


def open_files() -> int:
    """How many descriptors this process holds."""
    return len(os.listdir("/proc/self/fd"))


def left_files() -> set[str]:
    """What a hostile program may have written where anybody can write."""
    names = set()
    for place in ("/tmp", "/var/tmp", "/dev/shm", "/run"):
        for entry in os.scandir(place):
            ours = entry.name.startswith("goldilocks-was-here") or entry.name == "goldilocks"
            try:
                owner = entry.stat(follow_symlinks=False).st_uid
            except FileNotFoundError:
                continue  # another process removed its own file meanwhile
            if ours or 61000 <= owner < 65000:
                names.add(entry.path)
    return names

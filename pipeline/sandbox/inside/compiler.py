"""Compiles one C++ program: process 1 of a namespace of its own, or confined by Landlock to a scratch folder."""

import os
import resource
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from pipeline.sandbox.inside import lockdown
from pipeline.sandbox.inside.children import READABLE, read_all

MAX_BINARY_MB = 64
MAX_ERRORS = 4000


def start(given: Mapping[str, Any]) -> int:
    """`given`: descriptors `source`, `binary`, `errors`; `command`, `scratch`, `headers`, `cpu` (s), `memory_mb`,
    `landlock`. The compiler's exit status: 0 or 1."""
    source, binary, errors = given["source"], given["binary"], given["errors"]
    lockdown.give_up_privileges()
    os.chdir(given["scratch"])
    if given["landlock"]:
        lockdown.confine_files((*READABLE, given["headers"]), (given["scratch"],), ("/dev/null",))
    megabyte = 1 << 20
    for what, limit in (
        (resource.RLIMIT_AS, given["memory_mb"] * megabyte),
        (resource.RLIMIT_CPU, given["cpu"]),
        (resource.RLIMIT_FSIZE, MAX_BINARY_MB * megabyte),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))
    with open("prog.cpp", "wb") as out:
        out.write(read_all(source))
    with open("errors", "wb") as log:
        done = subprocess.run(
            [*given["command"], "prog.cpp", "-o", "prog"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={"PATH": "/usr/bin:/bin", "TMPDIR": given["scratch"], "LC_ALL": "C.UTF-8"},
        )
    with open("errors", "rb") as log, open(errors, "wb") as out:
        out.write(log.read(MAX_ERRORS))
    if done.returncode == 0:
        with open("prog", "rb") as made, open(binary, "wb") as out:
            shutil.copyfileobj(made, out)
    return min(done.returncode, 1) if done.returncode >= 0 else 1

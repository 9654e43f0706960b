"""One worker: a zygote behind walls, and the descriptors that go in and come out.

A worker belongs to one thread: bubblewrap dies with the thread that started it.
"""

import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

from pipeline.sandbox import box
from pipeline.sandbox.box import MAX_STDERR, Mode, SandboxUnavailable, make_memfd
from pipeline.sandbox.inside.zygote import PATIENCE
from pipeline.sandbox.program import Limits

STACK_MB = 64
"""Deep recursion is ordinary in contest programs; threads of a C++ program take this much address space each."""
THREADS = 64
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came back of one test: how its process ended (`exit` as in subprocess), and its bytes."""

    exit: int = 0
    timed_out: bool = False
    starved: bool = False
    """Its time ran out while the machine had no core for it: how long it takes is not known."""
    seconds: float = 0.0
    cpu: float = 0.0
    rss_mb: float = 0.0
    output: bytes = b""
    stderr: str = ""
    alone: bool = True
    """Whether it ran in a fresh process, first or only, so that its failure is its own."""
    ran: bool = True
    infra: str | None = None
    candidate_exit: int | None = None


class Worker:
    """Starts on first use, and again when it was lost. `limits.wall` and `limits.cpu` may be others for each program;
    the other limits hold from the start, and so does `hash_seed`: children share their zygote's."""

    def __init__(self, mode: Mode, limits: Limits, slot: int = 0, hash_seed: int = 0) -> None:
        self.mode, self.limits, self.slot, self.hash_seed = mode, limits, slot, hash_seed
        self.control: socket.socket | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.stderr = ""
        self.starts = 0

    def start(self) -> None:
        """Raises SandboxUnavailable where the zygote does not come up."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            limits = {
                "address_mb": self.limits.address_mb,
                "output_mb": self.limits.output_mb,
                "files": self.limits.files,
                "stack_mb": STACK_MB,
                "threads": THREADS if self.mode == "bubblewrap" or os.getuid() == 0 else 0,
                "landlock": self.mode == "landlock",
                "seccomp": box.seccomp_here(),
            }
            given = {"control": theirs.fileno(), "limits": limits}
            try:
                mounts = box.mount_feedback()
                self.process = box.start(
                    self.mode, "zygote", given, [theirs.fileno()], self.slot, mounts, self.hash_seed
                )
            except SandboxUnavailable:
                ours.close()
                raise
        self.control = ours
        self.starts += 1
        if not self._comes_up(ours):
            self.close()
            raise SandboxUnavailable(self.stderr.strip() or "the sandbox's process ended as it started")

    def _comes_up(self, control: socket.socket) -> bool:
        """Whether the zygote comes up: it says so, or its process ends, within `START_SECONDS`."""
        assert self.process is not None
        pidfd = os.pidfd_open(self.process.pid)
        try:
            return control in wait([control, pidfd], START_SECONDS) and bool(control.recv(256))
        except OSError:
            return False
        finally:
            os.close(pidfd)

    def close(self) -> None:
        """Ends the zygote and with it all its children; returns when they are gone."""
        if self.control is not None:
            self.control.close()
            self.control = None
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
        self.stderr = box.end(process)

    def request(self, kind: str, fds: Sequence[int], tests: int) -> dict[str, Any] | None:
        """The zygote's reply, or None when it was lost on this request; it is gone then."""
        if self.control is None:
            self.start()
        assert self.control is not None
        self.control.settimeout(self.limits.wall * PATIENCE + 11)
        asked = {"kind": kind, "tests": tests, "wall": self.limits.wall, "cpu": self.limits.cpu}
        try:
            socket.send_fds(self.control, [json.dumps(asked).encode()], list(fds))
            reply = self.control.recv(1 << 16)
            if reply:
                message: dict[str, Any] = json.loads(reply)
                return message
        except (OSError, ValueError):
            pass
        self.close()
        return None

    def attempt(
        self, kind: str, inputs: Sequence[bytes | int], outputs: int, tests: int = 1
    ) -> tuple[dict[str, Any], list[bytes], str]:
        """One request, tried again once where the zygote was lost: (reply, bytes of the outputs, stderr).

        `inputs` go in as sealed memfds (a descriptor goes as it is); after the first comes stderr; then outputs. For
        tests on stdin, inputs after the first and outputs alternate. A reply with `infra` says what went wrong.
        """
        reply: dict[str, Any] = {}
        for _ in range(2):
            ours: list[int] = []

            def sealed(given: bytes | int, ours: list[int] = ours) -> int:
                if isinstance(given, int):
                    return given
                ours.append(make_memfd(given, seal=True))
                return ours[-1]

            def fresh(ours: list[int] = ours) -> int:
                ours.append(make_memfd())
                return ours[-1]

            try:
                stderr, got = fresh(), [fresh() for _ in range(outputs)]
                first, *rest = [sealed(given) for given in inputs]
                if kind in ("program", "executable"):
                    streams = [fd for pair in zip(rest, got, strict=True) for fd in pair]
                else:
                    streams = [*rest, *got]
                answer = self.request(kind, [first, stderr, *streams], tests)
                reply = (
                    answer if answer is not None else {"infra": f"the sandbox was lost: {self.stderr.strip()[-300:]}"}
                )
                if "s" not in reply.get("marks", "") and "infra" not in reply:
                    reply = {"infra": f"the sandbox's child did not start: {read_text(stderr)}"}
                if "infra" not in reply:
                    return reply, [read_bytes(fd, self.limits.output_mb) for fd in got], read_text(stderr)
            except SandboxUnavailable as error:
                reply = {"infra": str(error)}
            except OSError as error:
                reply = {"infra": f"no descriptors: {error}"}
            finally:
                for fd in ours:
                    os.close(fd)
        return reply, [], ""


def read_bytes(fd: int, most_mb: int) -> bytes:
    """What a child wrote, up to the output limit."""
    return os.pread(fd, min(os.fstat(fd).st_size, most_mb << 20), 0)


def read_text(fd: int) -> str:
    """The end of what a child said on stderr."""
    size = os.fstat(fd).st_size
    return os.pread(fd, MAX_STDERR, max(0, size - MAX_STDERR)).decode("utf-8", "replace").strip()


def one_attempt(reply: Mapping[str, Any], output: bytes, stderr: str) -> Attempt:
    """The attempt of a test that had its process to itself, or was the last one in it."""
    if "infra" in reply:
        return Attempt(infra=reply["infra"])
    return Attempt(
        exit=reply["exit"],
        timed_out=reply["timed_out"],
        starved=reply["starved"],
        seconds=reply.get("last_seconds", reply["seconds"]),
        cpu=reply["cpu"],
        rss_mb=reply["rss_kb"] / 1024,
        output=output,
        stderr=stderr,
        candidate_exit=reply.get("candidate_exit"),
    )

"""The zygote: forks one child a request, watches it, kills what is left, and says how it ended.

It sees no content. A request is a word and a number beside the descriptors of memfds (SCM_RIGHTS) that only the child
opens, so no earlier program, input or output is in the memory that a later child inherits.
"""

import builtins
import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from _sitebuiltins import Quitter
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.sandbox.inside import children, lockdown

PRELOADED = """
abc array bisect collections contextlib copy dataclasses datetime decimal enum fractions functools heapq io itertools
json math operator re string textwrap traceback typing
"""
"""What programs import most, so that a fork brings it. Not threading and random: both do work after every fork, half as
much again as the fork itself."""
PACKAGES = ("/usr/local/lib/python3/dist-packages", "/usr/lib/python3/dist-packages")
PATIENCE = 10.0
"""Where the machine is too busy to run a child, the time that it waited for a core does not count, up to this many
times the limit."""
SLACK = 0.01
"""Seconds by which the kernel's count of waiting may lag behind the clock."""
MAX_FDS = 250


def waited(pid: int) -> float:
    """Seconds for which a process was ready to run and got no core (proc(5), schedstat)."""
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as stat:
            return int(stat.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


class Watch:
    """Waits for one child, for `wall` seconds from its start to its end, however many tests it runs. `starved` says of
    one that timed out that it had less than that, as the machine was too busy for long.

    The program can write into the progress pipe, so nothing there moves the clock: what ended in a process that took
    one test's time is within the limit by this process's clock, and the caller runs the rest again. Only how the whole
    time is shared out among the tests is the program's word.
    """

    def __init__(
        self, pid: int, progress: int, control: int, wall: float, tests: int, others: tuple[int, ...] = ()
    ) -> None:
        self.pid, self.progress, self.wall, self.tests, self.others = pid, progress, wall, tests, others
        self.marks = b""
        self.ends: list[list[Any]] = []
        self.timed_out = self.starved = False
        self.began = self.marked = time.monotonic()
        self.handle = os.pidfd_open(pid)
        self.poll = select.poll()
        self.poll.register(self.handle, select.POLLIN)
        if tests > 1:
            self.poll.register(progress, select.POLLIN)
        self.poll.register(control, select.POLLRDHUP | select.POLLHUP)
        self.control = control

    def wait(self) -> dict[str, Any]:
        """Until the child is gone; its end as the reply's fields."""
        while True:
            left = self.began + self.wall - time.monotonic()
            ready = {fd for fd, _ in self.poll.poll(max(0.02, left) * 1000)}
            if self.control in ready:
                os.kill(self.pid, signal.SIGKILL)
                os._exit(0)
            if self.progress in ready:
                self._read()
            elif self.handle in ready:
                break
            # Whatever is ready: a program that never stops writing into the progress pipe has no more time for it.
            if time.monotonic() >= self.began + self.wall and not self._wait_longer():
                self.timed_out = True
                break
        seconds = time.monotonic() - self.began
        if self.timed_out:
            self.starved = seconds - self._waited() < self.wall - SLACK
            os.kill(self.pid, signal.SIGKILL)
        os.close(self.handle)
        _, status, usage = os.wait4(self.pid, 0)
        if self.tests == 1:
            os.set_blocking(self.progress, False)
            with contextlib.suppress(BlockingIOError):
                self._read()
        return {
            "marks": self.marks.decode("latin-1"),
            "ends": self.ends,
            "timed_out": self.timed_out,
            "starved": self.starved,
            "exit": os.waitstatus_to_exitcode(status),
            "seconds": round(seconds, 5),
            "last_seconds": round(self.began + seconds - self.marked, 5),
            "cpu": round(usage.ru_utime + usage.ru_stime, 5),
            "rss_kb": usage.ru_maxrss,
        }

    def _read(self) -> None:
        got = os.read(self.progress, 256)
        if not got:
            if self.tests > 1:
                self.poll.unregister(self.progress)
            return
        now = time.monotonic()
        for byte in got:
            if len(self.marks) < 2 and byte in b"sc":
                self.marks += bytes([byte])
            elif len(self.ends) < self.tests - 1:
                self.ends.append([byte == ord("k"), round(now - self.marked, 5)])
                self.marked = now

    def _wait_longer(self) -> bool:
        allowed = min(self._waited(), (PATIENCE - 1) * self.wall)
        return time.monotonic() < self.began + self.wall + allowed - SLACK

    def _waited(self) -> float:
        return waited(self.pid) + sum(waited(other) for other in self.others)


class Zygote:
    """Answers requests over `control` until its other end is closed."""

    def __init__(self, control: socket.socket, limits: Mapping[str, Any]) -> None:
        self.control, self.limits = control, limits

    def serve(self) -> None:
        """Never returns."""
        self.control.send(json.dumps({"pid": os.getpid(), "version": sys.version.split()[0]}).encode())
        while True:
            message, fds, _, _ = socket.recv_fds(self.control, 4096, MAX_FDS)
            if not message:
                os._exit(0)
            try:
                reply = self.handle(json.loads(message), fds)
            except OSError as error:
                reply = {"infra": str(error)}
            finally:
                for fd in fds:
                    os.close(fd)
                self.kill_rest()
            self.control.send(json.dumps(reply).encode())

    def handle(self, request: Mapping[str, Any], fds: list[int]) -> dict[str, Any]:
        """One request: `kind`, how many `tests` it holds, the seconds for them all (`wall`), and of CPU (`cpu`)."""
        self.limits = {**self.limits, "cpu": request["cpu"]}
        if request["kind"] == "tester":
            return self.test(fds, request["wall"])
        run = {
            "program": children.run_program,
            "executable": children.run_executable,
            "calls": children.run_calls,
            "checker": children.run_checker,
        }[request["kind"]]
        ours, theirs = os.pipe()
        pid = self.fork(run, fds, theirs)
        os.close(theirs)
        try:
            return self.watch(pid, ours, request["wall"], request["tests"])
        finally:
            os.close(ours)

    def test(self, fds: list[int], wall: float) -> dict[str, Any]:
        """The split judge: candidate and tester, two pipes between them."""
        job, errors, test_job, test_errors = fds
        ours, theirs = os.pipe()
        asked_read, asked_write = os.pipe()
        answers_read, answers_write = os.pipe()
        candidate = self.fork(children.serve_calls, [job, errors], theirs, asked_read, answers_write)
        tester = self.fork(children.run_tester, [test_job, test_errors], theirs, answers_read, asked_write)
        for fd in (theirs, asked_read, asked_write, answers_read, answers_write):
            os.close(fd)
        try:
            reply = self.watch(tester, ours, wall, 1, candidate)
        finally:
            os.close(ours)
        ended = reply["exit"] != children.TESTER_PASSED and self.ended(candidate)
        with contextlib.suppress(ProcessLookupError):
            os.kill(candidate, signal.SIGKILL)
        _, status, usage = os.wait4(candidate, 0)
        reply["candidate_exit"] = os.waitstatus_to_exitcode(status) if ended else None
        reply["rss_kb"] = usage.ru_maxrss
        reply["cpu"] = round(usage.ru_utime + usage.ru_stime, 5)
        return reply

    def ended(self, pid: int) -> bool:
        """Whether a child ends by itself, given a moment."""
        handle = os.pidfd_open(pid)
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        done = bool(poll.poll(50))
        os.close(handle)
        return done

    def watch(self, pid: int, progress: int, wall: float, tests: int, *others: int) -> dict[str, Any]:
        """How a child ended. `others` work for it: their waiting counts as its own."""
        return Watch(pid, progress, self.control.fileno(), wall, tests, others).wait()

    def fork(self, run: Callable[..., int], fds: list[int], *more: int) -> int:
        """A child that runs `run` and ends with what it returns."""
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            status = run(self.limits, fds, *more)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def kill_rest(self) -> None:
        """As process 1 of its namespace: nothing but this process lives on."""
        if os.getpid() != 1:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)


def start(given: Mapping[str, Any]) -> None:
    """Serve requests over descriptor `control`; `limits` holds for every child."""
    sys.path[:] = [place for place in sys.path if place.startswith("/")] + list(PACKAGES)
    for name in PRELOADED.split():
        __import__(name)
    # Python runs without `site` here, which is what gives programs these two.
    builtins.exit, builtins.quit = (Quitter(name, "Ctrl-D") for name in ("exit", "quit"))
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    lockdown.give_up_privileges()
    control = socket.socket(fileno=given["control"])
    gc.collect()
    gc.freeze()
    gc.disable()
    Zygote(control, given["limits"]).serve()

"""One process at a time works on a run."""

import fcntl
import os
import signal
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from pipeline.run.layout import LOCK, claim_name
from pipeline.run.storage import RunFolder
from schemas.errors import InputError

BEAT = 20.0
"""Seconds between two signs of life of a claim: three writes a minute."""
LEASE = 120.0
"""A claim without one for as long is a dead process's. A pause of the network is shorter, a night is longer."""


class LostRunError(RuntimeError):
    """Another process has taken the run over, because this one gave no sign of life."""


@contextmanager
def hold_run(folder: RunFolder) -> Iterator[None]:
    """Hold a run's folder; a second process is refused at once with InputError.

    Of a local folder the kernel lets go when a process is killed. A remote one has no such lock: see `_Claim`.
    """
    if not folder.is_local:
        with _hold_remote(folder):
            yield
        return
    path = Path(folder.path) / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with _open_lock(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{folder.root}: another process is working on this run; wait for it, or use another run"
            ) from None
        yield


def _open_lock(path: Path) -> IO[str]:
    """The lock file; one that another user made is opened to read, which is enough to lock it."""
    try:
        return path.open("a")
    except PermissionError as error:
        if not path.exists():
            raise InputError(f"run {path.parent}: you may not write there: {error}; give another folder") from None
        return path.open()


@contextmanager
def _hold_remote(folder: RunFolder) -> Iterator[None]:
    claim = _Claim(folder)
    try:
        claim.write()
    except Exception as error:
        raise InputError(
            f"run {folder.root}: cannot be written: {type(error).__name__}: {error}; check that the bucket exists and "
            "that your credentials may write to it"
        ) from error
    try:
        claim.settle()
        before = None
        if threading.current_thread() is threading.main_thread():
            # A shell that starts a run in the background has SIGINT ignored.
            before, claim.sign = signal.signal(signal.SIGUSR1, signal.default_int_handler), signal.SIGUSR1
        thread = threading.Thread(target=claim.beat, name="lock", daemon=True)
        thread.start()
        try:
            yield
        except KeyboardInterrupt:
            if claim.lost:
                raise LostRunError(f"{folder.root}: {claim.lost}; run it again to go on") from None
            raise
        finally:
            claim.ended.set()
            thread.join()
            if claim.sign == signal.SIGUSR1:
                signal.signal(signal.SIGUSR1, before)
    finally:
        claim.ended.set()
        with suppress(Exception):
            folder.remove(claim.name)


class _Claim:
    """A process's claim on a remote run: an object of its own, rewritten as a sign of life.

    Every process first writes its claim and then lists all: of two, at least the later sees the other, as stores list
    what has been written. Both may, and are both refused; never do both go on. The age of a claim is measured by the
    store's clock alone. A process of this machine that is gone is known to be gone; of others it is believed after
    LEASE seconds.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.name = claim_name(uuid.uuid4().hex)
        self.lost = ""
        self.sign = signal.SIGINT
        self.ended = threading.Event()

    def write(self) -> None:
        self.folder.write_json(self.name, _describe_process(os.getpid()))

    def settle(self) -> None:
        """Drop dead processes' claims; raises InputError where a living one has the run."""
        if others := self.others():
            raise InputError(
                f"{self.folder.root}: another process is working on this run ({', '.join(others)}); wait for it, or "
                f"use another run. One that was killed elsewhere lets go {LEASE:.0f} s after its last sign of life"
            )

    def others(self) -> list[str]:
        """Who else has a claim and lives, as HOST pid N."""
        now = self.folder.modified(self.name)
        living = []
        for name in self.folder.list(LOCK, ".json"):
            if name == self.name:
                continue
            try:
                process, written = self.folder.read_json(name), self.folder.modified(name)
            except FileNotFoundError:
                continue
            if now - written > LEASE or _is_gone(process):
                self.folder.remove(name)
            else:
                living.append(f"{process['host']} pid {process['pid']}")
        return living

    def beat(self) -> None:
        """Give signs of life until the end; interrupts the main thread where the run was taken over."""
        while not self.ended.wait(BEAT):
            # A store that is away for a while takes no signs, and nobody else's either.
            with suppress(Exception):
                if not self.folder.exists(self.name):
                    self.lost = f"no sign of life for {LEASE:.0f} s, so another process has taken this run over"
                else:
                    self.write()
                    if others := self.others():
                        self.lost = f"this run is also worked on by {', '.join(others)}"
                if self.lost and not self.ended.is_set():
                    signal.pthread_kill(threading.main_thread().ident or 0, self.sign)
                    return


def _describe_process(pid: int) -> dict[str, Any]:
    process: dict[str, Any] = {"host": socket.gethostname(), "pid": pid}
    with suppress(OSError):
        process["boot"] = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        process["space"] = os.readlink("/proc/self/ns/pid")
        process["started"] = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return process


def _is_gone(claimed: dict[str, Any]) -> bool:
    """Whether a process that this machine would know is not there any more (proc(5): field 22 is its start)."""
    here = _describe_process(claimed["pid"])
    if "boot" not in claimed or any(claimed[key] != here.get(key) for key in ("boot", "space")):
        return False
    return claimed.get("started") != here.get("started")

"""The walls: how an interpreter is started so that what it forks can reach nothing. Three modes.

`bubblewrap`: every namespace of its own, /usr read-only and nothing else of this machine's files. `landlock`: where
namespaces are refused; the kernel's Landlock in place of the mounts, and seccomp alone against signals and sockets.
`unsafe`: rlimits and seccomp only, and what this user may read can be read: only where someone asks for it by name.
"""

import contextlib
import fcntl
import json
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Literal

Mode = Literal["bubblewrap", "landlock", "unsafe"]
MODES: tuple[Mode, ...] = ("bubblewrap", "landlock", "unsafe")
INTERPRETERS = ("/usr/bin/python3", "/usr/local/bin/python3")
OLDEST = (3, 9)
MAX_STDERR = 4000
STDERR_SECONDS = 2.0
"""Everything that writes is dead by then; only what is left in the pipe is to be read."""
_INSIDE = "pipeline.sandbox.inside"
_MODULES = ("codec", "system_calls", "lockdown", "objects", "children")
_BOOT = """
import json, os, sys
fd = int(sys.argv[1])
given = json.loads(os.pread(fd, os.fstat(fd).st_size, 0))
os.close(fd)
parent = sys.modules[given["parent"]] = type(sys)(given["parent"])
for name, text in given["sources"].items():
    module = type(sys)(given["parent"] + "." + name)
    sys.modules[module.__name__] = module
    setattr(parent, name, module)
    exec(compile(text, "<" + name + ">", "exec"), module.__dict__)
sys.exit(getattr(parent, given["main"]).start(given))
"""
FEEDBACK = "/box/feedback"
MESSAGES = (
    *("judgemessage.txt", "teammessage.txt", "judgeerror.txt", "judgeimage.png", "teamimage.png", "score.txt"),
    *("score_multiplier.txt", "display_score.txt", "diffposition.txt", "feedback.txt", "nextpass.in"),
)
"""Files that a validator may write (Problem Package Format, "Reporting Additional Feedback"; DOMjudge)."""
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "PYTHONUTF8": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
_USERS = 61000
_MASKED = (
    *(
        "acpi",
        "asound",
        "bootconfig",
        "buddyinfo",
        "cmdline",
        "config.gz",
        "consoles",
        "crypto",
        "devices",
        "diskstats",
    ),
    *("dma", "driver", "execdomains", "fb", "interrupts", "iomem", "ioports", "kallsyms", "kcore", "key-users", "keys"),
    *("kmsg", "latency_stats", "locks", "mdstat", "misc", "modules", "mtrr", "pagetypeinfo", "partitions", "scsi"),
    *("schedstat", "slabinfo", "softirqs", "swaps", "sysrq-trigger", "timer_list", "vmallocinfo", "zoneinfo"),
)
"""What /proc says of the whole machine and no program needs: its boot line, devices, disks, modules, keys. What
programs do ask (cpuinfo, meminfo, stat, uptime, version, self) stays."""


class SandboxUnavailable(RuntimeError):
    """This machine gives no sandbox of the mode asked for; the message says why and what to install."""


@lru_cache(maxsize=1)
def find_interpreter() -> tuple[str, str]:
    """(path, version) of the Python under /usr that runs the programs; raises SandboxUnavailable where there is none.

    The one that runs this may stand in a home directory, which a sandboxed user cannot reach.
    """
    unsuited = []
    for path in INTERPRETERS:
        if not os.access(path, os.X_OK):
            continue
        ask = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
        number = subprocess.run(
            [path, "-I", "-S", "-c", ask], capture_output=True, text=True, check=False
        ).stdout.strip()
        unsuited.append(f"{path} is {number or 'broken'}")
        if number and tuple(int(part) for part in number.split(".")[:2]) >= OLDEST:
            return path, number
    there = "; ".join(unsuited) or "none there"
    raise SandboxUnavailable(
        f"no Python {OLDEST[0]}.{OLDEST[1]} or later under /usr ({there}): apt-get install python3"
    )


def make_memfd(data: bytes = b"", seal: bool = False) -> int:
    """An anonymous file with `data` and its offset at 0; sealed, nobody can change it any more."""
    fd = os.memfd_create("x", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view, at = memoryview(data), 0
    while at < len(data):
        at += os.pwrite(fd, view[at:], at)
    if seal:
        fcntl.fcntl(
            fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        )
    return fd


@lru_cache(maxsize=1)
def find_libraries() -> tuple[str, ...]:
    """Folders of libraries that Debian reaches through /etc/alternatives, which no program sees: numpy's BLAS."""
    links = [
        link for name in ("libblas.so.3", "liblapack.so.3") for link in Path("/usr/lib").glob(f"*-linux-gnu/{name}")
    ]
    return tuple(sorted({str(link.resolve().parent) for link in links if link.is_file()}))


@lru_cache(maxsize=2)
def _sources(main: str) -> dict[str, str]:
    folder = resources.files(_INSIDE)
    return {name: (folder / f"{name}.py").read_text(encoding="utf-8") for name in (*_MODULES, main)}


def environment(hash_seed: int = 0) -> dict[str, str]:
    """All that a program finds in its environment. `hash_seed` decides in which order Python's sets of texts come."""
    libraries = find_libraries()
    seed = {"PYTHONHASHSEED": str(hash_seed)}
    return _ENVIRONMENT | seed | ({"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {})


def user_of(slot: int) -> dict[str, Any]:
    """How Popen drops root: each worker has a uid of its own (RLIMIT_NPROC does not bind uid 0)."""
    if os.getuid() != 0:
        return {}
    uid = _USERS + (os.getpid() * 16 + slot) % 4000
    return {"user": uid, "group": uid, "extra_groups": []}


def wrap(command: Sequence[str], mounts: Iterable[str] = (), proc: bool = True, hash_seed: int = 0) -> list[str]:
    """`command` as process 1 of namespaces of its own, by bubblewrap."""
    dev = [
        word
        for name in ("null", "zero", "urandom", "random")
        for word in ("--dev-bind", f"/dev/{name}", f"/dev/{name}")
    ]
    links = [
        word
        for at, name in enumerate(("stdin", "stdout", "stderr"))
        for word in ("--symlink", f"/proc/self/fd/{at}", f"/dev/{name}")
    ]
    return [
        "bwrap",
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        *("--die-with-parent", "--new-session", "--as-pid-1", "--clearenv", "--cap-drop", "ALL", "--hostname", "box"),
        *(word for name, value in environment(hash_seed).items() for word in ("--setenv", name, value)),
        *("--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib"),
        *("--symlink", "usr/lib64", "/lib64", "--dir", "/dev", *dev, *links),
        *(("--proc", "/proc", *_mask_proc(), "--remount-ro", "/proc") if proc else ()),
        *("--dir", "/box", "--chdir", "/box", *mounts, "--remount-ro", "/"),
        *command,
    ]


def _mask_proc() -> list[str]:
    """An empty file or folder over each of _MASKED that this machine has."""
    words = []
    for path in (Path("/proc") / name for name in _MASKED):
        if path.is_dir():
            words += ["--tmpfs", str(path), "--remount-ro", str(path)]
        elif path.exists():
            words += ["--ro-bind", "/dev/null", str(path)]
    return words


def mount_feedback() -> list[str]:
    """Bubblewrap's words for `find_feedback`."""
    links = [word for name in MESSAGES for word in ("--symlink", "/dev/null", f"{FEEDBACK}/{name}")]
    return ["--dir", FEEDBACK, *links]


def start(
    mode: Mode,
    main: str,
    given: Mapping[str, Any],
    fds: Sequence[int],
    slot: int,
    mounts: Iterable[str] = (),
    hash_seed: int = 0,
) -> "subprocess.Popen[bytes]":
    """Start module `main` of `inside` with `given` and the open `fds`, in the walls of `mode`. stderr is a pipe."""
    python, _ = find_interpreter()
    boot = {"parent": _INSIDE, "sources": _sources(main), "main": main, **given, "landlock": mode == "landlock"}
    fd = make_memfd(json.dumps(boot).encode())
    command = [python, "-s", "-S", "-B", "-c", _BOOT, str(fd)]
    if mode == "bubblewrap":
        if shutil.which("bwrap") is None:
            os.close(fd)
            raise SandboxUnavailable("bubblewrap is not installed: apt-get install bubblewrap")
        command = wrap(command, mounts, main == "zygote", hash_seed)
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(fd, *fds),
            env=environment(hash_seed),
            cwd="/",
            start_new_session=True,
            **user_of(slot),
        )
    except OSError as error:
        raise SandboxUnavailable(f"{command[0]} does not start: {error}") from None
    finally:
        os.close(fd)


def end(process: "subprocess.Popen[bytes]") -> str:
    """Kill all that `start` started, and return the beginning of what it wrote to stderr.

    A bubblewrap that is killed as it starts leaves a child that waits for it for ever and holds the pipe open. The
    child is in its group still. Whatever else may hold the pipe is waited for no longer than `STDERR_SECONDS`.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    assert process.stderr is not None
    with process.stderr as pipe:
        return _read_for_a_while(pipe.fileno()).decode("utf-8", "replace")


def _read_for_a_while(fd: int) -> bytes:
    os.set_blocking(fd, False)
    until, written = time.monotonic() + STDERR_SECONDS, b""
    while len(written) < MAX_STDERR and (left := until - time.monotonic()) > 0:
        if not wait([fd], left):
            break
        part = os.read(fd, MAX_STDERR - len(written))
        if not part:
            break
        written += part
    return written


def find_feedback(mode: Mode) -> str:
    """The folder to which checkers write their messages: of links to /dev/null, so that nothing they write is kept."""
    if mode == "bubblewrap":
        return f"{FEEDBACK}/"
    folder = cache_folder() / "feedback"
    folder.mkdir(mode=0o755, exist_ok=True)
    for name in MESSAGES:
        with contextlib.suppress(FileExistsError):
            (folder / name).symlink_to("/dev/null")
    return f"{folder}/"


def seccomp_here() -> bool:
    """Whether the system-call filter fits this machine (it is written for x86-64)."""
    return platform.machine() in ("x86_64", "AMD64")


def cache_folder() -> Path:
    """Where what was compiled is kept: a folder that only this user can write, and that a sandboxed user can reach."""
    if os.getuid() == 0:
        folder = Path("/var/cache/goldilocks")
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "goldilocks"
    folder = folder / "cpp"
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    owner = folder.stat()
    if owner.st_uid != os.getuid() or owner.st_mode & 0o022:
        raise SandboxUnavailable(f"{folder} can be written by others; correct its owner and mode (0755)")
    return folder


def make_scratch(slot: int) -> Path:
    """A folder of its own for a compiler that has no namespace; the caller removes it."""
    folder = Path(tempfile.mkdtemp(prefix="goldilocks-"))
    who = user_of(slot)
    if who:
        os.chown(folder, who["user"], who["group"])
    return folder


def why_not_bubblewrap(message: str) -> tuple[str, str]:
    """(why, what to do) for what bubblewrap said as it failed."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed", "apt-get install bubblewrap"
    text = message.strip().splitlines()[-1] if message.strip() else "it said nothing"
    if "uid map" in message or "Permission denied" in message:
        return (
            f"user namespaces are restricted ({text})",
            "give bwrap an AppArmor profile with `userns` (/etc/apparmor.d/bwrap), or "
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        )
    if "namespace" in message or "clone" in message or "Operation not permitted" in message:
        return (
            f"namespaces are refused ({text})",
            "in a container: --security-opt seccomp=unconfined --security-opt apparmor=unconfined; "
            "else sysctl kernel.unprivileged_userns_clone=1 and user.max_user_namespaces=10000",
        )
    return f"bubblewrap fails ({text})", "run it by hand: bwrap --unshare-all --ro-bind / / true"

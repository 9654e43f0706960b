"""C++ programs to binaries: compiled behind walls with a precompiled bits/stdc++.h, and kept by what went in."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipeline.sandbox import box
from pipeline.sandbox.box import Mode, SandboxUnavailable, make_memfd
from pipeline.sandbox.program import Limits
from pipeline.sandbox.worker import read_text

COMPILER = "/usr/bin/g++"
FLAGS = ("-O2", "-std=gnu++20", "-DONLINE_JUDGE", "-w", "-fmax-errors=5", "-fno-diagnostics-show-caret", "-pipe")
"""What online judges compile with: the GNU dialect of C++20 and their macro."""
KEEP_BYTES = 1 << 30
HALF_MADE_SECONDS = 3600
"""The header takes ten seconds; a folder of this age is nobody's."""
_FAILED = b"no binary\n"


@dataclass(frozen=True, slots=True)
class Built:
    """A binary, or why there is none. `infra`: not the program's fault."""

    binary: bytes | None
    message: str = ""
    infra: bool = False


@lru_cache(maxsize=1)
def compiler_version() -> str:
    """The compiler's own line; raises SandboxUnavailable where there is none."""
    try:
        output = subprocess.run([COMPILER, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise SandboxUnavailable(f"no C++ compiler at {COMPILER}: apt-get install g++") from None
    return output.splitlines()[0]


class Compiler:
    """Compiles and remembers; safe from any thread. Two threads that want one program compile it once."""

    def __init__(self, mode: Mode, limits: Limits, folder: Path | None = None) -> None:
        self.mode, self.limits = mode, limits
        self.given_folder = folder
        self.lock = threading.Lock()
        self.busy: dict[str, threading.Lock] = {}
        self.headers: Path | None = None

    def build(self, code: str, slot: int = 0) -> Built:
        """The binary of `code`. Raises SandboxUnavailable without a compiler."""
        source = code.encode("utf-8", "surrogatepass")
        ingredients = "\0".join((compiler_version(), *FLAGS, str(self.limits.compile_memory_mb))).encode()
        key = hashlib.sha256(ingredients + b"\0" + source).hexdigest()
        with self.lock:
            lock = self.busy.setdefault(key, threading.Lock())
        try:
            with lock:
                return self._read(key) or self._keep(key, self._compile(source, slot))
        finally:
            with self.lock:
                self.busy.pop(key, None)

    def close(self) -> None:
        """Keeps the cache within KEEP_BYTES, where anything was compiled."""
        if self.headers is not None:
            trim_cache(self.folder())

    def folder(self) -> Path:
        """Where binaries of this compiler and these flags are kept."""
        return self.given_folder or box.cache_folder()

    def _read(self, key: str) -> Built | None:
        path = self.folder() / key[:2] / key
        try:
            held = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        if held.startswith(_FAILED):
            return Built(None, held[len(_FAILED) :].decode("utf-8", "replace"))
        return Built(held)

    def _keep(self, key: str, built: Built) -> Built:
        if built.infra:
            return built
        path = self.folder() / key[:2] / key
        path.parent.mkdir(exist_ok=True)
        new = path.with_name(f"{key}.{os.getpid()}.{threading.get_ident()}")
        new.write_bytes(built.binary if built.binary is not None else _FAILED + built.message.encode())
        new.chmod(0o600)
        new.rename(path)
        return built

    def _compile(self, source: bytes, slot: int) -> Built:
        headers = self._headers()
        source_fd, binary_fd, errors_fd = make_memfd(source, seal=True), make_memfd(), make_memfd()
        fds = [source_fd, binary_fd, errors_fd]
        boxed = self.mode == "bubblewrap"
        scratch = None if boxed else box.make_scratch(slot)
        place = "/headers" if boxed else str(headers)
        given = {
            "source": source_fd,
            "binary": binary_fd,
            "errors": errors_fd,
            "command": [COMPILER, *FLAGS, f"-I{place}", "-x", "c++"],
            "scratch": str(scratch or "/box"),
            "headers": place,
            "cpu": self.limits.compile_seconds,
            "memory_mb": self.limits.compile_memory_mb,
        }
        mounts = ["--size", str(256 << 20), "--tmpfs", "/box", "--ro-bind", str(headers), "/headers"]
        try:
            process = box.start(self.mode, "compiler", given, fds, slot, mounts)
            try:
                _, output = process.communicate(timeout=3 * self.limits.compile_seconds)
            except subprocess.TimeoutExpired:
                box.end(process)
                return Built(None, f"still compiling after {3 * self.limits.compile_seconds} s", infra=True)
            errors = read_text(errors_fd)
            size = os.fstat(binary_fd).st_size
            if process.returncode == 0 and size:
                return Built(os.pread(binary_fd, size, 0))
            if not errors:
                return Built(None, output.decode("utf-8", "replace").strip()[-500:], infra=True)
            return Built(None, errors)
        finally:
            for fd in fds:
                os.close(fd)
            if scratch is not None:
                shutil.rmtree(scratch, ignore_errors=True)

    def _headers(self) -> Path:
        """The folder with the precompiled header, made on first use (about ten seconds)."""
        with self.lock:
            if self.headers is None:
                ingredients = "\0".join((compiler_version(), *FLAGS)).encode()
                name = "headers-" + hashlib.sha256(ingredients).hexdigest()[:16]
                self.headers = self._make_headers(self.folder() / name)
            return self.headers

    def _make_headers(self, folder: Path) -> Path:
        if folder.is_dir():
            return folder
        new = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
        new.chmod(0o755)
        (new / "bits").mkdir()
        made, source = new / "bits" / "stdc++.h.gch", new / "all.h"
        source.write_text("#include <bits/stdc++.h>\n")
        command = [COMPILER, *FLAGS, "-x", "c++-header", "-o", str(made), str(source)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            made.unlink(missing_ok=True)
        else:
            made.chmod(0o644)
        try:
            new.rename(folder)
        except OSError:
            shutil.rmtree(new, ignore_errors=True)
        return folder


def trim_cache(folder: Path, most: int = KEEP_BYTES) -> None:
    """Drop the binaries unused for longest until at most `most` bytes are left, and half-made headers of processes that
    are long dead."""
    for path in folder.glob("headers-*.*"):
        if path.stat().st_mtime < time.time() - HALF_MADE_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
    held = [(path, path.stat()) for path in folder.glob("[0-9a-f][0-9a-f]/*")]
    total = sum(stat.st_size for _, stat in held)
    for path, stat in sorted(held, key=lambda item: item[1].st_mtime):
        if total <= most:
            return
        path.unlink(missing_ok=True)
        total -= stat.st_size

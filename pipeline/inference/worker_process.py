"""The vLLM worker as a child process: its start, its pipe, its log, and its end."""

import os
import queue
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from pipeline.inference.machine import engine_environment, find_device, find_project
from pipeline.inference.messages import Close, ToWorker, WorkerSettings
from pipeline.inference.models import ResolvedModel
from schemas.config import ModelConfig

WORKER = "pipeline.inference.vllm_worker"
START = "start vLLM"
"""The step that is shown while a worker starts: its libraries, the model's weights, the memory for its cache."""
LOG_TAIL = 2000
CLOSE_SECONDS = 5.0


def engine_arguments(model: ModelConfig, resolved: ResolvedModel) -> dict[str, Any]:
    """vLLM's EngineArgs of a model, by name; `model.engine` overrides ours."""
    engine: dict[str, Any] = {
        "model": resolved.path_or_name,
        "dtype": model.dtype,
        "max_model_len": model.max_model_len,
        "max_num_seqs": model.max_num_seqs,
        "enforce_eager": find_device() == "cpu" if model.enforce_eager is None else model.enforce_eager,
    }
    if not resolved.local:
        engine |= {"revision": resolved.revision, "tokenizer_revision": resolved.revision}
    return engine | model.engine


def name_revision(model: ModelConfig, resolved: ResolvedModel) -> str:
    """The revision that samples are stored under: weights or a cache in fewer bits answer as another model does."""
    bits = [str(model.engine[name]) for name in ("quantization", "kv_cache_dtype") if model.engine.get(name)]
    return "~".join([resolved.revision, *bits])


def _draw_seed(settings: WorkerSettings) -> WorkerSettings:
    """With a seed of its own for this start: vLLM's is the same each time, and one that is started again would draw
    the samples again that it has drawn.
    """
    return replace(settings, engine={"seed": secrets.randbelow(2**31), **settings.engine})


class WorkerProcess:
    """One worker with its pipe, its log file, and a thread that writes to it so that nobody else ever blocks.

    The kernel ends the worker when the thread that made it ends, so that thread must stay.
    """

    def __init__(
        self, settings: WorkerSettings, module: str = WORKER, environment: Mapping[str, str] = os.environ
    ) -> None:
        self.ready = False
        self.pipe, theirs = Pipe()
        handle, log = tempfile.mkstemp(prefix="goldilocks-engine-", suffix=".log")
        self.log = Path(log)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                pass_fds=[theirs.fileno()],
                env=find_project(engine_environment(environment)),
                start_new_session=True,
            )
        finally:
            os.close(handle)
            theirs.close()
        self.pidfd = os.pidfd_open(self.process.pid)
        self._outbox: queue.SimpleQueue[ToWorker | WorkerSettings | None] = queue.SimpleQueue()
        self._outbox.put(_draw_seed(settings))
        self._writer = threading.Thread(target=_write, args=(self.pipe, self._outbox), daemon=True)
        self._writer.start()

    def send(self, message: ToWorker) -> None:
        """Never blocks; what a dead worker was sent is lost."""
        self._outbox.put(message)

    def end(self, kindly: bool) -> None:
        """Nothing of the worker is left when this returns. `kindly`: one that is ready may let go of its device."""
        if kindly and self.ready:
            self.send(Close())
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(CLOSE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._outbox.put(None)
        self._writer.join()
        self.pipe.close()
        os.close(self.pidfd)

    def explain_end(self) -> str:
        """Why it is gone, in a few words."""
        try:
            code = self.process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            return "it closed its pipe"
        if code >= 0:
            return f"it exited with {code}"
        killed = signal.Signals(-code).name
        hint = " (often: out of memory)" if code == -signal.SIGKILL else ""
        return f"it was ended by {killed}{hint}"

    def log_tail(self) -> str:
        """The end of what it wrote to stdout and stderr."""
        try:
            return self.log.read_text(errors="replace")[-LOG_TAIL:].strip() or "(empty)"
        except OSError as error:
            return f"(cannot be read: {error})"

    def forget_log(self) -> None:
        """Remove the log file."""
        self.log.unlink(missing_ok=True)


def _write(pipe: Connection, outbox: "queue.SimpleQueue[ToWorker | WorkerSettings | None]") -> None:
    while (message := outbox.get()) is not None:
        try:
            pipe.send(message)
        except OSError:
            # The worker is gone; its watcher has noticed by other means.
            continue

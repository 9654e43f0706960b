"""The engine's own process, for grading and for rollouts: vLLM in a loop that reads a pipe between two of its steps.

It may die without taking anybody along, and it never outlives its parent. Nothing is generated while weights are
loaded or while it is paused, so nothing needs to be drained: the next step goes on with what is in flight and its KV
cache. What it is sent and what it answers is in pipeline.inference.messages.
"""

import ctypes
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, assert_never

from pipeline.inference.continuing import BROKEN, Begun, join_text, keep_tokens
from pipeline.inference.engine import Completion, PromptRefused, Request
from pipeline.inference.messages import (
    Answer,
    Cancel,
    Close,
    Done,
    DropOlder,
    Dropped,
    Fatal,
    Finished,
    FromWorker,
    Generate,
    Heartbeat,
    LoadWeights,
    Pause,
    Ready,
    Refused,
    Resume,
    Sleep,
    TokenTrace,
    ToWorker,
    Wake,
    WorkerSettings,
)
from pipeline.inference.prompts import tokenise
from pipeline.text.thoughts import loses_tags, open_thoughts, opened_by
from schemas.sample import CUT

PR_SET_PDEATHSIG = 1
HEARTBEAT_SECONDS = 0.25
TORCHRUN = ("RANK", "WORLD_SIZE", "MASTER_", "LOCAL_", "GROUP_", "ROLE_", "TORCHELASTIC_")
"""Variables of a trainer's ranks, which are not the engine's."""

Inbox = queue.SimpleQueue[ToWorker]


def connect_parent() -> tuple[WorkerSettings, Connection, Inbox]:
    """The settings, the pipe to the parent, and what comes through it; this process ends with the parent."""
    pipe = Connection(int(sys.argv[1]))
    _die_with(int(sys.argv[2]))
    settings: WorkerSettings = pipe.recv()
    inbox: Inbox = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, inbox), daemon=True).start()
    return settings, pipe, inbox


def main() -> None:
    settings, pipe, inbox = connect_parent()
    code = 1
    try:
        engine = _build(pipe, settings)
        _Loop(pipe, inbox, engine, settings).serve()
        engine.engine_core.shutdown()
        code = 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    # vLLM's own teardown takes seconds, may hang, and nothing here is worth it.
    os._exit(code)


def _die_with(parent: int) -> None:
    """The kernel kills this process when its parent dies; a parent that is gone already is noticed here."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _receive(pipe: Connection, inbox: Inbox) -> None:
    try:
        while True:
            inbox.put(pipe.recv())
    except (EOFError, OSError):
        # Workers of a tensor-parallel engine are in this process group, and in no other.
        os.killpg(0, signal.SIGKILL)


def _build(pipe: Connection, settings: WorkerSettings) -> Any:
    for name in [name for name in os.environ if name.startswith(TORCHRUN)]:
        del os.environ[name]
    try:
        from vllm import EngineArgs
        from vllm.v1.engine.llm_engine import LLMEngine

        engine = LLMEngine.from_engine_args(EngineArgs(**{"disable_log_stats": True, **settings.engine}))
    except (ImportError, ValueError, TypeError, OSError, RuntimeError) as error:
        pipe.send(Fatal(f"{type(error).__name__}: {error}"))
        raise
    if settings.trains:
        engine.set_weight_version("0")
    return engine


class _Loop:
    def __init__(self, pipe: Connection, inbox: Inbox, engine: Any, settings: WorkerSettings) -> None:
        self.pipe, self.inbox, self.engine = pipe, inbox, engine
        self.trains, self.version = settings.trains, 0
        self.tokenizer, self.limit = engine.get_tokenizer(), int(engine.model_config.max_model_len)
        self.began: dict[str, float] = {}
        """When each request that is in flight was taken."""
        self.openings: dict[str, str] = {}
        """The tag at the end of its prompt that opens thoughts: the completion goes on behind it."""
        self.requests: dict[str, Request] = {}
        self.keep_special = loses_tags(self.tokenizer.all_special_tokens)
        self.paused = False
        self.busy = 0.0

    def serve(self) -> None:
        """Until `Close`."""
        self.send(Ready())
        beat = time.monotonic()
        while True:
            while self.paused or not self.began or not self.inbox.empty():
                message = self.inbox.get()
                if isinstance(message, Close):
                    return
                self.handle(message)
            started = time.monotonic()
            outputs = [output for output in self.engine.step() if output.finished]
            now = time.monotonic()
            self.busy += now - started
            if outputs:
                self.send(Finished(self.busy, tuple(self.read(output, now) for output in outputs)))
            if now - beat > HEARTBEAT_SECONDS:
                self.send(Heartbeat(self.busy))
                beat = now

    def send(self, message: FromWorker) -> None:
        self.pipe.send(message)

    def handle(self, message: Generate | Cancel | DropOlder | LoadWeights | Pause | Resume | Sleep | Wake) -> None:
        match message:
            case Generate(number, request):
                try:
                    self.generate(str(number), request)
                except PromptRefused as error:
                    self.send(Refused(number, str(error), error.too_long))
            case Cancel(number):
                self.forget([str(number)])
            case DropOlder(number, version):
                starts = {one: self.find_start(one) for one in self.began}
                older = [one for one, start in starts.items() if start is not None and start < version]
                self.forget(older)
                self.send(Dropped(number, tuple(map(int, older))))
            case LoadWeights(number, path, version):
                self.engine.collective_rpc("load_weights_from", args=(path,))
                self.engine.set_weight_version(str(version))
                self.version = version
                self.send(Done(self.busy, number))
            case Pause(number) | Resume(number):
                self.paused = isinstance(message, Pause)
                self.send(Done(self.busy, number))
            case Sleep(number):
                # Level 2 keeps no copy of the weights: new ones are pushed before it goes on. Requests stay.
                self.engine.sleep(level=2, mode="keep")
                self.paused = True
                self.send(Done(self.busy, number))
            case Wake(number, part):
                self.paused = not self.engine.wake_up(tags=[part])
                self.send(Done(self.busy, number))
            case _:
                assert_never(message)

    def forget(self, numbers: list[str]) -> None:
        """Drop requests that are in flight; there may be none of that number any more."""
        self.engine.abort_request(numbers)
        for number in numbers:
            self.began.pop(number, None)
            self.openings.pop(number, None)
            self.requests.pop(number, None)

    def find_start(self, number: str) -> int | None:
        """The version of the weights that the oldest token of a request's completions is of; None before there is one.

        From vLLM's own records: outputs say it at their end only.
        """
        processor = self.engine.output_processor
        states = [processor.request_states[one] for one in processor.external_req_ids.get(number, ())]
        starts = [int(state.weight_version_starts[0][0]) for state in states if state.weight_version_starts]
        if states and states[0].parent_req is not None:
            ended = (one for one in states[0].parent_req.output_aggregator if one is not None)
            starts += [int(one.weight_versions[0].version) for one in ended if one.weight_versions]
        return min(starts, default=None)

    def generate(self, number: str, request: Request) -> None:
        """Raises PromptRefused for a request that cannot be answered; any other error is the engine's."""
        from vllm.exceptions import VLLMClientError

        try:
            text, tokens = tokenise(self.tokenizer, request.prompt)
        except ValueError as error:
            raise PromptRefused(str(error), too_long=False) from None
        if request.begun is not None:
            tokens += request.begun.tokens
        if len(tokens) >= self.limit:
            raise PromptRefused(
                f"the prompt has {len(tokens)} tokens, but model.max_model_len is {self.limit}; "
                "raise it, or drop the problem",
                too_long=True,
            )
        prompt: dict[str, Any] = {"prompt_token_ids": tokens}
        if self.trains:
            # The prefix cache outlives its weights; the salt keeps blocks of other weights apart.
            prompt["cache_salt"] = str(self.version)
        try:
            self.engine.add_request(number, prompt, self.read_params(request))
        except (VLLMClientError, ValueError, TypeError) as error:
            # vLLM checks a request before any of it is in the engine.
            raise PromptRefused(f"vLLM does not take the request: {error}", too_long=False) from None
        self.began[number] = time.monotonic()
        self.openings[number] = opened_by(text)
        self.requests[number] = request

    def read_params(self, request: Request) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        asked, begun = request.params, request.begun
        # vLLM takes the whole prompt for new text where it ends within a character.
        broken = begun is not None and self.decode(begun.tokens).endswith(BROKEN)
        return SamplingParams(
            n=request.n,
            max_tokens=request.tokens_left,
            temperature=asked.temperature,
            top_p=asked.top_p,
            top_k=asked.top_k,
            min_p=asked.min_p,
            stop=[] if broken else list(asked.stop),
            ignore_eos=asked.fixed_length,
            skip_special_tokens=not self.keep_special,
            logprobs=0 if self.trains else None,
            flat_logprobs=self.trains,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

    def read(self, output: Any, now: float) -> Answer:
        seconds = now - self.began.pop(output.request_id)
        number = int(output.request_id)
        opening, request = self.openings.pop(output.request_id), self.requests.pop(output.request_id)
        if request.begun is not None:
            return Answer(number, (self.join(request.begun, output.outputs[0], request.params.stop, seconds),))
        completions = tuple(
            Completion(
                open_thoughts(one.text, opening),
                len(one.token_ids),
                str(one.finish_reason),
                seconds,
                keep_tokens(one.token_ids) if request.resumable and one.finish_reason == CUT else None,
            )
            for one in output.outputs
        )
        if not self.trains:
            return Answer(number, completions)
        return Answer(number, completions, tuple(output.prompt_token_ids), tuple(map(_trace, output.outputs)))

    def join(self, begun: Begun, more: Any, stop: Sequence[str], seconds: float) -> Completion:
        """What was begun with what was generated `more`, as one completion."""
        tokens = [*begun.tokens, *more.token_ids]
        ended = more.finish_reason != CUT and not isinstance(more.stop_reason, str)
        shown = tokens[:-1] if ended else tokens
        text, stopped = join_text(begun.text, self.decode(begun.tokens), self.decode(shown), stop)
        return Completion(text, len(tokens), "stop" if stopped else str(more.finish_reason), seconds)

    def decode(self, tokens: Sequence[int]) -> str:
        options = {"skip_special_tokens": not self.keep_special, "clean_up_tokenization_spaces": False}
        return str(self.tokenizer.decode(list(tokens), **options))


def _trace(one: Any) -> TokenTrace:
    spans = one.weight_versions
    versions = (int(spans[0].version), int(spans[-1].version))
    return TokenTrace(tuple(one.token_ids), tuple(one.logprobs.logprobs), versions)


if __name__ == "__main__":
    main()

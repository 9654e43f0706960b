"""The engine's own process: vLLM in a loop that takes requests from a pipe whenever they come.

It may die without taking anybody along, and it never outlives its parent. Messages are pickled tuples.
In: ("add", id, Request), ("close",).
Out: ("ready",), ("done", busy seconds, [(id, ((text, tokens, finish_reason, seconds), ...)), ...]), ("refused", id,
why), ("fatal", why): no engine can be made of these settings, so starting again is of no use.
"""

import ctypes
import json
import os
import queue
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

from pipeline.inference.engine import Request

PR_SET_PDEATHSIG = 1


def meet_parent() -> tuple[dict[str, Any], Connection, "queue.SimpleQueue[tuple[Any, ...]]"]:
    """What the parent told, the pipe to it, and what comes through it; this process ends with the parent."""
    settings = json.loads(sys.argv[2])
    die_with(settings["parent"])
    pipe = Connection(int(sys.argv[1]))
    inbox: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    threading.Thread(target=receive, args=(pipe, inbox), daemon=True).start()
    return settings, pipe, inbox


def main() -> None:
    settings, pipe, inbox = meet_parent()
    try:
        engine = _build(settings)
    except (ImportError, ValueError, TypeError, OSError, RuntimeError) as error:
        import traceback

        traceback.print_exc()
        pipe.send(("fatal", f"{type(error).__name__}: {error}"))
        raise SystemExit(1) from None
    pipe.send(("ready",))
    _serve(pipe, inbox, engine)
    engine.engine_core.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # vLLM's own teardown takes seconds and nothing here is worth them.
    os._exit(0)


def die_with(parent: int) -> None:
    """The kernel kills this process when its parent dies; a parent that is gone already is noticed here."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def receive(pipe: Connection, inbox: "queue.SimpleQueue[tuple[Any, ...]]") -> None:
    try:
        while True:
            inbox.put(pipe.recv())
    except (EOFError, OSError):
        # Workers of a tensor-parallel engine are in this process group, and in no other.
        os.killpg(0, signal.SIGKILL)


def _build(settings: dict[str, Any]) -> Any:
    from vllm import EngineArgs
    from vllm.v1.engine.llm_engine import LLMEngine

    return LLMEngine.from_engine_args(EngineArgs(**{"disable_log_stats": True, **settings["engine"]}))


def _params(request: Request) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    asked = request.params
    return SamplingParams(
        n=request.n,
        max_tokens=asked.max_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        stop=list(asked.stop),
        ignore_eos=asked.fixed_length,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _serve(pipe: Connection, inbox: "queue.SimpleQueue[tuple[Any, ...]]", engine: Any) -> None:
    tokenizer = engine.get_tokenizer()
    limit = engine.model_config.max_model_len
    began: dict[str, float] = {}
    busy = 0.0
    while True:
        while not began or not inbox.empty():
            message = inbox.get()
            if message[0] == "close":
                return
            _, number, request = message
            try:
                tokens = tokenize(tokenizer, request.prompt.messages, request.prompt.text)
                if len(tokens) >= limit:
                    raise ValueError(
                        f"the prompt has {len(tokens)} tokens, but model.max_model_len is {limit}; "
                        "raise it, or drop the problem"
                    )
                engine.add_request(str(number), {"prompt_token_ids": tokens}, _params(request))
            except ValueError as error:
                pipe.send(("refused", number, str(error)))
            else:
                began[str(number)] = time.monotonic()
        started = time.monotonic()
        finished = [output for output in engine.step() if output.finished]
        now = time.monotonic()
        busy += now - started
        if finished:
            pipe.send(("done", busy, [_answer(output, now - began.pop(output.request_id)) for output in finished]))
            busy = 0.0


def tokenize(tokenizer: Any, messages: tuple[tuple[str, str], ...] | None, text: str | None) -> list[int]:
    if messages is None:
        return list(tokenizer.encode(text))
    if not tokenizer.chat_template:
        raise ValueError("the model has no chat template; set prompt.chat to false")
    turns = [{"role": role, "content": content} for role, content in messages]
    rendered = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    return list(tokenizer.encode(rendered, add_special_tokens=False))


def _answer(output: Any, seconds: float) -> tuple[int, tuple[tuple[str, int, str, float], ...]]:
    return int(output.request_id), tuple(
        (one.text, len(one.token_ids), str(one.finish_reason), seconds) for one in output.outputs
    )


if __name__ == "__main__":
    main()

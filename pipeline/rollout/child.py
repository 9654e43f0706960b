"""The rollout engine's own process: vLLM in a loop that takes requests, and new weights, between two of its steps.

Nothing is generated while weights come in or while it is frozen, so nothing needs to be paused, dropped or drained: the
next step goes on with what is in flight and its KV cache. Messages are pickled tuples, and every question has a number.
In: ("sample", number, messages | None, text | None, n, max_tokens, temperature), ("drop", number),
("push", number, path, version), ("freeze", number), ("thaw", number), ("close", number).
Out, always with the seconds spent in steps so far: ("answer", busy, number, what), ("refused", busy, number, why),
("beat", busy) while it works, ("fatal", busy, why): no engine can be made of these settings.
"""

import os
import queue
import sys
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

from pipeline.inference.vllm_worker import meet_parent, tokenize
from pipeline.rollout.rollout import Rollout, Sampled

READY = 0
"""The number under which the engine answers, once and unasked, with the dtype of its weights."""
BEAT = 0.25
"""Seconds between signs of life."""
TORCHRUN = ("RANK", "WORLD_SIZE", "MASTER_", "LOCAL_", "GROUP_", "ROLE_", "TORCHELASTIC_")


def main() -> None:
    settings, pipe, inbox = meet_parent()
    code = 1
    try:
        # The trainer's ranks are not the engine's.
        for name in [name for name in os.environ if name.startswith(TORCHRUN)]:
            del os.environ[name]
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


def _build(pipe: Connection, settings: dict[str, Any]) -> Any:
    try:
        from vllm import EngineArgs
        from vllm.v1.engine.llm_engine import LLMEngine

        engine = LLMEngine.from_engine_args(EngineArgs(**{"disable_log_stats": True, **settings["engine"]}))
    except (ImportError, ValueError, TypeError, OSError, RuntimeError) as error:
        pipe.send(("fatal", 0.0, f"{type(error).__name__}: {error}"))
        raise
    engine.set_weight_version(str(settings["version"]))
    return engine


class _Loop:
    def __init__(
        self, pipe: Connection, inbox: "queue.SimpleQueue[tuple[Any, ...]]", engine: Any, settings: dict[str, Any]
    ) -> None:
        self.pipe, self.inbox, self.engine = pipe, inbox, engine
        self.stop_strings: list[str] = settings["stop_strings"]
        self.version: int = settings["version"]
        self.frozen = False
        self.busy = 0.0

    def serve(self) -> None:
        self.say("answer", READY, str(self.engine.model_config.dtype).removeprefix("torch."))
        said = time.monotonic()
        while True:
            while self.frozen or not self.inbox.empty() or not self.engine.has_unfinished_requests():
                kind, number, *rest = self.inbox.get()
                if kind == "close":
                    return
                getattr(self, kind)(number, *rest)
            began = time.monotonic()
            outputs = self.engine.step()
            now = time.monotonic()
            self.busy += now - began
            for output in outputs:
                if output.finished:
                    self.say("answer", int(output.request_id), _read(output))
            if now - said > BEAT:
                self.say("beat")
                said = now

    def say(self, kind: str, *rest: Any) -> None:
        self.pipe.send((kind, self.busy, *rest))

    def sample(
        self,
        number: int,
        messages: tuple[tuple[str, str], ...] | None,
        text: str | None,
        n: int,
        max_tokens: int,
        temperature: float,
    ) -> None:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        limit = self.engine.model_config.max_model_len
        try:
            tokens = tokenize(self.engine.get_tokenizer(), messages, text)
            if len(tokens) >= limit:
                raise ValueError(
                    f"the prompt has {len(tokens)} tokens, but model.max_model_len is {limit}; "
                    "raise it, or drop the problem"
                )
            params = SamplingParams(
                n=n,
                max_tokens=max_tokens,
                temperature=temperature,
                stop=self.stop_strings,
                logprobs=0,
                flat_logprobs=True,
                output_kind=RequestOutputKind.FINAL_ONLY,
            )
            # The prefix cache outlives a push; the salt keeps blocks of other weights apart.
            prompt = {"prompt_token_ids": tokens, "cache_salt": str(self.version)}
            self.engine.add_request(str(number), prompt, params)
        except ValueError as error:
            self.say("refused", number, str(error))

    def drop(self, number: int) -> None:
        self.engine.abort_request([str(number)])

    def push(self, number: int, path: str, version: int) -> None:
        self.engine.collective_rpc("load_weights_from", args=(path,))
        self.engine.set_weight_version(str(version))
        self.version = version
        self.say("answer", number, None)

    def freeze(self, number: int) -> None:
        self.frozen = True
        self.say("answer", number, None)

    def thaw(self, number: int) -> None:
        self.frozen = False
        self.say("answer", number, None)


def _read(output: Any) -> Sampled:
    rollouts = []
    for one in output.outputs:
        spans = one.weight_versions
        rollouts.append(
            Rollout(
                tokens=tuple(one.token_ids),
                logprobs=tuple(one.logprobs.logprobs),
                text=one.text,
                finish_reason=str(one.finish_reason),
                versions=(int(spans[0].version), int(spans[-1].version)),
            )
        )
    return Sampled(prompt=tuple(output.prompt_token_ids), rollouts=tuple(rollouts))


if __name__ == "__main__":
    main()

"""A running OpenAI-compatible server (`vllm serve`, or any other) as an engine.

The openai client retries 429, 5xx and lost connections with growing pauses, as long as the server's Retry-After says
where it does. A request that fails even then fails alone; when the server itself is gone, everything fails at once
instead of each request in its turn.
"""

import asyncio
import os
import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from pipeline.sample.engine import Completion, EngineDied, EngineFailure, EngineStats, Request
from schemas.config import ModelConfig, SamplingConfig

RETRIES = 8
"""With the client's pauses (0.5 s, doubled up to 8 s) a server may be away for 40 s, which covers a restart behind a
proxy.
"""


class ServerEngine:
    """An `Engine` (see pipeline.sample.engine) over HTTP. Raises EngineDied when no server answers at `model.url`.

    The revision is what the server calls the model's root: a server says nothing of its weights. Give another name to
    other weights, or serve them from another folder.
    """

    def __init__(
        self, model: ModelConfig, sampling: SamplingConfig, fixed_length: bool = False, retries: int = RETRIES
    ) -> None:
        self.model = model.name
        self.capacity = 2 * model.max_num_seqs
        self._config, self._sampling, self._fixed_length = model, sampling, fixed_length
        self._lock = threading.Lock()
        self._stats = EngineStats()
        self._owed: set[Future[tuple[Completion, ...]]] = set()
        self._since: float | None = None
        self._dead: EngineDied | None = None
        self._several = True
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="server", daemon=True)
        self._thread.start()
        try:
            served = asyncio.run_coroutine_threadsafe(self._connect(retries), self._loop).result()
        except BaseException:
            self.close()
            raise
        self.revision = str(served.get("root") or served["id"])
        # vLLM alone is asked for token ids: with several choices, `usage` only has their sum.
        self._counts = served.get("owned_by") == "vllm"

    async def _connect(self, retries: int) -> dict[str, Any]:
        from openai import AsyncOpenAI, OpenAIError

        url = self._config.url
        self._client = AsyncOpenAI(
            base_url=url,
            api_key=os.environ.get(self._config.api_key_env) or "none",
            max_retries=retries,
            timeout=self._config.timeout,
        )
        self._slots = asyncio.Semaphore(self._config.concurrency)
        try:
            models = (await self._client.with_options(max_retries=1, timeout=30).models.list()).data
        except OpenAIError as error:
            raise EngineDied(
                f"model.url {url}: {_say(error)}. Start a server there, such as `vllm serve NAME --port 8000` for "
                f"http://127.0.0.1:8000/v1, and put its key, if any, into ${self._config.api_key_env}"
            ) from None
        for served in models:
            if served.id == self.model:
                return served.model_dump()
        names = ", ".join(repr(served.id) for served in models[:10]) or "nothing"
        raise EngineDied(
            f"model.name {self.model!r} is not served at {url}, which has {names}; set model.name to one of these"
        )

    def submit(self, request: Request) -> Future[tuple[Completion, ...]]:
        future: Future[tuple[Completion, ...]] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            if self._dead is not None:
                future.set_exception(self._dead)
                return future
            if not self._owed:
                self._since = time.monotonic()
            self._owed.add(future)
        asyncio.run_coroutine_threadsafe(self._answer(request, future), self._loop)
        return future

    def in_flight(self) -> int:
        with self._lock:
            return len(self._owed)

    @property
    def stats(self) -> EngineStats:
        with self._lock:
            running = 0.0 if self._since is None else time.monotonic() - self._since
            return replace(self._stats, busy=self._stats.busy + running)

    def close(self) -> None:
        self._give_up(EngineDied("the engine is closed"))
        if self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _stop(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        client = getattr(self, "_client", None)
        if client is not None:
            await client.close()

    async def _answer(self, request: Request, future: Future[tuple[Completion, ...]]) -> None:
        from openai import APIConnectionError, OpenAIError

        try:
            async with self._slots:
                if future.done():
                    return
                completions, tokens = await self._complete(request)
        except OpenAIError as error:
            if isinstance(error, APIConnectionError) and not await self._is_there():
                self._give_up(
                    EngineDied(
                        f"model.url {self._config.url}: {_say(error)}, and its list of models does not come either. "
                        "What was sampled is kept: start the server and run again to go on."
                    )
                )
                return
            self._settle(future, EngineFailure(f"{self._config.url}: {_say(error)}"))
        except Exception as error:
            self._settle(future, EngineFailure(f"{self._config.url}: {type(error).__name__}: {error}"))
        else:
            self._settle(future, completions, tokens)

    def _settle(
        self, future: Future[tuple[Completion, ...]], result: tuple[Completion, ...] | Exception, tokens: int = 0
    ) -> None:
        with self._lock:
            if future not in self._owed:
                return
            self._owed.discard(future)
            done = int(not isinstance(result, Exception))
            self._stats = replace(self._stats, tokens=self._stats.tokens + tokens, requests=self._stats.requests + done)
            if not self._owed and self._since is not None:
                self._stats = replace(self._stats, busy=self._stats.busy + time.monotonic() - self._since)
                self._since = None
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    def _give_up(self, error: EngineDied) -> None:
        with self._lock:
            self._dead = self._dead or error
            owed = list(self._owed)
        for future in owed:
            self._settle(future, error)

    async def _is_there(self) -> bool:
        from openai import APIConnectionError, OpenAIError

        try:
            await self._client.with_options(max_retries=1, timeout=30).models.list()
        except APIConnectionError:
            return False
        except OpenAIError:
            return True
        return True

    async def _complete(self, request: Request) -> tuple[tuple[Completion, ...], int]:
        """All n completions: in one call, or in as many as a server needs that gives fewer at a time."""
        from openai import BadRequestError, UnprocessableEntityError

        found: list[Completion] = []
        tokens = 0
        while len(found) < request.n:
            asked = request.n - len(found) if self._several else 1
            try:
                more, counted = await self._call(request, asked)
            except (BadRequestError, UnprocessableEntityError):
                if asked == 1:
                    raise
                # Either this server takes no n, or the request itself is bad: alone it shows which.
                more, counted = await self._call(request, 1)
                self._several = False
            if not more:
                raise RuntimeError("the server answered without any completion")
            found.extend(more[: request.n - len(found)])
            tokens += counted
        return tuple(found), tokens

    async def _call(self, request: Request, n: int) -> tuple[list[Completion], int]:
        prompt, sampling = request.prompt, self._sampling
        extra: dict[str, Any] = {}
        if self._counts:
            extra["return_token_ids"] = True
        if self._fixed_length:
            extra["ignore_eos"] = True
        asked: dict[str, Any] = {
            "model": self.model,
            "n": n,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": list(sampling.stop_strings) or None,
            "extra_body": extra,
        }
        began = time.monotonic()
        answer: Any
        if prompt.messages is not None:
            turns: Any = [{"role": role, "content": content} for role, content in prompt.messages]
            answer = await self._client.chat.completions.create(messages=turns, max_tokens=sampling.max_tokens, **asked)
            texts = [choice.message.content or "" for choice in answer.choices]
        else:
            answer = await self._client.completions.create(prompt=prompt.text, max_tokens=sampling.max_tokens, **asked)
            texts = [choice.text for choice in answer.choices]
        seconds = time.monotonic() - began
        total = int(answer.usage.completion_tokens) if answer.usage is not None else 0
        completions = [
            Completion(text, _count(choice, total if len(texts) == 1 else None), str(choice.finish_reason), seconds)
            for text, choice in zip(texts, answer.choices, strict=True)
        ]
        return completions, total


def _count(choice: Any, alone: int | None) -> int | None:
    """Tokens of one choice: its ids where the server gives them, else the usage of a lone choice, else unknown."""
    ids = getattr(choice, "token_ids", None)
    return len(ids) if ids is not None else alone or None


def _say(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    cause = f" ({error.__cause__})" if error.__cause__ is not None and status is None else ""
    return f"{f'HTTP {status}: ' if status else ''}{error}{cause}"[:600]

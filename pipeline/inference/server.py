"""Running OpenAI-compatible servers (`vllm serve`, or any other) as one engine.

A request goes to the server with the least in hand. What fails there is tried on the others, then again after growing
pauses, as long as a server's Retry-After says where it does. A request that fails everywhere fails alone; when every
server is gone, everything fails at once instead of each request in its turn.
"""

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from pipeline.inference.engine import Completion, EngineDied, EngineFailure, EngineStats, PromptRefused, Request
from pipeline.inference.server_tokens import complete_by_tokens
from pipeline.inference.servers import Server, ServerPool, pause, say, waits
from pipeline.progress import track
from pipeline.text.thoughts import THINK, open_thoughts, opened_by
from schemas.config import ModelConfig

RETRIES = 8
"""With pauses of 0.5 s, doubled up to 8 s, a request is tried for 40 s beside its own time. All servers may be away for
as long, which covers a restart behind a proxy.
"""

LOOKED_AT = (400, 413, 422)
"""The statuses by which a server refuses what a request says (RFC 9110, 15.5.1, 15.5.14, 15.5.21)."""
TOO_LONG = re.compile(
    r"context[ _](length|size|window)|maximum model length|max_(model_len|total_tokens)|(prompt|input)\b.{0,40}long",
    re.IGNORECASE,
)
"""How servers say that a prompt does not fit: OpenAI's code `context_length_exceeded` and sentence ("maximum context
length"), which most others repeat, vLLM's, SGLang's ("context length"), llama.cpp's ("context size") and TGI's.
"""


class ServerEngine:
    """An `Engine` (see pipeline.inference.engine) over HTTP. Raises EngineDied when no server answers at `model.url`.

    The revision is what the servers call the model's root, or that of `model.weights`: a server says nothing else of
    the weights that it was started with. Give another name to other weights, or serve them from another folder. The
    queue is the callers': they hold at most `capacity` samples in flight each, and nothing else is kept here.
    """

    def __init__(self, model: ModelConfig, retries: int = RETRIES) -> None:
        self.model, self._served = model.weights or model.name, model.name
        self.capacity = 2 * model.max_num_seqs * len(model.urls)
        self._retries = retries
        self._lock = threading.Lock()
        self._stats = EngineStats()
        self._pending: set[Future[tuple[Completion, ...]]] = set()
        self._since: float | None = None
        self._dead: EngineDied | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="server", daemon=True)
        self._thread.start()
        try:
            with track("reach the model's servers", unit="", part=True, note=", ".join(model.urls)):
                self.revision = asyncio.run_coroutine_threadsafe(self._connect(model), self._loop).result()
        except BaseException:
            self.close()
            raise

    async def _connect(self, model: ModelConfig) -> str:
        self._pool = ServerPool(model, sum(pause(attempt) for attempt in range(1, self._retries + 1)))
        root = await self._pool.connect()
        self.continues = all(server.is_vllm for server in self._pool.servers if server.up)
        return root if model.weights is None else self._pool.weights

    def submit(self, request: Request) -> Future[tuple[Completion, ...]]:
        future: Future[tuple[Completion, ...]] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            if self._dead is not None:
                future.set_exception(self._dead)
                return future
            if not self._pending:
                self._since = time.monotonic()
            self._pending.add(future)
        asyncio.run_coroutine_threadsafe(self._answer(request, future), self._loop)
        return future

    def in_flight(self) -> int:
        with self._lock:
            return len(self._pending)

    @property
    def is_dead(self) -> bool:
        with self._lock:
            return self._dead is not None

    @property
    def answered(self) -> dict[str, int]:
        """Requests that each server answered, by its URL."""
        return {server.url: server.answered for server in self._pool.servers}

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
        if hasattr(self, "_pool"):
            await self._pool.close()

    async def _answer(self, request: Request, future: Future[tuple[Completion, ...]]) -> None:
        try:
            completions, tokens = await self._ask_servers(request)
        except EngineDied as error:
            self._give_up(error)
        except Exception as error:
            failure = error if isinstance(error, EngineFailure) else EngineFailure(f"{type(error).__name__}: {error}")
            self._settle(future, failure)
        else:
            self._settle(future, completions, tokens)

    async def _ask_servers(self, request: Request) -> tuple[tuple[Completion, ...], int]:
        """The answer of the first server that gives one.

        Raises PromptRefused where all servers refuse what the request says, EngineFailure where they refuse it
        otherwise or it was tried everywhere and `retries` times again, EngineDied where no server is left.
        """
        tried: Counter[Server] = Counter()
        refused: dict[Server, Exception] = {}
        failures: dict[str, str] = {}
        while True:
            server = await self._pool.take(request.n, tried, refused)
            if server is None:
                raise _explain_refusals(refused.values(), _join(failures))
            try:
                answer = await self._ask_server(server, request)
                server.answered += 1
                return answer
            except Exception as error:
                failure = error
            finally:
                await self._pool.put_back(server, request.n)
            failures[server.url] = say(failure)
            tried[server] += 1
            if _is_refusal(failure):
                refused[server] = failure
                continue
            if not isinstance(failure, _ServerLost):
                await self._suspect(server, failure)
            up = [other for other in self._pool.servers if other.up]
            if tried.total() > self._retries and all(tried[other] for other in up) and up:
                raise EngineFailure(_join(failures))
            if up and all(tried[other] for other in up):
                await asyncio.sleep(max(pause(min(tried[other] for other in up)), waits(failure)))

    async def _suspect(self, server: Server, failure: Exception) -> None:
        """Look at a server that lost a connection, or that says the model or the key is not its own."""
        from openai import APIConnectionError, AuthenticationError, NotFoundError, PermissionDeniedError

        if isinstance(failure, APIConnectionError | AuthenticationError | NotFoundError | PermissionDeniedError):
            await self._pool.look_at(server)

    async def _ask_server(self, server: Server, request: Request) -> tuple[tuple[Completion, ...], int]:
        """Raises _ServerLost when the server is counted as down while it has the request."""
        call = asyncio.ensure_future(self._complete(server, request))
        server.calls.add(call)
        try:
            return await call
        except asyncio.CancelledError:
            if not server.up and call.cancelled():
                raise _ServerLost(server.why) from None
            call.cancel()
            raise
        finally:
            server.calls.discard(call)

    def _settle(
        self, future: Future[tuple[Completion, ...]], result: tuple[Completion, ...] | Exception, tokens: int = 0
    ) -> None:
        with self._lock:
            if future not in self._pending:
                return
            self._pending.discard(future)
            done = int(not isinstance(result, Exception))
            self._stats = replace(self._stats, tokens=self._stats.tokens + tokens, requests=self._stats.requests + done)
            if not self._pending and self._since is not None:
                self._stats = replace(self._stats, busy=self._stats.busy + time.monotonic() - self._since)
                self._since = None
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    def _give_up(self, error: EngineDied) -> None:
        with self._lock:
            self._dead = self._dead or error
            pending = list(self._pending)
        for future in pending:
            self._settle(future, error)

    async def _complete(self, server: Server, request: Request) -> tuple[tuple[Completion, ...], int]:
        """All n completions: in one call, or in as many as a server needs that gives fewer at a time."""
        from openai import BadRequestError, UnprocessableEntityError

        completions: list[Completion] = []
        tokens = 0
        while len(completions) < request.n:
            asked = request.n - len(completions) if server.several else 1
            try:
                more, counted = await self._call(server, request, asked)
            except (BadRequestError, UnprocessableEntityError):
                if asked == 1:
                    raise
                # Either this server takes no n, or the request itself is bad: alone it shows which.
                more, counted = await self._call(server, request, 1)
                server.several = False
            if not more:
                raise RuntimeError("the server answered without any completion")
            completions.extend(more[: request.n - len(completions)])
            tokens += counted
        return tuple(completions), tokens

    async def _call(self, server: Server, request: Request, n: int) -> tuple[list[Completion], int]:
        prompt, params, client = request.prompt, request.params, server.client
        extra: dict[str, Any] = {}
        if server.is_vllm:
            # Whatever is not named here, the model's generation_config.json decides.
            extra |= {"top_k": params.top_k, "min_p": params.min_p, "repetition_penalty": 1.0}
            extra["return_token_ids"] = True
        else:
            # Servers of other makes may refuse a name that they do not know.
            extra |= {name: value for name, value in (("top_k", params.top_k), ("min_p", params.min_p)) if value}
        if params.fixed_length:
            extra["ignore_eos"] = True
        asked: dict[str, Any] = {
            "model": self._served,
            "n": n,
            "temperature": params.temperature,
            "top_p": params.top_p,
            "stop": list(params.stop) or None,
            "max_tokens": params.max_tokens,
            "extra_body": extra,
        }
        if request.resumable or request.begun is not None:
            return await complete_by_tokens(server, request, asked)
        began = time.monotonic()
        answer: Any
        if prompt.messages is not None:
            turns: Any = [{"role": role, "content": content} for role, content in prompt.messages]
            answer = await client.chat.completions.create(messages=turns, **asked)
            texts = [_join_thoughts(choice.message) for choice in answer.choices]
        else:
            answer = await client.completions.create(prompt=prompt.text, **asked)
            texts = [open_thoughts(choice.text, opened_by(prompt.text or "")) for choice in answer.choices]
        seconds = time.monotonic() - began
        total = int(answer.usage.completion_tokens) if answer.usage is not None else 0
        completions = [
            Completion(text, _count(choice, total if len(texts) == 1 else None), str(choice.finish_reason), seconds)
            for text, choice in zip(texts, answer.choices, strict=True)
        ]
        return completions, total


def _join_thoughts(message: Any) -> str:
    """What a message says, with the thoughts that the server's reasoning parser took out of it before it again."""
    content = message.content or ""
    thoughts = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
    if not isinstance(thoughts, str) or not thoughts:
        return content
    opening, closing = THINK
    return f"{opening}{thoughts}{closing}{content}" if content else f"{opening}{thoughts}"


def _count(choice: Any, alone: int | None) -> int | None:
    """Tokens of one choice: its ids where the server gives them, else the usage of a lone choice, else unknown."""
    ids = getattr(choice, "token_ids", None)
    return len(ids) if ids is not None else alone or None


class _ServerLost(RuntimeError):
    """The server went down with the request in hand."""


def _is_refusal(failure: Exception) -> bool:
    """Whether the server will never answer this request, so that only another one may."""
    from openai import APIStatusError

    if isinstance(failure, APIStatusError):
        return failure.status_code < 500 and failure.status_code not in (401, 403, 404, 408, 409, 425, 429)
    from openai import OpenAIError

    return not isinstance(failure, OpenAIError | _ServerLost)


def _explain_refusals(refusals: Collection[Exception], message: str) -> EngineFailure:
    """The failure of a request that no server takes: the prompt's own where each looked at it and did not take it."""
    if not all(getattr(refusal, "status_code", None) in LOOKED_AT for refusal in refusals):
        return EngineFailure(message)
    return PromptRefused(message, too_long=all(TOO_LONG.search(str(refusal)) for refusal in refusals))


def _join(failures: dict[str, str]) -> str:
    return "; ".join(f"{url}: {what}" for url, what in failures.items())

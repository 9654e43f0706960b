"""The servers behind `model.url`: which are there, whether they serve the same model, and which one is asked next.

All of this runs in one event loop, that of ServerEngine, so nothing here is locked.
"""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.inference.engine import EngineDied
from pipeline.inference.server_weights import FIRST, name_weights, read_version
from schemas.config import ModelConfig

if TYPE_CHECKING:
    from openai import AsyncOpenAI

PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""Seconds before the first repetition and at most; each is twice the one before."""
HEALTH_SECONDS = 10.0
"""Between two looks at a server that is up: they cost it nothing, and a request may take model.timeout to fail."""
ANSWER_SECONDS = 30.0
"""For its list of models: a server with a full batch on a busy machine takes seconds."""
MISSES = 3
"""Lists in a row that did not come in time, after which a server counts as hung. One that refuses is down at once."""

log = logging.getLogger(__name__)


class OtherWeights(EngineDied):
    """A server has weights that were loaded into it, or lost those that it is to answer with."""


def pause(attempt: int) -> float:
    """Seconds to wait before the repetition after `attempt` failures."""
    return min(PAUSE * 2.0 ** min(attempt - 1, 10), LONGEST_PAUSE)


@dataclass(eq=False)
class Server:
    """One `vllm serve`: what it serves, whether it is up, and what it has in hand (`open` requests, `load` samples)."""

    url: str
    client: "AsyncOpenAI"
    up: bool = False
    root: str | None = None
    is_vllm: bool = False
    several: bool = True
    why: str = "it has not answered yet"
    open: int = 0
    load: int = 0
    answered: int = 0
    turn: int = 0
    calls: "set[asyncio.Task[Any]]" = field(default_factory=set)
    looking: "asyncio.Task[bool] | None" = None
    lost: asyncio.Event = field(default_factory=asyncio.Event)


class ServerPool:
    """Least-loaded routing over the servers that are up; each is looked at all the while, up or down."""

    def __init__(self, model: ModelConfig, patience: float) -> None:
        import httpx
        from openai import AsyncOpenAI

        self._config, self._patience = model, patience
        self._http = httpx.AsyncClient()
        key = os.environ.get(model.api_key_env) or "none"
        self.servers = [
            Server(url, AsyncOpenAI(base_url=url, api_key=key, max_retries=0, timeout=model.timeout))
            for url in model.urls
        ]
        self.root: str | None = None
        self.weights = name_weights(model)
        self._turn = 0
        self._changed = asyncio.Condition()
        self._watchers: list[asyncio.Task[None]] = []

    async def connect(self) -> str:
        """Look at every server once and return what all of them serve: the model's root.

        Raises EngineDied where none answers, and where one serves anything else: samples of two models must not be
        mixed. A server that is not there yet is warned of, and taken in when it comes.
        """
        answers = await asyncio.gather(*(self._ask(server) for server in self.servers), return_exceptions=True)
        silent = {s.url: one for s, one in zip(self.servers, answers, strict=True) if isinstance(one, Exception)}
        there = {s: one for s, one in zip(self.servers, answers, strict=True) if isinstance(one, dict)}
        late = (OtherWeights,) if there else ()
        wrong = [error for error in silent.values() if isinstance(error, EngineDied) and not isinstance(error, late)]
        if wrong:
            raise wrong[0]
        if not there:
            errors = "; ".join(f"{url}: {say(error)}" for url, error in silent.items())
            raise EngineDied(
                f"model.url {errors}. Start a server there, such as `vllm serve NAME --port 8000` for "
                f"http://127.0.0.1:8000/v1, and put its key, if any, into ${self._config.api_key_env}"
            )
        roots = {server.url: _root(card) for server, card in there.items()}
        if len(set(roots.values())) > 1:
            raise EngineDied(
                f"model.url names servers of different models: {', '.join(f'{u} has {r}' for u, r in roots.items())}; "
                "serve the same weights by the same path or name everywhere"
            )
        self.root = next(iter(roots.values()))
        for server, card in there.items():
            self._welcome(server, card)
        for url, error in silent.items():
            log.warning("model.url %s cannot be asked (%s); the others are asked until it does", url, say(error))
        self._watchers = [asyncio.create_task(self._watch(server)) for server in self.servers]
        return self.root

    async def close(self) -> None:
        await self._http.aclose()
        for server in self.servers:
            await server.client.close()

    async def take(self, samples: int, tried: "Counter[Server]", refused: Collection[Server]) -> Server | None:
        """A server with room, for `samples` completions: the one that failed this request least, then the least loaded.

        None where every server that is up has refused this very request. Waits while all are busy, or for
        `patience` seconds while all are down; then raises EngineDied.
        """
        while True:
            async with self._changed:
                up = [server for server in self.servers if server.up]
                if up and all(server in refused for server in up):
                    return None
                free = [s for s in up if s not in refused and s.open < self._config.concurrency]
                if free:
                    return self._choose(free, samples, tried)
                if not refused:
                    try:
                        async with asyncio.timeout(None if up else self._patience):
                            await self._changed.wait()
                    except TimeoutError:
                        if not any(server.up for server in self.servers):
                            raise EngineDied(self._say_dark()) from None
                    continue
            # News of room goes to one who waits; this request may not be able to use it.
            await asyncio.sleep(PAUSE)

    def _choose(self, free: list[Server], samples: int, tried: "Counter[Server]") -> Server:
        chosen = min(free, key=lambda s: (tried[s], s.load, s.turn))
        self._turn += 1
        chosen.turn = self._turn
        chosen.open += 1
        chosen.load += samples
        return chosen

    async def put_back(self, server: Server, samples: int) -> None:
        """The request is done with `server`, well or ill."""
        server.open -= 1
        server.load -= samples
        async with self._changed:
            self._changed.notify()

    async def look_at(self, server: Server) -> bool:
        """Whether `server` is there and serves the model, asked now; one that is not counts as down from here on."""
        if server.looking is None:
            server.looking = asyncio.create_task(self._look(server))
        return await asyncio.shield(server.looking)

    async def _look(self, server: Server) -> bool:
        try:
            card = await self._ask(server)
            if _root(card) != self.root:
                raise EngineDied(f"it serves {_root(card)} now, not {self.root}")
        except Exception as error:
            await self._lose(server, say(error))
            return False
        finally:
            server.looking = None
        if not server.up:
            log.warning("model.url %s answers and is asked again", server.url)
            self._welcome(server, card)
            async with self._changed:
                self._changed.notify_all()
        return True

    async def _lose(self, server: Server, why: str) -> None:
        """Count `server` as down; what it had in hand goes to the others."""
        server.why = why
        if not server.up:
            return
        server.up = False
        server.lost.set()
        log.warning("model.url %s is down (%s); what it had is asked again", server.url, why)
        for call in list(server.calls):
            call.cancel()
        async with self._changed:
            self._changed.notify_all()

    async def _watch(self, server: Server) -> None:
        """Look at one server for as long as the engine is open."""
        from openai import APITimeoutError

        misses = 0
        while True:
            if not server.up:
                misses += 1
                await asyncio.sleep(pause(misses))
                await self.look_at(server)
                misses = 0 if server.up else misses
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(HEALTH_SECONDS):
                    await server.lost.wait()
                continue
            try:
                await self._ask(server)
                misses = 0
            except (APITimeoutError, TimeoutError) as error:
                misses += 1
                if misses >= MISSES:
                    await self._lose(server, f"no answer for {MISSES} times {ANSWER_SECONDS:.0f} s: {say(error)}")
                    misses = 0
            except Exception:
                await self.look_at(server)
                misses = 0

    async def _ask(self, server: Server) -> dict[str, Any]:
        """What `server` says of the model. Raises OpenAIError, or EngineDied where it serves others."""
        models = (await server.client.with_options(timeout=ANSWER_SECONDS).models.list()).data
        for served in models:
            if served.id == self._config.name:
                await self._check_weights(server, served.owned_by == "vllm")
                return served.model_dump()
        names = ", ".join(repr(served.id) for served in models[:10]) or "nothing"
        raise EngineDied(
            f"model.name {self._config.name!r} is not served at {server.url}, which has {names}; "
            "set model.name to one of these"
        )

    async def _check_weights(self, server: Server, is_vllm: bool) -> None:
        """Raises OtherWeights."""
        import httpx

        has = None
        if is_vllm:
            try:
                has = await read_version(self._http, server.url)
            except httpx.TimeoutException as error:
                raise TimeoutError(f"no answer about its weights: {error!r}") from None
        if has is None and self.weights == FIRST:
            return
        if has != self.weights:
            wanted = self._config.weights or "those that it was started with"
            raise OtherWeights(
                f"{server.url} has the weights {has}, not {wanted} ({self.weights}); a loop that ends gives back the "
                "first ones: run it again, or start the server again"
            )

    def _welcome(self, server: Server, card: dict[str, Any]) -> None:
        # vLLM alone is asked for token ids (with several choices, `usage` only has their sum) and takes all parameters.
        server.is_vllm = card.get("owned_by") == "vllm"
        server.root, server.up = _root(card), True
        server.lost.clear()

    def _say_dark(self) -> str:
        whys = "; ".join(f"{server.url}: {server.why}" for server in self.servers)
        return (
            f"model.url {whys}, for {self._patience:.0f} s. What was sampled is kept: start the server and run again "
            "to go on."
        )


def _root(card: dict[str, Any]) -> str:
    return str(card.get("root") or card["id"])


def say(error: BaseException) -> str:
    """An error of the client in a line."""
    status = getattr(error, "status_code", None)
    cause = f" ({error.__cause__})" if error.__cause__ is not None and status is None else ""
    return f"{f'HTTP {status}: ' if status else ''}{error}{cause}"[:600]


def waits(error: Any) -> float:
    """Seconds that a refusing server asks to be left alone (Retry-After, RFC 9110 10.2.3); 0 where it says nothing."""
    header = error.response.headers.get("retry-after") if getattr(error, "response", None) is not None else None
    return _seconds(header) if header else 0.0


def _seconds(header: str) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        from datetime import UTC, datetime

        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0

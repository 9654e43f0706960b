"""The verifier over HTTP, for trainers in environments of their own: one app around one `Rewarder`.

A request is refused at the door when it is too large (413), carries no token where one is set (401), or when as much as
is allowed is in hand already (429, with Retry-After): memory is bounded whatever comes. What was accepted is judged,
and what could not be verified has a null reward with its detail, never a zero.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from pipeline.reward.openrlhf import cut_completion
from pipeline.reward.rewarder import Answered, Graded, Rewarder
from schemas.config import RewardConfig
from schemas.errors import InputError
from schemas.reasons import Verdict

RETRY_AFTER = "1"
"""Seconds; a batch of common answers takes less."""
MESSAGE = 300
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Body):
    """A completion, its problem's label as `goldilocks export` writes it, and what the optional parts of the reward
    need."""

    ground_truth: str
    completion: str
    statement: str | None = None
    """Of the problem: without it there is no language bonus."""
    tokens: Annotated[int, Field(ge=0)] = 0
    l_max: Annotated[int, Field(ge=1)] | None = None
    """Longest completion, in tokens: without it there is no length penalty."""
    l_cache: Annotated[int, Field(ge=0)] = 0
    prompt: str | None = None
    """What the model saw, or the end of it: where that is `<think>` the completion begins within its thoughts."""
    finish_reason: str | None = None
    """`length` where the completion was cut off."""


class Settings(_Body):
    """How the client thinks that answers are found and what format is asked for; it is told (409) where it is wrong."""

    extract: Literal["boxed", "last"] | None = None
    format: Literal["none", "think"] | None = None
    thoughts: Literal["marked", "opened"] | None = None


class Batch(_Body):
    """What /verify takes."""

    items: list[Item]
    verify: Settings = Settings()


class Parts(_Body):
    """The parts of a reward."""

    format: float
    correctness: float
    length: float
    language: float


class Result(_Body):
    """What is said of one completion. `reward` and `parts` are null where the verdict is unknown."""

    verdict: Verdict
    reward: float | None
    parts: Parts | None
    answer: str | None
    detail: str
    format_ok: bool


class Results(_Body):
    """What /verify gives: a result for each item, in their order."""

    results: list[Result]


class Queries(BaseModel):
    """What OpenRLHF sends to `--reward.remote_url`."""

    query: list[str]
    prompts: list[str]
    labels: list[str]


class Rewards(BaseModel):
    """What OpenRLHF reads: rewards, and scores of 0 or 1 for its filter."""

    rewards: list[float]
    scores: list[float]
    extra_logs: dict[str, list[float]]


class Desk:
    """What is in hand: completions not yet judged and bytes of requests not yet answered, and what was judged so
    far."""

    def __init__(self, limits: RewardConfig) -> None:
        self.limits = limits
        self.waiting = self.bytes = 0
        self.judged: Counter[str] = Counter()
        self._judging: set[asyncio.Task[list[Graded]]] = set()

    async def grade(self, rewarder: Rewarder, several: Sequence[Answered]) -> list[Graded]:
        """The grades of a batch, in its order. Raises HTTPException where it is too large or too much is in hand."""
        if len(several) > self.limits.batch:
            raise HTTPException(413, f"{len(several)} completions in one request; {self.limits.batch} at most")
        if self.waiting + len(several) > self.limits.queue:
            raise _busy(f"{self.waiting} completions wait to be judged, of {self.limits.queue} that may")
        try:
            rewarder.check(several)
        except InputError as error:
            raise HTTPException(422, str(error)) from None
        self.waiting += len(several)
        judging = asyncio.create_task(self._judge(rewarder, several))
        self._judging.add(judging)
        judging.add_done_callback(self._judging.discard)
        # Not given up when the client is: what was begun is in the verifier's queue all the same, and counts.
        return await asyncio.shield(judging)

    async def _judge(self, rewarder: Rewarder, several: Sequence[Answered]) -> list[Graded]:
        try:
            submitted = await asyncio.to_thread(lambda: [rewarder.submit(one) for one in several])
            await asyncio.gather(*(asyncio.wrap_future(future) for future in submitted if not future.done()))
            graded = [future.result() for future in submitted]
        except RuntimeError as error:
            raise HTTPException(503, str(error), {"Retry-After": RETRY_AFTER}) from None
        finally:
            self.waiting -= len(several)
        self.judged.update(one.verdict.value for one in graded)
        return graded


def _busy(why: str) -> HTTPException:
    return HTTPException(429, why, {"Retry-After": RETRY_AFTER})


class Door:
    """Refuses what is too large, unknown or too much before its body is read."""

    def __init__(self, app: Any, desk: Desk, token: str | None) -> None:
        self.app, self.desk, self.token = app, desk, token

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == "/health":
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        told = self._refuse(scope["method"], headers)
        if told is not None:
            code, why = told
            extra = {"Retry-After": RETRY_AFTER} if code == 429 else {}
            await JSONResponse({"detail": why}, code, extra)(scope, receive, send)
            return
        size = int(headers.get(b"content-length", b"0"))
        self.desk.bytes += size
        try:
            await self.app(scope, receive, send)
        finally:
            self.desk.bytes -= size

    def _refuse(self, method: str, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        if self.token is not None:
            given = headers.get(b"authorization", b"")
            if not hmac.compare_digest(given, b"Bearer " + self.token.encode()):
                return 401, "the request carries no token, or another one: Authorization: Bearer TOKEN"
        if method != "POST":
            return None
        length, limits = headers.get(b"content-length", b""), self.desk.limits
        if not length.isdigit():
            return 411, "the request does not say how long it is: Content-Length"
        if int(length) > limits.body_mb << 20:
            return 413, f"{int(length)} bytes in one request; {limits.body_mb} MiB at most"
        if self.desk.bytes + int(length) > limits.memory_mb << 20:
            return 429, f"{self.desk.bytes >> 20} MiB of requests are in hand, of {limits.memory_mb} that may"
        return None


def make_app(rewarder: Rewarder, limits: RewardConfig | None = None, token: str | None = None) -> FastAPI:
    """The service around `rewarder`, which it closes at its end. With a `token` every request but /health carries
    it."""
    desk = Desk(limits or RewardConfig())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(rewarder.close)

    app = FastAPI(title="Goldilocks reward", version=_version(), lifespan=lifespan)
    app.add_middleware(Door, desk=desk, token=token)

    @app.exception_handler(RequestValidationError)
    async def explain(request: Request, error: Exception) -> JSONResponse:
        """What is wrong and where, without the body said again."""
        assert isinstance(error, RequestValidationError)
        told = [f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:5]]
        return JSONResponse({"detail": "; ".join(told)[:MESSAGE]}, 422)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """Whether it is up, what is in hand, and what was judged so far."""
        verify = rewarder.verify.model_dump(include={"extract", "format", "thoughts"})
        counts = {verdict.value: desk.judged[verdict.value] for verdict in Verdict}
        return {"status": "ok", "waiting": desk.waiting, "queue": desk.limits.queue, "judged": counts, "verify": verify}

    @app.post("/verify")
    async def verify(batch: Batch) -> Results:
        """Judge a batch."""
        for name, value in batch.verify.model_dump(exclude_none=True).items():
            if value != (ours := getattr(rewarder.verify, name)):
                raise HTTPException(
                    409, f"verify.{name} is {ours!r} here, not {value!r}; start it with the run's config"
                )
        answered = [
            Answered(truth=item.ground_truth, **item.model_dump(exclude={"ground_truth"})) for item in batch.items
        ]
        return Results(results=[_tell(graded) for graded in await desk.grade(rewarder, answered)])

    @app.post("/get_reward")
    async def get_reward(queries: Queries) -> Rewards:
        """OpenRLHF's own form. It has no word for an unknown verdict: 503, and it asks again."""
        if not len(queries.query) == len(queries.prompts) == len(queries.labels):
            raise HTTPException(422, "query, prompts and labels are not of one length")
        asked = zip(queries.query, queries.prompts, queries.labels, strict=True)
        graded = await desk.grade(rewarder, [Answered(label, cut_completion(q, p), prompt=p) for q, p, label in asked])
        known = [one.reward for one in graded if one.reward is not None]
        if len(known) < len(graded):
            why = next(one.detail for one in graded if one.reward is None)
            raise HTTPException(503, f"{len(graded) - len(known)} have no verdict: {why}", {"Retry-After": RETRY_AFTER})
        scores = [float(one.verdict is Verdict.CORRECT) for one in graded]
        return Rewards(rewards=known, scores=scores, extra_logs={"correct": scores})

    return app


def _tell(graded: Graded) -> Result:
    parts = graded.parts
    said = None
    if parts is not None:
        said = Parts(format=parts.format, correctness=parts.correctness, length=parts.length, language=parts.language)
    return Result(
        verdict=graded.verdict,
        reward=graded.reward,
        parts=said,
        answer=graded.answer,
        detail=graded.detail,
        format_ok=graded.format_ok,
    )


def _version() -> str:
    try:
        return version("goldilocks")
    except PackageNotFoundError:
        return "0"

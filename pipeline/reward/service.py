"""The verifier over HTTP, for trainers in environments of their own: one app around one `Rewarder`.

A request is refused when it is not meant for this server (421, 403), carries no token where one is set (401), is too
large (413) or too slow (408), or when as much as is allowed is in hand already (429, with Retry-After): memory is
bounded whatever comes. What was accepted is judged, and what could not be verified has a null reward with its detail,
never a zero.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, Literal, TypeVar

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError, model_validator
from starlette.datastructures import Headers

from pipeline.reward.intake import RETRY_AFTER, Memory, Share, busy
from pipeline.reward.openrlhf import PROMPT_END, cut_completion
from pipeline.reward.rewarder import Answered, Graded, Rewarder
from pipeline.reward.turns import Turns
from pipeline.serving.hosts import HostGuard
from schemas.config import RewardConfig
from schemas.errors import InputError
from schemas.reasons import Verdict

MESSAGE = 300
SEND_SECONDS = 60.0
"""For a client to take a piece of its answer."""
MOST_TOKENS = 1 << 31
LONGEST, LONGEST_LABEL = 4 << 20, 32 << 20
"""Characters of a completion or a statement (a million tokens), and of a label (tests of some MB each)."""
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Body):
    """A completion, its problem's label as `goldilocks export` writes it, and what the optional parts of the reward
    need."""

    ground_truth: Annotated[str, Field(max_length=LONGEST_LABEL)]
    completion: Annotated[str, Field(max_length=LONGEST)]
    statement: Annotated[str, Field(max_length=LONGEST)] | None = None
    """Of the problem: without it there is no language bonus."""
    tokens: Annotated[int, Field(ge=0, le=MOST_TOKENS)] = 0
    l_max: Annotated[int, Field(ge=1, le=MOST_TOKENS)] | None = None
    """Longest completion, in tokens: without it there is no length penalty."""
    l_cache: Annotated[int, Field(ge=0, le=MOST_TOKENS)] = 0
    prompt: Annotated[str, Field(max_length=LONGEST)] | None = None
    """What the model saw, or the end of it: where that is `<think>` the completion begins within its thoughts."""
    finish_reason: Annotated[str, Field(max_length=100)] | None = None
    """`length` where the completion was cut off."""

    @model_validator(mode="after")
    def _check_lengths(self) -> Item:
        if self.l_max is not None and self.l_cache > self.l_max:
            raise ValueError(f"l_cache is {self.l_cache}, over l_max, {self.l_max}")
        return self


class Settings(_Body):
    """How the client thinks that answers are found and what format is asked for; it is told (409) where it is wrong."""

    extract: Literal["boxed", "last"] | None = None
    format: Literal["none", "think"] | None = None
    thoughts: Literal["marked", "opened"] | None = None


class Batch(_Body):
    """What /verify takes."""

    items: Annotated[list[Item], FailFast()]
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

    query: Annotated[list[Annotated[str, Field(max_length=2 * LONGEST)]], FailFast()]
    prompts: Annotated[list[Annotated[str, Field(max_length=LONGEST)]], FailFast()]
    labels: Annotated[list[Annotated[str, Field(max_length=LONGEST_LABEL)]], FailFast()]


class Rewards(BaseModel):
    """What OpenRLHF reads: rewards, and scores of 0 or 1 for its filter."""

    rewards: list[float]
    scores: list[float]
    extra_logs: dict[str, list[float]]


class Desk:
    """What is in hand: completions not yet judged, the memory of requests not yet answered, and what was judged so
    far."""

    def __init__(self, limits: RewardConfig) -> None:
        self.limits = limits
        self.waiting = 0
        self.memory = Memory(limits)
        self.turns = Turns()
        self.judged: Counter[str] = Counter()
        self._judging: set[asyncio.Task[list[Graded]]] = set()

    async def grade(self, rewarder: Rewarder, several: Sequence[Answered]) -> list[Graded]:
        """The grades of a batch, in its order. Raises HTTPException where it is too large or too much is in hand."""
        if len(several) > self.limits.batch:
            raise HTTPException(413, f"{len(several)} completions in one request; {self.limits.batch} at most")
        if self.waiting + len(several) > self.limits.queue:
            raise busy(f"{self.waiting} completions wait to be judged, of {self.limits.queue} that may")
        self.waiting += len(several)
        try:
            await self.turns.work(lambda one: rewarder.check([one]), several)
        except BaseException as error:
            self.waiting -= len(several)
            if isinstance(error, InputError):
                raise HTTPException(422, str(error)) from None
            raise
        judging = asyncio.create_task(self._judge(rewarder, several))
        self._judging.add(judging)
        judging.add_done_callback(self._judging.discard)
        # Not given up when the client is: what was begun is in the verifier's queue all the same, and counts.
        return await asyncio.shield(judging)

    async def _judge(self, rewarder: Rewarder, several: Sequence[Answered]) -> list[Graded]:
        try:
            submitted = await self.turns.work(rewarder.submit, several)
            await asyncio.gather(*(asyncio.wrap_future(future) for future in submitted if not future.done()))
            graded = [future.result() for future in submitted]
        except RuntimeError as error:
            raise HTTPException(503, str(error), {"Retry-After": RETRY_AFTER}) from None
        finally:
            self.waiting -= len(several)
        self.judged.update(one.verdict.value for one in graded)
        return graded


class Door:
    """Refuses what is not meant for this server or carries no token, before its body is read, and gives up on a client
    that does not take its answer.

    With a token the Host header may be any name that leads here: a page elsewhere does not know the token.
    """

    def __init__(self, app: Any, guard: HostGuard | None, token: str | None) -> None:
        self.app, self.guard, self.token = app, guard, token

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_in_time(message: MutableMapping[str, Any]) -> None:
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)

        refused = self._refuse(scope["path"], Headers(scope=scope))
        answer = self.app if refused is None else JSONResponse({"detail": refused[1]}, refused[0])
        await answer(scope, receive, send_in_time)

    def _refuse(self, path: str, headers: Headers) -> tuple[int, str] | None:
        guard, host = self.guard, headers.get("host", "")
        if guard is not None:
            if self.token is None and not guard.allows_host(host):
                return 421, f"this server is not {host[:100]!r}; use the address that it printed"
            if not guard.allows_origin(headers):
                return 403, "sent by a web page of another server"
        if self.token is not None and path != "/health":
            given = headers.get("authorization", "").encode("latin-1", "replace")
            if not hmac.compare_digest(given, b"Bearer " + self.token.encode()):
                return 401, "the request carries no token, or another one: Authorization: Bearer TOKEN"
        return None


Body = TypeVar("Body", bound=BaseModel)


def _parse(kind: type[Body], share: Share) -> Body:
    """The body as `kind`; raises 422 with what is wrong and where, without the body said again."""
    try:
        return kind.model_validate_json(share.open())
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)[:5]
    complaints = [
        f"{'.'.join(['body', *(str(part)[:MESSAGE] for part in fault['loc'])])}: {fault['msg']}" for fault in faults
    ]
    raise HTTPException(422, "; ".join(complaints)[:MESSAGE])


def _takes(kind: type[BaseModel]) -> dict[str, Any]:
    """For the page of the interface: the body that a path takes, which is read by hand."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": kind.model_json_schema()}}}}


def make_app(
    rewarder: Rewarder, limits: RewardConfig | None = None, token: str | None = None, guard: HostGuard | None = None
) -> FastAPI:
    """The service around `rewarder`, which it closes at its end. With a `token` every request but /health carries it.
    `guard` knows where it listens; None for one that listens nowhere."""
    desk = Desk(limits or RewardConfig())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(rewarder.close)

    app = FastAPI(title="Goldilocks reward", version=_version(), lifespan=lifespan)
    app.add_middleware(Door, guard=guard, token=token)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """Whether it is up, what is in hand, and what was judged so far."""
        verify = rewarder.verify.model_dump(include={"extract", "format", "thoughts"})
        counts = {verdict.value: desk.judged[verdict.value] for verdict in Verdict}
        return {"status": "ok", "waiting": desk.waiting, "queue": desk.limits.queue, "judged": counts, "verify": verify}

    @app.post("/verify", openapi_extra=_takes(Batch))
    async def verify(request: Request) -> Results:
        """Judge a batch."""
        async with desk.memory.receive(request) as share:
            batch = await desk.turns.parse(lambda: _parse(Batch, share), len(share.body))
            share.settle(*(text for i in batch.items for text in (i.ground_truth, i.completion, i.statement)))
            for name, value in batch.verify.model_dump(exclude_none=True).items():
                if value != (ours := getattr(rewarder.verify, name)):
                    raise HTTPException(
                        409, f"verify.{name} is {ours!r} here, not {value!r}; start it with the run's config"
                    )
            answered = [
                Answered(
                    item.ground_truth,
                    item.completion,
                    item.statement,
                    item.tokens,
                    item.l_max,
                    item.l_cache,
                    (item.prompt or "")[-PROMPT_END:],
                    item.finish_reason,
                )
                for item in batch.items
            ]
            return Results(results=[_tell(graded) for graded in await desk.grade(rewarder, answered)])

    @app.post("/get_reward", openapi_extra=_takes(Queries))
    async def get_reward(request: Request) -> Rewards:
        """OpenRLHF's own form. It has no word for an unknown verdict: 503, and it asks again."""
        async with desk.memory.receive(request) as share:
            queries = await desk.turns.parse(lambda: _parse(Queries, share), len(share.body))
            share.settle(*queries.query, *queries.prompts, *queries.labels)
            if not len(queries.query) == len(queries.prompts) == len(queries.labels):
                raise HTTPException(422, "query, prompts and labels are not of one length")
            asked = zip(queries.query, queries.prompts, queries.labels, strict=True)
            graded = await desk.grade(
                rewarder, [Answered(label, cut_completion(q, p), prompt=p[-PROMPT_END:]) for q, p, label in asked]
            )
        known = [one.reward for one in graded if one.reward is not None]
        if len(known) < len(graded):
            why = next(one.detail for one in graded if one.reward is None)
            raise HTTPException(503, f"{len(graded) - len(known)} have no verdict: {why}", {"Retry-After": RETRY_AFTER})
        scores = [float(one.verdict is Verdict.CORRECT) for one in graded]
        return Rewards(rewards=known, scores=scores, extra_logs={"correct": scores})

    return app


def _tell(graded: Graded) -> Result:
    parts = graded.parts
    shares = None
    if parts is not None:
        shares = Parts(format=parts.format, correctness=parts.correctness, length=parts.length, language=parts.language)
    return Result(
        verdict=graded.verdict,
        reward=graded.reward,
        parts=shares,
        answer=graded.answer,
        detail=graded.detail,
        format_ok=graded.format_ok,
    )


def _version() -> str:
    try:
        return version("goldilocks")
    except PackageNotFoundError:
        return "0"

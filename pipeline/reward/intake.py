"""What the reward service reads of a request: bytes as they arrive, counted, timed and bounded before any is parsed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from pipeline.text.json_values import ValueCounter
from schemas.config import RewardConfig

RETRY_AFTER = "1"
"""Seconds; a batch of common answers takes less."""
FIELDS = 16
"""JSON values and marks of one completion with all its fields, and to spare."""
WIDEST = 4
"""Bytes of memory for a byte of text, where one character is outside the basic plane."""


def busy(why: str) -> HTTPException:
    """The answer to what may be asked again."""
    return HTTPException(429, why, {"Retry-After": RETRY_AFTER})


class Memory:
    """Bytes of requests that are in hand: of bodies as they arrive, then of what was parsed of them."""

    def __init__(self, limits: RewardConfig) -> None:
        self.limits = limits
        self.bytes = 0

    @asynccontextmanager
    async def receive(self, request: Request) -> AsyncIterator[Share]:
        """The body of `request`. Its memory counts until the block ends.

        Raises HTTPException: 400 for one that broke off, 408 for one that came too slowly, 411, 413 for one too large
        or of too many values, 429 where as much as may be is in hand.
        """
        length = request.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            raise HTTPException(411, "the request does not say how long it is: Content-Length")
        if len(length) > 15 or int(length) > self.limits.body_mb << 20:
            raise HTTPException(413, f"{length[:15]} bytes in one request; {self.limits.body_mb} MiB at most")
        share = Share(self)
        try:
            try:
                async with asyncio.timeout(self.limits.body_seconds):
                    share.body = await self._read(request, share)
            except TimeoutError:
                late = f"the body was not whole after {self.limits.body_seconds:g} s (reward.body_seconds)"
                raise HTTPException(408, late, {"Connection": "close"}) from None
            except ClientDisconnect:
                raise HTTPException(400, "the connection was closed before the body was whole") from None
            yield share
        finally:
            share.hold(0)

    async def _read(self, request: Request, share: Share) -> bytes:
        most = FIELDS * (self.limits.batch + 4)
        counter, body = ValueCounter(), bytearray()
        async for piece in request.stream():
            share.hold(len(body) + len(piece))
            body += piece
            if len(body) > self.limits.body_mb << 20:
                raise HTTPException(413, f"over {self.limits.body_mb} MiB in one request")
            if counter.feed(piece) > most:
                raise HTTPException(
                    413, f"over {most} JSON values in one request; {self.limits.batch} completions at most"
                )
        return bytes(body)


class Share:
    """What one request has of the memory."""

    def __init__(self, memory: Memory) -> None:
        self.memory, self.held, self.body = memory, 0, b""

    def hold(self, size: int) -> None:
        """Have `size` bytes in hand from now on; raises 429 where that is too much, and holds what it held."""
        most = self.memory.limits.memory_mb
        if size > most << 20:
            raise HTTPException(413, f"{size >> 20} MiB to read one request; {most} MiB at most (reward.memory_mb)")
        whole = self.memory.bytes - self.held + size
        if size > self.held and whole > most << 20:
            held = self.memory.bytes >> 20
            raise busy(f"{held} MiB of requests are in hand, of {most} that may")
        self.memory.bytes, self.held = whole, size

    def open(self) -> bytes:
        """The body, to be parsed at once: from here on its texts are in hand, for which room is made first."""
        plain = self.body.isascii() and b"\\u" not in self.body
        self.hold(len(self.body) * (1 if plain else WIDEST))
        body, self.body = self.body, b""
        return body

    def settle(self, *texts: str | None) -> None:
        """What was parsed, by its real size."""
        self.hold(min(self.held, sum(sys.getsizeof(text) for text in texts if text is not None)))

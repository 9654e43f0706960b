"""Turns between requests: a small one waits for a piece of a large one's work, never for all of it.

What parses JSON and finds answers holds the interpreter, in whichever thread it runs, so several threads at it only
make everybody wait for all of them.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from pipeline.reward.rewarder import Answered

Result = TypeVar("Result")
LARGE = 1 << 20
"""Bytes of a body that is parsed in its turn; a smaller one takes some milliseconds."""
PIECE = 1 << 20
"""Characters of completions and labels at once: some tens of milliseconds of the verifier."""


class Turns:
    """Whose turn it is, in the order in which they came."""

    def __init__(self) -> None:
        self._parsing = asyncio.Lock()
        self._working = asyncio.Lock()

    async def parse(self, read: Callable[[], Result], size: int) -> Result:
        """What `read` makes of a body of `size` bytes. After a large one the next large one waits for as long as it
        took, in which others are answered."""
        if size < LARGE:
            return read()
        async with self._parsing:
            began = time.monotonic()
            try:
                return read()
            finally:
                await asyncio.sleep(time.monotonic() - began)

    async def work(self, do: Callable[[Answered], Result], several: Sequence[Answered]) -> list[Result]:
        """What `do` makes of each, in a thread, a piece a turn."""
        results: list[Result] = []
        for piece in cut_pieces(several):
            async with self._working:
                results += await asyncio.to_thread(lambda piece=piece: [do(one) for one in piece])  # type: ignore[misc]
        return results


def cut_pieces(several: Sequence[Answered]) -> Iterator[Sequence[Answered]]:
    """Them all in order, in pieces of at most PIECE characters or of one."""
    first = size = 0
    for at, one in enumerate(several):
        length = len(one.completion) + len(one.truth) + len(one.statement or "")
        if at > first and size + length > PIECE:
            yield several[first:at]
            first, size = at, 0
        size += length
    if several:
        yield several[first:]

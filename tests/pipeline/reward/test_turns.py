"""Turns of the reward service: nobody waits for all of a large request."""

import asyncio
import time
from concurrent.futures import Future

from hypothesis import given
from hypothesis import strategies as st

from pipeline.reward.rewarder import Answered, Graded, Rewarder
from pipeline.reward.service import Desk
from pipeline.reward.turns import LARGE, PIECE, Turns, cut_pieces
from pipeline.verify.reward import NOTHING
from schemas.config import RewardConfig
from schemas.reasons import Verdict


@given(st.lists(st.integers(0, 5)))
def test_pieces_are_all_that_came_in_order_and_none_is_too_large(sizes: list[int]) -> None:
    several = [Answered(str(at % 10), "x" * (size * PIECE // 4)) for at, size in enumerate(sizes)]
    pieces = list(cut_pieces(several))
    assert [one for piece in pieces for one in piece] == several
    for piece in pieces:
        assert len(piece) == 1 or sum(len(one.completion) + len(one.truth) for one in piece) <= PIECE


class Noting(Rewarder):
    """A stand-in that notes what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def submit(self, answered: Answered) -> Future[Graded]:
        self.asked.append(answered.truth)
        future: Future[Graded] = Future()
        future.set_result(Graded(Verdict.WRONG, NOTHING, None, "", True))
        return future


def test_a_small_request_is_judged_between_the_pieces_of_a_large_one() -> None:
    async def run() -> None:
        rewarder, desk = Noting(), Desk(RewardConfig())
        large = asyncio.create_task(desk.grade(rewarder, [Answered("large", "x" * PIECE)] * 8))
        while not rewarder.asked:
            await asyncio.sleep(0)
        small = asyncio.create_task(desk.grade(rewarder, [Answered("small", "x")]))
        assert (len(await small), len(await large)) == (1, 8)
        assert rewarder.asked.count("large") == 8
        assert rewarder.asked[-1] == "large"
        rewarder.close()

    asyncio.run(run())


def test_after_a_large_body_small_ones_are_read_before_the_next_large_one() -> None:
    async def run() -> None:
        turns, order = Turns(), list[str]()

        def read(name: str, seconds: float) -> None:
            order.append(name)
            time.sleep(seconds)

        async def small() -> None:
            while order != ["first"]:
                await asyncio.sleep(0)
            await turns.parse(lambda: read("small", 0), LARGE - 1)

        large = [turns.parse(lambda name=name: read(name, 0.2), LARGE) for name in ("first", "second")]  # type: ignore[misc]
        await asyncio.gather(*large, small())
        assert order == ["first", "small", "second"]

    asyncio.run(run())

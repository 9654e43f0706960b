"""Steps: what several shards and threads count adds up, what failed is taken back, and a time left is said in time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.progress import advance, announce, here_total, is_shown, lend_screen, track
from pipeline.progress.steps import BOARD, Step


class Recorder:
    """A display that writes down what it was told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.over: dict[str, Step] = {}

    def opened(self, step: Step) -> None:
        self.events.append(f"+{step.name}")

    def closed(self, step: Step) -> None:
        self.events.append(f"-{step.name}")
        self.over[step.name] = step

    @contextmanager
    def lent(self) -> Iterator[None]:
        self.events.append("lent")
        yield
        self.events.append("returned")


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(BOARD, "display", recorder)
    return recorder


def test_without_a_display_nothing_happens_but_the_work() -> None:
    assert not is_shown()
    with track("screen", 2) as work, lend_screen():
        work.advance(2)
        assert here_total() == 2
    advance()
    assert BOARD.steps == {}


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6))
def test_shards_that_work_at_once_add_up_in_one_step(shards: list[int]) -> None:
    with track("screen") as first:

        def run(rows: int) -> None:
            with track("screen", rows):
                for _ in range(rows):
                    advance()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda rows: copy_context().run(run, rows), shards))
        assert (first.step.done, first.step.total) == (sum(shards), sum(shards))


def test_the_whole_is_opened_with_the_total_of_its_shards(display: Recorder) -> None:
    with track("screen", 10, whole=True) as whole:
        with track("screen", 4) as shard:
            advance(3)
            shard.complete()
        assert (whole.step.done, whole.step.total) == (4, 10)
        whole.reach(4)
        assert whole.step.done == 4, "what the shard counted is not counted again"
        whole.reach(10, skipped=True)
    assert display.events == ["+screen", "-screen"]
    assert (display.over["screen"].done, display.over["screen"].skipped) == (10, 6)


def test_what_a_failed_shard_counted_is_taken_back_for_its_retry() -> None:
    with track("screen", 4, whole=True) as whole:
        with suppress(ValueError), track("screen", 4):
            advance(3)
            raise ValueError("a row")
        assert whole.step.done == 0
        with track("screen", 4) as again:
            again.complete()
        assert whole.step.done == 4


@given(done=st.integers(0, 100), skipped=st.integers(0, 100), total=st.integers(1, 100))
def test_the_time_left_is_that_of_the_own_speed(done: int, skipped: int, total: int) -> None:
    skipped, done = min(skipped, done, total), min(done, total)
    step = Step("sample", total, "problems", done=done, skipped=skipped, telling=0.1)
    step.began -= 60.0
    left, worked = step.seconds_left, done - skipped
    if left is None:
        assert worked < max(0.1 * (total - skipped), 1)
    else:
        assert left == pytest.approx(60.0 * (total - done) / worked, rel=0.05)


def test_no_time_left_is_said_of_an_unknown_total() -> None:
    assert Step("ingest", None, "rows", done=5).seconds_left is None


def test_what_is_announced_ends_with_the_next_step(display: Recorder) -> None:
    announce("load the libraries")
    announce("start Prefect")
    with track("ingest"):
        pass
    announce("start vLLM")
    with lend_screen():
        pass
    assert display.events == [
        "+load the libraries",
        "-load the libraries",
        "+start Prefect",
        "-start Prefect",
        "+ingest",
        "-ingest",
        "+start vLLM",
        "-start vLLM",
        "lent",
        "returned",
    ]

"""The two displays: bars on a terminal, plain lines in a log, nothing where quiet is asked for."""

import re
import threading
from collections.abc import Iterator
from io import StringIO

import pytest

from pipeline.progress import announce, lend_screen, track
from pipeline.progress.display import QUIET, LogDisplay, describe_end, describe_step, format_seconds, show_progress
from pipeline.progress.steps import BOARD, Step


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv(QUIET, raising=False)
    yield
    assert BOARD.display is None
    assert BOARD.steps == {}


def visible(terminal: Terminal) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())


def test_a_log_gets_a_line_at_the_end_of_every_stage_and_none_for_its_short_phases() -> None:
    log = StringIO()
    with show_progress(stream=log):
        announce("load the libraries")
        with track("dedup", 1200, note="40 dropped") as work:
            with track("dedup: compare", 1200, part=True) as phase:
                phase.complete()
            assert log.getvalue() == ""
            work.complete()
    (line,) = log.getvalue().splitlines()
    assert re.fullmatch(r"dedup: 1,200 problems in \d\.\d s, 40 dropped", line)


def test_a_log_gets_a_line_now_and_then_of_a_step_that_goes_on() -> None:
    class Log(StringIO):
        lines = threading.Semaphore(0)

        def write(self, text: str) -> int:
            self.lines.release(text.count("\n"))
            return super().write(text)

    log = Log()
    display = LogDisplay(log, line_seconds=0.01)
    BOARD.display = display
    try:
        with display.running(), track("screen", 4) as work:
            work.advance()
            assert log.lines.acquire(timeout=60)
    finally:
        BOARD.display = None
    assert log.getvalue().startswith("screen: 1 of 4 problems, ")


def test_a_terminal_shows_how_far_a_step_is_and_what_is_over() -> None:
    terminal = Terminal()
    with show_progress(stream=terminal):
        announce("load the libraries")
        assert "load the libraries" in visible(terminal), "before anything else, a sign"
        with track("screen", 40) as work:
            work.advance(10)
            work.note("3 rejected")
            with track("start vLLM", unit=""):
                assert re.search(r"screen +\S+ +10 of 40 problems .* left +3 rejected", visible(terminal))
    assert re.search(r"[\r\n]screen: 10 of 40 problems in .*, 3 rejected[\r\n]", visible(terminal))


def test_a_terminal_is_lent_to_a_child_that_shows_its_own() -> None:
    terminal = Terminal()
    with show_progress(stream=terminal), track("train", 9):
        with lend_screen():
            before = terminal.getvalue()
            with track("hash", 3):
                pass
            assert "━" not in terminal.getvalue()[len(before) :]
        with track("publish", 3):
            pass
        assert "publish" in visible(terminal)


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_quiet_shows_nothing(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if by == "environment":
        monkeypatch.setenv(QUIET, "1")
    terminal = Terminal()
    with show_progress(by == "argument", terminal), track("screen", 4) as work:
        work.complete()
    assert terminal.getvalue() == ""


def test_an_error_ends_the_display_and_names_the_step_that_failed() -> None:
    log = StringIO()
    with pytest.raises(ValueError, match="a row"), show_progress(stream=log), track("screen", 4):
        raise ValueError("a row")
    assert log.getvalue().startswith("screen: 0 of 4 problems, failed after ")


def test_lines_say_what_there_is_to_say() -> None:
    step = Step("screen", 200, "problems", done=200, skipped=200)
    assert describe_end(step) == "screen: 200 problems, all done before"
    step = Step("start vLLM", None, "", note="Qwen3-8B")
    step.began -= 83
    assert describe_end(step) == "start vLLM: done in 1:23, Qwen3-8B"
    assert describe_step(step) == "start vLLM: 1:23 so far, Qwen3-8B"
    step = Step("sample", 200, "problems", done=50, note="9 kept")
    step.began -= 60
    assert describe_step(step) == "sample: 50 of 200 problems, 1:00 so far, 3:00 left, 9 kept"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1:00"), (3723, "1:02:03")]
)
def test_seconds_read_as_a_clock(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text

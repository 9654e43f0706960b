"""From an exception to one line and an exit code."""

import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

from pipeline.text.visible import make_visible, print_visible
from schemas.errors import InputError


class Exit(IntEnum):
    """What the command's exit code tells a script."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    UNFINISHED = 3
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """One line for the docs and for --help."""
        return {
            Exit.DONE: "done",
            Exit.FAILED: "something broke; --debug shows where",
            Exit.BAD_INPUT: "the config, a file or an argument is wrong; the message says how to fix it",
            Exit.UNFINISHED: "what could be done is done, something is missing; run the same command again",
            Exit.INTERRUPTED: "interrupted; run the same command again to go on",
        }[self]


@contextmanager
def explained(debug: bool, leave: Callable[[int], None] = sys.exit) -> Iterator[None]:
    """Run a command: errors become one message on stderr and an exit code; the traceback only with `debug`."""
    show_logs_as_text()
    try:
        yield
    except KeyboardInterrupt:
        _say("interrupted; what is done is kept, run the same command again to go on")
        leave(Exit.INTERRUPTED)
    except InputError as error:
        _trace(debug)
        _say(str(error))
        leave(Exit.BAD_INPUT)
    except Exception as error:
        _trace(debug)
        _say(f"{type(error).__name__}: {error}" + ("" if debug else "\n(--debug shows where)"))
        leave(Exit.FAILED)


def _trace(debug: bool) -> None:
    if debug:
        print_visible(traceback.format_exc().rstrip(), sys.stderr)


def _say(message: str) -> None:
    print_visible(f"goldilocks: error: {message}", sys.stderr)


def show_logs_as_text() -> None:
    """From now on no log record of this process has anything in it that a terminal obeys: it may quote data."""
    make = logging.getLogRecordFactory()
    if getattr(make, "shows_text", False):
        return

    def make_plain(*args: Any, **more: Any) -> logging.LogRecord:
        record = make(*args, **more)
        try:
            record.msg, record.args = make_visible(record.getMessage()), ()
        except Exception:  # a message that does not take its arguments: logging says so itself
            return record
        return record

    make_plain.shows_text = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make_plain)

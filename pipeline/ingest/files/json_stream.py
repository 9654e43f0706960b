"""JSON text that is decoded value by value as it comes in, so that no more than one row is held."""

import json
import re
from collections.abc import Iterator
from typing import Any

from pipeline.ingest.files.lines import say_too_long, say_too_many
from pipeline.text.json_values import count_values
from schemas.config import ReadingConfig
from schemas.errors import InputError

_BETWEEN = re.compile(r"[\s,:]*")


class JsonStream:
    """Values of a text that arrives in pieces. Where a value is broken nothing after it can be told apart."""

    def __init__(self, texts: Iterator[str], name: str, reading: ReadingConfig) -> None:
        self._texts, self._name, self._reading = texts, name, reading
        self._held, self._at, self._more = "", 0, True
        self._lines = 1
        self._decode = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """The first character of what comes next, past white space and separators; empty at the end."""
        while True:
            end = _BETWEEN.match(self._held, self._at).end()  # type: ignore[union-attr]
            self._lines += self._held.count("\n", self._at, end)
            self._at = end
            if end < len(self._held):
                return self._held[end]
            if not self._fill(0):
                return ""

    def skip(self) -> None:
        """Pass over one character, which `peek` has shown."""
        self._at += 1

    @property
    def line(self) -> int:
        """Where the next value begins, lines from 1."""
        return self._lines

    def decode(self, what: str) -> Any:
        """The next value; `what` names it in errors. Raises InputError for one that is broken or too large."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._held, self._at)
                whole = end < len(self._held) or self._held[end - 1 : end] in ('"', "}", "]")
                fault = "the text ends in it"
            except json.JSONDecodeError as error:
                whole, fault = False, error.msg
            except (ValueError, RecursionError) as error:
                raise InputError(f"{self._name}: {what} cannot be read ({error}); shorten it") from None
            if whole or (fault == "the text ends in it" and not self._more):
                self._lines += self._held.count("\n", self._at, end)
                self._at = end
                return value
            if not self._more:
                raise InputError(
                    f"{self._name}: not whole JSON at {what} ({fault}), so nothing after it can be told apart; "
                    "fix it, or write one object a line into a .jsonl file"
                )
            self._check(what)
            # Twice as much before the next try, so that a long value is not decoded once for each piece of it.
            self._fill(len(self._held) - self._at)

    def _check(self, what: str) -> None:
        size = len(self._held) - self._at
        if size > self._reading.row_mb << 20:
            raise InputError(f"{self._name}: {what}: {say_too_long(self._reading)}")
        if size > self._reading.row_values and count_values(self._held[self._at :]) > self._reading.row_values:
            raise InputError(f"{self._name}: {what}: {say_too_many(self._reading)}")

    def _fill(self, least: int) -> bool:
        """Hold over `least` more characters, where there are so many; whether any came."""
        pieces, size = [self._held[self._at :]], 0
        self._at = 0
        try:
            while self._more and size <= least:
                following = next(self._texts, None)
                self._more = following is not None
                pieces.append(following or "")
                size += len(pieces[-1])
        except UnicodeDecodeError as error:
            raise InputError(f"{self._name}: not UTF-8 ({error.reason}); write the file as UTF-8") from None
        self._held = "".join(pieces)
        return size > 0

    def elements(self, what: str = "element") -> Iterator[Any]:
        """The elements of the array that begins here."""
        self.peek()
        self.skip()
        number = 0
        while (character := self.peek()) != "]":
            if not character:
                raise InputError(
                    f"{self._name}: not whole JSON at {what} {number} (the array has no end), so nothing after it can "
                    "be told apart; fix it, or write one object a line into a .jsonl file"
                )
            yield self.decode(f"{what} {number}")
            number += 1
        self.skip()

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here. Who iterates takes the value of each before the next."""
        self.peek()
        self.skip()
        while (character := self.peek()) != "}":
            if character != '"':
                raise InputError(
                    f"{self._name}:{self.line}: not JSON: an object whose keys are no texts, or without end"
                )
            key = self.decode("a key")
            self.peek()
            yield key
        self.skip()

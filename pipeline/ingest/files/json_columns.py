"""Columns of a JSON object read side by side: `{"question": {"0": ..., "1": ...}, "answer": {"0": ..., "1": ...}}`.

Where each column begins is looked up first, in one pass that decodes nothing. Then each is read from its own place in
the file, so that the first rows come soon and no more than a row is held.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from pipeline.ingest.files.json_stream import JsonStream
from schemas.config import ReadingConfig
from schemas.errors import InputError

Reopen = Callable[[int], Iterator[bytes]]
"""The bytes of the same text, again from a place in it."""

_PIECE = 1 << 16
_BRACKETS = b"{}[]"
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_MARK = re.compile(rb'["{}\[\]]')


def find_starts(pieces: Iterable[bytes]) -> list[int] | None:
    """Where the key of each member of the object begins that the text is; None where a member is no list or object, or
    the text ends too early."""
    scan = _Scan()
    for piece in pieces:
        for at in range(0, len(piece), _PIECE):
            if not scan.feed(piece[at : at + _PIECE]):
                return None
    return scan.starts if scan.done and not scan.inside else None


class _Scan:
    """Follows strings and brackets through the bytes of an object."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.done = self.inside = False
        self._depth = self._at = 0
        self._key = False
        """Whether the last thing in the object itself was a key."""
        self._kept = b""

    def feed(self, piece: bytes) -> bool:
        """Go on with `piece`; False where a member is neither list nor object."""
        piece = self._kept + piece
        whole = len(piece) - (len(piece) - len(piece.rstrip(b"\\"))) % 2
        piece, self._kept = piece[:whole], piece[whole:]
        plain = piece.replace(b"\\\\", b"..").replace(b'\\"', b"..")
        parts = plain.split(b'"')
        outside = b"".join(parts[self.inside :: 2])
        if self._depth > 1 and not outside.translate(None, _NOT_BRACKETS):
            self.inside ^= len(parts) % 2 == 0
        elif not all(self._mark(mark[0], self._at + mark.start()) for mark in _MARK.finditer(plain)):
            return False
        self._at += len(piece)
        return True

    def _mark(self, mark: bytes, at: int) -> bool:
        if self.done:
            return False
        if mark == b'"':
            self.inside = not self.inside
            if self._depth == 1 and self.inside:
                if self._key:
                    return False
                self.starts.append(at)
                self._key = True
        elif not self.inside:
            if mark in b"{[":
                self._depth += 1
                self._key = False
            else:
                self._depth -= 1
                self.done = self._depth == 0
        return True


def read_columns(reopen: Reopen, starts: Sequence[int], name: str, reading: ReadingConfig) -> Iterator[dict[str, Any]]:
    """The rows, from columns that begin at `starts`. Raises InputError where these do not have the same rows in the
    same order, for broken JSON, and past a limit of `reading`."""
    streams = [JsonStream(codecs.iterdecode(reopen(at), "utf-8"), name, reading) for at in starts]
    names = [stream.decode("a key") for stream in streams]
    for number, cells in enumerate(zip_longest(*map(_read_column, streams))):
        keys = {None if cell is None else cell[0] for cell in cells}
        if None in cells or len(keys) > 1:
            short = next((column for column, cell in zip(names, cells, strict=True) if cell is None), None)
            wrong = f"{short!r} has fewer rows than the others" if short else f"row {number} has another key in each"
            raise InputError(f"{name}: columns of different rows ({wrong}); write one object a line")
        yield {column: cell[1] for column, cell in zip(names, cells, strict=True) if cell is not None}


def _read_column(stream: JsonStream) -> Iterator[tuple[str, Any]]:
    """(key or "" in a list, value) of each row."""
    if stream.peek() == "[":
        yield from (("", value) for value in stream.elements())
    else:
        for key in stream.members():
            yield key, stream.decode(f"the value of {key!r}")

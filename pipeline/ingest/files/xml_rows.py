"""XML in which each row is an element: its attributes, and what stands in the elements below it, are the columns.

Which elements are rows is decided from the first ones: of those that hold a text below them (or have nothing but
attributes), the outermost that comes more than once. Attributes of what stands around a row are columns too. Read by
expat as it comes in. A document type may name a file, but none is fetched, and one that defines entities is refused: a
few of them stand for gigabytes, or for a file of this machine.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from xml.parsers import expat

from pipeline.ingest.files.lines import say_too_long, say_too_many
from pipeline.ingest.files.streams import check_head, take_head
from schemas.config import ReadingConfig
from schemas.conform import WHERE
from schemas.errors import InputError

HEAD_BYTES = 1 << 20
MAX_DEPTH = 32
FEED = 1 << 16
"""Bytes parsed at once: so much may come past a limit before it is looked at."""

Path = tuple[str, ...]


def read_xml(pieces: Iterable[bytes], name: str, reading: ReadingConfig) -> Iterator[dict[str, Any]]:
    """The rows, each with the line where it begins. Raises InputError for what is not XML, defines entities or goes
    past a limit of `reading`."""
    head, whole, everything = take_head(pieces, HEAD_BYTES)
    check_head(head, name)
    row_path = _find_rows(head, name, reading, whole)
    parser = _Parser(name, reading, row_path)
    for piece in _cut(everything):
        yield from parser.feed(piece)
    yield from parser.feed(b"", last=True)


def _cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for at in range(0, len(piece), FEED):
            yield piece[at : at + FEED]


def _find_rows(head: bytes, name: str, reading: ReadingConfig, whole: bool) -> Path:
    parser = _Parser(name, reading, None)
    for piece in _cut([head]):
        parser.feed(piece)
    if whole:
        parser.feed(b"", last=True)
    holding = {path[:-1] for path in parser.counts}
    leaves = {path[:-1] for path in parser.counts if path not in holding}
    rows = [
        path for path in parser.counts if path in leaves or (path in parser.with_attributes and path not in holding)
    ]
    repeated = [path for path in rows if parser.counts[path] > 1 and len(path) > 1]
    if repeated:
        return min(repeated, key=len)
    if not (rows := [path for path in rows if path in leaves]):
        raise InputError(
            f"{name}: no rows: no element of it holds others; a row is an element with its columns below it"
        )
    return min(rows, key=len)


class _Parser:
    """Expat, with the rows at one path collected; without a path, elements are only counted."""

    def __init__(self, name: str, reading: ReadingConfig, row_path: Path | None) -> None:
        self.counts: Counter[Path] = Counter()
        self.with_attributes: set[Path] = set()
        self._name, self._reading, self._row_path = name, reading, row_path
        self._path: list[str] = []
        self._around: list[dict[str, str]] = []
        self._open: list[_Element] = []
        self._rows: list[dict[str, Any]] = []
        self._line = 0
        self._size = self._values = 0
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._text
        self._expat.EntityDeclHandler = self._refuse

    def feed(self, data: bytes, last: bool = False) -> list[dict[str, Any]]:
        """The rows that end in `data`."""
        self._size += len(data)
        try:
            self._expat.Parse(data, last)
        except expat.ExpatError as error:
            raise InputError(
                f"{self._name}:{error.lineno}: not XML ({expat.ErrorString(error.code)}); fix it"
            ) from None
        if self._size > self._reading.row_mb << 20 and self._row_path is not None:
            raise InputError(f"{self._name}:{self._expat.CurrentLineNumber}: {say_too_long(self._reading)}")
        rows, self._rows = self._rows, []
        return rows

    def _refuse(self, entity: str, *_: Any) -> None:
        raise InputError(
            f"{self._name}:{self._expat.CurrentLineNumber}: defines the entity {entity[:80]!r}, which is not followed; "
            "write the text itself"
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        self._path.append(tag)
        if len(self._path) > MAX_DEPTH:
            raise InputError(f"{self._name}:{self._expat.CurrentLineNumber}: elements over {MAX_DEPTH} deep")
        path = tuple(self._path)
        if self._row_path is None:
            self.counts[path] += 1
            if attributes:
                self.with_attributes.add(path)
            return
        if self._open or path == self._row_path:
            if not self._open:
                for around in self._around:
                    attributes = around | attributes
                self._line, self._size, self._values = self._expat.CurrentLineNumber, 0, 0
            self._values += 1 + len(attributes)
            if self._values > self._reading.row_values:
                raise InputError(f"{self._name}:{self._line}: {say_too_many(self._reading)}")
            self._open.append(_Element(tag, attributes))
        else:
            self._around.append(attributes)

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].write(text)

    def _end(self, tag: str) -> None:
        self._path.pop()
        if not self._open:
            if self._row_path is not None:
                self._around.pop()
            return
        element = self._open.pop()
        if self._open:
            self._open[-1].add(element)
            return
        row = element.columns()
        if text := "".join(element.text).strip():
            row.setdefault("text", text)
        row[WHERE] = f"{self._name}:{self._line}"
        self._rows.append(row)
        self._size = 0


class _Element:
    """An element that is open."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes = tag, attributes
        self.text: list[str] = []
        self.whole: list[str] = []
        self.below: dict[str, list[Any]] = {}

    def write(self, text: str) -> None:
        self.text.append(text)
        self.whole.append(text)

    def add(self, element: "_Element") -> None:
        self.below.setdefault(element.tag, []).append(element.value())
        self.whole += element.whole

    def columns(self) -> dict[str, Any]:
        """Attributes and elements below, by name; one that comes several times is a list."""
        columns: dict[str, Any] = dict(self.attributes)
        for tag, values in self.below.items():
            columns[tag] = values[0] if len(values) == 1 else values
        return columns

    def value(self) -> Any:
        """What it is for the element around it: its text, also where parts of that are marked up, or its columns."""
        if "".join(self.text).strip() or not (self.below or self.attributes):
            return "".join(self.whole).strip() or None
        return self.columns()

"""The bytes of a file, out of its compression: piece by piece, or as a file that can be read anywhere.

What is unpacked is never held whole in memory. A file that has to be read anywhere (Parquet, an archive) is unpacked
onto disk, up to a limit that no honest file reaches.
"""

import codecs
import io
import lzma
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, BinaryIO

from schemas.errors import InputError

READ_BYTES = 1 << 20
EXPANSION, EXPANDED = 200, 256 << 20
"""What compression made this many times smaller, and is this large without it, is nobody's text."""
XZ_MEMORY = 512 << 20
"""The largest dictionary of `xz -9` is 64 MiB; a file may ask for 4 GiB."""
HEAD = 64
_LFS = b"version https://git-lfs.github.com"


def read_pieces(stream: Any) -> Iterator[bytes]:
    """The bytes of a file, at most READ_BYTES at once."""
    return iter(lambda: bytes(stream.read(READ_BYTES)), b"")


def take_head(pieces: Iterable[bytes], least: int) -> tuple[bytes, bool, Iterator[bytes]]:
    """(the first bytes, at least so many where there are; whether they are all; all bytes again). A fault of the file
    comes where it stands, after the bytes before it."""
    source = iter(pieces)
    held, size = [], 0
    fault: Exception | None = None
    try:
        for piece in source:
            held.append(piece)
            size += len(piece)
            if size >= least:
                break
    except Exception as error:
        fault = error
    head = b"".join(held)
    return head, size < least and fault is None, chain([head], source if fault is None else _fail(fault))


def _fail(fault: Exception) -> Iterator[bytes]:
    raise fault
    yield b""


def unpack(raw: BinaryIO, compression: str | None) -> Any:
    """A file that reads what `raw` holds in its compression (gzip, zstd, bz2, xz), forwards only."""
    import pyarrow as pa

    if compression is None:
        return raw
    if compression == "xz":
        return io.BufferedReader(_Xz(raw))
    return pa.CompressedInputStream(pa.PythonFile(raw, "r"), compression)


class _Xz(io.RawIOBase):
    """xz, also several streams one after another, with a bound on what its dictionary may take."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._decoder = lzma.LZMADecompressor(memlimit=XZ_MEMORY)
        self._given = b""
        self._began = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._decoder.eof:
                self._given = self._decoder.unused_data.lstrip(b"\0")
                self._decoder, self._began = lzma.LZMADecompressor(memlimit=XZ_MEMORY), False
            if self._decoder.needs_input and not self._given:
                self._given = self._raw.read(READ_BYTES)
                if not self._given:
                    if self._began:
                        raise EOFError("the compressed file ends too early")
                    return 0
            self._began = True
            data = self._decoder.decompress(self._given, max_length=len(buffer))
            self._given = b""
            if data:
                buffer[: len(data)] = data
                return len(data)


@contextmanager
def make_seekable(stream: Any, packed: int, name: str) -> Iterator[BinaryIO]:
    """What `stream` gives as a file on disk, gone when it is closed. `packed` are the bytes that it has in its
    compression. Raises InputError for one that unfolds beyond all proportion."""
    with tempfile.TemporaryFile() as file:
        size = 0
        for piece in read_pieces(stream):
            size += len(piece)
            if size > max(EXPANDED, EXPANSION * packed):
                raise InputError(
                    f"{name}: over {size >> 20} MiB, in {packed >> 10} KiB of the file; unpack it if you trust it"
                )
            file.write(piece)
        file.seek(0)
        yield file


def read_utf8(pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The same text in UTF-8 without a byte order mark, where it begins with one (Excel writes UTF-16). Raises
    InputError for what is no text of ours at all: a pointer of Git LFS, a web page."""
    head, _, everything = take_head(pieces, HEAD)
    check_head(head, name)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _recode(everything, name)
    next(everything)
    return chain([head.removeprefix(codecs.BOM_UTF8)], everything)


def reopen_utf8(open_file: Callable[[], Any]) -> Callable[[int], Iterator[bytes]]:
    """What gives the text of `read_utf8` again, from a byte of it on."""

    def read_from(at: int) -> Iterator[bytes]:
        with open_file() as file:
            head = file.read(HEAD)
            file.seek(0)
            if not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                file.seek(at + len(codecs.BOM_UTF8) * head.startswith(codecs.BOM_UTF8))
                yield from read_pieces(file)
                return
            for piece in _recode(read_pieces(file), ""):
                yield piece[at:]
                at = max(0, at - len(piece))

    return read_from


def _recode(pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
    try:
        for text in codecs.iterdecode(pieces, "utf-16"):
            yield text.encode("utf-8", "replace")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-16 ({error.reason}), as its first bytes say; write it as UTF-8") from None


def check_head(head: bytes, name: str) -> None:
    """Raise InputError for a file that stands for another one."""
    if head.startswith(_LFS):
        raise InputError(f"{name}: a pointer of Git LFS, and not the file itself; fetch it with `git lfs pull`")
    begun = head.removeprefix(codecs.BOM_UTF8).lstrip()[:14].lower()
    if begun.startswith((b"<!doctype html", b"<html")):
        raise InputError(f"{name}: a web page, and no data; fetch the file itself (on the Hub: `resolve` for `blob`)")

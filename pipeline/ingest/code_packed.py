"""Tests that come as base64 of a compressed pickle of one string, as in LiveCodeBench. Nothing is ever unpickled."""

import base64
import pickletools
import zlib

MAX_BYTES = 256 << 20
"""Of one problem's tests once decompressed, so that a small row cannot fill the memory."""
_OF_A_STRING = frozenset(
    "PROTO FRAME UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 MEMOIZE PUT BINPUT LONG_BINPUT STOP".split()  # noqa: SIM905
)


def read_packed(text: str) -> str:
    """The string that was packed: the pickle's opcodes are read as data, and one of anything but a string is refused.

    Raises ValueError. The form is that of `code_generation_lite` in the LiveCodeBench repository.
    """
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(text, validate=True), MAX_BYTES)
    except (ValueError, zlib.error) as error:
        raise ValueError(f"packed tests: not base64 of a zlib stream ({error})") from None
    if not stream.eof:
        raise ValueError(f"packed tests: cut off, or over {MAX_BYTES >> 20} MB")
    try:
        steps = [(code.name, held) for code, held, _ in pickletools.genops(data)]
    except ValueError as error:
        raise ValueError(f"packed tests: no pickle ({error})") from None
    others = {name for name, _ in steps} - _OF_A_STRING
    if others:
        raise ValueError(f"packed tests: a pickle of more than a string ({', '.join(sorted(others))}) is not opened")
    strings = [held for _, held in steps if isinstance(held, str)]
    if len(strings) != 1:
        raise ValueError(f"packed tests: a pickle of {len(strings)} strings, not of one")
    return strings[0]

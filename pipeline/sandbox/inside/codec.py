"""Values as tagged JSON: nothing but plain data crosses a process border, whatever class a program gave it.

Plain JSON stands for itself. Everything else is an object with one key: `t` tuple, `d` dict (list of pairs), `s` set,
`b` bytes (hex), `c` complex, `i` a large int (hex), `f` a float that JSON has no word for.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

LARGE = 1 << 63
MAX_ALIKE = 100
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_BASES: tuple[type, ...] = (bool, int, float, complex, str, bytes, tuple, list, dict, frozenset, set)


class NotData(TypeError):
    """A value of a type that has no place in a verdict, such as a function or an object of the program's own."""


def encode(value: Any) -> Any:
    """`value` as tagged JSON. A subclass becomes its base type; raises NotData for what is no data."""
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if -LARGE < value < LARGE else {"i": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"f": repr(value)}
    if kind is list:
        return [encode(item) for item in value]
    if kind is tuple:
        return {"t": [encode(item) for item in value]}
    if kind is dict:
        return {"d": [[encode(key), encode(item)] for key, item in value.items()]}
    if kind is set or kind is frozenset:
        return {"s": [encode(item) for item in value]}
    if kind is bytes:
        return {"b": value.hex()}
    if kind is complex:
        return {"c": [encode(value.real), encode(value.imag)]}
    for base in _BASES:
        if isinstance(value, base):
            return encode(base(value))
    listed = getattr(value, "tolist", None)
    if callable(listed):
        return encode(listed())
    raise NotData(f"a value of type {kind.__name__} is no data")


def decode(tagged: Any) -> Any:
    """The value that `encode` wrote; raises ValueError, TypeError or LookupError for anything else."""
    if isinstance(tagged, list):
        return [decode(item) for item in tagged]
    if not isinstance(tagged, dict):
        return tagged
    ((tag, held),) = tagged.items()
    if tag == "t":
        return tuple(decode(item) for item in held)
    if tag == "d":
        pairs = [(decode(key), decode(item)) for key, item in held]
        check_hashes([key for key, _ in pairs])
        return dict(pairs)
    if tag == "s":
        items = [decode(item) for item in held]
        check_hashes(items)
        return set(items)
    if tag == "b":
        return bytes.fromhex(held)
    if tag == "c":
        real, imaginary = (_part(item) for item in held)
        return complex(real, imaginary)
    if tag == "i":
        return int(held, 16)
    if tag == "f":
        return _WORDS[held]
    raise ValueError(f"unknown tag {tag!r}")


def _part(tagged: Any) -> float:
    if isinstance(tagged, int | float):
        return tagged
    if isinstance(tagged, dict) and list(tagged) == ["f"]:
        return _WORDS[tagged["f"]]
    raise ValueError("no part of a complex number")


def check_hashes(items: Sequence[Any]) -> None:
    """Raises ValueError where so many items share a hash that a set of them would take minutes: they were chosen."""
    if len(items) > MAX_ALIKE:
        hashes = sorted(map(hash, items))
        if any(left == right for left, right in zip(hashes, hashes[MAX_ALIKE:], strict=False)):
            raise ValueError(f"more than {MAX_ALIKE} items of one hash")


def has_nan(tagged: Any) -> bool:
    """Whether a NaN is anywhere in a tagged value."""
    if isinstance(tagged, list):
        return any(has_nan(item) for item in tagged)
    if isinstance(tagged, dict):
        return tagged.get("f") == "nan" or any(has_nan(held) for held in tagged.values())
    return isinstance(tagged, float) and tagged != tagged


def dump(value: Any) -> bytes:
    """One line of tagged JSON."""
    return json.dumps(encode(value), separators=(",", ":")).encode() + b"\n"

"""The time limit of a problem, out of the columns in which sources write it: seconds, milliseconds, text, an object."""

import json
import math
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

Row = Mapping[str, Any]

TIME_LIMIT = "time_limit"
MILLISECONDS = 100.0
"""A bare number from this on is milliseconds: no judge gives a hundred seconds, or less than a tenth of one."""
MOST = 99.0
"""Seconds that a limit is cut to, so that one that was read stays what it is when it is read again."""
_NAME = re.compile(r"(?:cpu|execution)?timelimits?(?:pertest)?(?:in)?(?P<unit>ms|millis|milliseconds|s|secs?|seconds)?")
_WITHIN = ("limits", "metadata")
"""Objects in which a limit stands among other things: `limits` of problem.yaml, `metadata` of LiveCodeBench."""
_AMONG_LIMITS = {"time": "", "timems": "ms", "timeseconds": "s"}
"""What the limit is called within `limits`."""
_TEXT = re.compile(r"\s*(?P<number>\d+(?:[.,]\d+)?)(?:\s*/\s*\d+(?:[.,]\d+)?)?\s*(?P<unit>[^\W\d]*).*", re.DOTALL)
"""A number and its unit; of two (`2000/1000 MS (Java/Others)`) the first, which is for the slower language."""
_UNITS = {"ms": ("ms", "milli", "мс", "мили", "милли", "毫秒", "ミリ秒"), "min": ("min", "мин", "分")}


def find_time_limit(row: Row) -> tuple[float | None, str | None]:
    """(seconds that a row allows a program, the column that says so); None where no column does that can be read."""
    for name, value in row.items():
        seconds = _read_named(name, value) if value is not None and isinstance(name, str) else None
        if seconds is not None:
            return seconds, name
    for name in _WITHIN:
        inner = _read_object(row.get(name))
        if inner is None:
            continue
        seconds, _ = find_time_limit({k: v for k, v in inner.items() if k not in _WITHIN})
        if seconds is None and name == "limits":
            short = ((_AMONG_LIMITS.get(_plain(k)), v) for k, v in inner.items())
            seconds = next((s for unit, v in short if unit is not None and (s := read_seconds(v, unit))), None)
        if seconds is not None:
            return seconds, None
    return None, None


def _plain(name: Any) -> str:
    return re.sub(r"[\W_]", "", str(name)).lower()


def _read_named(name: str, value: Any) -> float | None:
    named = _NAME.fullmatch(_plain(name))
    return read_seconds(value, named["unit"] or "") if named else None


def _read_object(value: Any) -> Row | None:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, Mapping) else None


def read_seconds(value: Any, unit: str = "") -> float | None:
    """A time limit in seconds: a number (of `unit`, if its column names one), `2 seconds`, `1500 ms`, or CodeContests'
    `{seconds, nanos}`. None for what is none, and for a limit that allows nothing."""
    if isinstance(value, timedelta):
        return _positive(value.total_seconds())
    if (parts := _read_object(value)) is not None:
        whole, nanos = parts.get("seconds") or 0, parts.get("nanos") or 0
        numbers = all(isinstance(part, int | float) for part in (whole, nanos))
        return _positive(whole + nanos / 1e9) if numbers else None
    if isinstance(value, str):
        text = _TEXT.fullmatch(value)
        if text is None:
            return None
        value, unit = float(text["number"].replace(",", ".")), _name_unit(text["unit"]) or unit
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if unit.startswith("m"):
        return _positive(value * 60 if unit == "min" else value / 1000)
    return _positive(value / 1000 if not unit and value >= MILLISECONDS else value)


def _name_unit(word: str) -> str:
    """`ms` or `min`; `s` for any other word, as seconds begin with one in most languages, and "" for none."""
    word = word.lower()
    named = next((unit for unit, starts in _UNITS.items() if word.startswith(starts)), "s")
    return named if word else ""


def _positive(seconds: float) -> float | None:
    limited = round(min(float(seconds), MOST), 6)
    return limited if limited > 0 and math.isfinite(limited) else None

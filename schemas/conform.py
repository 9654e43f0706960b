"""Give any rows the contract's shape. One that cannot take it becomes a reject `invalid_row`."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from schemas.problem import PROBLEM, PROBLEM_DTYPES, REJECT_DTYPES, problem_id
from schemas.reasons import Reason
from schemas.time_limit import TIME_LIMIT, find_time_limit, read_seconds

LISTS = ("solutions", "tests", "history", "label_candidates")
TEXTS = frozenset(PROBLEM_DTYPES) - {*LISTS, "checker", "extra", TIME_LIMIT}
WHERE = "_where"
"""Key under which a reader says where a row stood (file and line); errors name it, and it goes no further."""
READER_KEYS = frozenset({"raw", WHERE})
"""What a reader adds to a row beside the row's own columns."""
STRUCTS: dict[str, dict[str, Any]] = {
    name: dict(inner.to_schema())
    for name, dtype in PROBLEM_DTYPES.items()
    if isinstance(inner := dtype.inner if isinstance(dtype, pl.List) else dtype, pl.Struct)
}
REJECT_SCHEMA: dict[str, pl.DataType] = PROBLEM_DTYPES | REJECT_DTYPES


class InvalidRow(dict[str, Any]):
    """A row that its reader could not read: its items are all that is known of it (`raw`, `_where`).

    A type, not a column: a source may have a column of any name.
    """

    def __init__(self, detail: str, items: Mapping[str, Any]) -> None:
        super().__init__(items)
        self.detail = detail


class Misfit(ValueError):
    """One value that does not fit its column; the message names the column, the value and the fix."""


def conform_rows(
    rows: Iterable[Mapping[str, Any]], source: str, stage: str = "ingest"
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Shape `rows` (contract names; unknown ones go into `extra`) into (problems, rejected `invalid_row`).

    Ids are computed here where a row has none of ours; an `id` of another form becomes `source_id` when there is none.
    A row may be an `InvalidRow`, and may have `_where` it stood. A rejected row's id is a hash of the
    row as it came where it has no id of ours. len(rows) = len(problems) + len(rejected).
    """
    good: list[dict[str, Any]] = []
    places: list[str | None] = []
    bad: list[dict[str, Any]] = []
    for row in rows:
        try:
            good.append(shape_row(row, source))
            places.append(row.get(WHERE))
        except Misfit as misfit:
            bad.append(_reject(row, source, stage, _placed(row.get(WHERE), str(misfit))))
    frame = pl.DataFrame(good, schema=PROBLEM_DTYPES, strict=True)
    broken = PROBLEM.find_broken(frame)
    fits = ~broken.select(pl.any_horizontal(pl.all())).to_series()
    for at in (~fits).arg_true():
        row = frame.row(at, named=True)
        columns = sorted(name for name, is_broken in broken.row(at, named=True).items() if is_broken)
        detail = "; ".join(
            f"column {name!r} has {row[name]!r}, which the contract does not allow ({PROBLEM.columns[name].allowed})"
            for name in columns
        )
        rejection = {"stage": stage, "reason": Reason.INVALID_ROW.value, "detail": _placed(places[at], detail)}
        bad.append(row | rejection)
    return frame.filter(fits), pl.DataFrame(bad, schema=REJECT_SCHEMA)


def _placed(where: Any, detail: str) -> str:
    return f"{where}: {detail}" if where and not detail.startswith(str(where)) else detail


def shape_row(row: Mapping[str, Any], source: str) -> dict[str, Any]:
    """One row in the contract's columns and types; raises Misfit."""
    if isinstance(row, InvalidRow):
        raise Misfit(row.detail)
    shaped: dict[str, Any] = dict.fromkeys(PROBLEM_DTYPES)
    for name in LISTS:
        shaped[name] = []
    for name, value in row.items():
        if value is not None and name in shaped:
            plain = type(value) is str and name in TEXTS and value.isascii()
            shaped[name] = value if plain else _value(name, value)
    given = shaped["id"]
    if given is not None and not _is_ours(given):
        shaped["source_id"] = shaped["source_id"] or given
        shaped["id"] = None
    shaped["source"] = shaped["source"] or source
    shaped["language"] = shaped["language"] or "en"
    more = _gather_extra(row, shaped["extra"])
    if shaped[TIME_LIMIT] is None and (stated := row.get(TIME_LIMIT)) is not None:
        more[TIME_LIMIT] = stated
    if shaped[TIME_LIMIT] is None and shaped["domain"] == "code":
        shaped[TIME_LIMIT], column = find_time_limit(more)
        more = {name: value for name, value in more.items() if name != column}
    shaped["extra"] = write_json(more) if more else None
    shaped["id"] = shaped["id"] or problem_id(shaped)
    return shaped


def _is_ours(value: str) -> bool:
    return len(value) == 16 and all(c in "0123456789abcdef" for c in value)


def _value(name: str, value: Any) -> Any:
    if name in TEXTS:
        return _text(name, value)
    if name in LISTS:
        return [_struct(name, i, item) for i, item in enumerate(_sequence(name, value))]
    if name == "checker":
        return None if value is None else _struct(name, None, value)
    return read_seconds(value) if name == TIME_LIMIT else value


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int):
        try:
            return str(value)
        except ValueError:
            raise Misfit(f"column {name!r} has a number of {value.bit_length()} bits; write it as text") from None
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    raise Misfit(
        f"column {name!r} has {_short(value)}, where text is needed; map another column to it or turn it into text"
    )


def _whole(text: str) -> str:
    """`text` with `?` for lone surrogates, which no UTF-8 file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _sequence(name: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise Misfit(f"column {name!r} has {_short(value)}, where a list (or a JSON list) is needed") from None
    if isinstance(value, pl.Series):
        return value.to_list()
    if isinstance(value, list | tuple):
        return list(value)
    raise Misfit(f"column {name!r} has {_short(value)}, where a list is needed")


def _struct(name: str, at: int | None, value: Any) -> dict[str, Any]:
    place = name if at is None else f"{name}[{at}]"
    fields = STRUCTS[name]
    if not isinstance(value, Mapping):
        raise Misfit(f"column {place!r} has {_short(value)}, where an object with {list(fields)} is needed")
    shaped: dict[str, Any] = {}
    for field, dtype in fields.items():
        item = value.get(field)
        if item is None:
            shaped[field] = None
        elif dtype == pl.String:
            shaped[field] = _whole(item) if isinstance(item, str) else _text(f"{place}.{field}", item)
        elif dtype == pl.Boolean:
            shaped[field] = _flag(f"{place}.{field}", item)
        else:
            try:
                shaped[field] = float(item)
            except (TypeError, ValueError, OverflowError):
                raise Misfit(f"column '{place}.{field}' has {_short(item)}, where a number is needed") from None
    if name in LISTS and "id" in shaped and shaped["id"] is None:
        shaped["id"] = f"{name[0]}{at}"
    if name == "tests" and shaped["origin"] is None:
        shaped["origin"] = "source"
    return shaped


def _flag(place: str, value: Any) -> bool:
    flag = value.strip().lower() if isinstance(value, str) else value
    if flag in (True, "true"):
        return True
    if flag in (False, "false"):
        return False
    raise Misfit(f"column {place!r} has {_short(value)}, where true or false is needed")


def _gather_extra(row: Mapping[str, Any], given: Any) -> dict[str, Any]:
    """What `given`, the row's `extra`, holds, and with it the columns that the contract does not have."""
    more = {k: v for k, v in row.items() if k not in PROBLEM_DTYPES and v is not None and k != WHERE}
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            given = {"extra": given}
    if isinstance(given, Mapping):
        more = {**given, **more}
    elif given is not None:
        more = {"extra": given, **more}
    return more


def write_json(value: Any) -> str:
    """JSON text of any value: what JSON lacks becomes what it has (`plain_json`), and lone surrogates become `?`."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        text = json.dumps(plain_json(value), ensure_ascii=False)
    return _whole(text)


def plain_json(value: Any) -> Any:
    """`value` in JSON's terms: text keys, lists for tuples and sets, null for NaN and infinities, text for the rest."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset | pl.Series):
        return [plain_json(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _reject(row: Mapping[str, Any], source: str, stage: str, detail: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    odd: dict[str, Any] = {}
    for name in PROBLEM_DTYPES:
        try:
            kept[name] = _value(name, row.get(name)) if name != "extra" else None
        except Misfit:
            kept[name] = [] if name in LISTS else None
            odd[name] = row.get(name)
    kept["source"] = kept["source"] or source
    given = kept["id"]
    if given is None or not _is_ours(given):
        kept["source_id"] = kept["source_id"] or given
        content = write_json({k: v for k, v in row.items() if k not in (WHERE, "history")})
        kept["id"] = hashlib.sha256(content.encode()).hexdigest()[:16]
    more = _gather_extra({**row, **{f"given_{k}": v for k, v in odd.items()}}, row.get("extra"))
    kept["extra"] = write_json(more) if more else None
    return kept | {"stage": stage, "reason": Reason.INVALID_ROW.value, "detail": detail}


def _short(value: Any) -> str:
    shown = repr(value)
    return f"{type(value).__name__} {shown if len(shown) <= 60 else shown[:57] + '...'}"

"""Joins the parts of a list: regions to their union or intersection, equations to systems, numbers to decimals."""

from __future__ import annotations

import re

from pipeline.verify.reader.build import call, number
from pipeline.verify.reader.quantity import read_quantity
from pipeline.verify.reader.regions import intersect, merge
from pipeline.verify.reader.tokens import Token
from pipeline.verify.reader.units import convert
from pipeline.verify.reader.values import Many, Named, Piece, Quantity, Region, Unreadable, Value

_INDIAN = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?")
_DECIMAL = re.compile(r"(?:\d+|\d{1,3}(?:\.\d{3})+),\d+")


def combine(items: list[Value], join: str, parts: list[tuple[Token, ...]]) -> Value:
    """The value of items that `join` (a comma, a semicolon, and, or) stands between, written as `parts`."""
    regions = [item for item in items if isinstance(item, Region)]
    if regions and join == "or" and len(regions) < len(items):
        items = [_point(item) for item in items]
        regions = [item for item in items if isinstance(item, Region)]
    if len(regions) == len(items) and len({region.name for region in regions}) == 1:
        common = regions[0].pieces
        for region in regions[1:]:
            common = intersect(common, region.pieces)
        if join == "or" or (join != "and" and not common) or not regions[0].name:
            common = merge(piece for region in regions for piece in region.pieces)
        return Region(common, regions[0].name)
    if (compound := _add_units(items, join)) is not None:
        return compound
    flat: list[Value] = []
    for item in items:
        if isinstance(item, Many) and item.kind == "list" and not _is_system(item):
            flat.extend(item.items)
        else:
            flat.append(item)
    names = [item.name for item in flat if isinstance(item, Named)]
    if len(names) == len(flat) and len(set(names)) == 1:
        return Named(names[0], Many(tuple(item.value for item in flat if isinstance(item, Named)), "set"))
    if names and len(names) == 1 and isinstance(flat[0], Named) and join != ";":
        return Named(names[0], Many((flat[0].value, *flat[1:])))
    as_number = _read_commas(parts) if join == "," else None
    if as_number is not None and re.match(r"0\d", parts[1][0].text):
        # No list has `05` in it.
        return as_number
    return Many(tuple(flat), "list", as_number)


def _add_units(items: list[Value], join: str) -> Quantity | None:
    """The one quantity of `1 hour and 30 minutes`: each unit smaller, and less of it than one of the unit before."""
    sizes, total = [], number(0)
    for item in items:
        if join not in ("and", ",") or not isinstance(item, Quantity) or not item.unit or item.node.op != "num":
            return None
        size, dimension = convert(item.unit)
        sizes.append((size, dimension))
        if dimension != sizes[0][1] or (len(sizes) > 1 and not 0 <= item.node.value * size < sizes[-2][0]):
            return None
        total = call("+", total, call("*", item.node, number(size)))
    last = items[-1]
    if not isinstance(last, Quantity) or "deg C" in last.unit or "deg F" in last.unit:
        return None
    return Quantity(call("/", total, number(sizes[-1][0])), last.unit)


def _read_commas(parts: list[tuple[Token, ...]]) -> Quantity | None:
    """The one number that a list may also be: with a decimal comma, or with commas between groups of digits."""
    if any(part[0].kind != "number" or part[0].spaced for part in parts[1:]):
        return None
    if any(part[-1].kind != "number" for part in parts[:-1]):
        return None
    first = parts[0][-1]
    written = ",".join([first.text, *(part[0].text for part in parts[1:])])
    if _INDIAN.fullmatch(written):
        joined = written.replace(",", "")
    elif len(parts) == 2 and _DECIMAL.fullmatch(written):
        joined = written.replace(".", "").replace(",", ".")
    else:
        return None
    token = Token("number", joined, first.spaced)
    try:
        return read_quantity((*parts[0][:-1], token, *parts[-1][1:]))
    except Unreadable:
        return None


def _point(item: Value) -> Value:
    if isinstance(item, Named) and isinstance(item.value, Quantity):
        return Region((Piece(item.value.node, item.value.node, (True, True)),), item.name)
    return item


def _is_system(item: Many) -> bool:
    names = [member.name for member in item.items if isinstance(member, Named)]
    return len(names) == len(item.items) and len(set(names)) == len(names)

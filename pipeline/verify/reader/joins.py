"""Joins the parts of a list: regions to their union or intersection, equations to systems, numbers to decimals."""

from __future__ import annotations

from pipeline.verify.reader.quantity import read_quantity
from pipeline.verify.reader.regions import intersect, merge
from pipeline.verify.reader.tokens import Token
from pipeline.verify.reader.values import Many, Named, Piece, Quantity, Region, Value


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
        if join == "or" or not common or not regions[0].name:
            common = merge(piece for region in regions for piece in region.pieces)
        return Region(common, regions[0].name)
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
    decimal = None
    if len(parts) == 2 and len(parts[0]) == 1 and join == "," and _is_digits(parts[0][0]) and _is_digits(parts[1][0]):
        unit = parts[1][1:]
        if not parts[1][0].spaced and all(token.kind != "number" for token in unit):
            decimal = read_quantity((Token("number", f"{parts[0][0].text}.{parts[1][0].text}"), *unit))
    return Many(tuple(flat), "list", decimal)


def _point(item: Value) -> Value:
    if isinstance(item, Named) and isinstance(item.value, Quantity):
        return Region((Piece(item.value.node, item.value.node, (True, True)),), item.name)
    return item


def _is_digits(token: Token) -> bool:
    return token.kind == "number" and token.text.isdigit()


def _is_system(item: Many) -> bool:
    names = [member.name for member in item.items if isinstance(member, Named)]
    return len(names) == len(item.items) and len(set(names)) == len(names)

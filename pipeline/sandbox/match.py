"""Whether two lists hold the same items, in whatever order."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

MOST_PAIRED = 500
"""Items that are no copies of each other and may still be the same, such as 0.5 and 0.50: each is tried with each."""

Wanted = TypeVar("Wanted")
Got = TypeVar("Got")


def match_items(
    wanted: Sequence[Wanted],
    wanted_keys: Sequence[str | None],
    got: Sequence[Got],
    got_keys: Sequence[str | None],
    same: Callable[[Wanted, Got], bool],
) -> bool:
    """Whether each item of `wanted` is the `same` as one of `got`, and none is left.

    Items with one key are the same; None is no key. What has no partner by key takes the first that is the same, which
    finds a pairing wherever `same` sorts items into classes (numbers closer to each other than a tolerance may do
    worse). False where more than `MOST_PAIRED` are without one.
    """
    if len(wanted) != len(got):
        return False
    unmatched = Counter(key for key in wanted_keys if key is not None)
    others: list[Got] = []
    for item, key in zip(got, got_keys, strict=True):
        if key is not None and unmatched[key]:
            unmatched[key] -= 1
        else:
            others.append(item)
    left: list[Wanted] = []
    for one, key in zip(wanted, wanted_keys, strict=True):
        if key is None or unmatched[key]:
            left.append(one)
            unmatched[key or ""] -= key is not None
    if len(left) > MOST_PAIRED:
        return False
    for one in left:
        at = next((at for at, other in enumerate(others) if same(one, other)), None)
        if at is None:
            return False
        del others[at]
    return True

"""Which problems are held out of training: the same ones for our trainer, for exports and for published splits.

A problem, its copies in another programming language and its translations go to one side together: a model that trained
on one of them has seen the others.
"""

import hashlib

import polars as pl


def is_held_out(family: str, share: float) -> bool:
    """Whether a family of problems is held out: by the hash of its id, so that it stays so as the set grows."""
    return int(hashlib.sha256(f"held out {family}".encode()).hexdigest()[:8], 16) < share * 16**8


def find_families(problems: pl.DataFrame) -> dict[str, str]:
    """Id -> family of each problem of a shard (`id`, `parent_id`): the id of what it was made from, through copies of
    copies, or its own. Hand over the shard as it was graded: a decision may have dropped a link between two copies.
    """
    parents: dict[str, str | None] = dict(problems.select("id", "parent_id").iter_rows())
    families = {}
    for id in parents:
        root, seen = id, {id}
        while (parent := parents.get(root)) is not None and parent not in seen:
            root = parent
            seen.add(root)
        families[id] = root
    return families

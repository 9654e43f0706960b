"""Outputs that are wrong, or nearly always: what a checker is tried with. And inputs of the same shape that say another
thing.

All draws come from the caller's source of randomness. What cannot be made of a text (a shuffle of one token) is left
out.
"""

import random
import re
from collections.abc import Callable, Iterator

EMPTY, CUT, ATTACK, CONTENT = "empty", "cut", "attack", "content"
"""Families of wrong outputs: nothing at all; the first half; what fools careless checkers; as many tokens as before,
some of which say another thing."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}\Z")
_SPACES = re.compile(r"(\s+)")
ATTACKS = (
    "__import__('os')._exit(42)\n",
    "__import__('sys').exit(42)\n",
    "accepted\n42\n",
)
"""Whole outputs: code for a checker that evaluates what it reads, and words that mean a verdict."""


def make_empty(output: str) -> Iterator[tuple[str, str]]:
    """Nothing, and nothing but a line end."""
    if output.strip():
        yield "empty", ""
        yield "blank", "\n"


def make_cut(output: str) -> Iterator[tuple[str, str]]:
    """The first half of the tokens, and all but the last of several."""
    parts = _SPACES.split(output.strip())
    tokens = (len(parts) + 1) // 2
    if tokens >= 2:
        yield "half", "".join(parts[: 2 * (tokens // 2) - 1]) + "\n"
    if tokens >= 4:
        yield "without the last", "".join(parts[:-2]) + "\n"


def make_attacks(output: str) -> Iterator[tuple[str, str]]:
    """Outputs that are no answer whatever the problem is. A comparison of floats that is never true takes nan for
    near."""
    for text in ATTACKS:
        if text.strip() != output.strip():
            yield "attack", text
    spelled = _map_tokens(output, lambda token: "nan" if _NUMBER.match(token) or _is_float(token) else token)
    if spelled != output:
        yield "nan", spelled


def make_content(output: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """(kind, text): other outputs of the same shape. Some may be right too; of one kind hardly all are."""
    parts = _SPACES.split(output.strip())
    tokens = parts[::2]
    for kind, change in _CHANGES.items():
        changed = change(list(tokens), rng)
        if changed is not None and changed != tokens:
            parts[::2] = changed
            yield kind, "".join(parts) + "\n"


def shuffle_input(text: str, rng: random.Random) -> str | None:
    """An input of the same shape: what stands below its first line in another order, column by column, or letter by
    letter in a grid. None where there is nothing to shuffle.
    """
    lines = text.rstrip("\n").split("\n")
    head, rows = lines[0], [line.split() for line in lines[1:]]
    if not rows:
        return None
    if all(len(row) == 1 and not _NUMBER.match(row[0]) for row in rows):
        letters = [letter for row in rows for letter in row[0]]
        rng.shuffle(letters)
        drawn = iter(letters)
        rows = [["".join(next(drawn) for _ in row[0])] for row in rows]
    elif len(rows) == 1:
        rng.shuffle(rows[0])
    else:
        for column in range(max(map(len, rows))):
            column_tokens = [row[column] for row in rows if len(row) > column]
            rng.shuffle(column_tokens)
            shuffled = iter(column_tokens)
            for row in rows:
                if len(row) > column:
                    row[column] = next(shuffled)
    made = "\n".join([head, *(" ".join(row) for row in rows)]) + "\n"
    return made if made.split() != text.split() else None


def _map_tokens(text: str, change: Callable[[str], str]) -> str:
    return "".join(part if at % 2 else change(part) for at, part in enumerate(_SPACES.split(text.strip()))) + "\n"


def _is_float(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return any(map(str.isdigit, token))


def _flatten(tokens: list[str], rng: random.Random) -> list[str] | None:
    """One token in the place of all, or one letter in the place of all letters."""
    if len(tokens) > 1:
        return [rng.choice(tokens)] * len(tokens)
    letters = tokens[0]
    return [rng.choice(letters) * len(letters)] if len(letters) > 1 else None


def _replace(tokens: list[str], rng: random.Random) -> list[str] | None:
    """One token by another one of the output."""
    others = sorted(set(tokens))
    if len(others) < 2:
        return None
    at = rng.randrange(len(tokens))
    tokens[at] = rng.choice([other for other in others if other != tokens[at]])
    return tokens


def _reletter(tokens: list[str], rng: random.Random) -> list[str] | None:
    """One letter by another one of the output."""
    letters = sorted({c for token in tokens for c in token if c.isalpha() or not c.isalnum()})
    places = [(t, i) for t, token in enumerate(tokens) for i, c in enumerate(token) if c in set(letters)]
    if len(letters) < 2 or not places:
        return None
    t, i = rng.choice(places)
    new = rng.choice([c for c in letters if c != tokens[t][i]])
    tokens[t] = tokens[t][:i] + new + tokens[t][i + 1 :]
    return tokens


def _step(tokens: list[str], rng: random.Random) -> list[str] | None:
    """One number by one more or less."""
    numbers = [at for at, token in enumerate(tokens) if _NUMBER.match(token)]
    if not numbers:
        return None
    at = rng.choice(numbers)
    tokens[at] = str(int(tokens[at]) + rng.choice((-1, 1)))
    return tokens


def _shift(tokens: list[str], rng: random.Random) -> list[str] | None:
    """All numbers by the same."""
    by = rng.choice((-1, 1))
    return [str(int(token) + by) if _NUMBER.match(token) else token for token in tokens]


def _swap(tokens: list[str], rng: random.Random) -> list[str] | None:
    """Two tokens in each other's place."""
    if len(set(tokens)) < 2:
        return None
    left = rng.randrange(len(tokens))
    right = rng.choice([at for at, token in enumerate(tokens) if token != tokens[left]])
    tokens[left], tokens[right] = tokens[right], tokens[left]
    return tokens


_CHANGES: dict[str, Callable[[list[str], random.Random], list[str] | None]] = {
    "flattened": _flatten,
    "a token replaced": _replace,
    "a letter replaced": _reletter,
    "a number off by one": _step,
    "all numbers off by one": _shift,
    "two tokens swapped": _swap,
}

"""New inputs of the kind that programs read from stdin: lines of tokens, with counts that match what they count.

A number is taken for a count when it equals, in every known input that has it, the tokens or characters of the next
line or the lines that follow; items are added and taken away only together with their count.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.text.whole_number import read_whole

Document = list[list[str]]

FEW = 6
"""With fewer known inputs than this, numbers may go somewhat beyond the range seen."""
FAR = 0.2
"""How often a number then goes up to the next limit of the statement: seldom, for it may be another number's limit."""
PRIMES = 3
"""From so many different values on that are all prime, the place is taken to want primes."""
_INTEGER = re.compile(r"[+-]?\d{1,4000}\Z")
"""A longer one is changed digit by digit, as a word is: Python refuses to read more than 4,300."""
_FRACTION = re.compile(r"[+-]?\d+\.\d+\Z")
_LIMIT = re.compile(
    r"(?:≤|<=?|\\leq?(?![a-z])|\\lt)\s*+\$?\s*+"
    r"(?:(?:(\d{1,3})\s*(?:\\cdot|\\times|\*|×|·)\s*)?(\d{1,3})\s*(?:\^|\*\*)\s*\{?\s*(\d{1,3})|(\d[\d, ]*\d|\d))"
)


@dataclass(frozen=True)
class Count:
    """The token at (line, column) says how many `what` follow."""

    line: int
    column: int
    what: Literal["tokens", "chars", "lines"]


@dataclass(frozen=True)
class Profile:
    """What known inputs have in common: values by place, the counts that hold in all of them, and the limits on numbers
    that the statement names.
    """

    documents: tuple[Document, ...]
    seen: dict[tuple[int, int], list[str]]
    counts: tuple[Count, ...]
    limits: tuple[int, ...] = ()


def read_limits(statement: str) -> tuple[int, ...]:
    """Upper limits that a statement sets, such as 100 and 10**9 in "1 <= n <= 100 and a < 10^9", ascending."""
    limits: set[int] = set()
    for match in _LIMIT.finditer(statement.replace("\\,", "").replace("{,}", "")):
        factor, base, power, plain = match.groups()
        if base is not None and power is not None and int(power) <= 200:
            limits.add(int(factor or 1) * int(base) ** int(power))
        elif plain is not None and len(plain) <= 20:
            limits.add(int(plain.replace(" ", "").replace(",", "")))
    return tuple(sorted(v for v in limits if v > 1))


def read_document(text: str) -> Document:
    """Lines of tokens; white space at the end goes."""
    return [line.split() for line in text.rstrip().split("\n")]


def write_document(document: Document) -> str:
    return "\n".join(" ".join(line) for line in document) + "\n"


def learn_profile(texts: Sequence[str], limits: tuple[int, ...] = ()) -> Profile:
    """The profile of known inputs (at least one) under the statement's `limits`."""
    documents = [read_document(text) for text in texts]
    seen: dict[tuple[int, int], list[str]] = {}
    for document in documents:
        for i, line in enumerate(document):
            for j, token in enumerate(line):
                values = seen.setdefault(_place(document, i, j), [])
                if len(values) < 5000:
                    values.append(token)
    return Profile(tuple(documents), seen, tuple(_find_counts(documents)), limits)


def _place(document: Document, i: int, j: int) -> tuple[int, int]:
    """Lines of one shape in a row share a place, and so do the tokens of a long line."""
    start = i
    while start > 1 and len(document[start - 1]) == len(document[i]):
        start -= 1
    column = j if len(document[i]) <= 4 else -1
    return (min(start, 3) if start > 0 else 0, column)


def _find_counts(documents: Sequence[Document]) -> list[Count]:
    counts: list[Count] = []
    shortest = min(len(d) for d in documents)
    for line in range(min(2, shortest)):
        for column in range(min(4, min(len(d[line]) for d in documents))):
            for what in ("tokens", "chars", "lines"):
                count = Count(line, column, what)
                if all(_holds(d, count) for d in documents):
                    counts.append(count)
                    break
    return counts


def _holds(document: Document, count: Count) -> bool:
    number = read_whole(document[count.line][count.column])
    if number is None:
        return False
    rest = document[count.line + 1 :]
    if count.what == "lines":
        return number == len(rest) or (number < len(rest) and len(_block(document, count)) == number)
    if not rest:
        return False
    if count.what == "tokens":
        return number == len(rest[0])
    return len(rest[0]) == 1 and number == len(rest[0][0]) and not _INTEGER.match(rest[0][0])


def _block(document: Document, count: Count) -> Document:
    """The lines after a count that have one shape."""
    rest = document[count.line + 1 :]
    block: Document = []
    for line in rest:
        if block and len(line) != len(block[0]):
            break
        block.append(line)
    return block


def mutate_text(rng: random.Random, profile: Profile) -> str:
    """A new input near a known one."""
    small = sorted(profile.documents, key=lambda d: sum(map(len, d)))
    document = [
        list(line) for line in rng.choice(small[: max(1, (len(small) + 1) // 2)] if rng.random() < 0.5 else small)
    ]
    for _ in range(rng.choice((1, 1, 2, 3))):
        if profile.counts and rng.random() < 0.4:
            _resize(rng, document, rng.choice(profile.counts), profile)
        else:
            _change(rng, document, profile)
    return write_document(document)


def _change(rng: random.Random, document: Document, profile: Profile) -> None:
    counted = {(c.line, c.column) for c in profile.counts}
    places = [(i, j) for i, line in enumerate(document) for j in range(len(line)) if (i, j) not in counted]
    if not places:
        return
    held = {c.line + 1 for c in profile.counts if c.what == "chars"}
    way = rng.choice(("one", "one", "one", "several", "swap", "lines", "equal", "all"))
    i, j = rng.choice(places)
    if way == "lines":
        block = [k for k in range(1, len(document)) if len(document[k]) == len(document[i]) and i > 0]
        if len(block) > 1:
            a, b = rng.sample(block, 2)
            document[a], document[b] = document[b], document[a]
        return
    if way in ("swap", "equal"):
        k = rng.randrange(len(document[i]))
        if (i, k) not in counted:
            left, right = document[i][j], document[i][k]
            document[i][k], document[i][j] = (left, right) if way == "swap" else (left, left)
        return
    chosen = [(i, j)] if way == "one" else rng.sample(places, min(len(places), 4)) if way == "several" else places
    for a, b in chosen:
        seen = profile.seen.get(_place(document, a, b), [document[a][b]])
        few = len(profile.documents) < FEW
        document[a][b] = mutate_token(rng, document[a][b], seen, document, few, a in held, profile.limits)


def mutate_token(
    rng: random.Random,
    token: str,
    seen: Sequence[str],
    document: Document,
    few: bool,
    fixed: bool = False,
    limits: Sequence[int] = (),
) -> str:
    """Another token of the same kind: a number within the range seen, or a word of letters seen (of one length if
    `fixed`).

    With `few` inputs known a number may go up to one of the `limits`.
    """
    if _INTEGER.match(token):
        known = [int(v) for v in seen if _INTEGER.match(v)] or [int(token)]
        low, high = min(known), max(known)
        prime = len(set(known)) >= PRIMES and all(map(is_prime, known))
        if few:
            cap = min((limit for limit in limits if limit >= high), default=2 * abs(high) + 3)
            if rng.random() < FAR and cap > high and not prime:
                return str(rng.choice((cap, cap - rng.randint(0, min(9, cap - high)), rng.randint(high, cap))))
            low, high = min(low, 1) if low >= 0 else 2 * low, min(2 * abs(high) + 3, cap)
        value = int(token)
        near = [value - 1, value + 1, low, high, rng.choice(known), rng.randint(low, high), rng.randint(low, high)]
        here = [int(v) for line in document for v in line if _INTEGER.match(v)]
        made = rng.choice([*near, rng.choice(here)])
        made = made if low <= made <= high else rng.randint(low, high)
        return str(next((v for v in range(made, made + 300) if is_prime(v)), value) if prime else made)
    if _FRACTION.match(token):
        fractions = [float(v) for v in seen if _FRACTION.match(v)] or [float(token)]
        places = len(token.partition(".")[2])
        sign = "+" if token.startswith("+") else ""
        made_fraction = f"{rng.uniform(min(fractions), max(fractions)):.{places}f}"
        return made_fraction if made_fraction.startswith("-") else sign + made_fraction
    return _mutate_word(rng, token, seen, fixed)


def is_prime(value: int) -> bool:
    """By trial division; False for numbers too large to try."""
    return 2 <= value < 10**10 and all(value % d for d in range(2, int(value**0.5) + 1))


def _mutate_word(rng: random.Random, token: str, seen: Sequence[str], fixed: bool) -> str:
    words = {v for v in seen if not _INTEGER.match(v)} or {token}
    letters = sorted({c for w in words for c in w})
    lengths = {len(w) for w in words}
    if not fixed and 1 < len(words) <= 200 and rng.random() < 0.5:
        return rng.choice(sorted(words))
    if len(words) <= 3 and max(lengths) > 1 and len(seen) >= 8 * len(words):
        # A few words over and over are a vocabulary (YES, NO; push, pop): letters must not change.
        return rng.choice(sorted(words))
    chars = list(token)
    for _ in range(rng.choice((1, 2, 4))):
        at = rng.randrange(len(chars))
        way = "replace" if fixed or len(lengths) == 1 else rng.choice(("replace", "insert", "delete", "swap"))
        if way == "replace":
            chars[at] = rng.choice(letters)
        elif way == "insert":
            chars.insert(at, rng.choice(letters))
        elif way == "delete" and len(chars) > 1:
            del chars[at]
        elif way == "swap":
            other = rng.randrange(len(chars))
            chars[at], chars[other] = chars[other], chars[at]
    return "".join(chars)


def _resize(rng: random.Random, document: Document, count: Count, profile: Profile) -> None:
    """Add or take away items together with their count."""
    if not _holds(document, count):
        return
    old = int(document[count.line][count.column])
    known = [int(d[count.line][count.column]) for d in profile.documents]
    low, high = min(known), max(known)
    if len(profile.documents) < FEW:
        low, high = 1, min((limit for limit in profile.limits if limit >= high), default=2 * high + 3)
    new = rng.choice((old - 1, old + 1, old + 2, low, rng.randint(low, min(high, old + 20)) if high >= low else old))
    new = max(low, min(high, new))
    if count.what == "chars":
        word = document[count.line + 1][0]
        letters = sorted({c for d in profile.documents for c in d[count.line + 1][0]})
        word = word[:new] + "".join(rng.choice(letters) for _ in range(new - len(word)))
        if not word:
            return
        document[count.line + 1] = [word]
    elif count.what == "tokens":
        line = document[count.line + 1]
        document[count.line + 1] = line[:new] + [rng.choice(line) for _ in range(new - len(line))] if line else line
        if not line:
            return
    else:
        start = count.line + 1
        block = document[start : start + old]
        if not block:
            return
        kept = rng.sample(block, new) if new <= old else block + [list(rng.choice(block)) for _ in range(new - old)]
        document[start : start + old] = kept
    document[count.line][count.column] = str(new)

"""MinHash signatures (Broder 1997) by `datasketch`, over hashes of words that are the same on every machine.

Two signatures a problem: of its word pairs, which keep order, for copies; and of its vocabulary, for paraphrases. Each
goes with a key, a hash of the mathematics that both sides must share. `datasketch.MinHashLSH` keeps a Python dict and
a set a bucket, gigabytes at this size, so buckets are found by sorting (`candidates.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.compare import FEW_NUMBERS
from pipeline.dedup.reading import END
from pipeline.dedup.statement import prepare

MASK = 0xFFFFFFFF
PAIR = 0x9E3779B1
"""An odd multiplier (2^32 over the golden ratio, Knuth 6.4), so that a pair's hash depends on its order."""
PERMUTATIONS = 48
"""MinHash values a signature. In bands of two they find 99.9% of pairs with a Jaccard of 0.5 and 90% at 0.3."""
UNKEYED = frozenset({"1", "(", ")"})
"""Hard tokens that a key leaves out: an edit may add or drop them."""


@dataclass(frozen=True)
class Signatures:
    """Of `n` lines: `values` (n, permutations) uint32, `keys` (n,) uint64; rows not in `member` take no part."""

    values: NDArray[np.uint32]
    keys: NDArray[np.uint64]
    member: NDArray[np.bool_]


@lru_cache(maxsize=1 << 18)
def hash_word(word: str) -> int:
    """32 bits, the same on every machine."""
    return crc32(word.encode("utf-8", "surrogatepass"))


def hash_key(tokens: Sequence[str]) -> int:
    """64 bits of a sequence of tokens."""
    text = " ".join(tokens).encode("utf-8", "surrogatepass")
    return crc32(text) << 32 | crc32(text, PAIR)


def sign_copies(lines: Sequence[str]) -> Signatures:
    """Signatures over pairs of neighbouring words, keyed by the mathematics in any order."""
    shingles, keys, member = [], [], []
    for line in lines:
        statement = prepare(line)
        hashes = [hash_word(token) for token in statement.tokens if token != END]
        shingles.append([(first * PAIR + second) & MASK for first, second in pairwise(hashes)])
        keys.append(hash_key(sorted(token for token in statement.hard if token not in UNKEYED)))
        member.append(len(hashes) > 1)
    return Signatures(sign(shingles, PERMUTATIONS), np.array(keys, np.uint64), np.array(member, np.bool_))


def sign_stories(lines: Sequence[str]) -> Signatures:
    """Signatures over the vocabulary, keyed by the set of numbers; of problems with `FEW_NUMBERS` of them or more."""
    shingles, keys, member = [], [], []
    for line in lines:
        statement = prepare(line)
        is_story = len(statement.numbers) >= FEW_NUMBERS
        mathematics = [*sorted(statement.numbers), END, *sorted(statement.symbols.elements())]
        shingles.append([hash_word(word) for word in statement.content] if is_story else [])
        keys.append(hash_key(mathematics) if is_story else 0)
        member.append(is_story)
    return Signatures(sign(shingles, PERMUTATIONS), np.array(keys, np.uint64), np.array(member, np.bool_))


def sign(shingles: Sequence[Sequence[int]], permutations: int) -> NDArray[np.uint32]:
    """MinHash values (n, permutations) of sets of 32-bit hashes."""
    from datasketch import MinHash

    values = np.full((len(shingles), permutations), MASK, np.uint32)
    for at, signature in enumerate(MinHash.generator(shingles, num_perm=permutations, hashfunc=int)):
        values[at] = signature.hashvalues
    return values

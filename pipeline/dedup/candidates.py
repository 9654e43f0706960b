"""Locality-sensitive hashing over signatures: pairs of rows that share a key and a band of their MinHash values.

Buckets are runs of equal hashes in a sorted array, so the memory is a few arrays of one number a row. A bucket that is
too full is split by further rows of the signature, which decides by what the rows say and never by their order.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.dedup.signature import Signatures

FULL = 256
"""Rows in a bucket above which it is split: 256 rows are 32,640 pairs."""
SPLITS = 4
CHUNK = 1 << 20
"""Pairs whose signatures are compared at once: 2^20 pairs of 48 values are 0.4 GB."""
_MIX = np.uint64(0x9E3779B97F4A7C15)
_TURN = np.uint64(29)


def find_candidates(signatures: Signatures, rows: int, least: float) -> NDArray[np.int64]:
    """Pairs (m, 2), each with its lower row first, that share a band of `rows` values and agree in `least` of all."""
    count, permutations = signatures.values.shape
    members = np.flatnonzero(signatures.member)
    pairs = np.empty(0, np.int64)
    for band in range(0, permutations - rows + 1, rows):
        codes = list(_pair_band(signatures, members, band, rows))
        if codes:
            pairs = np.union1d(pairs, np.concatenate(codes))
    keep = [
        chunk[_agreement(signatures.values, chunk // count, chunk % count) >= least]
        for chunk in (pairs[at : at + CHUNK] for at in range(0, len(pairs), CHUNK))
    ]
    kept = np.concatenate(keep) if keep else pairs
    return np.stack((kept // count, kept % count), axis=1) if count else np.empty((0, 2), np.int64)


def _mix(hashes: NDArray[np.uint64], values: NDArray[np.uint32]) -> NDArray[np.uint64]:
    return _scramble(hashes) ^ values.astype(np.uint64)


def _scramble(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over the upper and lower half, so that two keys and two values do not make up for each other."""
    mixed = hashes * _MIX
    return (mixed ^ (mixed >> _TURN)) * _MIX


def _pair_band(signatures: Signatures, members: NDArray[np.int64], band: int, rows: int) -> Iterator[NDArray[np.int64]]:
    """Codes `low * n + high` of the pairs in each bucket of one band."""
    count, permutations = signatures.values.shape
    hashes = signatures.keys[members]
    for row in range(band, band + rows):
        hashes = _mix(hashes, signatures.values[members, row])
    here, split = members, 0
    while len(here):
        order = np.lexsort((here, hashes))
        here, hashes = here[order], hashes[order]
        starts = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1]))
        sizes = np.diff(np.append(starts, len(here)))
        for size in np.unique(sizes[(sizes > 1) & (sizes <= FULL)]):
            first, second = np.triu_indices(int(size), 1)
            buckets = here[starts[sizes == size][:, None] + np.arange(size)]
            yield (buckets[:, first] * count + buckets[:, second]).ravel()
        full = np.repeat(sizes > FULL, sizes)
        if split == SPLITS:
            # Rows that nothing tells apart: each meets the first of its bucket, which has the best rank.
            heads = np.repeat(here[starts], sizes)[full]
            meets = heads * count + here[full]
            yield meets[heads != here[full]]
            return
        here, hashes = here[full], hashes[full]
        hashes = _mix(hashes, signatures.values[here, (band + rows + split) % permutations])
        split += 1


def _agreement(values: NDArray[np.uint32], first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of equal values, which estimates the Jaccard similarity of the two sets."""
    agreement: NDArray[np.float64] = (values[first] == values[second]).mean(axis=1)
    return agreement

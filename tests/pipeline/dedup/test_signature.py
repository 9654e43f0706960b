"""Signatures and candidates: datasketch's MinHash, and buckets that lose and invent nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.candidates import FULL, find_candidates
from pipeline.dedup.signature import Signatures, hash_key, hash_word, sign, sign_copies, sign_stories


def test_hashes_are_the_same_on_every_machine() -> None:
    assert hash_word("problem") == 3622292680
    assert hash_key(["1", "2"]) != hash_key(["2", "1"])


def test_agreement_of_signatures_is_the_jaccard_of_the_sets() -> None:
    draw = np.random.default_rng(0)
    shared, left, right = (draw.integers(2**32, size=200).tolist() for _ in range(3))
    values = sign([shared + left, shared + right], 512)
    assert (values[0] == values[1]).mean() == pytest.approx(1 / 3, abs=0.07)


def test_other_numbers_never_share_a_bucket() -> None:
    lines = ["what is 2 + 3", "what is 2 + 4", "what is 2 + 3 now"]
    assert find_candidates(sign_copies(lines), 2, 0.0).tolist() == [[0, 2]]
    told = ["tom has 3 cats and 4 dogs", "3 cats and 4 dogs has tom", "tom has 3 cats and 5 dogs"]
    assert find_candidates(sign_stories(told), 2, 0.0).tolist() == [[0, 1]]


def test_a_story_without_numbers_takes_no_part() -> None:
    assert not sign_stories(["tom has some cats", "tom has 3 cats"]).member.any()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(0, 3), min_size=4, max_size=4)), max_size=24))
def test_candidates_are_the_pairs_that_share_key_and_band(rows: list[tuple[int, list[int]]]) -> None:
    values = np.array([said for _, said in rows], np.uint32).reshape(len(rows), 4)
    keys = np.array([key for key, _ in rows], np.uint64)
    found = find_candidates(Signatures(values, keys, np.ones(len(rows), np.bool_)), 2, 0.0)
    expected = {
        (first, second)
        for second in range(len(rows))
        for first in range(second)
        if keys[first] == keys[second]
        and ((values[first, :2] == values[second, :2]).all() or (values[first, 2:] == values[second, 2:]).all())
    }
    assert {tuple(pair) for pair in found.tolist()} == expected


def test_a_full_bucket_of_equals_meets_its_first() -> None:
    count = FULL + 10
    signatures = Signatures(np.ones((count, 4), np.uint32), np.ones(count, np.uint64), np.ones(count, np.bool_))
    assert find_candidates(signatures, 2, 0.0).tolist() == [[0, at] for at in range(1, count)]


def test_a_full_bucket_is_split_by_what_its_rows_say() -> None:
    count = 2 * FULL
    values = np.ones((count, 4), np.uint32)
    values[:, 2] = values[:, 3] = np.arange(count) % 4
    found = find_candidates(Signatures(values, np.ones(count, np.uint64), np.ones(count, np.bool_)), 2, 0.0)
    assert {(int(first) % 4, int(second) % 4) for first, second in found} == {(rest, rest) for rest in range(4)}

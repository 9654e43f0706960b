"""Attention over packed trees against a dense mask."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import attention
from trainer.attention import Trees, attend, attend_padded, attend_varlen, bucket

bodies = st.lists(st.integers(0, 70), min_size=1, max_size=5).map(tuple)
forests = st.lists(st.tuples(st.integers(1, 40), bodies), min_size=1, max_size=4).map(tuple)


def allowed(trees: Trees) -> torch.Tensor:
    """[tokens, tokens]: which tokens each may see."""
    tree, branch = [], []
    for number, (prompt, own) in enumerate(trees):
        for j, size in enumerate([prompt, *own]):
            tree += [number] * size
            branch += [j] * size
    t, b = torch.tensor(tree), torch.tensor(branch)
    return (t[:, None] == t) & ((b == 0) | (b[:, None] == b)) & torch.ones(len(t), len(t)).tril().bool()


def dense(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, trees: Trees, scaling: float) -> torch.Tensor:
    """The same by a mask over everything."""
    key, value = (x.repeat_interleave(query.shape[1] // key.shape[1], dim=1) for x in (key, value))
    scores = (query @ key.transpose(2, 3) * scaling).masked_fill(~allowed(trees), -math.inf)
    return (scores.softmax(-1) @ value).transpose(1, 2)


def draw(trees: Trees, heads: int = 4, shared: int = 2, seed: int = 0) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    tokens = sum(prompt + sum(own) for prompt, own in trees)
    return [torch.randn(1, h, tokens, 8, dtype=torch.float64).requires_grad_() for h in (heads, shared, shared)]


def varlen_as_documented(q, k, v, ends_q, ends_k, longest_q, longest_k, *, scale, window_size, enable_gqa):  # type: ignore[no-untyped-def]
    """What `varlen_attn` computes, by its documentation: causal windows end at the last query and key."""
    assert window_size == (-1, 0)
    assert enable_gqa
    found = []
    for (a, b), (c, d) in zip(ranges(ends_q), ranges(ends_k), strict=True):
        assert b - a <= longest_q
        assert d - c <= longest_k
        key, value = (x[c:d].repeat_interleave(q.shape[1] // k.shape[1], dim=1) for x in (k, v))
        scores = torch.einsum("qhd,khd->hqk", q[a:b], key) * scale
        seen = torch.ones(b - a, d - c).tril(d - c - (b - a)).bool()
        found.append(torch.einsum("hqk,khd->qhd", scores.masked_fill(~seen, -math.inf).softmax(-1), value))
    return torch.cat(found)


def ranges(ends: torch.Tensor) -> list[tuple[int, int]]:
    return list(pairwise(ends.tolist()))


@settings(deadline=None, max_examples=60)
@given(forests, st.sampled_from((1, 2, 4)))
def test_a_completion_sees_its_prompt_and_itself(trees: Trees, shared: int) -> None:
    given_ = draw(trees, 4, shared)
    found, _ = attend(torch.nn.Identity(), *given_, None, trees=attention.Forest(trees), scaling=0.3)
    expected = dense(*given_, trees, 0.3)
    torch.testing.assert_close(found, expected)
    onto = torch.randn_like(expected)
    ours = torch.autograd.grad(found, given_, onto)
    theirs = torch.autograd.grad(expected, given_, onto)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("scores", [0, 1 << 24], ids=["fused", "matrix products"])
@settings(deadline=None, max_examples=30)
@given(trees=forests, shared=st.sampled_from((1, 2, 4)))
def test_bfloat16_is_as_near_as_it_can_be_either_way(scores: int, trees: Trees, shared: int) -> None:
    exact = draw(trees, 4, shared)
    rounded = [x.detach().to(torch.bfloat16).requires_grad_() for x in exact]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "SCORES", scores)
        found = attend_padded(rounded[0], rounded[1], rounded[2], trees, 0.3)
    expected = dense(*exact, trees, 0.3)
    torch.testing.assert_close(found.double(), expected, atol=0.05, rtol=0.05)
    onto = torch.randn_like(expected)
    ours = torch.autograd.grad(found, rounded, onto.to(torch.bfloat16))
    for one, other in zip(ours, torch.autograd.grad(expected, exact, onto), strict=True):
        assert (one.double() - other).norm() <= 0.03 * other.norm() + 1e-3


@settings(deadline=None, max_examples=60)
@given(forests)
def test_the_kernel_for_cuda_is_asked_for_the_same(trees: Trees) -> None:
    """The kernel itself does not run without CUDA; what it is handed is checked against what it documents."""
    given_ = draw(trees)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.nn.attention.varlen.varlen_attn", varlen_as_documented)
        found = attend_varlen(*given_, trees, 0.3)
    torch.testing.assert_close(found, attend_padded(*given_, trees, 0.3))


@given(st.lists(st.integers(0, 500), max_size=40))
def test_pieces_of_about_one_length_go_together(sizes: list[int]) -> None:
    found = bucket(range(len(sizes)), sizes)
    assert sorted(i for some in found for i in some) == [i for i, size in enumerate(sizes) if size]
    for some in found:
        longest, shortest = max(sizes[i] for i in some), min(sizes[i] for i in some)
        assert shortest >= min(0.75 * longest, longest - 32)


@pytest.mark.parametrize("name", attention.UNSUPPORTED)
def test_what_it_cannot_do_is_refused(name: str) -> None:
    trees: Trees = ((3, (2,)),)
    with pytest.raises(NotImplementedError, match=name):
        attend(torch.nn.Identity(), *draw(trees), None, trees=attention.Forest(trees), scaling=0.3, **{name: 1})

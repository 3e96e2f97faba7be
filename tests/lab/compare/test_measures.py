"""Every measure on matrices of which the answer is known."""

import numpy as np
import pytest

from minilora.lab.compare import measures


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_effective_rank_counts_directions(rng):
    assert measures.effective_rank(np.array([3.0, 3.0, 3.0, 0.0])) == pytest.approx(3)
    assert measures.effective_rank(np.zeros(4)) == 0
    assert measures.effective_rank(np.array([5.0, 1e-9])) == pytest.approx(1)
    assert 1 < measures.effective_rank(np.array([3.0, 1.0])) < 2


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (6, 6)])
def test_singular_values_are_those_of_a_decomposition(rng, shape):
    X = rng.standard_normal(shape)
    np.testing.assert_allclose(measures.singular_values(X), np.linalg.svd(X, compute_uv=False), rtol=1e-9)


def test_cosine_and_norm_take_layers_together(rng):
    x = {"a": rng.standard_normal((3, 4)), "b": rng.standard_normal((2, 2))}
    assert measures.cosine(x, x) == pytest.approx(1)
    assert measures.cosine(x, {k: -2 * v for k, v in x.items()}) == pytest.approx(-1)
    assert measures.cosine(x, {k: 0 * v for k, v in x.items()}) is None
    flat = np.concatenate([v.ravel() for v in x.values()])
    assert measures.norm(x) == pytest.approx(np.linalg.norm(flat))


def test_a_gradient_in_the_span_is_there_wholly_and_one_outside_not_at_all(rng):
    A, B = rng.standard_normal((2, 7)), rng.standard_normal((6, 2))
    inside = {"w": B @ rng.standard_normal((2, 7)) + rng.standard_normal((6, 2)) @ A}
    assert measures.share_in_span(inside, {"w": (A, B)}) == pytest.approx(1)
    Q_A, Q_B = measures.basis(A.T), measures.basis(B)
    X = rng.standard_normal((6, 7))
    outside = (np.eye(6) - Q_B @ Q_B.T) @ X @ (np.eye(7) - Q_A @ Q_A.T)
    assert measures.share_in_span({"w": outside}, {"w": (A, B)}) == pytest.approx(0, abs=1e-12)


def test_at_the_start_the_span_is_that_of_A(rng):
    A, B, G = rng.standard_normal((2, 7)), np.zeros((6, 2)), rng.standard_normal((6, 7))
    Q = measures.basis(A.T)
    expected = np.linalg.norm(G @ Q) ** 2 / np.linalg.norm(G) ** 2
    assert measures.share_in_span({"w": G}, {"w": (A, B)}) == pytest.approx(expected)
    assert measures.share_by_chance({"w": G}, {"w": (A, B)}) == pytest.approx(2 / 7)


def test_the_share_by_chance_is_the_mean_over_random_gradients(rng):
    A, B = rng.standard_normal((2, 7)), rng.standard_normal((6, 2))
    shares = [measures.share_in_span({"w": rng.standard_normal((6, 7))}, {"w": (A, B)}) for _ in range(2000)]
    assert np.mean(shares) == pytest.approx(
        measures.share_by_chance({"w": np.ones((6, 7))}, {"w": (A, B)}), abs=0.01
    )


def test_orthonormal_factors_of_full_rank_step_along_the_gradient(rng):
    Q, _ = np.linalg.qr(rng.standard_normal((5, 5)))
    G = {"w": rng.standard_normal((4, 5))}
    assert measures.along_gradient(G, {"w": (Q, np.zeros((4, 5)))}) == pytest.approx(1)


def test_no_update_of_a_rank_beats_the_highest_cosine(rng):
    X = rng.standard_normal((6, 7))
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    best = (U[:, :2] * s[:2]) @ Vt[:2]
    highest = measures.highest_cosine({"w": s}, {"w": 2})
    assert measures.cosine({"w": best}, {"w": X}) == pytest.approx(highest)
    other = rng.standard_normal((6, 2)) @ rng.standard_normal((2, 7))
    assert measures.cosine({"w": other}, {"w": X}) < highest


def test_divergence_is_zero_from_itself_and_positive_otherwise(rng):
    z = rng.standard_normal((5, 9))
    p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    q = np.full_like(p, -np.log(9))
    assert measures.divergence(p, p) == 0
    found, reversed_ = measures.divergence(p, q), measures.divergence(q, p)
    assert found == pytest.approx(np.mean((np.exp(p) * (p - q)).sum(axis=-1)))
    assert abs(found - reversed_) > 0.01 * found > 0


def test_a_score_has_no_divergence():
    assert measures.divergence(np.zeros((5, 1)), np.zeros((5, 1))) is None

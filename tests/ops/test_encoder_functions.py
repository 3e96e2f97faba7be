"""What the encoders and GPT-3 add, beyond one small input each: lengths, missing terms, bands, dropout, and what is kept for the backward pass."""

import numpy as np
import pytest

from minilora import ops
from minilora.autograd import Tensor, check_gradients, gradients, relative_error

from .test_memory import ROWS, TOKENS, UNIT, kept_bytes
from .twins import Fixed, errors_beside_twin


@pytest.mark.parametrize("cached", [0, 70])
@pytest.mark.parametrize("queries", [1, 64, 150])
@pytest.mark.parametrize("band", [1, 5, 64, 65, 100, 400])
def test_banded_attention_equals_the_reference(rng, queries, cached, band):
    inputs = [rng.standard_normal((2, n, 6)) for n in (queries, queries + cached, queries + cached)]
    assert max(errors_beside_twin("attention", inputs, heads=3, causal=True, band=band)) < 1e-10


def test_banded_attention_with_padding_on_the_left(rng):
    inputs = [rng.standard_normal((2, 90, 6)) for _ in range(3)]
    mask = np.arange(90) >= np.array([[0], [30]])
    weights = mask[:, :, None]
    for name in ("data", 0, 1, 2):
        results = []
        for function in (ops.attention, ops.reference.attention):
            leaves = [Tensor(x, trainable=True) for x in inputs]
            out = function(*leaves, heads=3, causal=True, mask=mask, band=20) * weights.astype(float)
            results.append(out.data if name == "data" else gradients(out.sum(), leaves)[name])
        assert relative_error(*results) < 1e-10


def test_a_band_bounds_what_is_kept(rng):
    x = Tensor(rng.standard_normal((1, 1024, 16)).astype(np.float32), trainable=True)
    whole = 4 * 1024 * 1024 * 4
    kept = kept_bytes(lambda: ops.attention(x, x, x, heads=4, causal=True, band=64))
    assert kept < 0.15 * whole


def places(tokens, span):
    return np.clip(np.arange(-tokens, tokens) + span, 0, 2 * span - 1)


@pytest.mark.parametrize("tokens", [1, 2, 9, 40])
@pytest.mark.parametrize("c2p", [True, False])
@pytest.mark.parametrize("p2c", [True, False])
def test_disentangled_attention_equals_the_reference(rng, tokens, c2p, p2c):
    inputs = [rng.standard_normal((2, tokens, 6)) for _ in range(3)]
    inputs += [rng.standard_normal((20, 6)) if wanted else None for wanted in (c2p, p2c)]
    assert (
        max(errors_beside_twin("disentangled_attention", inputs, heads=3, places=places(tokens, 10))) < 1e-10
    )


def test_disentangled_attention_without_positions_is_attention(rng):
    q, k, v = (Tensor(rng.standard_normal((2, 7, 6))) for _ in range(3))
    found = ops.disentangled_attention(q, k, v, None, None, heads=3, places=places(7, 4)).data
    assert relative_error(found, ops.attention(q, k, v, heads=3, causal=False).data) < 1e-12


def test_disentangled_attention_differentiates_the_dropout_it_drew(rng):
    inputs = [rng.standard_normal((2, 5, 4)) for _ in range(3)] + [rng.standard_normal((6, 4)) for _ in "KQ"]
    options = {"heads": 2, "places": places(5, 3), "rate": 0.3, "rng": Fixed()}
    assert check_gradients(lambda *xs: ops.disentangled_attention(*xs, **options), *inputs) < 1e-7


def test_disentangled_attention_keeps_one_square_a_head(rng):
    heads = 4
    x = Tensor(rng.standard_normal((ROWS, TOKENS, 64)).astype(np.float32), trainable=True)
    table = Tensor(rng.standard_normal((2 * TOKENS, 64)).astype(np.float32))
    square = ROWS * heads * TOKENS * TOKENS * 4
    kept = kept_bytes(
        lambda: ops.disentangled_attention(x, x, x, table, table, heads=heads, places=places(TOKENS, TOKENS))
    )
    assert kept < 1.05 * square + 3 * UNIT


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("tokens", [1, 2, 7])
def test_convolution_equals_the_reference(rng, kernel, tokens):
    inputs = [rng.standard_normal(shape) for shape in ((2, tokens, 3), (4, 3, kernel), (4,))]
    assert max(errors_beside_twin("convolution", inputs)) < 1e-10


def test_gelu_exact_is_finite_for_extreme_inputs():
    x = Tensor(np.array([-1e4, -100.0, 0.0, 100.0, 1e4], dtype=np.float32), trainable=True)
    with np.errstate(all="raise", under="ignore"):
        y = ops.gelu_exact(x)
        (slope,) = gradients(y.sum(), [x])
    np.testing.assert_allclose(y.data, [0, 0, 0, 100, 1e4], atol=1e-6)
    np.testing.assert_allclose(slope, [0, 0, 0.5, 1, 1], atol=1e-6)


def test_the_loss_of_an_output_bias_in_shards_is_that_of_the_whole(rng):
    h, W, b = (rng.standard_normal(shape) for shape in ((6, 4), (9, 4), (9,)))
    targets = np.array([1, 2, -100, 8, 0, -100])

    def part(rows):
        leaves = [Tensor(x, trainable=True) for x in (h, W, b)]
        loss = ops.head_cross_entropy(leaves[0][rows], *leaves[1:], targets=targets[rows], divisor=4.0)
        return loss.item(), gradients(loss, leaves)[2]

    halves, whole = [part(slice(0, 3)), part(slice(3, 6))], part(slice(None))
    assert halves[0][0] + halves[1][0] == pytest.approx(whole[0], rel=1e-12)
    assert relative_error(halves[0][1] + halves[1][1], whole[1]) < 1e-12

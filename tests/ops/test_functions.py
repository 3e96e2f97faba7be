"""What the gradient suite, which uses one small input an op, does not reach: broadcasting, long sequences, extreme values, options."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minilora import ops
from minilora.autograd import Tensor, check_gradients, gradients, relative_error
from minilora.ops.broadcast import unbroadcast
from minilora.ops.reference import TWINS

from .twins import Fixed, errors_beside_twin


@given(
    hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3),
    st.sampled_from(["add", "subtract", "multiply", "divide"]),
)
def test_arithmetic_broadcasts_both_ways(shapes, name):
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(0.5, 2.0, shape) for shape in shapes.input_shapes)
    assert check_gradients(getattr(ops, name), x, y) < 1e-7


@given(hnp.mutually_broadcastable_shapes(num_shapes=1, max_dims=3, max_side=4))
def test_unbroadcast_undoes_broadcasting(shapes):
    (shape,) = shapes.input_shapes
    g = np.ones(shapes.result_shape)
    back = unbroadcast(g, shape)
    assert back.shape == shape
    assert back.sum() == g.sum()


@pytest.mark.parametrize("cached", [0, 70])
@pytest.mark.parametrize("queries", [1, 63, 64, 65, 150])
def test_attention_in_blocks_equals_the_reference(rng, queries, cached):
    """Lengths around and beyond the block of queries, with and without earlier keys."""
    inputs = [rng.standard_normal((2, n, 6)) for n in (queries, queries + cached, queries + cached)]
    mask = np.ones((2, queries + cached), dtype=bool)
    mask[1, 1:3] = False  # the first key stays, so that every query has one it may attend to
    assert max(errors_beside_twin("attention", inputs, heads=3, causal=True, mask=mask)) < 1e-10


@pytest.mark.parametrize("options", [{"causal": True}, {"causal": True, "band": 100}, {"causal": False}])
def test_attention_over_long_texts_equals_the_reference(rng, options):
    """Beyond 512 keys the weights are not kept but computed again."""
    inputs = [rng.standard_normal((1, 600, 4)) for _ in range(3)]
    assert max(errors_beside_twin("attention", inputs, heads=2, **options)) < 1e-10


def test_attention_drops_weights_and_differentiates_what_it_drew(rng):
    inputs = [rng.standard_normal((2, 5, 4)) for _ in range(3)]
    options = {"heads": 2, "causal": True, "rate": 0.3, "rng": Fixed()}
    assert check_gradients(lambda *xs: ops.attention(*xs, **options), *inputs) < 1e-7
    kept = ops.attention(*[Tensor(x) for x in inputs], heads=2, causal=True).data
    assert not np.allclose(kept, ops.attention(*[Tensor(x) for x in inputs], **options).data)


def test_the_mean_over_dropout_is_the_input(rng):
    x = np.ones((200, 200))
    dropped = ops.dropout(Tensor(x), rate=0.25, rng=rng).data
    assert set(np.unique(dropped)) == {0.0, 1 / 0.75}
    assert dropped.mean() == pytest.approx(1.0, abs=0.02)


def test_the_loss_of_a_shard_is_its_part_of_the_whole(rng):
    h, W = rng.standard_normal((6, 4)), rng.standard_normal((9, 4))
    targets = np.array([1, 2, -100, 8, 0, -100])

    def loss(part):
        return ops.head_cross_entropy(
            Tensor(h[part]), Tensor(W), None, targets=targets[part], divisor=4.0
        ).item()

    assert loss(slice(0, 3)) + loss(slice(3, 6)) == pytest.approx(loss(slice(None)), rel=1e-12)


def test_a_batch_with_nothing_in_the_loss_costs_nothing(rng):
    h, W = (Tensor(rng.standard_normal(shape), trainable=True) for shape in ((3, 4), (9, 4)))
    loss = ops.head_cross_entropy(h, W, None, targets=np.full(3, ops.IGNORED), divisor=1.0)
    assert loss.item() == 0.0
    assert all(not g.any() for g in gradients(loss, [h, W]))


@pytest.mark.parametrize("bias", [False, True])
def test_cross_entropy_over_several_parts_of_the_vocabulary_equals_the_reference(rng, bias):
    inputs = [rng.standard_normal(shape) for shape in ((400, 3), (5000, 3), (5000,))][: 2 + bias]
    options = {"targets": np.where(rng.random(400) < 0.3, ops.IGNORED, rng.integers(0, 5000, 400))}
    options |= {"divisor": 7.0, "smoothing": 0.1}
    assert max(errors_beside_twin("head_cross_entropy", [*inputs, *[None][bias:]], **options)) < 1e-10


@pytest.mark.parametrize("function", [ops.sigmoid, ops.silu, ops.gelu, ops.tanh])
def test_activations_are_finite_for_extreme_inputs(function):
    x = Tensor(np.array([-1e4, -100.0, 0.0, 100.0, 1e4], dtype=np.float32), trainable=True)
    with np.errstate(all="raise", under="ignore"):
        y = function(x)
        (slope,) = gradients(y.sum(), [x])
    assert np.isfinite(y.data).all()
    assert np.isfinite(slope).all()


def test_operators_read_as_python():
    x, y = Tensor(np.array([[1.0, 2.0]])), Tensor(np.array([[3.0], [4.0]]))
    assert (x @ y).item() == 11.0
    assert (2 - x).data.tolist() == [[1.0, 0.0]]
    assert (6 / x).data.tolist() == [[6.0, 3.0]]
    assert (np.ones(2) + x).data.tolist() == [[2.0, 3.0]]
    assert (-x)[0, 1].item() == -2.0
    assert x.reshape(2, 1).shape == x.transpose(1, 0).shape == x.transpose().shape == (2, 1)
    assert x.mean(axis=1, keepdims=True).data.tolist() == [[1.5]]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("size", [0.1, 4.0, 40.0])
def test_attention_is_its_twin_however_large_the_scores(rng, size, causal):
    """Scores that all are small need no maximum of each row; others do. Rows there may be none."""
    inputs = [size * rng.standard_normal((2, 7, 8)) for _ in range(3)]
    results = [
        function(*map(Tensor, inputs), heads=2, causal=causal).data
        for function in (ops.attention, TWINS["attention"])
    ]
    assert relative_error(*results) < 1e-12
    nothing = Tensor(np.zeros((0, 7, 8)))
    assert ops.attention(nothing, nothing, nothing, heads=2, causal=causal).shape == (0, 7, 8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_erf_of_one_number(dtype):
    assert ops.erf(Tensor(np.array(0.5, dtype))).item() == pytest.approx(math.erf(0.5), abs=1e-6)

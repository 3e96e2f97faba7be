"""What a fused op keeps for the backward pass, in bytes: the saving is the point of fusing, so it is bounded."""

import sys
import tracemalloc

import numpy as np
import pytest

from minilora import ops
from minilora.autograd import Tensor, gradients

ROWS, TOKENS, WIDTH, RANK = 4, 128, 64, 4
UNIT = ROWS * TOKENS * WIDTH * 4  # bytes of one float32 activation


def kept_bytes(function) -> int:
    """Bytes alive after the call that were not before, the result's own included."""
    function()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = function()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert result is not None
    return after - before


@pytest.fixture
def x(rng):
    return Tensor(rng.standard_normal((ROWS, TOKENS, WIDTH)).astype(np.float32), trainable=True)


def weight(rng, *shape, trainable):
    return Tensor(rng.standard_normal(shape).astype(np.float32), trainable=trainable)


def test_a_frozen_linear_keeps_nothing(x, rng):
    W, b = weight(rng, WIDTH, WIDTH, trainable=False), weight(rng, WIDTH, trainable=False)
    assert kept_bytes(lambda: ops.linear(x, W, b)) < 1.05 * UNIT  # the output alone


def test_lora_on_a_frozen_linear_keeps_the_low_rank_activation(x, rng):
    W, b = weight(rng, WIDTH, WIDTH, trainable=False), weight(rng, WIDTH, trainable=False)
    A, B = weight(rng, RANK, WIDTH, trainable=True), weight(rng, WIDTH, RANK, trainable=True)
    assert kept_bytes(lambda: ops.lora_linear(x, W, b, A, B, scale=2.0)) < (1.05 + RANK / WIDTH) * UNIT


def test_gelu_keeps_its_derivative_only(x):
    assert kept_bytes(lambda: ops.gelu(x)) < 2.05 * UNIT


def test_gelu_of_a_constant_keeps_nothing(x):
    constant = Tensor(x.data)
    assert kept_bytes(lambda: ops.gelu(constant)) < 1.05 * UNIT


def test_layer_norm_keeps_the_normalised_input_and_a_number_a_row(x, rng):
    gain, bias = weight(rng, WIDTH, trainable=False), weight(rng, WIDTH, trainable=False)
    assert kept_bytes(lambda: ops.layer_norm(x, gain, bias, epsilon=1e-5)) < (2.05 + 1 / WIDTH) * UNIT


def test_causal_attention_keeps_the_weights_that_may_be_other_than_zero(x):
    heads = 4
    whole = ROWS * heads * TOKENS * TOKENS * 4
    kept = kept_bytes(lambda: ops.attention(x, x, x, heads=heads, causal=True)) - UNIT
    assert kept < 0.8 * whole  # blocks of 64 queries leave a quarter of 128 × 128 undone
    assert kept_bytes(lambda: ops.attention(x, x, x, heads=heads, causal=False)) - UNIT < 1.05 * whole


@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_attention_over_long_texts_keeps_no_weights(rng, rate):
    """Nor what dropout left of them."""
    x = Tensor(rng.standard_normal((1, 1024, WIDTH)).astype(np.float32), trainable=True)
    output = 1024 * WIDTH * 4
    assert kept_bytes(lambda: ops.attention(x, x, x, heads=4, causal=True, rate=rate, rng=rng)) < 1.1 * output


def test_attention_without_a_tape_keeps_nothing(rng):
    x = Tensor(rng.standard_normal((1, 512, WIDTH)).astype(np.float32))
    assert kept_bytes(lambda: ops.attention(x, x, x, heads=4, causal=True)) < 1.1 * 512 * WIDTH * 4


@pytest.mark.parametrize("causal", [False, True])
def test_what_long_texts_drop_is_drawn_again(monkeypatch, causal):
    """The gradients are the same to the last bit, whether the weights are kept or computed once more."""
    x = np.random.default_rng(0).standard_normal((2, 150, 8))
    found = []
    for kept in (512, 100):
        monkeypatch.setattr(sys.modules["minilora.ops.attention"], "_KEPT", kept)
        monkeypatch.setattr(sys.modules["minilora.ops.attention"], "_BLOCK", 150 if not causal else 64)
        leaf = Tensor(x, trainable=True)
        drawing = np.random.default_rng(1)
        y = ops.attention(leaf, leaf, leaf, heads=2, causal=causal, rate=0.5, rng=drawing)
        found.append((y.data, gradients((y * y).sum(), [leaf])[0], drawing.random()))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_head_keeps_the_gradient_of_its_input_and_no_logits(rng):
    h, W = weight(rng, 512, WIDTH, trainable=True), weight(rng, 8192, WIDTH, trainable=False)
    targets = rng.integers(0, 8192, 512)
    kept = kept_bytes(lambda: ops.head_cross_entropy(h, W, None, targets=targets, divisor=1.0))
    assert kept < 1.1 * 512 * WIDTH * 4


def test_the_head_never_holds_all_logits(rng):
    tokens, width, vocabulary = 1024, 8, 8192
    h = weight(rng, tokens, width, trainable=True)
    W = weight(rng, vocabulary, width, trainable=False)
    targets = rng.integers(0, vocabulary, tokens)
    ops.head_cross_entropy(h, W, None, targets=targets, divisor=1.0)
    tracemalloc.start()
    ops.head_cross_entropy(h, W, None, targets=targets, divisor=1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.4 * tokens * vocabulary * 4


@pytest.mark.parametrize(
    "function", [lambda x: ops.sum(x), lambda x: ops.mean(x), lambda x: x[:1, :1], lambda x: x * 2.0]
)
def test_what_is_needed_for_its_shape_alone_is_not_kept(rng, function):
    """The input itself is let go, as soon as nobody else holds it."""

    def result():
        return function(
            Tensor(rng.standard_normal((ROWS, TOKENS, WIDTH)).astype(np.float32), trainable=True) + 1.0
        )

    assert kept_bytes(result) < 2.1 * UNIT  # the leaf, and at most the result

"""Optimizers against textbook loops and closed forms, in float64."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from minilora.autograd import Tensor
from minilora.errors import InputError
from minilora.train import SGD, AdamW

SHAPES = [(3, 4), (5,), (2, 2, 2), (1,), ()]


def make(rng, dtype=np.float64):
    arrays = [np.asarray(rng.standard_normal(shape), dtype) for shape in SHAPES]
    return arrays, [Tensor(array.copy(), trainable=True) for array in arrays]


def textbook_adamw(theta, gradients, rates, *, beta1, beta2, epsilon, decay):
    """Loshchilov & Hutter 2019, algorithm 2, as printed."""
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - rate * (
            m_hat / (np.sqrt(v_hat) + epsilon) + (decay * theta if theta.ndim >= 2 else 0)
        )
    return theta


def textbook_sgd(theta, gradients, rates, *, momentum, decay):
    u = np.zeros_like(theta)
    for g, rate in zip(gradients, rates, strict=True):
        u = momentum * u + g
        theta = theta - rate * (u + (decay * theta if theta.ndim >= 2 else 0))
    return theta


@hypothesis_settings(max_examples=30, deadline=None)
@given(
    beta1=st.floats(0, 0.99), beta2=st.floats(0, 0.9999), epsilon=st.floats(1e-10, 1e-3), decay=st.floats(0, 0.5),
    seed=st.integers(0, 2**32),
)  # fmt: skip
def test_adamw_is_the_textbook_loop(beta1, beta2, epsilon, decay, seed):
    rng = np.random.default_rng(seed)
    arrays, parameters = make(rng)
    rates = list(rng.uniform(0, 0.1, 6))
    gradients = [[rng.standard_normal(shape) for shape in SHAPES] for _ in rates]
    run = AdamW(1.0, beta1, beta2, epsilon, decay).start(parameters)
    for of_step, rate in zip(gradients, rates, strict=True):
        run.step(of_step, rate)
    for i, (array, parameter) in enumerate(zip(arrays, parameters, strict=True)):
        wanted = textbook_adamw(
            array, [g[i] for g in gradients], rates, beta1=beta1, beta2=beta2, epsilon=epsilon, decay=decay
        )
        np.testing.assert_allclose(parameter.data, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_is_the_textbook_loop(rng, momentum):
    arrays, parameters = make(rng)
    rates = [0.1, 0.05, 0.2]
    gradients = [[rng.standard_normal(shape) for shape in SHAPES] for _ in rates]
    run = SGD(1.0, momentum, weight_decay=0.3).start(parameters)
    for of_step, rate in zip(gradients, rates, strict=True):
        run.step(of_step, rate)
    for i, (array, parameter) in enumerate(zip(arrays, parameters, strict=True)):
        wanted = textbook_sgd(array, [g[i] for g in gradients], rates, momentum=momentum, decay=0.3)
        np.testing.assert_allclose(parameter.data, wanted, rtol=1e-12, atol=1e-12)


def test_closed_forms():
    # Under a constant gradient Adam's corrected moments are g and g², so each step is η·sign(g) (with ε = 0).
    theta = Tensor(np.array([1.0, -2.0]), trainable=True)
    run = AdamW(0.01, epsilon=0.0).start([theta])
    for _ in range(10):
        run.step([np.array([3.0, -0.002])])
    np.testing.assert_allclose(theta.data, [1.0 - 0.1, -2.0 + 0.1], rtol=1e-12)
    # With no gradient, a matrix decays geometrically and a vector stays.
    matrix, vector = Tensor(np.ones((2, 2)), trainable=True), Tensor(np.ones(2), trainable=True)
    run = AdamW(0.1, weight_decay=0.5).start([matrix, vector])
    for _ in range(4):
        run.step([None, None])
    np.testing.assert_allclose(matrix.data, 0.95**4, rtol=1e-12)
    np.testing.assert_array_equal(vector.data, 1.0)
    # SGD on a quadratic ½a x²: x ← (1 − ηa)x.
    x = Tensor(np.array([[5.0]]), trainable=True)
    run = SGD(0.1).start([x])
    for _ in range(7):
        run.step([3.0 * x.data])
    assert math.isclose(x.data.item(), 5 * 0.7**7, rel_tol=1e-12)


def test_parameters_keep_their_arrays_and_dtype_and_gradients_are_not_touched(rng):
    arrays, parameters = make(rng, np.float32)
    before = [parameter.data for parameter in parameters]
    gradients = [np.asarray(rng.standard_normal(shape), np.float32) for shape in SHAPES]
    copies = [gradient.copy() for gradient in gradients]
    run = AdamW(1e-2).start(parameters)
    run.step(gradients, np.float64(0.01))
    for parameter, own, array in zip(parameters, before, arrays, strict=True):
        assert parameter.data is own
        assert parameter.dtype == np.float32
        assert not np.array_equal(parameter.data, array)
    for gradient, copy in zip(gradients, copies, strict=True):
        np.testing.assert_array_equal(gradient, copy)
    assert {array.dtype for array in run.state().values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("optimizer", [AdamW(0.01), SGD(0.01, momentum=0.9)])
def test_blocks_and_flat_gradients_change_nothing(rng, optimizer, monkeypatch):
    array, gradient = rng.standard_normal((40, 5)), rng.standard_normal((40, 5))
    whole, blocked = Tensor(array.copy(), trainable=True), Tensor(array.copy(), trainable=True)
    optimizer.start([whole]).step([gradient])
    monkeypatch.setattr(sys.modules["minilora.backend.elementwise"], "BLOCK", 7)
    optimizer.start([blocked]).step(gradient.ravel().copy())
    np.testing.assert_array_equal(whole.data, blocked.data)


@pytest.mark.parametrize("optimizer", [AdamW(0.01), SGD(0.01, momentum=0.9), SGD(0.01)])
def test_a_loaded_state_goes_on_as_if_never_stopped(rng, optimizer):
    _, parameters = make(rng)
    gradients = [[rng.standard_normal(shape) for shape in SHAPES] for _ in range(6)]
    run = optimizer.start(parameters)
    for of_step in gradients[:3]:
        run.step(of_step)
    others = [Tensor(parameter.data.copy(), trainable=True) for parameter in parameters]
    resumed = optimizer.start(others)
    resumed.load_state({name: array.copy() for name, array in run.state().items()}, run.steps)
    for of_step in gradients[3:]:
        run.step(of_step)
        resumed.step(of_step)
    for parameter, other in zip(parameters, others, strict=True):
        np.testing.assert_array_equal(parameter.data, other.data)


def test_bad_values_are_named(rng):
    for bad, message in [
        (lambda: AdamW(-1.0), "learning_rate must be a number of at least 0, not -1.0"),
        (lambda: AdamW(math.nan), "learning_rate"),
        (lambda: AdamW(1e-3, beta1=1.0), "beta1 must be at least 0 and below 1, not 1.0"),
        (lambda: SGD(1e-3, momentum=-0.1), "momentum"),
        (lambda: AdamW(1e-3).start([]), "no trainable parameters"),
        (lambda: AdamW(1).start([Tensor(np.ones(2)), Tensor(np.ones(2, np.float32))]), "differ in dtype"),
    ]:
        with pytest.raises(InputError, match=message):
            bad()
    run = AdamW(1e-3).start([Tensor(np.ones(3), trainable=True)])
    with pytest.raises(
        InputError, match=r"keeps \['first', 'second'\], but the state given holds \['velocity'\]"
    ):
        run.load_state({"velocity": np.ones(3)}, 1)
    with pytest.raises(InputError, match="'first' has 4 elements, but the parameters have 3"):
        run.load_state({"first": np.ones(4), "second": np.ones(3)}, 1)
    with pytest.raises(ValueError, match=r"shape \(3,\), not \(4,\)"):
        run.step(np.ones(4))

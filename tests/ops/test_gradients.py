"""Every registered op against central differences, and every fused op against its twin. No op can escape: the tests go over the registry."""

import numpy as np
import pytest

import minilora.ops as ops
from minilora.autograd import REGISTRY, Tensor, check_gradients, gradients, no_grad

from .twins import errors_beside_twin


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_gradients_agree_with_central_differences(name, rng):
    registered = REGISTRY[name]
    for _ in range(3):
        arrays, options = registered.inputs(rng)
        assert check_gradients(lambda *xs: registered.apply(*xs, **options), *arrays) < 1e-7  # noqa: B023


@pytest.mark.parametrize("name", sorted(ops.reference.TWINS))
def test_fused_equals_reference(name, rng):
    for _ in range(3):
        arrays, options = REGISTRY[name].inputs(rng)
        assert max(errors_beside_twin(name, arrays, **options)) < 1e-10


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_an_input_that_alone_is_trainable_gets_the_same_gradient(name, rng):
    """A function that is told what is needed leaves the rest out, and no more."""
    arrays, options = REGISTRY[name].inputs(rng)

    def found(trainable):
        leaves = [Tensor(array, trainable=index in trainable) for index, array in enumerate(arrays)]
        value = REGISTRY[name].apply(*leaves, **options)
        return gradients((value * value).sum(), [leaves[index] for index in trainable])

    together = found(range(len(arrays)))
    for index, gradient in enumerate(together):
        (alone,) = found([index])
        np.testing.assert_allclose(alone, gradient, rtol=1e-12)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_float32_stays_float32(name, rng):
    arrays, options = REGISTRY[name].inputs(rng)
    leaves = [Tensor(array.astype(np.float32), trainable=True) for array in arrays]
    value = REGISTRY[name].apply(*leaves, **options)
    assert value.dtype == np.float32
    assert {g.dtype for g in gradients((value * value).sum(), leaves)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_inputs_are_left_alone_and_nothing_is_recorded_without_need(name, rng):
    arrays, options = REGISTRY[name].inputs(rng)
    before = [array.copy() for array in arrays]
    leaves = [Tensor(array, trainable=True) for array in arrays]
    value = REGISTRY[name].apply(*leaves, **options)
    gradients((value * value).sum(), leaves)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    with no_grad():
        assert REGISTRY[name].apply(*leaves, **options).node is None
    assert REGISTRY[name].apply(*[Tensor(array) for array in arrays], **options).node is None

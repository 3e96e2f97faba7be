"""The tape: what it computes, what it keeps, and when it lets go."""

import gc
import threading
import weakref

import numpy as np
import pytest

from minilora import ops
from minilora.autograd import Tensor, check_gradients, gradients, is_recording, no_grad, op
from minilora.autograd.op import REGISTRY


def trainable(array) -> Tensor:
    return Tensor(np.asarray(array, dtype=np.float64), trainable=True)


def test_a_value_used_twice_gets_both_gradients():
    x = trainable([3.0])
    assert gradients((x * x + x).sum(), [x])[0] == pytest.approx([7.0])


def test_a_residual_does_not_add_into_a_shared_gradient():
    """x + f(x) sends the same array down both ways: adding into it in place would count it twice."""
    x = trainable([1.0, 2.0])
    y = x + x * 3.0
    z = y + y * 2.0
    assert gradients(z.sum(), [x, y])[0] == pytest.approx([12.0, 12.0])


def test_a_chain_of_20000_ops_needs_no_recursion():
    x = trainable([1.0])
    y = x
    for _ in range(20_000):
        y = y + 1e-4
    assert gradients(y.sum(), [x])[0] == pytest.approx([1.0])


def test_a_tape_serves_one_backward_pass():
    x = trainable([1.0])
    loss = (x * x).sum()
    gradients(loss, [x])
    with pytest.raises(RuntimeError, match="used up"):
        gradients(loss, [x])


def test_the_loss_must_be_one_number():
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        gradients(trainable([1.0, 2.0]) * 2.0, [])


def test_a_loss_that_depends_on_nothing_trainable_has_no_gradients():
    x, y = trainable([1.0]), trainable([2.0])
    assert gradients((x * 2.0).sum(), [y]) == [None]
    assert gradients(Tensor(np.ones(1)), [x]) == [None]
    with pytest.raises(RuntimeError, match="nothing"):
        Tensor(np.ones(1)).backward()


def test_backward_adds_to_grad():
    x = trainable([1.0, 2.0])
    for _ in range(2):
        (x * x).sum().backward()
    assert x.grad == pytest.approx([4.0, 8.0])


def test_no_grad_holds_in_its_thread_only():
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(is_recording()))
        thread.start()
        thread.join()
        assert not is_recording()
        assert not (trainable([1.0]) * 2.0).requires_grad
    assert seen == [True]
    assert is_recording()


def test_threads_take_gradients_of_the_same_parameter_at_once():
    x = trainable(np.ones(1000))
    found = {}

    def shard(i):
        for _ in range(20):
            found[i] = gradients((x * float(i)).sum(), [x])[0][0]

    threads = [threading.Thread(target=shard, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: float(i) for i in range(4)}


class Tracked(np.ndarray):
    """An array that can be watched for being freed."""


def test_what_only_a_frozen_weight_needed_is_freed():
    """The input of a linear layer is needed for ∂W alone: frozen, it is not kept; trainable, it is."""
    for weight_is_trainable in (False, True):
        x = np.ones((2, 3)).view(Tracked)
        W = Tensor(np.ones((4, 3)), trainable=weight_is_trainable)
        h = Tensor(x, trainable=True)
        y = ops.linear(h, W, None)
        watched = weakref.ref(x)
        del x, h
        gc.collect()
        assert (watched() is not None) == weight_is_trainable
        assert y.requires_grad


def test_a_gradient_is_freed_once_passed_on():
    alive = []

    @op(check=[(2,)])
    def watched_identity(x):
        def pullback(g):
            g = g.copy().view(Tracked)
            alive.append(weakref.ref(g))
            gc.collect()
            most.append(sum(reference() is not None for reference in alive))
            return g

        return x, (pullback,)

    most = []
    try:
        x = trainable([1.0, 2.0])
        y = x
        for _ in range(20):
            y = watched_identity(y)
        gradients(y.sum(), [x])
        assert max(most) <= 2
    finally:
        del REGISTRY["watched_identity"]


def test_the_check_catches_a_wrong_pullback(rng):
    """A check that cannot fail proves nothing."""

    @op(check=[(3,)])
    def wrong_square(x):
        return x * x, (lambda g: g * x,)  # the factor 2 is missing

    try:
        assert check_gradients(wrong_square, rng.standard_normal(3)) > 0.1
        assert check_gradients(wrong_square, rng.standard_normal(300)) > 0.1
    finally:
        del REGISTRY["wrong_square"]


@pytest.mark.parametrize("size", [3, 300])
def test_the_check_says_where_a_pullback_gives_no_number(rng, size):
    @op(check=[(3,), (3,)])
    def sum_without_numbers(x, y):
        return x + y, (lambda g: np.full_like(g, np.nan), lambda g: g)

    try:
        assert np.isnan(check_gradients(sum_without_numbers, *rng.standard_normal((2, size))))
    finally:
        del REGISTRY["sum_without_numbers"]


def test_gradients_that_were_added_up_are_each_leafs_own():
    a, b = (Tensor(np.ones(3), trainable=True) for _ in range(2))
    ops.sum(ops.add(a, b)).backward()
    a.grad *= 0.5
    np.testing.assert_array_equal(a.grad, 0.5 * np.ones(3))
    np.testing.assert_array_equal(b.grad, np.ones(3))

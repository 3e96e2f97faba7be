"""The double refuses what CuPy refuses, and counts what makes the host wait: else the model suite on it would show nothing."""

import numpy as np
import pytest

from minilora.backend import elementwise, namespace, to_device, to_host

from .double import ndarray, transfers

pytestmark = pytest.mark.usefixtures("on_double")


@pytest.fixture
def x():
    return to_device(np.arange(6.0).reshape(2, 3), "cuda")


REFUSED = {
    "to a NumPy array": lambda x, xp: np.asarray(x),
    "a NumPy function": lambda x, xp: np.sum(x),
    "sum with a host array": lambda x, xp: x + np.ones(3),
    "sum of a host array": lambda x, xp: np.ones(3) + x,
    "added to a host array in place": lambda x, xp: np.ones((2, 3)).__iadd__(x),
    "added in place": lambda x, xp: x.__iadd__(np.ones(3)),
    "product with a host array": lambda x, xp: x @ np.ones(3),
    "a host array's product": lambda x, xp: np.ones(2) @ x,
    "a list": lambda x, xp: xp.add(x, [1, 2, 3]),
    "a host array in a ufunc": lambda x, xp: xp.maximum(x, np.ones(3)),
    "where in a ufunc": lambda x, xp: xp.exp(x, where=x > 1),
    "where in a reduction": lambda x, xp: x.sum(where=x > 1),
    "initial in a reduction": lambda x, xp: x.max(initial=0),
    "a host index": lambda x, xp: x[np.array([0, 1])],
    "an index for a host array": lambda x, xp: np.ones(3)[x],
    "a host value": lambda x, xp: x.__setitem__(0, np.ones(3)),
    "concatenation with a host array": lambda x, xp: xp.concatenate([x, np.ones((1, 3))]),
    "a reduction of NumPy's ufunc": lambda x, xp: np.add.reduce(x),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(x, what):
    with pytest.raises((TypeError, IndexError)):
        REFUSED[what](x, namespace(x))


def test_reductions_give_arrays(x):
    for found in (x.sum(), x.mean(), x.max(), (x * 2).min(), x[0, 0], namespace(x).sum(x)):
        assert isinstance(found, ndarray)
        assert found.shape == ()
    assert isinstance(np.float32(2) * x, ndarray)


WAITING = {
    "get()": to_host,
    "item()": lambda x: x.sum().item(),
    "float()": lambda x: float(x.sum()),
    "int()": lambda x: int(x.sum()),
    "bool()": lambda x: bool(x.sum() > 1),
    "tolist()": lambda x: x.tolist(),
    "index by bool": lambda x: x[x > 1],
    "flatnonzero()": lambda x: namespace(x).flatnonzero(x),
}


@pytest.mark.parametrize("what", WAITING)
def test_what_waits_is_counted(x, what):
    with transfers() as noted:
        WAITING[what](x)
    assert len(noted) == 1
    assert noted[0].startswith(what)


def test_computing_waits_for_nothing(x):
    with transfers() as noted:
        y = (x * 2 - 1) @ x.T
        y += y.sum(axis=-1)[:, None]
        assert (y.shape, len(y), y.dtype) == ((2, 2), 2, np.float64)
    assert noted == []


def test_a_kernel_may_not_ask_numpy(x):
    with pytest.raises(TypeError):
        elementwise(lambda xp, a: np.exp(a, out=a))(x)
    y = x * 2
    assert elementwise(lambda xp, a: xp.multiply(a, 2, out=a))(x) is None
    assert bool((x == y).all())

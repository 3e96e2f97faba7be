"""The backend on NumPy: each named difference against an oracle."""

import numpy as np
import pytest
import scipy.special

from minilora.backend import (
    elementwise,
    erf,
    memory_in_use,
    namespace,
    row_dot,
    scatter_add,
    synchronise,
    to_device,
    to_host,
    tune_malloc,
)
from minilora.errors import InputError


def test_the_array_decides():
    assert namespace(np.ones(1)) is np
    assert namespace(3.0) is np


def test_moving_to_where_it_is_changes_nothing():
    x = np.ones(2)
    assert to_host(x) is x
    assert to_device(x, "cpu") is x


def test_an_unknown_device_is_refused():
    with pytest.raises(InputError, match="tpu"):
        to_device(np.ones(1), "tpu")


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 7e-7), (np.float64, 1e-15)])
def test_erf(dtype, error):
    x = np.linspace(-6, 6, 1001).astype(dtype)
    found = erf(x)
    assert found.dtype == dtype
    assert np.abs(found - scipy.special.erf(x.astype(np.float64))).max() < error


def test_scatter_add_counts_repeated_rows(rng):
    rows, values = rng.integers(0, 5, 40), rng.standard_normal((40, 3))
    target = rng.standard_normal((5, 3))
    expected = target.copy()
    np.add.at(expected, rows, values)
    scatter_add(target, rows, values)
    np.testing.assert_allclose(target, expected, rtol=1e-14)


def test_row_dot(rng):
    x, y = rng.standard_normal((2, 3, 4, 5))
    np.testing.assert_allclose(row_dot(x, y), np.einsum("ijk,ijk->ij", x, y))


def test_a_kernel_runs_as_it_stands_on_numpy():
    @elementwise
    def twice(xp, x):
        """Two x."""
        return x * 2

    assert twice(np.arange(3)).tolist() == [0, 2, 4]
    assert twice.__doc__ == "Two x."


def test_memory_and_time_have_answers_here():
    synchronise(np.ones(1))
    assert memory_in_use(np.ones(1)) >= 0
    assert tune_malloc() in (True, False)

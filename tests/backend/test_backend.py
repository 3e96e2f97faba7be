"""The backend on NumPy: each named difference against an oracle."""

import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.special

from minilora.backend import (
    elementwise,
    erf,
    known_within,
    namespace,
    row_dot,
    scatter_add,
    synchronise,
    to_device,
    to_host,
    tune_malloc,
)
from minilora.backend.elementwise import BLOCK
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


@elementwise
def scaled_difference(xp, x, y, z, scale: float):
    """z ← scale · (x − y)."""
    xp.subtract(x, y, out=z)
    z *= scale


@pytest.mark.parametrize("shape", [(), (0,), (3,), (5, BLOCK), (BLOCK + 1,), (2, 3 * BLOCK + 7)])
def test_a_kernel_runs_block_by_block_on_numpy(rng, shape):
    x, y = rng.standard_normal((2, *shape))
    z = np.empty(shape)
    assert scaled_difference(x, y, z, 0.5) is None
    assert np.array_equal(z, 0.5 * (x - y))
    assert scaled_difference.__doc__ == "z ← scale · (x − y)."


def test_a_kernel_writes_into_arrays_that_are_not_contiguous(rng):
    """A view of every second row, and a transposed array: cut flat they would be copies, and what is written into a copy is lost."""
    x, y = rng.standard_normal((2, 400, 300))
    z = np.zeros((800, 300))
    scaled_difference(x, y, z[::2], 2.0)
    assert np.array_equal(z[::2], 2 * (x - y))
    assert not z[1::2].any()
    turned = np.empty((300, 400))
    scaled_difference(x, y, turned.T, 2.0)
    assert np.array_equal(turned.T, 2 * (x - y))


def test_a_kernel_sees_blocks_and_overflows_in_silence(recwarn):
    sizes = []

    @elementwise
    def exponential(xp, x, y):
        """eˣ into y."""
        sizes.append(x.size)
        xp.exp(x, out=y)

    x = np.full(2 * BLOCK + 1, 1e4)
    exponential(x, x)
    assert np.isposinf(x).all()
    assert sizes == [BLOCK, BLOCK, 1]
    assert not recwarn.list


def test_known_within():
    x = np.array([[-3.0, 2.0]])
    assert known_within(x, 3.0)
    assert not known_within(x, 2.9)
    assert not known_within(np.array([0.0, np.nan]), 1e9)
    assert known_within(np.zeros((0, 3)), 0.0)


def test_memory_in_use_grows_by_what_is_made():
    """In a process of its own, which has freed nothing that could serve again."""
    program = "import numpy as np; from minilora.backend import memory_in_use as used; x = np.ones(1); before = used(x); held = np.ones(64 << 20, np.uint8); print(used(x) - before)"
    if not Path("/proc/self/statm").exists():
        pytest.skip("the system does not tell")
    grown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 60 << 20 < int(grown.stdout) < 80 << 20


def test_malloc_is_tuned_where_it_is_glibcs():
    synchronise(np.ones(1))  # nothing to wait for
    assert tune_malloc() == (platform.libc_ver()[0] == "glibc")

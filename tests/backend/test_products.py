"""The product of a linear layer: the same numbers whichever way round it is computed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilora.backend import times_transposed
from minilora.backend.products import FEW

SIZES = st.sampled_from([1, 3, 767, 768, 769, 1600])
"""Rows of W around where it is cut into parts."""


@given(rows=st.integers(0, FEW + 2), into=st.integers(0, 70), out=SIZES, seed=st.integers(0, 9))
def test_it_is_the_product(rows: int, into: int, out: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, W = rng.standard_normal((rows, into)), rng.standard_normal((out, into))
    y = times_transposed(x, W)
    assert y.flags.c_contiguous
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, x @ W.T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rows", [1, 2, FEW, FEW + 1])
def test_dtypes_and_strides(rows: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2 * rows, 12), dtype=np.float32)[::2]
    W = rng.standard_normal((12, 900), dtype=np.float32).T
    y = times_transposed(x, W)
    assert y.dtype == np.float32
    assert y.shape == (rows, 900)
    np.testing.assert_allclose(y, x.astype(float) @ W.T.astype(float), rtol=1e-4, atol=1e-5)

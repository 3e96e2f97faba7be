"""Schedules: warm-up, decay, floor; each a pure function of the step."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilora.errors import InputError
from minilora.train import Schedule

kinds = st.sampled_from(["constant", "linear", "cosine"])


def test_values_at_the_corners():
    linear = Schedule("linear", warmup=4)
    assert [linear.factor(t, 10) for t in range(5)] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert linear.factor(7, 10) == 0.5
    assert math.isclose(linear.factor(9, 10), 1 / 6)
    cosine = Schedule("cosine", floor=0.1)
    assert cosine.factor(0, 8) == 1.0
    assert math.isclose(cosine.factor(4, 8), 0.55)
    assert Schedule("constant").factor(7, 8) == 1.0


@given(kinds, st.integers(0, 50), st.floats(0, 1), st.integers(1, 200))
def test_every_step_gets_some_and_none_more_than_all(kind, warmup, floor, steps):
    schedule = Schedule(kind, warmup, floor)
    factors = [schedule.factor(t, steps) for t in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)
    rising, falling = factors[:warmup], factors[warmup:]
    assert rising == sorted(rising)
    assert all(a >= b - 1e-12 for a, b in pairwise(falling))
    assert all(factor >= floor - 1e-12 for factor in falling)
    if falling:
        assert falling[0] == 1.0


def test_bad_values_are_named():
    with pytest.raises(InputError, match=r"not 'cosin'; did you mean 'cosine'\?"):
        Schedule("cosin")
    with pytest.raises(InputError, match="warmup must be at least 0 steps, not -1"):
        Schedule(warmup=-1)
    with pytest.raises(InputError, match="floor"):
        Schedule(floor=2.0)

"""Modules: finding parameters and submodules, replacing them, filling them."""

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.nn import Dropout, Embedding, LayerNorm, Linear, Module, Parameter


class Pair(Module):
    """A module with a list, a dict, a tied weight and a plain value."""

    def __init__(self) -> None:
        self.layers = [Linear(np.ones((2, 3)), np.zeros(2)), Linear(np.ones((3, 2)), None)]
        self.norms = {"first": LayerNorm(3, dtype=np.float64)}
        self.tied = self.layers[0].weight
        self.rate = 0.5


def test_parameters_are_found_in_order_and_tied_ones_once():
    names = [name for name, _ in Pair().named_parameters()]
    # a module's own parameters come before those of the modules below it
    assert names == ["tied", "layers.0.bias", "layers.1.weight", "norms.first.gain", "norms.first.bias"]
    assert Pair().count_parameters() == 6 + 2 + 6 + 3 + 3


def test_modules_are_found_and_replaced_by_path():
    pair = Pair()
    assert [path for path, _ in pair.named_modules()] == ["", "layers.0", "layers.1", "norms.first"]
    for path in ("layers.1", "norms.first"):
        new = Linear(np.ones((1, 1)), None)
        pair.set_module(path, new)
        assert pair.get_module(path) is new


def test_a_wrong_path_names_the_nearest():
    with pytest.raises(InputError, match=r"norms\.frist.*norms\.first"):
        Pair().get_module("norms.frist")


def test_frozen_parameters_have_no_place_on_the_tape():
    pair = Pair().freeze()
    assert pair.trainable_parameters() == []
    pair.layers[1].weight.trainable = True
    assert [name for name, _ in pair.trainable_parameters()] == ["layers.1.weight"]
    assert pair.count_parameters(trainable_only=True) == 6
    assert len(pair.unfreeze().trainable_parameters()) == 5


def test_state_round_trip_keeps_dtype_and_arrays():
    pair = Pair()
    state = {name: array + 1 for name, array in pair.state().items()}
    held = pair.layers[0].weight.data
    pair.load_state({name: array.astype(np.float32) for name, array in state.items()})
    assert pair.layers[0].weight.data is held
    assert held.dtype == np.float64
    assert (held == 2).all()


def test_state_that_does_not_fit_changes_nothing_and_lists_every_trouble():
    pair = Pair()
    state = pair.state() | {"extra": np.ones(1), "layers.0.bias": np.ones(7)}
    del state["norms.first.gain"]
    with pytest.raises(InputError) as error:
        pair.load_state(state)
    for part in ("missing: norms.first.gain", "unexpected: extra", "layers.0.bias (7,) instead of (2,)"):
        assert part in str(error.value)
    assert (pair.layers[0].bias.data == 0).all()


def test_astype_converts_every_parameter():
    assert {p.dtype for p in Pair().astype(np.float32).parameters()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("dtype", ["float16", "int32", "complex64"])
def test_a_dtype_that_nothing_computes_in_is_refused(dtype):
    pair = Pair()
    before = {name: array.dtype for name, array in pair.state().items()}
    with pytest.raises(InputError, match=f"float32 or float64, not {dtype}; store"):
        pair.astype(dtype)
    assert {name: array.dtype for name, array in pair.state().items()} == before


def test_print_shows_the_tree():
    text = repr(Pair())
    assert "layers.0: Linear(3 → 2)" in text
    assert "layers.1: Linear(2 → 3, no bias)" in text
    assert "norms.first: LayerNorm(3)" in text


def test_dropout_draws_only_from_a_generator_it_is_given(rng):
    x = Parameter(np.ones((4, 5)))
    assert Dropout(0.5)(x) is x
    assert Dropout(0.0)(x, rng) is x
    assert (Dropout(0.5)(x, rng).data == 0).any()


def test_embedding_picks_rows():
    table = Embedding(np.arange(6.0).reshape(3, 2))
    assert table(np.array([2, 0])).data.tolist() == [[4.0, 5.0], [0.0, 1.0]]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", np.int32, "nonsense"])
def test_a_model_computes_in_float32_or_float64(dtype):
    with pytest.raises(InputError, match="computes in float32 or float64, not"):
        Linear(np.zeros((2, 2), np.float32), None).astype(dtype)

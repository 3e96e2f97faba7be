"""Switching costs and storage."""

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.lab.switching import storage, switch_cost
from minilora.methods import LoRA, PrefixEmbedding, adapt
from minilora.models.gpt import GPT, GPTConfig


def test_switching_is_measured_and_leaves_everything_as_it_was() -> None:
    model = GPT(GPTConfig(vocabulary=200, context=16, width=32, layers=2, heads=2), np.random.default_rng(0))
    tuned = adapt(model, LoRA(rank=2), name="a")
    tuned.add("b", LoRA(rank=3), rng=1)
    before = {name: array.tobytes() for name, array in model.state().items()}
    cost = switch_cost(tuned, "a", "b", trials=5)
    assert (tuned.active, tuned.merged, set(tuned.methods)) == ("a", False, {"a", "b"})
    assert {name: array.tobytes() for name, array in model.state().items()} == before
    assert 0 < cost.use.median < cost.load.median
    assert cost.use.median < cost.merged.median
    tuned.add("c", PrefixEmbedding(1))
    with pytest.raises(InputError, match="a prefix cannot be merged"):
        switch_cost(tuned, "a", "c")


def test_storage_of_a_hundred_tasks_is_the_papers() -> None:
    gpt3 = GPTConfig(vocabulary=50257, context=2048, width=12288, layers=96, heads=96)
    hundred = storage(gpt3, LoRA(rank=4), 100)
    assert hundred.adapters / 1e9 == pytest.approx(354, rel=0.01)
    assert hundred.models / 1e12 == pytest.approx(35, rel=0.01)
    with pytest.raises(InputError, match="tasks must be at least 1"):
        storage(gpt3, LoRA(), 0)

"""The copying circuit works before any training, which is what it is there for."""

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.models.gpt import GPT, GPTConfig
from minilora.models.induction import gpt_with_induction_heads

SHAPE = GPTConfig(vocabulary=1000, context=128, width=256, layers=6, heads=8)


def accuracy_on_the_repeat(model: GPT) -> float:
    string = np.random.default_rng(1).integers(0, SHAPE.vocabulary, (4, 40))
    ids = np.concatenate([string, string], axis=1)  # [rows, 80]
    best = model.logits(ids)[:, :-1].argmax(axis=-1)
    return float((best == ids[:, 1:])[:, 40:].mean())


def test_random_strings_are_copied_without_training(rng):
    assert accuracy_on_the_repeat(gpt_with_induction_heads(SHAPE, rng)) > 0.8


def test_lists_are_copied_without_training(rng):
    """With the same mark between all items, one token tells nothing: two must agree."""
    items = np.random.default_rng(2).integers(1, SHAPE.vocabulary, (8, 12))
    listed = np.stack([items, np.zeros_like(items)], axis=-1).reshape(8, 24)  # item, mark, item, mark, …
    ids = np.concatenate([listed, listed], axis=1)  # [rows, 48]
    best = gpt_with_induction_heads(SHAPE, rng).logits(ids)[:, 25:-1:2].argmax(axis=-1)  # after the marks
    assert float((best == ids[:, 26::2]).mean()) > 0.6


def test_an_ordinary_start_cannot(rng):
    assert accuracy_on_the_repeat(GPT(SHAPE, rng)) < 0.05


def test_a_shape_without_room_is_refused(rng):
    with pytest.raises(InputError, match="8 heads"):
        gpt_with_induction_heads(GPTConfig(vocabulary=10, context=8, width=8, layers=2, heads=4), rng)

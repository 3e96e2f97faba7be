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


def accuracy_past_a_separator(model: GPT) -> float:
    """`k1 : v1 k2 : v2 …`, then the pairs again in another order: how often the value is predicted after its key and the colon that all pairs share."""
    rng, right = np.random.default_rng(2), []
    for _ in range(8):
        names = rng.choice(np.arange(1, SHAPE.vocabulary), 16, replace=False).reshape(8, 2)
        pairs = np.insert(names, 1, 0, axis=1)  # [8, key : value]
        ids = np.concatenate([pairs, rng.permutation(pairs)]).reshape(1, 48)
        best = model.logits(ids)[:, :-1].argmax(axis=-1)
        right.append((best == ids[:, 1:])[:, 25::3])
    return float(np.mean(right))


def test_values_are_found_past_a_separator_without_training(rng):
    assert accuracy_past_a_separator(gpt_with_induction_heads(SHAPE, rng)) > 0.75


def test_an_ordinary_start_cannot(rng):
    assert accuracy_on_the_repeat(GPT(SHAPE, rng)) < 0.05
    assert accuracy_past_a_separator(GPT(SHAPE, rng)) < 0.1


def test_a_shape_without_room_is_refused(rng):
    with pytest.raises(InputError, match="8 heads"):
        gpt_with_induction_heads(GPTConfig(vocabulary=10, context=8, width=8, layers=2, heads=4), rng)


def test_heads_of_odd_width_are_refused(rng):
    """A position is pairs of a sine and a cosine."""
    with pytest.raises(InputError, match="72 over 8 heads is 9"):
        gpt_with_induction_heads(GPTConfig(64, 64, 72, 2, 8), rng)

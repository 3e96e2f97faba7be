"""A new RoBERTa's first block looks at neighbours before any training."""

from dataclasses import replace

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.models.bert import Bert, BertConfig
from minilora.models.neighbours import STEPS, bert_with_neighbour_heads

SHAPE = BertConfig(1000, 128, 256, 2, 8, types=1, padding=1)


def weights_of_the_first_block(model: Bert, ids: np.ndarray) -> np.ndarray:
    """[heads, tokens, tokens] of one text, by hand."""
    x = next(iter(model.states(ids))).data[0]
    attention = model.blocks[0].attention
    q, k = (
        (x @ layer.weight.data.T).reshape(len(x), SHAPE.heads, -1).swapaxes(0, 1)
        for layer in (attention.query, attention.key)
    )
    scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_each_head_looks_at_its_neighbour(rng):
    model = bert_with_neighbour_heads(SHAPE, rng)
    weights = weights_of_the_first_block(model, rng.integers(5, 1000, (1, 100)))
    inner = np.arange(5, 95)
    for head, steps in enumerate(STEPS):
        assert weights[head, inner, inner - steps].min() > 0.5
    assert weights[len(STEPS) :].max() < 0.2  # the others are random


def test_a_shape_with_few_heads_is_refused(rng):
    with pytest.raises(InputError, match="needs 6 heads, but the shape has 4"):
        bert_with_neighbour_heads(replace(SHAPE, heads=4), rng)

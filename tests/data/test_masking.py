"""Masked language modelling: how many tokens are hidden, behind what, and that nothing else changes."""

import numpy as np
import pytest

from minilora.data import ROBERTA, Tokenizer
from minilora.data.masking import mask_tokens
from minilora.errors import InputError


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train(["a sea of words and the words of a sea"] * 3, vocabulary=300, special=ROBERTA)


def rows(tokenizer, count=64, length=128):
    return np.random.default_rng(0).integers(len(ROBERTA), tokenizer.vocabulary, (count, length))


def test_fifteen_percent_are_asked_for_and_eight_tenths_of_them_hidden(tokenizer):
    ids = rows(tokenizer)
    batch = mask_tokens(ids, tokenizer, np.random.default_rng(1))
    asked = batch.targets != -100
    assert asked[:, 1:-1].mean() == pytest.approx(0.15, abs=0.01)
    shown, truth = batch.ids[asked], batch.targets[asked]
    np.testing.assert_array_equal(truth, ids[asked])
    assert (shown == tokenizer.mask).mean() == pytest.approx(0.8, abs=0.03)
    assert (shown == truth).mean() == pytest.approx(0.1, abs=0.03)
    assert (shown[shown != tokenizer.mask] > tokenizer.mask).all()


def test_what_is_not_asked_for_stays_and_the_ends_are_marks(tokenizer):
    ids = rows(tokenizer)
    batch = mask_tokens(ids, tokenizer, np.random.default_rng(1))
    rest = batch.targets == -100
    rest[:, [0, -1]] = False
    np.testing.assert_array_equal(batch.ids[rest], ids[rest])
    assert (batch.ids[:, 0] == tokenizer.start).all()
    assert (batch.ids[:, -1] == tokenizer.end).all()
    assert (batch.targets[:, [0, -1]] == -100).all()
    assert batch.mask.all()


def test_special_tokens_within_a_text_are_not_asked_for(tokenizer):
    ids = rows(tokenizer)
    ids[:, 60] = tokenizer.end
    batch = mask_tokens(ids, tokenizer, np.random.default_rng(1), share=0.9)
    assert (batch.targets[:, 60] == -100).all()


def test_the_same_generator_hides_the_same(tokenizer):
    one, two, other = (mask_tokens(rows(tokenizer), tokenizer, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.ids, two.ids)
    assert (one.ids != other.ids).any()


def test_a_decoders_tokenizer_is_refused():
    plain = Tokenizer.train(["some words"], vocabulary=270)
    with pytest.raises(InputError, match="mask"):
        mask_tokens(np.full((2, 8), 3), plain, np.random.default_rng(0))

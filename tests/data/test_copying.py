"""The copying gate: what it counts is decided by the text, and the score is what it says."""

import numpy as np
import pytest
from numpy.typing import NDArray

from minilora.data import IGNORED, Batch, Tokenizer, copying_accuracy, copying_batch
from minilora.data.copying import _TEXTS
from minilora.data.mixture.dice import Dice
from minilora.errors import InputError


@pytest.fixture(scope="module")
def gate(tokenizer: Tokenizer) -> Batch:
    return copying_batch(tokenizer, rows=16, length=256)


def test_pieces_are_cut_as_the_whole_is(tokenizer: Tokenizer) -> None:
    dice = Dice(np.random.default_rng(0))
    for write in _TEXTS:
        for _ in range(100):
            pieces = write(dice)
            apart = [token for text, _ in pieces for token in tokenizer.encode(text)]
            assert apart == tokenizer.encode("".join(text for text, _ in pieces))


def test_marked_pieces_stand_before(tokenizer: Tokenizer) -> None:
    dice = Dice(np.random.default_rng(1))
    for write in _TEXTS:
        for _ in range(100):
            before = ""
            for text, counted in write(dice):
                assert not counted or text.strip() in before
                before += text


def test_shape_targets_and_seed(gate: Batch, tokenizer: Tokenizer) -> None:
    assert gate.ids.shape == (16, 256)
    assert 300 < gate.counted < 16 * 200
    counted = gate.targets != IGNORED
    np.testing.assert_array_equal(gate.ids[:, 1:][counted[:, :-1]], gate.targets[:, :-1][counted[:, :-1]])
    np.testing.assert_array_equal(copying_batch(tokenizer, rows=16, length=256).ids, gate.ids)
    np.testing.assert_array_equal(copying_batch(tokenizer, rows=4, length=256).ids, gate.ids[:4])
    assert (copying_batch(tokenizer, rows=16, length=256, seed=2).ids != gate.ids).any()


def longest_match(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Copying at its best: after each position, what followed the longest earlier stretch that ends alike."""
    predicted = np.zeros_like(ids)
    for row, tokens in enumerate(ids.tolist()):
        for position in range(1, len(tokens)):
            lengths = []
            for earlier in range(position):
                same = 0
                while same <= earlier and tokens[earlier - same] == tokens[position - same]:
                    same += 1
                lengths.append((same, earlier))
            predicted[row, position] = tokens[max(lengths)[1] + 1]
    return predicted


def test_a_copier_passes_and_a_guesser_fails(gate: Batch) -> None:
    some = gate.rows(slice(0, 4))
    assert copying_accuracy(some, longest_match(some.ids)) > 0.93
    assert copying_accuracy(some, np.where(some.targets == IGNORED, 0, some.targets)) == 1.0
    assert copying_accuracy(some, np.full_like(some.ids, 5)) < 0.1


def test_what_cannot_be(gate: Batch, tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="length is 10"):
        copying_batch(tokenizer, length=10)
    with pytest.raises(InputError, match="has the shape"):
        copying_accuracy(gate, gate.ids[:, 1:])

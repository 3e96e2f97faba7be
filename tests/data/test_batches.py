"""Batches: what is learned, what is padding, and the same batch for the same seed and step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilora.data import IGNORED, Batch, Example, ExampleLoader, Tokenizer, encode_examples, pad
from minilora.errors import InputError

END, PADDING = 0, 9
ids = st.lists(st.integers(1, 8), max_size=7)
pairs = st.lists(st.tuples(ids, ids), min_size=1, max_size=6)


def test_pad_by_hand() -> None:
    batch = pad([([5, 6], [7]), ([3], [4, 4, 4])], end=END, padding=PADDING)
    np.testing.assert_array_equal(batch.ids, [[5, 6, 7, PADDING], [3, 4, 4, 4]])
    np.testing.assert_array_equal(batch.targets, [[IGNORED, 7, END, IGNORED], [4, 4, 4, END]])
    np.testing.assert_array_equal(batch.mask, [[True, True, True, False], [True] * 4])
    assert batch.counted == 2 + 4


@given(pairs=pairs)
def test_pad_holds_every_token_once(pairs: list[tuple[list[int], list[int]]]) -> None:
    batch = pad(pairs, end=END, padding=PADDING)
    assert batch.ids.dtype == batch.targets.dtype == np.int64
    for row, (prompt, completion) in enumerate(pairs):
        text = [*prompt, *completion, END]
        assert batch.ids[row][batch.mask[row]].tolist() == text[:-1]
        counted = batch.targets[row] != IGNORED
        assert batch.targets[row][counted].tolist() == (text[len(prompt) :] if prompt else text[1:])
        assert not counted[~batch.mask[row]].any()


@given(pairs=pairs)
def test_shards_hold_what_the_batch_holds(pairs: list[tuple[list[int], list[int]]]) -> None:
    batch = pad(pairs, end=END, padding=PADDING)
    middle = len(pairs) // 2
    shards = [batch.rows(slice(0, middle)), batch.rows(slice(middle, None))]
    assert sum(shard.counted for shard in shards) == batch.counted
    assert sum(len(shard.ids) for shard in shards) == len(pairs)
    for shard in shards:
        assert shard.ids.shape[1] == shard.mask.sum(axis=1).max(initial=0), (
            "a shard keeps no column of padding alone"
        )
    np.testing.assert_array_equal(batch.rows([0]).targets[0], batch.targets[0][batch.mask[0]])


def test_batch_is_frozen() -> None:
    batch = pad([([1], [2])], end=END, padding=PADDING)
    with pytest.raises(AttributeError):
        batch.ids = batch.targets  # type: ignore[misc]


@pytest.fixture
def examples() -> list[Example]:
    return [Example(f"copy {'a ' * (i % 9)}{i} :", f" {'a ' * (i % 9)}{i}") for i in range(70)]


def loader(examples: list[Example], tokenizer: Tokenizer, seed: int = 0, rows: int = 8) -> ExampleLoader:
    return ExampleLoader(examples, tokenizer, rows=rows, context=64, seed=seed, window=3)


def rows_of(batch: Batch) -> list[tuple[int, ...]]:
    return [tuple(row[mask].tolist()) for row, mask in zip(batch.ids, batch.mask, strict=True)]


def test_an_epoch_visits_each_example_once(examples: list[Example], tokenizer: Tokenizer) -> None:
    batches = loader(examples, tokenizer)
    assert batches.steps_per_epoch == 9
    for epoch in (0, 1):
        seen = [row for step in range(9) for row in rows_of(batches.batch(9 * epoch + step))]
        assert sorted(seen) == sorted((*prompt, *completion) for prompt, completion in batches.pairs)


def test_batch_depends_on_seed_and_step_alone(examples: list[Example], tokenizer: Tokenizer) -> None:
    forward, backward = loader(examples, tokenizer), loader(examples, tokenizer)
    expected = {step: forward.batch(step) for step in range(20)}
    for step in reversed(range(20)):
        np.testing.assert_array_equal(backward.batch(step).ids, expected[step].ids)
    assert any(
        rows_of(loader(examples, tokenizer, seed=1).batch(s)) != rows_of(expected[s]) for s in range(9)
    )
    assert [rows_of(expected[s]) for s in range(9)] != [rows_of(expected[s]) for s in range(9, 18)]


def test_rows_of_a_batch_are_about_as_long(examples: list[Example], tokenizer: Tokenizer) -> None:
    def padding(window: int) -> float:
        batches = ExampleLoader(examples, tokenizer, rows=8, context=64, seed=0, window=window)
        masks = [batches.batch(step).mask for step in range(batches.steps_per_epoch)]
        return 1 - sum(mask.sum() for mask in masks) / sum(mask.size for mask in masks)

    assert padding(window=9) < 0.5 * padding(window=1)


def test_text_longer_than_the_context(tokenizer: Tokenizer) -> None:
    fits, too_long = Example("a b c", " d"), Example("count: " + "7" * 40, " 1")
    context = len(tokenizer.encode(fits.prompt + fits.completion))
    assert len(encode_examples([fits], tokenizer, context)) == 1
    with pytest.raises(
        InputError, match=r"1 of 2 examples .*context of \d+ tokens, first example 1 \('count: 7777.*…'\)"
    ):
        encode_examples([fits, too_long], tokenizer, context)


def test_nothing_to_learn_from(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="no example"):
        ExampleLoader([], tokenizer, rows=4, context=64, seed=0)
    with pytest.raises(InputError, match="rows is 0"):
        ExampleLoader([Example("a", " b")], tokenizer, rows=0, context=64, seed=0)
    with pytest.raises(InputError, match="at least one example"):
        pad([], end=0, padding=0)

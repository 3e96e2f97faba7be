"""The pretraining mixture: shares, purity, what is counted, and that no question ever stands before a statement."""

import hashlib
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from minilora.data import IGNORED, Mixture, Shares, Tokenizer, corpus_tokens, read_documents, split_corpus
from minilora.data.mixture import FAMILIES, documents
from minilora.data.mixture.dice import Dice
from minilora.data.mixture.repeats import _listed, _paired, repeat_row
from minilora.data.mixture.words import article, plural
from minilora.errors import InputError


@pytest.fixture(scope="module")
def mixture(tokenizer: Tokenizer, corpus: NDArray[np.int32]) -> Mixture:
    return Mixture(tokenizer, corpus, seed=0, rows=8, length=64)


def test_batch_depends_on_seed_step_and_shape_alone(
    mixture: Mixture, tokenizer: Tokenizer, corpus: NDArray[np.int32]
) -> None:
    first = [mixture.batch(step) for step in range(4)]
    again = Mixture(tokenizer, corpus, seed=0, rows=8, length=64)
    for step in reversed(range(4)):
        np.testing.assert_array_equal(again.batch(step).ids, first[step].ids)
        np.testing.assert_array_equal(again.batch(step).targets, first[step].targets)
    other = Mixture(tokenizer, corpus, seed=1, rows=8, length=64)
    assert (other.batch(0).ids != first[0].ids).any()
    assert (first[1].ids != first[0].ids).any()


def test_other_shapes(mixture: Mixture) -> None:
    for rows, length in ((1, 64), (3, 200), (16, 32)):
        batch = mixture.batch(7, rows=rows, length=length)
        assert batch.ids.shape == batch.targets.shape == batch.mask.shape == (rows, length)
        assert batch.ids.dtype == batch.targets.dtype == np.int64
        assert batch.mask.all()


def test_targets_are_the_next_tokens(mixture: Mixture) -> None:
    for step in range(5):
        batch = mixture.batch(step)
        following = batch.targets[:, :-1]
        assert ((following == batch.ids[:, 1:]) | (following == IGNORED)).all()
        assert batch.ids.min() >= 0
        assert batch.ids.max() < mixture.tokenizer.vocabulary


def test_shares_of_rows(tokenizer: Tokenizer, corpus: NDArray[np.int32]) -> None:
    mixture = Mixture(tokenizer, corpus, seed=0, rows=8, length=64, shares=Shares(repeats=0.3, formatted=0.2))
    partly = [int((mixture.batch(step).targets == IGNORED).any(axis=1).sum()) for step in range(100)]
    assert set(partly) <= {2, 3}
    assert abs(np.mean(partly) / 8 - 0.3) < 0.02
    everything = Mixture(
        tokenizer, corpus, seed=0, rows=8, length=64, shares=Shares(repeats=0, formatted=1)
    ).batch(0)
    assert everything.counted == everything.ids.size


def test_shares_that_cannot_be() -> None:
    with pytest.raises(InputError, match="together at most 1"):
        Shares(repeats=0.6, formatted=0.5)
    with pytest.raises(InputError, match="0 or more"):
        Shares(repeats=-0.1)


def test_corpus_shorter_than_a_row(mixture: Mixture, tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="too few"):
        Mixture(tokenizer, np.arange(10), seed=0, rows=2, length=64)
    with pytest.raises(InputError, match="too few"):
        mixture.batch(0, length=10**6)


@given(seed=st.integers(0, 10**6), length=st.sampled_from([16, 64, 255]))
def test_counted_repeats_are_decided_by_what_stands_before(seed: int, length: int) -> None:
    """With so large a vocabulary that chance repeats are rare, the last earlier place of the present two tokens, or else of the present one, tells each counted one."""
    vocabulary, end = 10**9, 7
    ids, targets = repeat_row(np.random.default_rng(seed), vocabulary, end, length)
    assert len(ids) == len(targets) == length
    assert end not in ids
    last: dict[int | tuple[int, int], int] = {}
    before = -1
    for position, (token, target) in enumerate(zip(ids.tolist(), targets.tolist(), strict=True)):
        if target != IGNORED:
            place = last[before, token] if (before, token) in last else last[token]
            assert ids[place + 1] == target
        last[token] = last[before, token] = position
        before = token


def test_marks_ask_for_two_tokens() -> None:
    """In lists and pairs a good part of what is counted can't be told from the present token alone: its last earlier place is followed by another."""
    for layout, least in ((_listed, 0.3), (_paired, 0.15)):
        rng, wrong = np.random.default_rng(0), []
        for _ in range(50):
            tokens, counted = layout(rng, 10**9, 7, 256)
            last: dict[int, int] = {}
            for position, (token, following) in enumerate(pairwise(tokens.tolist())):
                if counted[position + 1]:
                    wrong.append(tokens[last[token] + 1] != following)
                last[token] = position
        assert np.mean(wrong) > least


def test_repeats_are_worth_their_rows() -> None:
    rng = np.random.default_rng(0)
    counted = [np.mean(repeat_row(rng, 4096, 0, 256)[1] != IGNORED) for _ in range(200)]
    assert 0.5 < np.mean(counted) < 0.9


@pytest.mark.parametrize("family", FAMILIES)
def test_families_are_varied_text(family: str) -> None:
    dice = Dice(np.random.default_rng(0))
    texts = [FAMILIES[family][1](dice) for _ in range(200)]
    assert all(text.strip() and len(text) < 6000 for text in texts)
    assert len(set(texts)) > 195
    assert len({text[:12] for text in texts}) > 20, "openings differ"
    leftovers = [
        text
        for text in texts
        if re.search(r"\{(name|kind|v|k|n|a|b|columns|more)\}", text) and family != "rewritten"
    ]
    assert not leftovers, "a wording was not filled in"


def test_documents_are_a_function_of_the_seed() -> None:
    """The published base was trained on these texts: a change of the families changes what it can be compared with."""
    text = "\n".join(documents(0, 50_000))
    assert 50_000 <= len(text) < 56_000
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "dafb86a7e55b72f9"


def test_names_recur_within_documents() -> None:
    """What the formatted texts are for: of the rare words in them most come again in the same document."""
    again = once = 0
    for text in documents(3, 100_000):
        words = re.findall(r"[a-z]{6,}", text)
        again += sum(words.count(word) > 1 for word in set(words))
        once += sum(words.count(word) == 1 for word in set(words))
    assert again > once


def test_no_question_before_a_statement() -> None:
    """Question-to-statement pairs are a task's business: here a line before a statement never asks."""
    for text in documents(4, 400_000):
        lines = text.split("\n")
        for i, line in enumerate(lines):
            if "SELECT" in line:
                assert not any("?" in above or above.startswith("Q:") for above in lines[:i])


def test_words() -> None:
    assert [plural(noun) for noun in ("castle", "city", "toy", "box", "church")] == [
        "castles",
        "cities",
        "toys",
        "boxes",
        "churches",
    ]
    assert (article("inn"), article("boat")) == ("an", "a")


def test_one_book_is_held_out(shared_data: Path) -> None:
    path = shared_data / "classic_books" / "train.txt"
    training, held_out = split_corpus(path)
    assert len(training) == len(read_documents(path)) - 1 == 39
    assert held_out.startswith("CHAPTER I - BEAUTIFUL AS THE DAY")
    assert held_out not in training


def test_short_books_are_held_out_together(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "books.txt").write_text(
        "<|endoftext|>".join(f"book {i} " * 20 for i in range(100)), encoding="utf-8"
    )
    training, held_out = split_corpus(tmp_path / "books.txt")
    assert len(training) == 98
    assert (corpus_tokens([held_out], tokenizer) == tokenizer.end).sum() == 2

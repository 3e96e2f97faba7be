"""A small tokenizer and a small corpus, made once for all tests of this folder."""

import numpy as np
import pytest
from numpy.typing import NDArray

from minilora.data import Tokenizer, text_tokens, tokenizer_texts
from minilora.data.mixture import documents

VOCABULARY = 1024


@pytest.fixture(scope="session")
def books() -> list[str]:
    """Three short texts that stand for books."""
    return [" ".join(documents(seed, 20_000)) for seed in (10, 11, 12)]


@pytest.fixture(scope="session")
def tokenizer(books: list[str]) -> Tokenizer:
    """A tokenizer of 1024 pieces."""
    return Tokenizer.train(tokenizer_texts(books, seed=0, characters=100_000), VOCABULARY)


@pytest.fixture(scope="session")
def corpus(books: list[str], tokenizer: Tokenizer) -> NDArray[np.int32]:
    """The books as tokens."""
    return text_tokens(books, tokenizer)

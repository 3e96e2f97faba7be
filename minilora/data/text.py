"""Plain text as data: any .txt file, or a folder of them.

Before: files. After: one long array of tokens, documents separated by the end token, of which `TextLoader` cuts random windows for training and
`text_windows` consecutive ones for measuring perplexity.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .batches import Batch
from .tokenizer import END, Tokenizer


def read_documents(path: str | os.PathLike[str]) -> list[str]:
    """The documents of a .txt file, or of all .txt files of a folder and its folders, by name; a file may hold several, separated by `<|endoftext|>`.

    Raises InputError when the path is missing, holds no .txt file, a file is not UTF-8, or there is no text.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"no text at {str(path)!r}; give a .txt file or a folder of .txt files")
    files = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"the folder {str(path)!r} holds no .txt file")
    documents = [part.strip() for file in files for part in _read(file).split(END)]
    documents = [document for document in documents if document]
    if not documents:
        raise InputError(f"{str(path)!r} holds no text: it is empty or blank")
    return documents


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{str(file)!r} is not UTF-8 text (byte {error.start}); convert it to UTF-8 first"
        ) from error
    except OSError as error:
        raise InputError(f"cannot read {str(file)!r}: {error.strerror}") from error


def split_documents(documents: Sequence[str], share: float = 0.05) -> tuple[list[str], list[str]]:
    """Keep a share of the text for measuring: (for training, held out).

    Whole documents are held out, at least one, in the order of the SHA-256 of their first 200 characters, until the share of all characters is reached:
    a rule that depends on the texts alone, not on their order or a seed. A single document loses its last part instead.
    """
    if not 0 < share < 1:
        raise InputError(f"share is {share}; the held-out share lies between 0 and 1")
    if len(documents) == 1:
        cut = round(len(documents[0]) * (1 - share))
        return [documents[0][:cut]], [documents[0][cut:]]
    order = sorted(range(len(documents)), key=lambda i: hashlib.sha256(documents[i][:200].encode()).digest())
    wanted, held, size = share * sum(map(len, documents)), set[int](), 0
    for i in order[:-1]:
        if held and size >= wanted:
            break
        held.add(i)
        size += len(documents[i])
    training = [document for i, document in enumerate(documents) if i not in held]
    return training, [documents[i] for i in sorted(held)]


def text_tokens(documents: Sequence[str], tokenizer: Tokenizer) -> NDArray[np.int32]:
    """All documents as one array [tokens], each followed by the end token."""
    pieces = [np.array([*ids, tokenizer.end], np.int32) for ids in tokenizer.encode_all(documents)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int32)


class TextLoader:
    """Random windows of a long text: at each step ``rows`` of them, each of ``length`` tokens, with every next token learned."""

    def __init__(self, tokens: NDArray[np.integer], *, rows: int, length: int, seed: int) -> None:
        check_length(tokens, length)
        self.tokens, self.rows, self.length, self.seed = tokens, rows, length, seed

    def batch(self, step: int) -> Batch:
        """The batch of a step: the same for the same seed and step, whatever was asked before."""
        rng = np.random.default_rng([self.seed, step])
        return full_rows(random_windows(self.tokens, self.rows, self.length, rng))


def random_windows(
    tokens: NDArray[np.integer], rows: int, length: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Windows that start anywhere: [rows, length + 1], one token more than is read, since it is a target."""
    starts = rng.integers(0, len(tokens) - length, rows)
    return np.asarray(tokens[starts[:, None] + np.arange(length + 1)], np.int64)  # [rows, length + 1]


def text_windows(tokens: NDArray[np.integer], *, rows: int, length: int) -> Iterator[Batch]:
    """A text from beginning to end in windows of ``length``, for perplexity: every token but the first is a target once; a rest shorter than a window is left."""
    check_length(tokens, length)
    count = (len(tokens) - 1) // length
    for first in range(0, count, rows):
        starts = np.arange(first, min(first + rows, count)) * length
        yield full_rows(np.asarray(tokens[starts[:, None] + np.arange(length + 1)], np.int64))


def full_rows(tokens: NDArray[np.int64]) -> Batch:
    """Rows [rows, length + 1] without padding as a batch: all but the last token is read, all but the first is a target."""
    return Batch(
        tokens[:, :-1].copy(), tokens[:, 1:].copy(), np.ones((len(tokens), tokens.shape[1] - 1), np.bool_)
    )


def check_length(tokens: NDArray[np.integer], length: int) -> None:
    """Raises InputError when the text is too short for one row of ``length`` tokens and its last target."""
    if length < 1:
        raise InputError(f"length is {length}; a row needs at least one token")
    if len(tokens) < length + 1:
        raise InputError(
            f"the text has {len(tokens)} tokens, too few for one row of {length} and the token after it; give more text or a smaller length"
        )

"""Plain text: reading, holding out, windows."""

from pathlib import Path

import numpy as np
import pytest

from minilora.data import TextLoader, Tokenizer, read_documents, split_documents, text_tokens, text_windows
from minilora.data.text import full_rows
from minilora.errors import InputError


def test_a_file_a_folder_and_their_documents(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").write_text("one<|endoftext|>\n\ntwo\n<|endoftext|>", encoding="utf-8")
    (tmp_path / "b" / "c.txt").write_text("\ufeffthree, café", encoding="utf-8")
    (tmp_path / "notes.md").write_text("not a text file")
    assert read_documents(tmp_path / "a.txt") == ["one", "two"]
    assert read_documents(tmp_path) == ["one", "two", "three, café"]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no text at"):
        read_documents(tmp_path / "missing.txt")
    with pytest.raises(InputError, match=r"holds no \.txt file"):
        read_documents(tmp_path)
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.txt' is not UTF-8 text \(byte 3\)"):
        read_documents(tmp_path / "latin.txt")
    (tmp_path / "latin.txt").write_text("  \n <|endoftext|> ")
    with pytest.raises(InputError, match="holds no text"):
        read_documents(tmp_path / "latin.txt")


def test_held_out_documents_do_not_depend_on_order() -> None:
    documents = [f"{i} " * 50 for i in range(40)]
    training, held = split_documents(documents, 0.2)
    assert sorted(training + held) == sorted(documents)
    assert 0.2 <= sum(map(len, held)) / sum(map(len, documents)) < 0.25
    again, held_again = split_documents(documents[::-1], 0.2)
    assert (again, held_again) == (training[::-1], held[::-1])


def test_held_out_edges() -> None:
    assert split_documents(["abcdefghij"], 0.2) == (["abcdefgh"], ["ij"])
    training, held = split_documents(["a", "b" * 1000], 0.9)
    assert len(training) == len(held) == 1, "one document is always left to train on"
    with pytest.raises(InputError, match="share is 1"):
        split_documents(["a", "b"], 1)


def test_tokens_are_documents_with_ends(tokenizer: Tokenizer) -> None:
    tokens = text_tokens(["one two", "three"], tokenizer)
    assert tokens.tolist() == [
        *tokenizer.encode("one two"),
        tokenizer.end,
        *tokenizer.encode("three"),
        tokenizer.end,
    ]
    assert len(text_tokens([], tokenizer)) == 0


def test_random_windows_are_pure_and_in_the_text() -> None:
    tokens = np.arange(50, dtype=np.int32)
    loader = TextLoader(tokens, rows=6, length=8, seed=3)
    batch = loader.batch(5)
    assert batch.ids.shape == batch.targets.shape == (6, 8)
    assert batch.counted == 48
    assert batch.mask.all()
    np.testing.assert_array_equal(batch.targets, batch.ids + 1)
    np.testing.assert_array_equal(TextLoader(tokens, rows=6, length=8, seed=3).batch(5).ids, batch.ids)
    assert (loader.batch(6).ids != batch.ids).any()
    assert (TextLoader(tokens, rows=6, length=8, seed=4).batch(5).ids != batch.ids).any()
    starts = {int(row[0]) for step in range(60) for row in loader.batch(step).ids}
    assert starts == set(range(50 - 8)), "every window that fits comes up, the last one too"


def test_consecutive_windows_count_each_token_once() -> None:
    tokens = np.arange(30, dtype=np.int32)
    batches = list(text_windows(tokens, rows=2, length=4))
    assert [len(batch.ids) for batch in batches] == [2, 2, 2, 1]
    targets = np.concatenate([batch.targets.ravel() for batch in batches])
    np.testing.assert_array_equal(targets, np.arange(1, 29))
    assert len(list(text_windows(np.arange(5), rows=1, length=4))) == 1


def test_too_short_a_text() -> None:
    with pytest.raises(InputError, match="has 4 tokens, too few for one row of 4"):
        TextLoader(np.arange(4), rows=1, length=4, seed=0)
    with pytest.raises(InputError, match="length is 0"):
        list(text_windows(np.arange(4), rows=1, length=0))


def test_rows_do_not_share_memory_with_the_text() -> None:
    tokens = np.arange(10).reshape(2, 5)
    batch = full_rows(tokens)
    batch.ids[:] = 0
    assert tokens[0, 1] == 1

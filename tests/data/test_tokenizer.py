"""Text comes back as it was, pieces are cut where copying needs it, and foreign files load."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilora.data import END, Tokenizer, tokenizer_texts
from minilora.data.mixture.documents import ALL_MARKS
from minilora.errors import InputError


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
@settings(deadline=None, max_examples=200)
def test_any_text_comes_back_unchanged(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert all(0 <= i < tokenizer.vocabulary for i in ids)


def test_special_and_size(tokenizer: Tokenizer) -> None:
    assert tokenizer.vocabulary == 1024
    assert tokenizer.encode(END) == [tokenizer.end]
    assert tokenizer.padding == tokenizer.end
    assert tokenizer.decode([*tokenizer.encode("a word"), tokenizer.end, tokenizer.end]) == "a word"
    assert tokenizer.encode("") == []


def test_every_mark_is_one_piece_or_its_bytes(tokenizer: Tokenizer) -> None:
    for mark in ALL_MARKS:
        assert len(tokenizer.encode(mark)) <= len(mark.encode())
    assert len(tokenizer.encode("£")) == 1, "the pound sign is frequent enough for a piece of its own"


def test_digits_and_quotes_stand_alone(tokenizer: Tokenizer) -> None:
    assert tokenizer.pieces(tokenizer.encode(" 1987")) == [" ", "1", "9", "8", "7"]
    assert tokenizer.encode("1987") == tokenizer.encode(" 1987")[1:]
    quoted = tokenizer.encode("'dublin'")
    assert tokenizer.encode("'dublin'?") == [*quoted, *tokenizer.encode("?")]
    assert tokenizer.encode(" 'dublin'")[1:] == quoted[1:], "'d is no ending where no letter stands before it"


@pytest.mark.parametrize("left", ["SELECT MIN( towers )", "table:", "it's", "a, b", "x = 'Kent'"])
@pytest.mark.parametrize("right", [" FROM castles", " 'Kent'", " 42", "\ncolumns: a", ", b"])
def test_cut_before_a_blank_or_a_line_is_always_a_cut(tokenizer: Tokenizer, left: str, right: str) -> None:
    """What prompt and completion rely on: they are the same tokens apart as together."""
    assert tokenizer.encode(left) + tokenizer.encode(right) == tokenizer.encode(left + right)


def test_training_is_repeatable_and_files_round_trip(
    tokenizer: Tokenizer, books: list[str], tmp_path: Path
) -> None:
    again = Tokenizer.train(tokenizer_texts(books, seed=0, characters=100_000), 1024)
    again.save(tmp_path / "folder" / "tokenizer.json")
    tokenizer.save(tmp_path / "tokenizer.json")
    assert (tmp_path / "folder" / "tokenizer.json").read_bytes() == (tmp_path / "tokenizer.json").read_bytes()
    loaded = Tokenizer.load(tmp_path / "tokenizer.json")
    assert loaded.encode_all([books[0], "x"]) == [tokenizer.encode(books[0]), tokenizer.encode("x")]
    assert (loaded.vocabulary, loaded.end, loaded.padding) == (1024, tokenizer.end, tokenizer.padding)


def test_foreign_file_with_padding_and_template(tmp_path: Path) -> None:
    """A RoBERTa-like file: other names for the end and for padding, a template that adds tokens, padding and truncation switched on."""
    from tokenizers import Tokenizer as Engine
    from tokenizers import models, pre_tokenizers, processors

    words = ["<s>", "<pad>", "</s>", "<unk>", "red", "kite"]
    engine = Engine(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    engine.pre_tokenizer = pre_tokenizers.Whitespace()
    engine.add_special_tokens(["<s>", "<pad>", "</s>"])
    engine.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    engine.enable_padding(length=8, pad_id=1, pad_token="<pad>")
    engine.enable_truncation(2)
    engine.save(str(tmp_path / "tokenizer.json"))

    loaded = Tokenizer.load(tmp_path / "tokenizer.json")
    assert (loaded.vocabulary, loaded.end, loaded.padding) == (6, 2, 1)
    assert loaded.encode("red kite red kite") == [4, 5, 4, 5]


def test_bad_files_and_sizes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no tokenizer at .*missing\.json"):
        Tokenizer.load(tmp_path / "missing.json")
    with pytest.raises(InputError, match="no tokenizer at"):
        Tokenizer.load(tmp_path)
    (tmp_path / "broken.json").write_text('{"model": 3}')
    with pytest.raises(InputError, match=r"is not a tokenizer\.json"):
        Tokenizer.load(tmp_path / "broken.json")
    with pytest.raises(InputError, match="at least 257"):
        Tokenizer.train(["text"], 256)


def test_file_without_an_end_token(tmp_path: Path) -> None:
    from tokenizers import Tokenizer as Engine
    from tokenizers import models

    Engine(models.WordLevel({"red": 0}, unk_token="red")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="no token that ends a text"):
        Tokenizer.load(tmp_path / "tokenizer.json")

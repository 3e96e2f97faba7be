"""Tokenizers from other programs' files: ids as published, pairs cut as transformers cuts them, and broken files refused by name."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilora.data import ROBERTA, Marked, Tokenizer, read_tokenizer
from minilora.data.sentencepiece import read_sentencepiece
from minilora.data.tokenizer import shares
from minilora.errors import InputError

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "kite", "##s", "caf", "##e", ",", "!"]


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def piece(text: str, kind: int = 1, score: bytes = b"\0\0\0\xc0") -> bytes:
    return field(1, field(1, text.encode()) + varint(2 << 3 | 5) + score + field(3, kind))


SPM = b"".join(
    [piece("[PAD]", 3), piece("[CLS]", 3), piece("[SEP]", 3), piece("[UNK]", 2)]
    + [piece(text) for text in ("▁red", "▁kite", "s", "▁", "r", "e", "d")]
) + field(2, field(3, 1) + field(40, 3))


def test_byte_merges(tmp_path: Path) -> None:
    (tmp_path / "encoder.json").write_text(
        json.dumps({"r": 0, "e": 1, "d": 2, "re": 3, "red": 4, "Ġ": 5, "<|endoftext|>": 6})
    )
    (tmp_path / "vocab.bpe").write_text("#version: 0.2\nr e\nre d\n")
    tokenizer = read_tokenizer(tmp_path)
    assert tokenizer is not None
    assert tokenizer.encode("red red<|endoftext|>") == [4, 5, 4, 6]
    assert (tokenizer.start, tokenizer.end, tokenizer.mask) == (None, 6, None)
    assert tokenizer.encode_marked("red", "re") == Marked([4, 3], [0, 0])


def test_wordpiece(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    tokenizer = read_tokenizer(tmp_path)
    assert tokenizer is not None
    assert tokenizer.encode("Red KITES, café!") == [5, 6, 7, 10, 8, 9, 11]
    assert tokenizer.encode("blue") == [1]
    assert tokenizer.encode_marked("red", "kite!") == Marked([2, 5, 3, 6, 11, 3], [0, 0, 0, 1, 1, 1])
    assert (tokenizer.start, tokenizer.end, tokenizer.padding, tokenizer.mask) == (2, 3, 0, 4)
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    cased = read_tokenizer(tmp_path)
    assert cased is not None
    assert cased.encode("Red red") == [1, 5]


def test_sentencepiece(tmp_path: Path) -> None:
    (tmp_path / "spm.model").write_bytes(SPM)
    model = read_sentencepiece(tmp_path / "spm.model")
    assert (model.pieces[4], model.unknown, model.as_bytes) == (("▁red", -2.0), 3, False)
    tokenizer = read_tokenizer(tmp_path)
    assert tokenizer is not None
    assert tokenizer.encode("  red   kites ") == [4, 5, 6]
    assert tokenizer.encode_marked("red", "kite") == Marked([1, 4, 2, 5, 2], [0, 0, 0, 1, 1])
    assert tokenizer.decode([4, 5, 6]) == "red kites"
    assert (tokenizer.mask, tokenizer.vocabulary) == (11, 12)


def test_real_files(shared_data: Path) -> None:
    gpt2 = read_tokenizer(shared_data / "tokenizers" / "gpt2")
    assert gpt2 is not None
    assert gpt2.encode("Hello world") == [15496, 995]  # as its documentation says
    deberta = read_tokenizer(shared_data / "tokenizers" / "deberta_v3")
    assert deberta is not None
    assert (deberta.vocabulary, deberta.start, deberta.end, deberta.padding, deberta.mask) == (
        128001,
        1,
        2,
        0,
        128000,
    )
    assert deberta.decode(deberta.encode("Hello, world!")) == "Hello, world!"


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    assert read_tokenizer(tmp_path) is None


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 40))
def test_a_pair_is_cut_from_the_longer_text(first: int, second: int, room: int) -> None:
    kept = shares(first, second, room)
    assert sum(kept) == min(first + second, room)
    assert kept[0] <= first
    assert kept[1] <= second
    if kept != (first, second):
        cut = [length for length, now in zip((first, second), kept, strict=True) if now < length]
        assert max(kept) - min(kept) <= 1 or len(cut) == 1


def test_marks_and_limits(tmp_path: Path) -> None:
    texts = ["a red kite, and a red kite again"] * 3
    roberta = Tokenizer.train(texts, 290, ROBERTA)
    assert (roberta.start, roberta.padding, roberta.end, roberta.mask) == (0, 1, 2, 4)
    first, second = roberta.encode("a red kite"), roberta.encode(" again")
    assert roberta.encode_marked("a red kite", " again").ids == [0, *first, 2, 2, *second, 2]
    assert roberta.encode("a <mask>")[-1] == 4
    assert len(roberta.encode_marked("a red kite", " again", limit=7).ids) == 7
    assert roberta.encode_marked_all(["a", "b"]) == [roberta.encode_marked("a"), roberta.encode_marked("b")]
    roberta.save(tmp_path / "tokenizer.json")
    again = Tokenizer.load(tmp_path / "tokenizer.json")
    assert again.encode_marked("a", "b") == roberta.encode_marked("a", "b")
    with pytest.raises(InputError, match="limit is 2 tokens, too few"):
        roberta.encode_marked("a", limit=2)
    with pytest.raises(InputError, match="2 texts but 1 second"):
        roberta.encode_marked_all(["a", "b"], ["c"])


def wordpiece(text: str | bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "vocab.txt").write_bytes(
        text if isinstance(text, bytes) else text.encode()
    )


def merges(vocabulary: str, pairs: str | None) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "vocab.json").write_text(vocabulary)
        if pairs is not None:
            (folder / "merges.txt").write_text(pairs)

    return write


def spm(data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "spm.model").write_bytes(data)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "merges without a pair": (merges('{"a": 0}', "ab\n"), "line 1: 'ab' is no pair"),
    "merges of unknown pieces": (merges('{"a": 0}', "a b\n"), "does not fit"),
    "no merges": (merges('{"a": 0}', None), "no file"),
    "an id twice": (merges('{"a": 0, "b": 0}', ""), "number of its own"),
    "an id that is no number": (merges('{"a": "0"}', ""), "number of its own"),
    "a huge id": (merges('{"a": 9999999999}', ""), "number of its own"),
    "a piece twice": (merges('{"a": 0, "a": 1}', ""), "'a' comes twice"),
    "vocabulary is a list": (merges("[]", ""), "holds a list"),
    "no special pieces": (wordpiece("red\nkite\n"), r"lacks \[UNK\], \[CLS\], \[SEP\]"),
    "not UTF-8": (wordpiece(b"\xff\xfe"), "not UTF-8"),
    "cut sentencepiece": (spm(SPM[:-3]), "not a sentencepiece model"),
    "endless number": (spm(b"\xff" * 20), "more than ten bytes"),
    "huge length": (spm(varint(1 << 3 | 2) + varint(1 << 60)), "reaches beyond the end"),
    "no pieces": (spm(b""), "has 0 pieces"),
    "another kind of model": (spm(piece("a") + field(2, field(3, 2))), "model type is 2"),
    "a number for a text": (spm(field(1, 3)), "where a text belongs"),
    "a text for a number": (spm(field(1, field(3, b"x"))), "where a number belongs"),
    "unknown piece outside": (spm(piece("a") + field(2, field(40, 9))), "number 9 is to be the unknown"),
    "broken characters": (spm(SPM + field(3, field(2, b"\1\2\3"))), "not a sentencepiece model"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_refused(case: str, tmp_path: Path) -> None:
    breaks, words = BROKEN[case]
    breaks(tmp_path)
    with pytest.raises(InputError, match=words) as caught:
        read_tokenizer(tmp_path)
    assert "\n" not in str(caught.value)


@given(
    st.binary(max_size=80)
    | st.tuples(st.integers(0, len(SPM) - 1), st.binary(max_size=4), st.integers(0, 6)).map(
        lambda damage: SPM[: damage[0]] + damage[1] + SPM[damage[0] + damage[2] :]
    )
)
@settings(max_examples=300, deadline=None)
def test_no_sentencepiece_bytes_do_harm(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.model"
    path.write_bytes(data)
    try:
        model = read_sentencepiece(path)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 (that it is raised is no must)
    else:
        assert len(model.pieces) <= len(data)

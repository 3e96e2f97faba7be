"""A sentencepiece model file, read without the sentencepiece library.

Comes before ``tokenizer_files.py``. The file is a protocol buffer: a row of fields, each a number and a value; the value is a varint, four or eight bytes, or a
length and that many bytes, which may again be a row of fields. Of the many fields these matter here (numbers from sentencepiece_model.proto):

    1 pieces, many: 1 text, 2 score (float), 3 type        2 trainer: 3 model type, 35 unknown text as bytes, 40 id of the unknown piece
    3 normalizer: 2 table of characters, 3 add a blank at the start, 4 take out blanks that follow another
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

UNIGRAM = 1
"""The model type of pieces with a probability each (Kudo 2018), DeBERTa's; others are merges, words or characters."""

NEVER_IN_TEXT, WHOLE_ALWAYS = (2, 3), 4
"""Piece types: the unknown piece and the special ones, which no text contains; and pieces that are never cut where a text contains them."""

LONGEST = 100_000_000
"""Bytes of the longest file that is read; models of 250,000 pieces have some 5 million."""


@dataclass(frozen=True)
class SentencePiece:
    """What the file says: pieces with their scores (log probabilities) and types in the order of their ids, and how a text is prepared.

    Attributes:
        pieces: (text, score) of each id.
        types: what each piece is for.
        unknown: id of the piece that stands for what no other covers.
        as_bytes: what no piece covers is written in pieces for single bytes instead.
        characters: a table that replaces characters by others, sentencepiece's own form.
        blank_first: a blank is put before a text.
        single_blanks: blanks at the ends, and those that follow another, are taken out.
    """

    pieces: list[tuple[str, float]]
    types: list[int]
    unknown: int
    as_bytes: bool
    characters: bytes
    blank_first: bool
    single_blanks: bool


def read_sentencepiece(path: str | os.PathLike[str]) -> SentencePiece:
    """Raises InputError when the file is missing, broken, or holds another kind of model than unigram."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > LONGEST:
            raise InputError(
                f"{str(path)!r} has {size} bytes, too many for a sentencepiece model (at most {LONGEST})"
            )
        model = _parse(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    except (_Broken, UnicodeDecodeError, struct.error) as error:
        raise InputError(f"{str(path)!r} is not a sentencepiece model that can be read ({error})") from error
    return model


class _Broken(Exception):
    """What is wrong with the file, in a few words."""


Value = int | bytes


def _parse(data: bytes) -> SentencePiece:
    pieces: list[tuple[str, float]] = []
    types: list[int] = []
    unknown, as_bytes, characters, blank_first, single_blanks = 0, False, b"", True, True
    for number, value in _fields(data):
        if number == 1:
            piece = dict(_fields(_bytes(value)))
            pieces.append((_bytes(piece.get(1, b"")).decode("utf-8"), _float(piece.get(2, bytes(4)))))
            types.append(_number(piece.get(3, 1)))
        elif number == 2:
            trainer = dict(_fields(_bytes(value)))
            unknown, as_bytes = _number(trainer.get(40, 0)), bool(_number(trainer.get(35, 0)))
            if _number(trainer.get(3, UNIGRAM)) != UNIGRAM:
                raise _Broken(f"its model type is {trainer[3]!r}, not {UNIGRAM}, unigram")
        elif number == 3:
            normalizer = dict(_fields(_bytes(value)))
            characters = _bytes(normalizer.get(2, b""))
            blank_first, single_blanks = (bool(_number(normalizer.get(n, 1))) for n in (3, 4))
    if not 0 <= unknown < len(pieces):
        raise _Broken(f"it has {len(pieces)} pieces, but number {unknown} is to be the unknown one")
    return SentencePiece(pieces, types, unknown, as_bytes, characters, blank_first, single_blanks)


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """(number, value) of each field; the value is a number for a varint, otherwise the bytes."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(data, place)
            yield number, value
            continue
        if kind == 2:
            length, place = _varint(data, place)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise _Broken(f"field {number} has the unknown kind {kind}")
        if length > len(data) - place:
            raise _Broken(f"field {number} reaches beyond the end")
        yield number, data[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number of 7 bits a byte, lowest first, the last byte without its top bit; and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise _Broken("a number is cut off")
        value |= (data[place] & 0x7F) << shift
        place += 1
        if data[place - 1] < 0x80:
            return value, place
    raise _Broken("a number has more than ten bytes")


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise _Broken(f"{value} stands where a text belongs")
    return value


def _number(value: Value) -> int:
    if not isinstance(value, int):
        raise _Broken("a text stands where a number belongs")
    return value


def _float(value: Value) -> float:
    return float(struct.unpack("<f", _bytes(value))[0])

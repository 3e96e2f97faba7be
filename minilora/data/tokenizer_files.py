"""Tokenizers from the files of other programs: what lies in a model's folder decides.

Before: a folder. After: a `Tokenizer`. The first of these that is there is read:

    tokenizer.json                                   everything in one file (Hugging Face)
    vocab.json + merges.txt, encoder.json + vocab.bpe   byte-level pair merges: GPT-2, RoBERTa, DeBERTa
    spm.model, spiece.model                          sentencepiece: DeBERTa v2 and v3
    vocab.txt                                        WordPiece, one piece a line: BERT

The last three say nothing of special tokens, so the names in the vocabulary decide: with `<s>` they are RoBERTa's, with `[CLS]` BERT's. What else may differ (lower case,
accents, a blank before the first word) is read from `tokenizer_config.json` where there is one.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..files import read_json
from .sentencepiece import NEVER_IN_TEXT, WHOLE_ALWAYS, read_sentencepiece
from .tokenizer import END, MASK_NAMES, ROBERTA, Tokenizer, put_marks_around

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Engine

WHOLE, SETTINGS, ADDED = "tokenizer.json", "tokenizer_config.json", "added_tokens.json"
MERGES = (("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe"))
SENTENCEPIECE = ("spm.model", "spiece.model")
WORDPIECE = "vocab.txt"
FILES = (WHOLE, SETTINGS, ADDED, *(name for pair in MERGES for name in pair), *SENTENCEPIECE, WORDPIECE)
"""Every file that this module looks at."""

BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SPECIAL = (*ROBERTA, *BERT, END)
LONGEST_TEXT = 100_000_000
"""Bytes of the longest vocabulary or list of merges that is read."""


def read_tokenizer(folder: str | os.PathLike[str]) -> Tokenizer | None:
    """The tokenizer of a model's folder; None where none of its files is there. Raises InputError for files that cannot be read or contradict each other."""
    folder = Path(folder)
    if (folder / WHOLE).is_file():
        return Tokenizer.load(folder / WHOLE)
    settings = read_json(folder / SETTINGS) if (folder / SETTINGS).is_file() else {}
    for vocabulary, merges in MERGES:
        if (folder / vocabulary).is_file():
            return read_merges(folder / vocabulary, folder / merges, settings)
    for name in SENTENCEPIECE:
        if (folder / name).is_file():
            added = read_json(folder / ADDED) if (folder / ADDED).is_file() else {}
            return read_unigram(folder / name, added, settings)
    if (folder / WORDPIECE).is_file():
        return read_wordpiece(folder / WORDPIECE, settings)
    return None


def read_merges(
    vocabulary: str | os.PathLike[str],
    merges: str | os.PathLike[str],
    settings: Mapping[str, Any] | None = None,
) -> Tokenizer:
    """Byte-level byte-pair encoding from its vocabulary (JSON, piece → id) and its merges (text, a pair a line, the first merged first). Raises InputError."""
    from tokenizers import Tokenizer as Engine
    from tokenizers import decoders, models, pre_tokenizers

    ids = _ids(read_json(vocabulary), vocabulary)
    lines = _lines(merges)
    pairs: list[tuple[str, str]] = []
    for place, line in enumerate(lines):
        if line and not (place == 0 and line.startswith("#version")):
            left, _, right = line.partition(" ")
            if not (left and right) or " " in right:
                raise InputError(f"{str(merges)!r}, line {place + 1}: {line[:40]!r} is no pair of pieces")
            pairs.append((left, right))
    blank = bool((settings or {}).get("add_prefix_space", False))
    try:
        engine = Engine(models.BPE(ids, pairs))
    except Exception as error:  # the library raises plain Exception
        raise InputError(f"{str(merges)!r} does not fit {str(vocabulary)!r} ({error})") from error
    engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=blank)
    engine.decoder = decoders.ByteLevel()
    return _finish(engine)


def read_wordpiece(path: str | os.PathLike[str], settings: Mapping[str, Any] | None = None) -> Tokenizer:
    """BERT's tokenizer from its vocabulary, one piece a line, the id being the line's number. Lower case unless the settings say otherwise. Raises InputError."""
    from tokenizers import Tokenizer as Engine
    from tokenizers import decoders, models, normalizers, pre_tokenizers

    ids = {piece: number for number, piece in enumerate(_lines(path))}
    missing = [name for name in BERT[1:4] if name not in ids]
    if missing:
        raise InputError(f"{str(path)!r} is no vocabulary of BERT's kind: it lacks {', '.join(missing)}")
    settings = settings or {}
    engine = Engine(models.WordPiece(ids, unk_token=BERT[1]))
    engine.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=bool(settings.get("tokenize_chinese_chars", True)),
        strip_accents=None if settings.get("strip_accents") is None else bool(settings["strip_accents"]),
        lowercase=bool(settings.get("do_lower_case", True)),
    )
    engine.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    engine.decoder = decoders.WordPiece()
    return _finish(engine)


def read_unigram(
    path: str | os.PathLike[str],
    added: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Tokenizer:
    """DeBERTa's tokenizer from a sentencepiece model. Text is prepared by the model's own table of characters, as sentencepiece does.

    added: tokens besides the model's pieces, with their ids; `[MASK]` follows the last piece where neither names it. Raises InputError.
    """
    from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers
    from tokenizers import Tokenizer as Engine

    model = read_sentencepiece(path)
    settings = settings or {}
    steps: list[Any] = [normalizers.Lowercase()] if settings.get("do_lower_case", False) else []
    cuts: list[Any] = (
        [pre_tokenizers.Punctuation("isolated")] if settings.get("split_by_punct", False) else []
    )
    try:
        if model.single_blanks:
            steps.append(normalizers.Strip())
        if model.characters:
            steps.append(normalizers.Precompiled(model.characters))
        engine = Engine(models.Unigram(model.pieces, model.unknown, byte_fallback=model.as_bytes))
    except Exception as error:  # the library raises plain Exception
        raise InputError(f"{str(path)!r} is not a sentencepiece model that can be read ({error})") from error
    if model.single_blanks:
        steps.append(normalizers.Replace(Regex(" {2,}"), " "))
    scheme = "always" if model.blank_first else "never"
    engine.normalizer = normalizers.Sequence(steps)
    engine.pre_tokenizer = pre_tokenizers.Sequence([*cuts, pre_tokenizers.Metaspace("▁", scheme)])
    engine.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace("▁", scheme)])
    special = {
        piece for (piece, _), kind in zip(model.pieces, model.types, strict=True) if kind in NEVER_IN_TEXT
    }
    whole = [
        piece for (piece, _), kind in zip(model.pieces, model.types, strict=True) if kind == WHOLE_ALWAYS
    ]
    engine.add_tokens([AddedToken(piece, special=False, normalized=True) for piece in whole])
    ids = _ids(added or {}, Path(path).parent / ADDED)
    if "[CLS]" in special:
        ids.setdefault("[MASK]", len(model.pieces))
    return _finish(engine, sorted(special), ids)


def _finish(
    engine: "Engine", special: Sequence[str] = SPECIAL, added: Mapping[str, int] = MappingProxyType({})
) -> Tokenizer:
    """Mark the special tokens of the vocabulary as such, add those that stand outside of it, and put the template around texts that fits their names."""
    from tokenizers import AddedToken, models

    pieces = engine.get_vocab(with_added_tokens=True)
    new = sorted((id, name) for name, id in added.items() if name not in pieces)
    if [id for id, _ in new] != list(range(len(pieces), len(pieces) + len(new))):
        raise InputError(
            f"added tokens must follow the {len(pieces)} pieces of the vocabulary, but have the ids {', '.join(str(id) for id, _ in new[:5])}"
        )
    names = [*(name for name in special if name in pieces), *(name for _, name in new)]
    # among bytes a mask stands for a word with the blank before it
    lone = isinstance(engine.model, models.BPE)
    engine.add_special_tokens(
        [AddedToken(name, lstrip=lone and name in MASK_NAMES, special=True) for name in names]
    )
    put_marks_around(engine)
    return Tokenizer(engine)


def _ids(fields: Mapping[str, Any], source: str | os.PathLike[str]) -> dict[str, int]:
    """Pieces with their ids; raises InputError unless each id is a whole number below a billion that comes once."""
    ids = {piece: id for piece, id in fields.items() if type(id) is int and 0 <= id < 10**9}
    if len(ids) < len(fields) or len(set(ids.values())) < len(ids):
        raise InputError(f"{str(source)!r} is no vocabulary: each piece must have a number of its own")
    return ids


def _lines(path: str | os.PathLike[str]) -> list[str]:
    path = Path(path)
    try:
        if path.stat().st_size > LONGEST_TEXT:
            raise InputError(f"{str(path)!r} is too long for a vocabulary (at most {LONGEST_TEXT} bytes)")
        return (
            path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        )  # splitlines() would also cut at other characters, which are pieces
    except FileNotFoundError as error:
        raise InputError(f"no file {str(path)!r}") from error
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{str(path)!r} is not UTF-8 text (byte {error.start})") from error

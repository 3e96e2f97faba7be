"""Text to token ids and back: byte-level byte-pair encoding, as in GPT-2, and whatever else a model's own files describe.

Before: text, from a file, a task or the mixture; `tokenizer_files.py` reads the files of other programs. After: lists of ids, which `batches`, `text` and `mixture`
turn into arrays. The merging itself is the `tokenizers` library's (imported only when a tokenizer is made); for tokenizers trained here this file settles what the
merges may see:

* text is first cut into words, each with the blank before it, and runs of punctuation (GPT-2's rule), and merges never cross a cut;
* digits and quotation marks stand alone, so that numbers and quoted names are copied piece by piece, the same pieces wherever they stand;
* all 256 bytes are in the vocabulary, so that any text can be encoded and comes back unchanged.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..errors import InputError
from ..files import write_atomically

if TYPE_CHECKING:
    from tokenizers import Encoding
    from tokenizers import Tokenizer as Engine

END = "<|endoftext|>"
END_NAMES = (END, "</s>", "[SEP]", "<eos>")
START_NAMES = ("<s>", "[CLS]")
PADDING_NAMES = ("<pad>", "[PAD]", "<|padding|>")
MASK_NAMES = ("<mask>", "[MASK]")
ROBERTA = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
"""The special tokens of RoBERTa, in its order."""

CUTS = r"(?<=\p{L})'(?:[sdmt]|ll|ve|re)(?!\p{L})| ?\p{L}+|\p{N}| ?['\"]| ?[^\s\p{L}\p{N}'\"]+|\s+(?!\S)|\s+"
"""GPT-2's pattern with three changes, all for copying: a digit stands alone (GPT-2: a run of digits with the blank before it); so does a quotation mark, so
that `Kent` is closed by the same token in `'Kent'` and `'Kent'?`; and `'s`, `'d` and the like are endings only after a letter and before none."""


@dataclass(frozen=True)
class Marked:
    """A text, or a pair of texts, between the tokens that an encoder expects around them.

    Attributes:
        ids: such as ``[CLS] first [SEP] second [SEP]``.
        types: for each id the text it belongs to, as the tokenizer counts: 0 everywhere, or 1 in the second (BERT's token types).
    """

    ids: list[int]
    types: list[int]


class Tokenizer:
    """A tokenizer with its special tokens.

    Attributes:
        vocabulary: number of ids; every id is below it.
        start: id of the token that an encoder reads before a text (`<s>` or `[CLS]`); None where there is none.
        end: id of the token that ends a document (`<|endoftext|>`; `</s>` or `[SEP]` in files of other models).
        padding: id that fills a row; the end id where the file names none (masks and targets decide what counts, never this id).
        mask: id of the token that hides another for masked language modelling (`<mask>` or `[MASK]`); None where there is none.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        names = engine.get_vocab(with_added_tokens=True)
        around = engine.encode("", add_special_tokens=True).ids  # what the tokenizer's own template adds
        first, last = (around[0], around[-1]) if len(around) > 1 else (None, None)
        end = last if last is not None else _first(END_NAMES, names)
        if end is None:
            raise InputError(
                f"the tokenizer has no token that ends a text; it needs one of {', '.join(END_NAMES)}"
            )
        self.vocabulary = max(names.values()) + 1
        self.start = first if first is not None else _first(START_NAMES, names)
        self.end: int = end
        padding = _first(PADDING_NAMES, names)
        self.padding: int = end if padding is None else padding
        self.mask = _first(MASK_NAMES, names)

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int = 4096, special: Sequence[str] = (END,)) -> Self:
        """Learn the merges from ``texts``: the same texts give the same tokenizer.

        special: the tokens that no text contains, in the order of their ids from 0. With `<s>` and `</s>` among them (``ROBERTA``) encoders read ``<s> text </s>``, or
        ``<s> first </s></s> second </s>``; with `[CLS]` and `[SEP]`, ``[CLS] text [SEP]``, or ``[CLS] first [SEP] second [SEP]``.

        Raises InputError when ``vocabulary`` is below 256 bytes and the special tokens.
        """
        from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, trainers
        from tokenizers import Tokenizer as Engine

        least = 256 + len(special)
        if vocabulary < least:
            raise InputError(
                f"vocabulary is {vocabulary}; it must be at least {least}: all 256 bytes and {', '.join(special)}"
            )
        engine = Engine(models.BPE())
        engine.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(CUTS), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        engine.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary,
            # a mask stands for a word with the blank before it
            special_tokens=[AddedToken(name, lstrip=name in MASK_NAMES, special=True) for name in special],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        engine.train_from_iterator(texts, trainer)
        put_marks_around(engine)
        return cls(engine)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a Hugging Face `tokenizer.json`, ours or another model's; raises InputError when it is missing or is none."""
        from tokenizers import Tokenizer as Engine

        if not Path(path).is_file():
            raise InputError(f"no tokenizer at {str(path)!r}; it must be a tokenizer.json file")
        try:
            engine = Engine.from_file(str(path))
        except Exception as error:  # the library raises plain Exception
            raise InputError(f"{str(path)!r} is not a tokenizer.json that can be read ({error})") from error
        engine.no_truncation()
        engine.no_padding()
        return cls(engine)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `tokenizer.json`; the file is replaced in one step."""
        write_atomically(path, self._engine.to_str(pretty=True))

    def encode(self, text: str) -> list[int]:
        """The ids of ``text`` and nothing else: no special token is put around it, but `<|endoftext|>` inside it becomes the end id."""
        return list(self._engine.encode(text, add_special_tokens=False).ids)

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of many texts, encoded together (several threads, so faster than one by one when there are many)."""
        return [
            list(encoding.ids)
            for encoding in self._engine.encode_batch_fast(list(texts), add_special_tokens=False)
        ]

    def beginning(self, text: str, tokens: int) -> str:
        """The longest beginning of ``text``, in whole characters, that lies within its first so many tokens."""
        places = self._engine.encode(text, add_special_tokens=False).offsets
        return text if len(places) <= tokens else text[: places[tokens][0]]

    def ending(self, text: str, tokens: int) -> str:
        """The end of ``text``, in whole characters, that its last so many tokens stand for."""
        places = self._engine.encode(text, add_special_tokens=False).offsets
        return text if len(places) <= tokens else text[places[-tokens][0] :] if tokens else ""

    def encode_marked(self, text: str, second: str | None = None, *, limit: int | None = None) -> Marked:
        """A text, or a pair, as an encoder reads it: see ``encode_marked_all``."""
        return self.encode_marked_all([text], None if second is None else [second], limit=limit)[0]

    def encode_marked_all(
        self, texts: Sequence[str], seconds: Sequence[str] | None = None, *, limit: int | None = None
    ) -> list[Marked]:
        """Texts, or pairs of texts, with the tokens around them that the tokenizer's template puts there (none for GPT-2's).

        limit: the most ids, marks included; tokens too many are cut from the end of the text, of a pair from the longer one until both are equal.
        Raises InputError when the limit leaves no room for a token, and when texts and seconds differ in number.
        """
        if seconds is not None and len(seconds) != len(texts):
            raise InputError(f"there are {len(texts)} texts but {len(seconds)} second texts")
        room = None if limit is None else limit - self._engine.num_special_tokens_to_add(seconds is not None)
        if room is not None and room < 1:
            raise InputError(f"limit is {limit} tokens, too few for a text and the tokens around it")
        first = self._engine.encode_batch(list(texts), add_special_tokens=False)
        if seconds is None:
            return [self._mark(text, None, room) for text in first]
        second = self._engine.encode_batch(list(seconds), add_special_tokens=False)
        return [self._mark(text, other, room) for text, other in zip(first, second, strict=True)]

    def _mark(self, text: "Encoding", second: "Encoding | None", room: int | None) -> Marked:
        if room is not None:
            kept = shares(len(text), 0 if second is None else len(second), room)
            text.truncate(kept[0])
            if second is not None:
                second.truncate(kept[1])
        whole = self._engine.post_process(text, second, add_special_tokens=True)
        return Marked(list(whole.ids), list(whole.type_ids))

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ``ids``; special tokens (the end, padding) are left out, bytes that are not UTF-8 become U+FFFD."""
        return str(self._engine.decode([int(i) for i in ids], skip_special_tokens=True))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Each id's own text, for showing how a text is cut."""
        return [str(self._engine.decode([int(i)], skip_special_tokens=False)) for i in ids]


def shares(first: int, second: int, room: int) -> tuple[int, int]:
    """How many tokens of a pair are kept so that both fit into ``room``: the longer text is cut first, and where both are too long each gets half (transformers' rule)."""
    if first + second <= room:
        return first, second
    if first > second:
        return shares(second, first, room)[::-1]
    if first <= room // 2:
        return first, room - first
    return room // 2, room - room // 2


def put_marks_around(engine: "Engine") -> None:
    """Give an engine the template that fits its vocabulary: RoBERTa's with `<s>`, BERT's with `[CLS]`, none otherwise."""
    from tokenizers import processors

    ids = engine.get_vocab(with_added_tokens=True)
    for start, end, pair in (
        ("<s>", "</s>", "<s> $A </s> </s> $B </s>"),
        ("[CLS]", "[SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"),
    ):
        if start in ids and end in ids:
            engine.post_processor = processors.TemplateProcessing(
                single=f"{start} $A {end}",
                pair=pair,
                special_tokens=[(start, ids[start]), (end, ids[end])],
            )
            return


def _first(names: Sequence[str], ids: dict[str, int]) -> int | None:
    """The id of the first of ``names`` that there is."""
    return next((ids[name] for name in names if name in ids), None)

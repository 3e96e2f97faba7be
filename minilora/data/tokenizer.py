"""Text to token ids and back: byte-level byte-pair encoding, as in GPT-2.

Before: text, from a file, a task or the mixture. After: lists of ids, which `batches`, `text` and `mixture` turn into arrays. The merging itself is
the `tokenizers` library's (imported only when a tokenizer is made); this file settles what the merges may see:

* text is first cut into words, each with the blank before it, and runs of punctuation (GPT-2's rule), and merges never cross a cut;
* digits and quotation marks stand alone, so that numbers and quoted names are copied piece by piece, the same pieces wherever they stand;
* all 256 bytes are in the vocabulary, so that any text can be encoded and comes back unchanged.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..errors import InputError
from ..files import write_atomically

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Engine

END = "<|endoftext|>"
END_NAMES = (END, "</s>", "[SEP]", "<eos>")
PADDING_NAMES = ("<pad>", "[PAD]", "<|padding|>")
CUTS = r"(?<=\p{L})'(?:[sdmt]|ll|ve|re)(?!\p{L})| ?\p{L}+|\p{N}| ?['\"]| ?[^\s\p{L}\p{N}'\"]+|\s+(?!\S)|\s+"
"""GPT-2's pattern with three changes, all for copying: a digit stands alone (GPT-2: a run of digits with the blank before it); so does a quotation mark, so
that `Kent` is closed by the same token in `'Kent'` and `'Kent'?`; and `'s`, `'d` and the like are endings only after a letter and before none."""


class Tokenizer:
    """A byte-pair encoding with its special tokens.

    Attributes:
        vocabulary: number of ids; every id is below it.
        end: id of the token that ends a document (`<|endoftext|>`; `</s>` or `[SEP]` in files of other models).
        padding: id that fills a row; the end id where the file names none (masks and targets decide what counts, never this id).
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        names = engine.get_vocab(with_added_tokens=True)
        end = next((names[name] for name in END_NAMES if name in names), None)
        if end is None:
            raise InputError(
                f"the tokenizer has no token that ends a text; it needs one of {', '.join(END_NAMES)}"
            )
        self.vocabulary = max(names.values()) + 1
        self.end: int = end
        self.padding: int = next((names[name] for name in PADDING_NAMES if name in names), end)

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int = 4096) -> Self:
        """Learn the merges from ``texts``: the same texts give the same tokenizer.

        Raises InputError when ``vocabulary`` is below 257 (256 bytes and the end token).
        """
        from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
        from tokenizers import Tokenizer as Engine

        if vocabulary < 257:
            raise InputError(f"vocabulary is {vocabulary}; it must be at least 257: all 256 bytes and {END}")
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
            special_tokens=[END],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        engine.train_from_iterator(texts, trainer)
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

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ``ids``; special tokens (the end, padding) are left out, bytes that are not UTF-8 become U+FFFD."""
        return str(self._engine.decode([int(i) for i in ids], skip_special_tokens=True))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Each id's own text, for showing how a text is cut."""
        return [str(self._engine.decode([int(i)], skip_special_tokens=False)) for i in ids]

"""Plain text as a task: the next token, measured by perplexity on text held out.

Before it: ``data/text.py`` reads and divides the documents. After it: its loaders turn them into batches. This task has no prompts, completions or
predictions; what is scored is a summed loss.
"""

import os
from dataclasses import dataclass
from typing import ClassVar, Self

from ...errors import InputError
from ..metrics import perplexity
from ..text import read_documents, split_documents

HELD_OUT = 0.05
"""The share of the text kept for the test, and of the rest for validation."""


@dataclass(frozen=True)
class PlainText:
    """Documents to learn from, to choose settings by, and for the reported figure; `read` makes it from files."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    name: ClassVar[str] = "text"
    description: ClassVar[str] = "the next token of plain text; a .txt file or a folder of them"
    made: ClassVar[bool] = False
    primary: ClassVar[str] = "perplexity"
    lower_is_better: ClassVar[bool] = True

    @classmethod
    def read(cls, data: str | os.PathLike[str]) -> Self:
        """The documents of a .txt file or of a folder of them; 5% is held out for the test, and 5% of the rest for validation.

        Which documents are held out depends on the texts alone, see `split_documents`. Raises InputError when there is no text to divide.
        """
        rest, test = split_documents(read_documents(data), HELD_OUT)
        train, validation = split_documents(rest, HELD_OUT)
        if not all(map("".join, (train, validation, test))):
            raise InputError(
                f"the text at {str(data)!r} is too short to divide into training, validation and test; give more text"
            )
        return cls(tuple(train), tuple(validation), tuple(test))

    def score(self, summed_loss: float, tokens: int) -> dict[str, float]:
        """The loss of a token in nats, and the perplexity exp(loss), of ``tokens`` tokens whose losses sum to ``summed_loss``."""
        return {"perplexity": perplexity(summed_loss, tokens), "loss": summed_loss / tokens}

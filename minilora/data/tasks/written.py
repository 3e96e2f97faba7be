"""What tasks have in common that are read from files and answered with a text.

Before it: ``data/files``. After it: the readers ``summaries.py``, ``triples.py``, ``instructions.py`` and ``e2e.py``.
"""

import os
import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..examples import Example
from ..files import divide, find_parts
from ..files.parts import check_exists
from ..metrics import bleu, chrf, cider, coco_rouge_l, meteor, nist
from .base import Task


class Written(Task):
    """A task read from a folder with train, dev (or val, validation) and test files, or from one file, which is divided 8 : 1 : 1 by the SHA-256 of its prompts.

    Training has one example for each line; validation and test have one for each different prompt, with all its texts in ``extra["references"]``.
    """

    def __init__(self, data: str | os.PathLike[str]) -> None:
        path = Path(data)
        check_exists(path, self.name)
        parts = self.read_parts(path)
        self._train = tuple(parts["train"])
        self._validation, self._test = grouped(parts["validation"]), grouped(parts["test"])

    endings: tuple[str, ...] = (".json", ".jsonl", ".csv", ".tsv")

    def read_parts(self, path: Path) -> Mapping[str, list[Example]]:
        """The examples of train, validation and test. path: a folder or a file."""
        if path.is_dir():
            files = find_parts(path, self.name, endings=self.endings)
            return {part: [e for file in found for e in self.read(file)] for part, found in files.items()}
        return divide(self.read(path), lambda example: example.prompt, str(path))

    @abstractmethod
    def read(self, file: Path) -> list[Example]:
        """The examples of a file, one for each prompt and text."""

    @property
    def train(self) -> tuple[Example, ...]:
        """One example for each prompt and text."""
        return self._train

    @property
    def validation(self) -> tuple[Example, ...]:
        """One example for each different prompt."""
        return self._validation

    @property
    def test(self) -> tuple[Example, ...]:
        """As `validation`."""
        return self._test


def one_line(text: str) -> str:
    """The words of a text with one blank between them."""
    return " ".join(text.split())


def says(text: str, value: str) -> bool:
    """Whether ``value`` stands in ``text`` as whole words, in small letters or large: ``one`` does not stand in ``honey``, nor ``3`` in ``13``."""
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE) is not None


def grouped(examples: Iterable[Example]) -> tuple[Example, ...]:
    """One example for each different prompt, in the order of their first; the completion is the first text, ``extra["references"]`` holds all."""
    found: dict[str, list[Example]] = {}
    for example in examples:
        found.setdefault(example.prompt, []).append(example)
    return tuple(
        Example(
            prompt,
            own[0].completion,
            {**own[0].extra, "references": tuple(t for e in own for t in references_of(e))},
        )
        for prompt, own in found.items()
    )


def references_of(example: Example) -> tuple[str, ...]:
    """All texts that would be right."""
    return tuple(example.extra.get("references", (example.completion.strip(),)))


def text_scores(examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
    """The figures of data-to-text, those of the paper's Table 3 among them: against all references of each example.

    ``bleu`` is sacrebleu's own (13a tokens, upper and lower case differ). The scripts of the E2E challenge, whose figures the paper's Table 3 gives, lower
    all letters and tokenise by mteval-v13a's rules; ``bleu/lowercase`` is sacrebleu on lowered letters and the nearest to them, though not the same program.
    """
    references = [references_of(example) for example in examples]
    texts = [one_line(prediction) for prediction in predictions]
    return {
        "bleu": bleu(texts, references),
        "bleu/lowercase": bleu(texts, references, lowercase=True),
        "nist": nist(texts, references),
        "meteor": meteor(texts, references),
        "rougeL": coco_rouge_l(texts, references),
        "cider": cider(texts, references),
        "chrf": chrf(texts, references),
    }

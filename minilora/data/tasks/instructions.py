"""Pairs of a prompt and its completion: the plainest form of a task of one's own.

Before it: ``written.py``. After it: ``data/batches.py`` makes batches of the examples.

A line of a JSON-lines file is ``{"prompt": "Name a prime number.", "completion": "Seven."}``; CSV with these columns does as well.
"""

from collections.abc import Sequence
from pathlib import Path

from ..examples import Example
from ..files import read_records
from ..metrics import exact_match, rouge
from .base import check_pairs
from .written import Written, one_line, references_of


class Instructions(Written):
    """Prompts and completions as they stand; the score is ROUGE-L, and the share of answers that are right word for word."""

    name = "instructions"
    description = 'prompts and completions of your own; a file or folder of JSON lines {"prompt": ..., "completion": ...}, or CSV'
    primary = "rougeL"
    answer_tokens = 128

    def read(self, file: Path) -> list[Example]:
        """One example for each record."""
        return [Example(r.text("prompt"), f" {r.text('completion')}") for r in read_records(file)]

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """``rougeL`` from 0 to 100 and ``exact`` from 0 to 1, of several completions the best."""
        check_pairs(examples, predictions)
        references = [references_of(example) for example in examples]
        exact = [
            max(exact_match([p], [r]) for r in own) for p, own in zip(predictions, references, strict=True)
        ]
        found = rouge([one_line(p) for p in predictions], references)["rougeL"]
        return {"rougeL": found, "exact": sum(exact) / len(exact)}

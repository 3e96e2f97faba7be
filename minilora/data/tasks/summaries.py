"""Conversations and their summaries: SAMSum (Gliwa et al. 2019; the paper's Table 4) and DialogSum (Chen et al. 2021), from their own files.

Before it: ``written.py``. After it: ``data/batches.py`` makes batches of the examples.

What a prompt and its completion look like (the utterances as the paper joins them)::

    Anna: Are you coming tonight?
    Tom: Yes, at eight.

    Summary: Tom comes to Anna at eight.
"""

from collections.abc import Sequence
from pathlib import Path

from ..examples import Example
from ..files import Record, read_records
from ..metrics import rouge
from .base import check_pairs
from .written import Written, one_line, references_of


class Summaries(Written):
    """A conversation to its summary; the score is ROUGE-1, -2 and -L, as F from 0 to 100, with stemming. A record without a conversation is passed over (SAMSum has one)."""

    primary = "rougeL"
    answer_tokens = 96
    cue = "\n\nSummary:"
    summaries: tuple[str, ...]

    def read(self, file: Path) -> list[Example]:
        """The examples of a file: one for each summary."""
        return [example for record in read_records(file) for example in self._examples(record)]

    def _examples(self, record: Record) -> list[Example]:
        said = record.get("dialogue")
        if not isinstance(said, str):
            raise record.wrong(f"the field 'dialogue' is {said!r}; it must be a text")
        names = [name for name in self.summaries if name in record.fields] or ["summary"]
        texts = [one_line(record.text(name)) for name in names]
        return [Example(write_prompt(said), f" {text}") for text in texts] if said.strip() else []

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """``rouge1``, ``rouge2`` and ``rougeL``; of several summaries the best counts."""
        check_pairs(examples, predictions)
        return rouge([one_line(text) for text in predictions], [references_of(e) for e in examples])


def write_prompt(dialogue: str) -> str:
    """The utterances, one a line, up to where the summary begins."""
    lines = [one_line(line) for line in dialogue.splitlines()]
    return "\n".join(line for line in lines if line) + "\n\nSummary:"


class SAMSum(Summaries):
    """SAMSum: chats between friends. Its files are JSON lists of ``{"id", "dialogue", "summary"}``: train.json, val.json, test.json."""

    name = "samsum"
    description = "chats to summaries; a folder with SAMSum's train.json, val.json and test.json"
    summaries = ("summary",)


class DialogSum(Summaries):
    """DialogSum: spoken dialogues. Its files are JSON lines of ``{"fname", "dialogue", "summary"}``; the test file has ``summary1`` to ``summary3``."""

    name = "dialogsum"
    description = "spoken dialogues to summaries; a folder with DialogSum's dialogsum.train.jsonl, .dev.jsonl and .test.jsonl"
    summaries = ("summary", "summary1", "summary2", "summary3")

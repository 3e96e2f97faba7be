"""Texts with labels of one's own: a classification whose classes are whatever the file names.

Before it: ``data/files``. After it: ``labelled.py`` makes batches for a head, `prompted` makes prompts for a decoder.

A line of a JSON-lines file is ``{"text": "Where is my parcel?", "label": "delivery"}``, or for pairs ``{"text1": ..., "text2": ..., "label": ...}``; CSV and TSV with these
columns do as well.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from ...errors import InputError
from ..examples import Labelled
from ..files import Record, divide, find_parts, read_records
from ..files.parts import check_exists
from .classification import Classification

Line = tuple[tuple[str, ...], str]


class Labels(Classification):
    """Texts to labels, from a folder with train, dev and test files or from one file (divided 8 : 1 : 1 by the SHA-256 of the texts).

    The classes are the labels of the training part, sorted. Raises InputError, naming the file and the line, for a field that is missing or empty, for a
    label that training does not have, and where training has fewer than two.
    """

    name = "labels"
    description = 'texts with labels of your own; a file or folder of JSON lines {"text": ..., "label": ...}, CSV or TSV'
    figures = ("accuracy", "macro_f1")

    def __init__(self, data: str | os.PathLike[str]) -> None:
        path = Path(data)
        check_exists(path, self.name)
        if path.is_dir():
            files = find_parts(path, self.name)
            parts = {part: [r for file in found for r in read_records(file)] for part, found in files.items()}
        else:
            parts = divide(read_records(path), lambda r: "\0".join(_texts(r)), str(path))
        self.labels = tuple(sorted({_label(record) for record in parts["train"]}))
        if len(self.labels) < 2:
            raise InputError(
                f"{str(path)!r}: training has only the label {self.labels[0]!r}; a classification needs two or more"
            )
        self.words = tuple(label.strip() for label in self.labels)
        self.titles = ("text",) if len(_texts(parts["train"][0])) == 1 else ("first", "second")
        self._parts = {part: [self._example(r) for r in records] for part, records in parts.items()}

    @property
    def train(self) -> Sequence[Labelled]:
        """The training part."""
        return self._parts["train"]

    @property
    def validation(self) -> Sequence[Labelled]:
        """The dev file, or every tenth example."""
        return self._parts["validation"]

    @property
    def test(self) -> Sequence[Labelled]:
        """The test file, or another tenth."""
        return self._parts["test"]

    def _example(self, record: Record) -> Labelled:
        label, texts = _label(record), _texts(record)
        if label not in self.labels:
            raise record.wrong(
                f"the label {label!r} is not among those of training: {', '.join(self.labels)}"
            )
        if len(texts) != len(self.titles):
            raise record.wrong(
                f"there are {len(texts)} texts, and the first record of training has {len(self.titles)}"
            )
        return Labelled(texts, self.labels.index(label))


def _texts(record: Record) -> tuple[str, ...]:
    if "text" in record.fields or "sentence" in record.fields:
        return (record.text("text", "sentence"),)
    return record.text("text1", "sentence1", "text"), record.text("text2", "sentence2")


def _label(record: Record) -> str:
    value = record.get("label")
    if isinstance(value, bool | int):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise record.wrong(f"the label is {value!r}; it must be a text that is not empty")
    return value.strip()

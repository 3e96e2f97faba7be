"""What the nine tasks of GLUE have in common: how their files are read and divided.

Before it: ``data/files``. After it: ``tasks.py`` says what each of the nine adds.
"""

import math
import os
from collections.abc import Sequence
from pathlib import Path

from ...examples import Labelled
from ...files import Record, divide, find_parts, hold_out, read_records
from ...files.parts import check_exists
from ..classification import Classification


class Glue(Classification):
    """A task of GLUE, from its own TSV files, or from JSON lines or CSV with the same columns (as Hugging Face's ``glue`` exports them).

    Args:
        data: a folder with train and dev (or validation) files; or one file, which is then divided 8 : 1 : 1 by the SHA-256 of the texts.

    GLUE keeps the labels of its test sets to itself, and the literature reports the development sets, the paper too. So ``test`` is the development set
    here, and ``validation``, which settings are chosen by, is a tenth of the training set, 1,000 examples at most, those with the smallest SHA-256 of their
    texts. A file of test.tsv is not read.

    Raises InputError, naming the file and the line, when a file is missing or holds what the task does not.

    Attributes:
        columns: for each text, the names its column may have.
        label_columns: the names that the label's column may have.
        headless: the columns of a TSV file without a header line; None where there is one.
        short_lines: whether lines with too few fields are known in the published file, and passed over.
    """

    columns: tuple[tuple[str, ...], ...]
    label_columns: tuple[str, ...] = ("label",)
    headless: tuple[str, ...] | None = None
    short_lines: bool = False

    def __init__(self, data: str | os.PathLike[str]) -> None:
        path = Path(data)
        check_exists(path, self.name)
        if path.is_dir():
            files = find_parts(path, self.name, needed=("train", "validation"))
            examples = [example for file in files["train"] for example in self._read(file)]
            self._train, self._validation = hold_out(examples, _text)
            self._test = [example for file in files["validation"] for example in self._read(file)]
        else:
            parts = divide(self._read(path), _text, str(path))
            self._train, self._validation, self._test = parts["train"], parts["validation"], parts["test"]

    @property
    def train(self) -> Sequence[Labelled]:
        """The training file, without what is held out of it."""
        return self._train

    @property
    def validation(self) -> Sequence[Labelled]:
        """What is held out of the training file."""
        return self._validation

    @property
    def test(self) -> Sequence[Labelled]:
        """The development file."""
        return self._test

    def _read(self, file: Path) -> list[Labelled]:
        columns = self.headless if self.headless and _is_headless(file) else None
        records = read_records(file, columns=columns, short=self.short_lines)
        return [self._example(record, self.group_of(file)) for record in records]

    def group_of(self, file: Path) -> str:
        """The group that a file's examples belong to."""
        return ""

    def _example(self, record: Record, group: str) -> Labelled:
        texts = tuple(record.text(*names) for names in self.columns)
        return Labelled(texts, self._label(record), group)

    def _label(self, record: Record) -> int | float:
        value = record.get(*self.label_columns)
        if self.regression:
            return self._score(record, value)
        said = str(value).strip()
        if said in self.labels:
            return self.labels.index(said)
        if said.isdecimal() and int(said) < len(self.labels):
            return int(said)
        numbers = f"a number from 0 to {len(self.labels) - 1}"
        raise record.wrong(
            f"the label is {said!r}; it must be {', '.join(map(repr, self.labels))} or {numbers}"
        )

    def _score(self, record: Record, value: object) -> float:
        low, high = self.span
        try:
            score = float(str(value))
        except ValueError:
            score = math.nan
        if not low <= score <= high:
            raise record.wrong(f"the score is {str(value)!r}; it must be a number from {low:g} to {high:g}")
        return score


def _text(example: Labelled) -> str:
    return "\0".join(example.texts)


def _is_headless(file: Path) -> bool:
    """Whether a TSV file begins with a record: its second field is then a label, as in CoLA's."""
    with file.open("rb") as stream:
        fields = stream.readline(10_000).split(b"\t")
    return len(fields) == 4 and fields[1].strip() in (b"0", b"1")

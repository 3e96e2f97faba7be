"""E2E NLG: a restaurant's attributes, to be said in a sentence (Novikova et al. 2017; the paper's Table 3).

Before it: the data set's own CSV files. After it: ``data/batches.py`` makes batches of its examples.

What a prompt and its completion look like::

    name[The Eagle], eatType[coffee shop], near[Burger King]
    Text: The Eagle is a coffee shop near Burger King.

Training has one example for each (mr, ref) line. Validation and test have one for each distinct mr, with all its references: a model writes one text and
BLEU compares it with all of them.
"""

import csv
import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from ...errors import InputError
from ..examples import Example
from ..files.reading import decode_text, read_text
from .base import Task, check_pairs
from .written import one_line, text_scores

COLUMNS = ("mr", "ref")
PARTS = {"train": "train", "dev": "validation", "valid": "validation", "test": "test"}
"""How the name of a CSV file begins, and the part it holds."""

Line = tuple[str, str]


class E2E(Task):
    """Attributes to text, from E2E's own files.

    Args:
        data: the zip of the release or a folder, holding a train*.csv, a dev*.csv (or valid*.csv) and a test*.csv with references (as
            ``testset_w_refs.csv``; the release's ``testset.csv`` without references is passed over); or one CSV file, which is then divided by the
            SHA-256 of each mr modulo 10: 0 to 7 training, 8 validation, 9 test.

    Raises InputError, naming the file and the line, when a file is missing, is not UTF-8 CSV with the columns ``mr,ref``, or holds an empty field.
    """

    name = "e2e"
    description = "a restaurant's attributes to a sentence; the zip of E2E NLG, a folder of its CSV files, or one CSV file mr,ref"
    primary = "bleu"
    answer_tokens = 96

    def __init__(self, data: str | os.PathLike[str]) -> None:
        parts = _read_parts(Path(data))
        self._train = tuple(Example(write_prompt(mr), f" {one_line(ref)}") for mr, ref in parts["train"])
        self._validation = _grouped(parts["validation"])
        self._test = _grouped(parts["test"])

    @property
    def train(self) -> tuple[Example, ...]:
        """One example for each (mr, ref)."""
        return self._train

    @property
    def validation(self) -> tuple[Example, ...]:
        """One example for each distinct mr; ``extra["references"]`` holds all its texts, the completion is the first."""
        return self._validation

    @property
    def test(self) -> tuple[Example, ...]:
        """As `validation`."""
        return self._test

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """The figures of `text_scores`: BLEU and the others of the paper's Table 3. An example without ``extra["references"]`` counts its completion as the only one."""
        check_pairs(examples, predictions)
        return text_scores(examples, predictions)


def write_prompt(mr: str) -> str:
    """A meaning representation, up to where the text begins."""
    return f"{mr}\nText:"


def _grouped(lines: Iterable[Line]) -> tuple[Example, ...]:
    """One example for each distinct mr, in the order of its first line."""
    references: dict[str, list[str]] = {}
    for mr, ref in lines:
        references.setdefault(mr, []).append(one_line(ref))
    return tuple(
        Example(write_prompt(mr), f" {texts[0]}", {"references": tuple(texts)})
        for mr, texts in references.items()
    )


def _read_parts(data: Path) -> dict[str, list[Line]]:
    """The lines of each part, read from a zip, a folder or one CSV file."""
    if not data.exists():
        raise InputError(
            f"no E2E data at {str(data)!r}; give the zip of the release, a folder of its CSV files, or one CSV file with the columns mr,ref"
        )
    if data.is_dir():
        files = {file.name: file for file in sorted(data.glob("*.csv"))}
        chosen = _choose(files, str(data))
        return {part: _read_lines(read_text(files[name]), str(files[name])) for part, name in chosen.items()}
    if zipfile.is_zipfile(data):
        return _read_zip(data)
    if data.suffix.lower() == ".zip":
        raise InputError(f"{str(data)!r} is not a whole zip file; download it again")
    return _divide(_read_lines(read_text(data), str(data)), str(data))


def _read_zip(data: Path) -> dict[str, list[Line]]:
    try:
        with zipfile.ZipFile(data) as archive:
            names = [
                name
                for name in archive.namelist()
                if name.endswith(".csv") and not name.startswith("__MACOSX/")
            ]
            members = {PurePosixPath(name).name: name for name in names}
            chosen = _choose(members, str(data))
            contents = {part: archive.read(members[name]) for part, name in chosen.items()}
    except (
        zipfile.BadZipFile,
        zlib.error,
        RuntimeError,
        NotImplementedError,
        EOFError,
    ) as error:  # RuntimeError: a password is set
        raise InputError(f"{str(data)!r} cannot be unpacked: {error}; download it again") from error
    inside = {part: f"{data}:{members[chosen[part]]}" for part in contents}
    return {
        part: _read_lines(decode_text(content, inside[part]), inside[part])
        for part, content in contents.items()
    }


def _choose(names: Iterable[str], where: str) -> dict[str, str]:
    """Which file holds which part; where several begin alike, the one with references (``_w_refs``)."""
    chosen: dict[str, str] = {}
    for name in sorted(names, key=lambda name: ("w_ref" not in name, name)):
        for beginning, part in PARTS.items():
            if name.lower().startswith(beginning):
                chosen.setdefault(part, name)
    for beginning, part in (("train", "train"), ("dev", "validation"), ("test", "test")):
        if part not in chosen:
            raise InputError(
                f"{where!r} holds no {beginning}*.csv; E2E has trainset.csv, devset.csv and testset_w_refs.csv"
            )
    return chosen


def _read_lines(text: str, file: str) -> list[Line]:
    """The (mr, ref) of each line after the header; ``file`` is for the errors."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[Line] = []
    try:
        header = next(rows, [])
        if tuple(name.strip().lower() for name in header) != COLUMNS:
            found = repr(",".join(header)[:80]) if header else "missing: the file is empty"
            raise InputError(
                f"{file}, line 1: the columns are {found}; E2E files with references begin with mr,ref"
            )
        number = rows.line_num + 1
        for row in rows:
            if row and (len(row) != 2 or not all(field.strip() for field in row)):
                found = ",".join(row)[:60]
                raise InputError(
                    f"{file}, line {number}: found {len(row)} fields ({found!r}); a line holds mr and ref, neither of them empty"
                )
            if row:
                lines.append((row[0].strip(), row[1]))
            number = rows.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{file}, line {rows.line_num}: this is not CSV ({error}); a field with a comma stands in double quotes"
        ) from error
    if not lines:
        raise InputError(f"{file}: there is no line after the header mr,ref")
    return lines


def _divide(lines: Iterable[Line], file: str) -> dict[str, list[Line]]:
    """One file's lines over the three parts, each mr in one of them only."""
    parts: dict[str, list[Line]] = {"train": [], "validation": [], "test": []}
    for mr, ref in lines:
        number = int(hashlib.sha256(mr.encode()).hexdigest(), 16) % 10
        parts["train" if number < 8 else "validation" if number == 8 else "test"].append((mr, ref))
    for part, found in parts.items():
        if not found:
            raise InputError(
                f"{file!r} has too few different mr: none falls to {part}; give some dozens, or a folder with train, dev and test files"
            )
    return parts

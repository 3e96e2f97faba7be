"""E2E NLG: a restaurant's attributes, to be said in a sentence (Novikova et al. 2017; the paper's Table 3).

Before it: the data set's own CSV files. After it: ``data/batches.py`` makes batches of its examples.

What a prompt and its completion look like::

    name[The Eagle], eatType[coffee shop], near[Burger King]
    Text: The Eagle is a coffee shop near Burger King.

Training has one example for each (mr, ref) line. Validation and test have one for each distinct mr, with all its references: a model writes one text and
BLEU compares it with all of them.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ...errors import InputError
from ..examples import Example
from ..files import divide
from ..files.reading import decode_text, read_text
from .base import check_pairs
from .written import Written, one_line, text_scores

COLUMNS = ("mr", "ref")
PARTS = {"train": "train", "dev": "validation", "valid": "validation", "test": "test"}
"""How the name of a CSV file begins, and the part it holds."""

CUE = "\nText:"
"""What follows a meaning representation in a prompt."""

Line = tuple[str, str]


class E2E(Written):
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

    def read_parts(self, path: Path) -> Mapping[str, list[Example]]:
        """The examples of each part, from a zip, a folder or one CSV file."""
        if path.is_dir():
            files = {file.name: file for file in sorted(path.glob("*.csv"))}
            return {part: self.read(files[name]) for part, name in _choose(files, str(path)).items()}
        if zipfile.is_zipfile(path):
            contents = _read_zip(path)
            return {part: _examples(*content) for part, content in contents.items()}
        if path.suffix.lower() == ".zip":
            raise InputError(f"{str(path)!r} is not a whole zip file; download it again")
        return divide(self.read(path), _mr, str(path))

    def read(self, file: Path) -> list[Example]:
        """One example for each (mr, ref) of a CSV file."""
        return _examples(read_text(file), str(file))

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """The figures of `text_scores`: BLEU and the others of the paper's Table 3. An example without ``extra["references"]`` counts its completion as the only one."""
        check_pairs(examples, predictions)
        return text_scores(examples, predictions)


def write_prompt(mr: str) -> str:
    """A meaning representation, up to where the text begins."""
    return mr + CUE


def _mr(example: Example) -> str:
    return example.prompt.removesuffix(CUE)


def _examples(text: str, file: str) -> list[Example]:
    return [Example(write_prompt(mr), f" {one_line(ref)}") for mr, ref in _read_lines(text, file)]


def _read_zip(data: Path) -> dict[str, tuple[str, str]]:
    """The text of each part's file, and the file's name for errors."""
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
    return {part: (decode_text(content, inside[part]), inside[part]) for part, content in contents.items()}


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

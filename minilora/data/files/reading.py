"""Reading a data file as records: JSON lines, one JSON document, TSV as GLUE writes it, or CSV, told apart by what stands in it.

Before it: a file. After it: ``data/tasks`` makes an example of each record, and says with its file and line what is wrong with it.

TSV is read with quoting off, for GLUE's files hold stray quotation marks; CSV is read with quoting, strictly. A byte order mark is passed over.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError


@dataclass(frozen=True)
class Record:
    """The fields of one record, by the lowered names of the columns, and where it stands: a line, or an entry of a JSON list."""

    fields: Mapping[str, Any]
    file: str
    line: int
    unit: str = "line"

    def wrong(self, why: str) -> InputError:
        """The error to raise for this record, with its file and line."""
        return InputError(f"{self.file}, {self.unit} {self.line}: {why}")

    def get(self, *names: str) -> Any:
        """The field that has one of these names; raises InputError when there is none."""
        for name in names:
            if name in self.fields:
                return self.fields[name]
        found = ", ".join(map(repr, self.fields)) or "none"
        raise self.wrong(f"there is no field {' or '.join(map(repr, names))}; the fields are {found}")

    def text(self, *names: str) -> str:
        """The same, when it is a text that is not blank, without the blanks around it."""
        value = self.get(*names)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(
                f"the field {' or '.join(map(repr, names))} is {value!r}; it must be a text that is not empty"
            )
        return value.strip()

    def refuse_halves(self) -> None:
        """Raise InputError where a text of the record holds half of a character: JSON's escape ``\\ud800`` alone makes one, and no tokenizer and no file can take it."""
        try:
            json.dumps(dict(self.fields), ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            half = f"\\u{ord(error.object[error.start]):x}"
            raise self.wrong(
                f"the escape {half} is half of a character; write the other half after it, or leave it out"
            ) from error


def read_records(path: Path, *, columns: Sequence[str] | None = None, short: bool = False) -> list[Record]:
    """The records of a file.

    columns: names for a TSV or CSV file without a header line. short: pass over TSV lines with too few fields instead of refusing them.
    Raises InputError, with the file and the line, for a file that is missing, not UTF-8, empty, or not of the format that it seems to be.
    """
    text = read_text(path)
    beginning = text.lstrip()[:1]
    if not beginning:
        raise InputError(f"{path}: the file is empty")
    if beginning in "[{":
        records = _json(text, str(path))
    elif "\t" in text.split("\n", 1)[0]:
        records = _tsv(text, str(path), columns, short)
    else:
        records = _csv(text, str(path), columns)
    if not records:
        raise InputError(f"{path}: there is no record after the header")
    return records


def read_text(path: Path) -> str:
    """The text of a UTF-8 file; raises InputError where it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from error
    return decode_text(content, str(path))


def decode_text(content: bytes, file: str) -> str:
    """UTF-8 bytes as text, without a byte-order mark; raises InputError, naming ``file`` and the line, where they are none."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{file}, line {line}: this is not UTF-8 text; convert the file to UTF-8 first"
        ) from error


def parse_json(text: str, file: str, line: int = 1) -> Any:
    """A JSON document; raises InputError with the line within the file, where ``line`` is that of the text's beginning."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{file}, line {line + error.lineno - 1}: this is not JSON ({error.msg})") from error
    except RecursionError as error:
        raise InputError(f"{file}, line {line}: this JSON is nested too deep") from error


def _json(text: str, file: str) -> list[Record]:
    """JSON lines, or one document: a list of objects."""
    if text.lstrip()[0] == "[":
        items = enumerate(parse_json(text, file), start=1)
        records = [_record(item, file, number, "entry") for number, item in items]
    else:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        records = [_record(parse_json(line, file, number), file, number, "line") for number, line in lines]
    if "\\u" in text:  # without an escape there is no half of a character in UTF-8
        for record in records:
            record.refuse_halves()
    return records


def _record(value: Any, file: str, number: int, unit: str) -> Record:
    if not isinstance(value, dict):
        raise InputError(
            f"{file}, {unit} {number}: found {str(value)[:40]!r}; a record is a JSON object in braces"
        )
    return Record({str(key).lower(): item for key, item in value.items()}, file, number, unit)


def _tsv(text: str, file: str, columns: Sequence[str] | None, short: bool) -> list[Record]:
    lines = [line.rstrip("\r").split("\t") for line in text.split("\n")]
    first = 0 if columns else 1
    names = [name.strip().lower() for name in (columns or lines[0])]
    records = []
    for number, fields in enumerate(lines[first:], start=first + 1):
        if fields == [""]:
            continue
        if len(fields) < len(names) and short:
            continue
        if len(fields) != len(names):
            raise InputError(
                f"{file}, line {number}: found {len(fields)} fields; the file has {len(names)} columns, divided by tabs: {', '.join(names)}"
            )
        records.append(Record(dict(zip(names, fields, strict=True)), file, number))
    return records


def _csv(text: str, file: str, columns: Sequence[str] | None) -> list[Record]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    records, number = [], 1
    names = [name.lower() for name in columns] if columns else None
    try:
        for row in rows:
            if names is None:
                names = [name.strip().lower() for name in row]
            elif row and len(row) != len(names):
                raise InputError(
                    f"{file}, line {number}: found {len(row)} fields; the file has {len(names)} columns, divided by commas: {', '.join(names)}"
                )
            elif row:
                records.append(Record(dict(zip(names, row, strict=True)), file, number))
            number = rows.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{file}, line {rows.line_num}: this is not CSV ({error}); a field with a comma stands in double quotes"
        ) from error
    return records

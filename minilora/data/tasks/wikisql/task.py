"""The WikiSQL task, from its own files or from prompt lines.

Before it: ``form.py`` and ``data/files``. After it: ``data/batches.py`` makes batches of the examples.

What a prompt and its completion look like::

    table: 1-10015132-16
    columns: Player, No., Nationality, Position
    Q: What is terrence ross' nationality
    A: SELECT Nationality FROM 1-10015132-16 WHERE Player = 'Terrence Ross'
"""

import math
import os
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ....errors import InputError
from ...examples import Example
from ...files import PARTS, Record, divide, find_parts, read_records
from ...files.parts import check_exists
from ...sql.sandbox import QueryError, Row, Sandbox, SQLTable, quote, same_answer
from ..base import Task, check_pairs
from .form import AGGREGATES, OPERATORS, Form, read_form

NUMBER = re.compile(r"[-+]?\d*\.\d+|\d+")
"""A number within a text, as WikiSQL's scorer looks for it."""


class WikiSQL(Task):
    """Questions to SQL of WikiSQL's form.

    Args:
        data: a folder with WikiSQL's own train.jsonl, dev.jsonl and test.jsonl, each beside its ``*.tables.jsonl`` and, where it is there, its ``*.db``;
            or a folder of such files, or one file, of prompt lines ``{"text": "table: ...\\ncolumns: ...\\nQ: ...\\nA: SELECT ..."}``.

    Raises InputError, naming the file and the line, when a file is missing or holds what it should not.
    """

    name = "wikisql"
    description = "questions about tables to SQL; a folder with WikiSQL's *.jsonl and *.tables.jsonl, or of prompt lines"
    primary = "logical_form"
    answer_tokens = 64
    cue = "\nQ:"

    def __init__(self, data: str | os.PathLike[str]) -> None:
        path = Path(data)
        check_exists(path, self.name)
        if path.is_file():
            self._parts = divide(
                [prompt_example(r) for r in read_records(path)], lambda e: e.prompt, str(path)
            )
            return
        files = find_parts(path, self.name, endings=(".jsonl",))
        self._parts = {part: [e for file in files[part] for e in _read(file)] for part in PARTS}

    @property
    def train(self) -> Sequence[Example]:
        """One example a question; ``extra`` holds ``columns``, ``form`` and, where the rows are known, ``table``."""
        return self._parts["train"]

    @property
    def validation(self) -> Sequence[Example]:
        """The dev file."""
        return self._parts["validation"]

    @property
    def test(self) -> Sequence[Example]:
        """The test file."""
        return self._parts["test"]

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """``logical_form``: the share of predictions with the right column, aggregate and conditions, their order aside. ``execution``, where all examples have
        their rows: the share that returns what the right query returns, of values in small letters, as WikiSQL's scorer has it (but for two conditions on one column,
        of which it looks the second one's value up for both). ``exact``: the right text."""
        check_pairs(examples, predictions)
        forms = [read_form(p, e.extra["columns"]) for e, p in zip(examples, predictions, strict=True)]
        right: list[Form] = [example.extra["form"] for example in examples]
        count = len(examples)
        pairs = list(zip(forms, right, strict=True))
        scores = {"logical_form": sum(f is not None and f.same(r) for f, r in pairs) / count}
        if all(example.extra.get("table") for example in examples):
            hits = [
                _returns_the_same(e.extra["table"], f, r) for e, (f, r) in zip(examples, pairs, strict=True)
            ]
            scores["execution"] = sum(hits) / count
        texts = zip(examples, predictions, strict=True)
        scores["exact"] = sum(p.split() == e.completion.split() for e, p in texts) / count
        return scores


def write_prompt(table: str, columns: Sequence[str], question: str) -> str:
    """A question under its table's columns, up to where the SQL begins."""
    return f"table: {table}\ncolumns: {', '.join(columns)}\nQ: {' '.join(question.split())}\nA:"


def prompt_example(record: Record) -> Example:
    """A prompt line as an example; raises InputError where it is not of the form that the class describes."""
    text = record.text("text")
    prompt, mark, sql = text.rpartition("\nA:")
    lines = prompt.split("\n")
    if (
        not mark
        or len(lines) < 3
        or not (lines[0].startswith("table: ") and lines[1].startswith("columns: "))
    ):
        raise record.wrong("the text must have the lines 'table: ...', 'columns: ...', 'Q: ...' and 'A: ...'")
    columns = _names(lines[1].removeprefix("columns: "))
    form = read_form(sql, columns)
    if form is None:
        raise record.wrong(
            f"what follows A: is {sql.strip()[:80]!r}; it must be SQL of WikiSQL's form on the columns named"
        )
    return Example(f"{prompt}\nA:", f" {' '.join(sql.split())}", {"columns": columns, "form": form})


def _names(listed: str) -> tuple[str, ...]:
    """Every name that a list with commas may hold: a name may have a comma itself, so runs of up to four pieces count as names too."""
    pieces = [piece.strip() for piece in listed.split(",")]
    runs = ((i, length) for length in range(1, 5) for i in range(len(pieces) - length + 1))
    return tuple(dict.fromkeys(", ".join(pieces[i : i + length]) for i, length in runs))


def _read(file: Path) -> list[Example]:
    if file.name.endswith(".tables.jsonl"):
        return []
    records = read_records(file)
    if "text" in records[0].fields:
        return [prompt_example(record) for record in records]
    tables = _tables(file.with_name(file.stem + ".tables.jsonl"), file.with_suffix(".db"))
    return [_question(record, tables) for record in records]


def _question(record: Record, tables: dict[str, tuple[Record, SQLTable]]) -> Example:
    name, query = record.text("table_id"), record.get("sql")
    if name not in tables:
        raise record.wrong(f"the table {name!r} is not in the file of tables")
    table, stored = tables[name]
    columns = tuple(map(str, table.get("header")))
    form = _form(query, len(columns), record)
    numeric = [kind == "REAL" for _, kind in stored.columns]
    written = form.text(name, columns, numeric)
    return Example(
        write_prompt(name, columns, record.text("question")),
        f" {written}",
        {"columns": columns, "form": read_form(written, columns) or form, "table": stored},
    )


def _form(query: Any, columns: int, record: Record) -> Form:
    try:
        form = Form(
            int(query["sel"]),
            int(query["agg"]),
            tuple((int(c), int(o), str(v)) for c, o, v in query["conds"]),
        )
    except (KeyError, TypeError, ValueError):
        raise record.wrong(
            "the field 'sql' must hold 'sel', 'agg' and 'conds', a list of [column, operator, value]"
        ) from None
    chosen = [form.column, *(c for c, _, _ in form.conditions)]
    if not all(0 <= c < columns for c in chosen) or not 0 <= form.aggregate < len(AGGREGATES):
        raise record.wrong(
            f"the field 'sql' names a column or an aggregate that is not there; the table has {columns} columns"
        )
    if not all(0 <= o < len(OPERATORS) for _, o, _ in form.conditions):
        raise record.wrong(f"a condition has an operator other than {', '.join(OPERATORS)}")
    return form


def _tables(file: Path, database: Path) -> dict[str, tuple[Record, SQLTable]]:
    """Each table by its id: its record and its rows, those of the database where one is there (its texts are in small letters already)."""
    found = {}
    for record in read_records(file):
        name, header, kinds = record.text("id"), record.get("header"), record.get("types")
        if (
            not isinstance(header, list)
            or not isinstance(kinds, list)
            or len(header) != len(kinds)
            or not header
        ):
            raise record.wrong("'header' and 'types' must be lists of the same length")
        columns = tuple((f"col{i}", "REAL" if kind == "real" else "TEXT") for i, kind in enumerate(kinds))
        rows = [tuple(map(_cell, row)) for row in record.get("rows")]
        if any(len(row) != len(header) for row in rows):
            raise record.wrong(f"a row has another number of cells than the {len(header)} columns")
        found[name] = record, SQLTable("table", columns, rows)  # type: ignore[arg-type]
    return _stored(found, database) if database.is_file() else found


def _stored(found: dict[str, tuple[Record, SQLTable]], file: Path) -> dict[str, tuple[Record, SQLTable]]:
    """The same tables with the rows of WikiSQL's own database, which is opened for reading only."""
    try:
        connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
        try:
            for name, (record, table) in found.items():
                stored = quote("table_" + name.replace("-", "_"))
                columns = ", ".join(column for column, _ in table.columns)
                rows: list[Row] = connection.execute(f"SELECT {columns} FROM {stored}").fetchall()
                found[name] = record, SQLTable(table.name, table.columns, rows)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise InputError(f"{str(file)!r} is not a database of these tables: {error}") from error
    return found


def _cell(value: Any) -> str | float | int | None:
    """A cell as WikiSQL's database stores it: texts in small letters."""
    return value.lower() if isinstance(value, str) else value


def _returns_the_same(table: SQLTable, found: Form | None, right: Form) -> bool:
    if found is None:
        return False
    with Sandbox([table]) as sandbox:
        try:
            rows = sandbox.run(_sql(found, table))
        except QueryError:
            return False
        return same_answer(rows, sandbox.run(_sql(right, table)), ordered=False)


def _sql(form: Form, table: SQLTable) -> str:
    """The form for SQLite, with the values spelt as the database stores them."""
    column = table.columns[form.column][0]
    chosen = f"{AGGREGATES[form.aggregate]}({column})" if form.aggregate else column
    conditions = [
        f"{table.columns[c][0]} {OPERATORS[o]} {_value(v, table.columns[c][1])}"
        for c, o, v in form.conditions
    ]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {chosen} FROM {quote(table.name)}{where}"


def _value(value: str, kind: str) -> str:
    if kind == "REAL":
        try:
            number = float(value.replace(",", ""))
        except ValueError:  # "3rd": WikiSQL's scorer takes the first number in it
            found = NUMBER.search(value)
            number = float(found.group()) if found else math.nan
        if math.isfinite(number):
            return repr(number)
    return "'" + value.lower().replace("'", "''") + "'"

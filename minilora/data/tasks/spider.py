"""Spider: questions about databases of several tables, to SQL (Yu et al. 2018), from its own files, or from files of one's own in the same form.

Before it: ``data/files`` and ``data/sql``. After it: ``data/batches.py`` makes batches of the examples.

What a prompt and its completion look like::

    database: concert_singer
    singer: singer_id, name, age
    concert: concert_id, singer_id, year
    keys: concert.singer_id = singer.singer_id
    Q: How many singers are there?
    SQL: SELECT count(*) FROM singer
"""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..examples import Example
from ..files import Record, find_parts, hold_out, read_records
from ..sql import QueryError, Row, Sandbox, SQLTable, exact_set_match
from ..sql.parse import ParseError, parse
from ..sql.sandbox import Kind, quote
from .base import Task, check_pairs

MOST_STEPS, MOST_ROWS = 20_000_000, 1_000_000
"""How long a query may work, and how many rows it may return: the databases are other people's, and a right query may list a whole table of them, or join two."""


@dataclass(frozen=True)
class Schema:
    """A database: its tables with their columns and the types of these, and pairs of columns that a foreign key links."""

    name: str
    tables: dict[str, tuple[tuple[str, Kind], ...]]
    keys: tuple[tuple[str, str], ...]

    @property
    def columns(self) -> dict[str, list[str]]:
        """The names of each table's columns."""
        return {table: [name for name, _ in columns] for table, columns in self.tables.items()}

    @property
    def same(self) -> dict[str, str]:
        """For each column that a foreign key links, the one that stands for all of them."""
        found: dict[str, str] = {}
        for a, b in self.keys:
            a, b = found.get(a.lower(), a.lower()), found.get(b.lower(), b.lower())
            found |= {name: b for name, stands in found.items() if stands == a} | {a: b}
        return found

    def prompt(self, question: str) -> str:
        """The question under the database's heading, up to where the SQL begins."""
        tables = [f"{table}: {', '.join(columns)}" for table, columns in self.columns.items()]
        keys = [f"keys: {', '.join(f'{a} = {b}' for a, b in self.keys)}"] if self.keys else []
        lines = [f"database: {self.name}", *tables, *keys, f"Q: {' '.join(question.split())}", "SQL:"]
        return "\n".join(lines)


class Spider(Task):
    """Questions to SQL over several tables.

    Args:
        data: a folder with tables.json, train*.json (``{"db_id", "question", "query"}``) and dev*.json; and, for execution, ``database/ID/ID.sqlite``.

    Spider keeps its test set to itself: ``test`` is the development set here, and ``validation`` is about a tenth of the training set, of whole databases, so
    that its schemas are new too. Raises InputError, naming the file and the line, for what is missing or cannot be read.
    """

    name = "spider"
    description = "questions about databases of several tables to SQL; a folder with Spider's tables.json, train*.json and dev.json"
    primary = "exact_set"
    answer_tokens = 96
    cue = "\nQ:"

    def __init__(self, data: str | os.PathLike[str]) -> None:
        path = Path(data)
        files = find_parts(path, self.name, needed=("train", "validation"), endings=(".json",))
        if not (path / "tables.json").is_file():
            raise InputError(f"the folder {str(path)!r} holds no tables.json; spider needs its schemas")
        self._databases = path / "database"
        schemas = {s.name: s for s in map(read_schema, read_records(path / "tables.json"))}
        examples = {
            part: [_example(record, schemas) for file in found for record in read_records(file)]
            for part, found in files.items()
            if part != "test"  # newer copies have a test file, of databases that tables.json does not know
        }
        self._train, self._validation = hold_out(examples["train"], _database)
        self._test = examples["validation"]

    @property
    def train(self) -> Sequence[Example]:
        """The training questions, without the databases held out; ``extra["schema"]`` is the `Schema`."""
        return self._train

    @property
    def validation(self) -> Sequence[Example]:
        """Questions about the databases held out."""
        return self._validation

    @property
    def test(self) -> Sequence[Example]:
        """The development file."""
        return self._test

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """``exact_set``: the share that has the right parts (see `exact_set_match`); ``execution``, where every example's database is there: that returns the right rows."""
        check_pairs(examples, predictions)
        schemas: list[Schema] = [example.extra["schema"] for example in examples]
        triples = list(zip(examples, predictions, schemas, strict=True))
        hits = sum(exact_set_match(p, e.completion, s.columns, s.same) for e, p, s in triples)
        scores = {"exact_set": hits / len(examples)}
        if all(self._file(schema).is_file() for schema in schemas):
            scores["execution"] = sum(self._executed(examples, predictions)) / len(examples)
        return scores

    def _file(self, schema: Schema) -> Path:
        return self._databases / schema.name / f"{schema.name}.sqlite"

    def _executed(self, examples: Sequence[Example], predictions: Sequence[str]) -> list[bool]:
        """For each prediction, whether it returns the right rows; each database is read once. Raises InputError where one does not run the right query."""
        by_database: dict[str, list[int]] = {}
        for i, example in enumerate(examples):
            by_database.setdefault(_database(example), []).append(i)
        right = [False] * len(examples)
        for numbers in by_database.values():
            schema: Schema = examples[numbers[0]].extra["schema"]
            file = self._file(schema)
            with Sandbox(_stored(file, schema), steps=MOST_STEPS, rows=MOST_ROWS) as sandbox:
                for i in numbers:
                    right[i] = _agrees(sandbox, predictions[i], examples[i].completion.strip(), file)
        return right


def read_schema(record: Record) -> Schema:
    """A record of tables.json as a `Schema`; raises InputError where it is none."""
    try:
        names, types = record.get("column_names_original"), record.get("column_types")
        tables: dict[str, list[tuple[str, Kind]]] = {
            str(name): [] for name in record.get("table_names_original")
        }
        order = list(tables)
        full = ["*"]
        for (table, column), kind in list(zip(names, types, strict=True))[1:]:
            tables[order[table]].append((str(column), "NUMERIC" if kind == "number" else "TEXT"))
            full.append(f"{order[table]}.{column}")
        keys = tuple((full[a], full[b]) for a, b in record.get("foreign_keys"))
    except (TypeError, ValueError, IndexError) as error:
        raise record.wrong(
            f"this is no schema ({error}); it needs db_id, table_names_original, column_names_original, column_types and foreign_keys"
        ) from error
    return Schema(record.text("db_id"), {table: tuple(columns) for table, columns in tables.items()}, keys)


def _example(record: Record, schemas: dict[str, Schema]) -> Example:
    name, question, query = record.text("db_id"), record.text("question"), record.text("query")
    if name not in schemas:
        raise record.wrong(f"the database {name!r} is not in tables.json")
    try:
        parse(query, schemas[name].columns)
    except ParseError as error:
        raise record.wrong(f"the query cannot be read: {error}") from error
    return Example(
        schemas[name].prompt(question), f" {' '.join(query.rstrip('; ').split())}", {"schema": schemas[name]}
    )


def _database(example: Example) -> str:
    schema: Schema = example.extra["schema"]
    return schema.name


def _agrees(sandbox: Sandbox, prediction: str, right: str, file: Path) -> bool:
    try:
        return sandbox.agrees(prediction, right, ordered="order by" in right.lower())
    except QueryError as error:
        raise InputError(f"{str(file)!r} does not run the right query {right!r}: {error}") from error


def _stored(file: Path, schema: Schema) -> list[SQLTable]:
    """The tables of a database file, which is opened for reading only."""
    try:
        connection: Any = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
        connection.text_factory = lambda content: content.decode("utf-8", "replace")
        try:
            found = []
            for table, columns in schema.tables.items():
                names = ", ".join(quote(name) for name, _ in columns)
                rows: list[Row] = connection.execute(f"SELECT {names} FROM {quote(table)}").fetchall()
                found.append(SQLTable(table, columns, rows))
            return found
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise InputError(f"{str(file)!r} does not hold the tables of {schema.name!r}: {error}") from error

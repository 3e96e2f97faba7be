"""Tables in SQLite, where any text may be run as a query and can do no harm.

Before it: tables with their rows. After it: tasks compare what a predicted query returns with what the right one returns.

What a model writes is not to be trusted. The database lies in memory, and after it is filled SQLite itself refuses everything but reading it: an
authorizer lets SELECT, READ and a list of harmless functions pass (no INSERT, ATTACH, PRAGMA, load_extension, recursive WITH ...), texts and
queries have a limited size, and a query is interrupted after a fixed number of steps of SQLite's machine. Steps are counted rather than seconds, so
that the same query is right or wrong on every machine.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Literal, Self

Value = str | int | float | bytes | None
Row = tuple[Value, ...]
Kind = Literal["TEXT", "INTEGER", "REAL", "NUMERIC"]

STEPS_BETWEEN_LOOKS = 1_000
LOOKS = 500  # half a million steps: some 10 ms; the longest right query of nl2sql takes a few hundred steps
LONGEST_ANSWER = 1_000

_ACTIONS = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION)
_FUNCTIONS = (
    "count",
    "min",
    "max",
    "avg",
    "sum",
    "total",
    "abs",
    "round",
    "length",
    "lower",
    "upper",
    "like",
)
_LIMITS = (
    (sqlite3.SQLITE_LIMIT_LENGTH, 100_000),
    (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 10_000),
    (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 50),
    (sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 10),
    (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
)


class QueryError(ValueError):
    """A text that SQLite does not run as a query: wrong SQL, or SQL that is not allowed. The message says what SQLite says."""


@dataclass(frozen=True)
class SQLTable:
    """A table for SQLite: its name, the names and types (TEXT, INTEGER, REAL, NUMERIC) of its columns, and its rows."""

    name: str
    columns: tuple[tuple[str, Kind], ...]
    rows: Sequence[Row] = field(repr=False)


class Sandbox:
    """Tables in an in-memory SQLite database that can only be read; use it in a ``with`` statement."""

    def __init__(
        self,
        tables: Iterable[SQLTable],
        *,
        steps: int = STEPS_BETWEEN_LOOKS * LOOKS,
        rows: int = LONGEST_ANSWER,
    ) -> None:
        """steps, rows: how long a query may work, in steps of SQLite's machine, and how many rows it may return."""
        self._looks, self._rows = max(1, steps // STEPS_BETWEEN_LOOKS), rows
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        for table in tables:
            columns = ", ".join(f"{quote(name)} {kind}" for name, kind in table.columns)
            self._connection.execute(f"CREATE TABLE {quote(table.name)} ( {columns} )")
            places = ", ".join("?" * len(table.columns))
            self._connection.executemany(f"INSERT INTO {quote(table.name)} VALUES ( {places} )", table.rows)
        self._connection.execute("PRAGMA query_only = ON")
        for limit, value in _LIMITS:
            self._connection.setlimit(limit, value)
        self._connection.set_authorizer(_authorize)

    def run(self, sql: str, *, rows: int | None = None) -> list[Row]:
        """The rows that ``sql`` returns; raises QueryError when it is wrong, forbidden, too long at work, or returns more than ``rows`` (None: than any query may)."""
        most = self._rows if rows is None else rows
        looks = count(1)
        self._connection.set_progress_handler(lambda: int(next(looks) > self._looks), STEPS_BETWEEN_LOOKS)
        try:
            cursor = self._connection.execute(sql)
            if cursor.description is None:
                raise QueryError("this is not a query")
            found: list[Row] = cursor.fetchmany(most + 1)
            cursor.close()
        except (
            sqlite3.Error,
            sqlite3.Warning,
            ValueError,
            OverflowError,
        ) as error:  # ValueError: a zero byte, half a surrogate
            raise QueryError(str(error)) from error
        if len(found) > most:
            raise QueryError(f"more than {most} rows")
        return found

    def agrees(self, predicted: str, right: str, *, ordered: bool) -> bool:
        """Whether ``predicted`` runs and returns what ``right`` returns; raises QueryError, whatever is predicted, when ``right`` does not run."""
        wanted = self.run(right)
        try:
            found = self.run(predicted, rows=len(wanted))  # one row more, and it is wrong
        except QueryError:
            return False
        return same_answer(found, wanted, ordered=ordered)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()


def quote(name: str) -> str:
    """A name as SQL takes it whatever stands in it."""
    return '"' + name.replace('"', '""') + '"'


def same_answer(found: list[Row], right: list[Row], *, ordered: bool) -> bool:
    """Whether two answers hold the same rows, in the same order where ``ordered``; decimal numbers are compared to nine digits."""
    if len(found) != len(right):
        return False
    a, b = [_rounded(row) for row in found], [_rounded(row) for row in right]
    return a == b if ordered else Counter(a) == Counter(b)


def _rounded(row: Row) -> Row:
    return tuple(float(f"{value:.9g}") if isinstance(value, float) else value for value in row)


def _authorize(
    action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None
) -> int:
    if action not in _ACTIONS or (
        action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _FUNCTIONS
    ):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK

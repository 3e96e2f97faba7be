"""A table of this task in SQLite: `Database` is the sandbox of ``data/sql`` around one `Table`.

Before it: ``tables.py``. After it: ``task.py`` compares what a predicted query returns with what the right one returns.
"""

from ...sql.sandbox import LONGEST_ANSWER, Kind, QueryError, Row, Sandbox, SQLTable, same_answer
from .tables import Table

__all__ = ["LONGEST_ANSWER", "Database", "QueryError", "Row", "same_answer"]


class Database(Sandbox):
    """Some tables, one by default, in an in-memory SQLite database that can only be read; use it in a ``with`` statement."""

    def __init__(self, *tables: Table) -> None:
        super().__init__(as_sql(table) for table in tables)


def as_sql(table: Table) -> SQLTable:
    """The table with the types that SQLite asks for."""
    kinds: list[Kind] = [("INTEGER" if column.numeric else "TEXT") for column in table.columns]
    return SQLTable(table.name, tuple(zip((c.name for c in table.columns), kinds, strict=True)), table.rows)

"""A query as a value: its SQL text, and the wrong queries that lie near it.

Before it: ``tables.py``. After it: ``drawing.py`` draws queries, ``questions.py`` says them in words, ``database.py`` executes their SQL.

SQL is spelt as the questions spell: a blank stands before every name (``MIN( towers )``), so that a name has the same tokens wherever it stands.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from .tables import Cell, Table

Operator = Literal["=", ">", "<", ">=", "<="]
Aggregate = Literal["COUNT", "MIN", "MAX", "AVG", "SUM"]
OPERATORS: tuple[Operator, ...] = ("=", ">", "<", ">=", "<=")
AGGREGATES: tuple[Aggregate, ...] = ("MIN", "MAX", "AVG", "SUM")


@dataclass(frozen=True)
class Condition:
    """``column operator value``."""

    column: str
    operator: Operator
    value: Cell

    def sql(self) -> str:
        """As it stands after WHERE or AND."""
        value = self.value if isinstance(self.value, int) else f"'{self.value}'"
        return f"{self.column} {self.operator} {value}"


@dataclass(frozen=True)
class Order:
    """``ORDER BY column [DESC] LIMIT limit``."""

    column: str
    descending: bool
    limit: int


@dataclass(frozen=True)
class Query:
    """What is selected from a table: columns, or an aggregate of one column (COUNT has none: it counts rows), or, with ``grouped``, a column
    and the number of rows for each of its values; under conditions joined with AND; ordered and limited where ``order`` says so."""

    table: str
    columns: tuple[str, ...] = ()
    aggregate: Aggregate | None = None
    distinct: bool = False
    grouped: bool = False
    conditions: tuple[Condition, ...] = ()
    order: Order | None = None

    def sql(self) -> str:
        """The query as SQL, without a blank before it or a semicolon after it."""
        chosen = ", ".join(self.columns)
        if self.aggregate:
            chosen = f"{self.aggregate}( {chosen or '*'} )"
        parts = [
            "SELECT DISTINCT" if self.distinct else "SELECT",
            chosen + (", COUNT( * )" if self.grouped else ""),
            "FROM",
            self.table,
        ]
        if self.conditions:
            parts += ["WHERE", " AND ".join(condition.sql() for condition in self.conditions)]
        if self.grouped:
            parts += ["GROUP BY", chosen]
        if self.order:
            parts += [
                "ORDER BY",
                self.order.column,
                "DESC" if self.order.descending else "ASC",
                "LIMIT",
                str(self.order.limit),
            ]
        return " ".join(parts)


def mutants(query: Query, table: Table) -> Iterator[Query]:
    """The wrong queries that differ from ``query`` in one thing a reader of the question may get wrong.

    Another column selected, aggregated, ordered by or compared; another aggregate; a condition left out; another operator; the other direction or
    another limit; DISTINCT or GROUP BY left out. A question is only used for testing when SQLite answers all of these differently.
    """
    names = [column.name for column in table.columns]
    numbers = [column.name for column in table.columns if column.numeric]
    for i, chosen in enumerate(query.columns):
        for other in numbers if query.aggregate else names:
            if other not in query.columns:
                yield replace(query, columns=(*query.columns[:i], other, *query.columns[i + 1 :]))
        if chosen in numbers and query.aggregate:
            yield from (replace(query, aggregate=other) for other in AGGREGATES if other != query.aggregate)
    for i, condition in enumerate(query.conditions):
        before, after = query.conditions[:i], query.conditions[i + 1 :]
        yield replace(query, conditions=(*before, *after))
        if condition.column in numbers:
            for operator in OPERATORS:
                if operator != condition.operator:
                    yield replace(query, conditions=(*before, replace(condition, operator=operator), *after))
            for other in numbers:
                if other != condition.column:
                    yield replace(query, conditions=(*before, replace(condition, column=other), *after))
    if query.order:
        yield replace(query, order=replace(query.order, descending=not query.order.descending))
        yield replace(query, order=replace(query.order, limit=query.order.limit + 1))
        for other in numbers:
            if other != query.order.column:
                yield replace(query, order=replace(query.order, column=other))
    if query.distinct:
        yield replace(query, distinct=False)
    if query.grouped:
        yield replace(query, grouped=False)

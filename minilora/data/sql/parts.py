"""The parts of a query, as values that compare equal when they are.

Before it: nothing. After it: ``parse.py`` reads them from SQL, ``exact_set.py`` compares them.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Column(NamedTuple):
    """A column, ``table.column`` or ``*``, and the aggregate taken of it ("" for none)."""

    aggregate: str
    name: str


class Unit(NamedTuple):
    """A column, or two with an arithmetic sign between them."""

    sign: str
    first: Column
    second: Column | None = None


class Condition(NamedTuple):
    """``unit operator value``; of the value only a nested query or a column is kept."""

    negated: bool
    operator: str
    unit: Unit
    value: "Query | Unit | None"


@dataclass(frozen=True)
class Query:
    """A query by its parts; ``joined`` holds AND and OR as they stand between the conditions of WHERE."""

    select: tuple[Unit, ...]
    tables: "tuple[str | Query, ...]"
    on: tuple[Condition, ...] = ()
    where: tuple[Condition, ...] = ()
    joined: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    having: tuple[Condition, ...] = ()
    order: tuple[Unit, ...] = ()
    descending: bool = False
    limited: bool = False
    combined: "tuple[str, Query] | None" = None

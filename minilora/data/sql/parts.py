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
    """A column, or two with an arithmetic sign between them; and the aggregate taken of what they make ("" for none)."""

    sign: str
    first: Column
    second: Column | None = None
    aggregate: str = ""


class Condition(NamedTuple):
    """``unit operator value``; of the value only a nested query or a column is kept."""

    negated: bool
    operator: str
    unit: Unit
    value: "Query | Unit | None"


@dataclass(frozen=True)
class Query:
    """A query by its parts; ``on_joined``, ``joined`` and ``having_joined`` hold AND and OR as they stand between the conditions of joins, of WHERE and of HAVING."""

    select: tuple[Unit, ...]
    tables: "tuple[str | Query, ...]"
    on: tuple[Condition, ...] = ()
    on_joined: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    joined: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    having: tuple[Condition, ...] = ()
    having_joined: tuple[str, ...] = ()
    order: tuple[Unit, ...] = ()
    descending: bool = False
    limited: bool = False
    combined: "tuple[str, Query] | None" = None

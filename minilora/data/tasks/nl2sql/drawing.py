"""Drawing a query that a table can answer.

Before it: ``queries.py`` and ``tables.py``. After it: ``questions.py`` puts the query into words.

Conditions are always taken from one row of the table, so that this row satisfies them all and the answer is never empty.
"""

from typing import Literal, get_args

from ...mixture.dice import Dice
from .queries import AGGREGATES, Aggregate, Condition, Operator, Order, Query
from .schemas import NEVER_SUMMED
from .tables import Cell, Column, Table

Kind = Literal["select", "compare", "count", "aggregate", "superlative", "distinct", "group"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_WEIGHTS: dict[Kind, int] = {
    "select": 5,
    "compare": 3,
    "count": 3,
    "aggregate": 4,
    "superlative": 3,
    "distinct": 1,
    "group": 1,
}
_BAG = tuple(kind for kind, weight in _WEIGHTS.items() for _ in range(weight))


def draw_query(table: Table, dice: Dice) -> tuple[Kind, Query]:
    """A kind of query, and a query of this kind about ``table``.

    ========== ======================================== =====
    kind       what is asked                            share
    ========== ======================================== =====
    select     columns where a text equals a value       25%
    compare    columns where a number is over, under ... 15%
    count      the number of rows under conditions       15%
    aggregate  MIN, MAX, AVG or SUM of a column          20%
    superlative the first rows by a number               15%
    distinct   the different values of a column           5%
    group      the number of rows for each value          5%
    ========== ======================================== =====

    A quarter of the questions of the first four kinds have two conditions joined with AND.
    """
    kind = dice.pick(_BAG)
    row = dice.pick(table.rows)
    match kind:
        case "select":
            conditions = _conditions(table, row, dice, first=table.of_style("key", "text"), both=0.25)
            return kind, Query(table.name, columns=_selected(table, conditions, dice), conditions=conditions)
        case "compare":
            conditions = _conditions(table, row, dice, first=_numeric(table), both=0.25)
            return kind, Query(table.name, columns=_selected(table, conditions, dice), conditions=conditions)
        case "count":
            first = table.of_style("text") if dice.chance(0.6) else _numeric(table)
            return kind, Query(
                table.name,
                aggregate="COUNT",
                conditions=_conditions(table, row, dice, first=first, both=0.25),
            )
        case "aggregate":
            column = dice.pick(_numeric(table))
            aggregate: Aggregate = dice.pick(("MIN", "MAX") if column.name in NEVER_SUMMED else AGGREGATES)
            conditions = ()
            if dice.chance(0.75):
                conditions = _conditions(
                    table, row, dice, first=_others(table.of_style("text"), column), both=0.2
                )
            conditions = tuple(c for c in conditions if c.column != column.name)
            return kind, Query(table.name, columns=(column.name,), aggregate=aggregate, conditions=conditions)
        case "superlative":
            column = dice.pick(_numeric(table))
            limit = 1 if dice.chance(0.6) else dice.between(2, 5)
            conditions = (
                _conditions(table, row, dice, first=table.of_style("text"), both=0.0)
                if dice.chance(0.25)
                else ()
            )
            chosen = dice.pick(
                _others(table.of_style("key", "text"), *conditions) or table.of_style("key", "text")
            )
            return kind, Query(
                table.name,
                columns=(chosen.name,),
                conditions=conditions,
                order=Order(column.name, dice.chance(0.5), limit),
            )
        case "distinct":
            chosen = dice.pick(table.of_style("text"))
            conditions = (
                _conditions(table, row, dice, first=_numeric(table), both=0.0) if dice.chance(0.5) else ()
            )
            return kind, Query(table.name, columns=(chosen.name,), distinct=True, conditions=conditions)
        case "group":
            return kind, Query(table.name, columns=(dice.pick(table.of_style("text")).name,), grouped=True)


def _numeric(table: Table) -> list[Column]:
    return [column for column in table.columns if column.numeric]


def _others(columns: list[Column], *taken: Column | Condition) -> list[Column]:
    names = {c.name if isinstance(c, Column) else c.column for c in taken}
    return [column for column in columns if column.name not in names]


def _conditions(
    table: Table, row: tuple[Cell, ...], dice: Dice, *, first: list[Column], both: float
) -> tuple[Condition, ...]:
    """One condition on a column of ``first``, and with probability ``both`` one on another column; ``row`` satisfies them.

    A key column stands alone, and the second condition is no equality of numbers: each would leave nothing for the other to do.
    """
    columns = [dice.pick(first)]
    if columns[0].style != "key" and dice.chance(both):
        columns.append(dice.pick(_others([c for c in table.columns if c.style != "key"], *columns)))
    return tuple(_condition(table, row, column, dice, exact=len(columns) == 1) for column in columns)


def _condition(table: Table, row: tuple[Cell, ...], column: Column, dice: Dice, *, exact: bool) -> Condition:
    """A condition that ``row`` satisfies and, on a number, some other row does not."""
    value = row[table.columns.index(column)]
    if isinstance(value, str):
        return Condition(column.name, "=", value)
    numbers = table.numbers(column.name)
    smaller, greater = [n for n in numbers if n < value], [n for n in numbers if n > value]
    operators: list[Operator] = ["="] if exact else []
    operators += [">", ">", ">", ">=", ">="] if smaller else []
    operators += ["<", "<", "<", "<=", "<="] if greater else []
    operator = dice.pick(operators)
    bound = dice.pick(smaller if operator == ">" else greater) if operator in ("<", ">") else value
    return Condition(column.name, operator, bound)


def _selected(table: Table, conditions: tuple[Condition, ...], dice: Dice) -> tuple[str, ...]:
    """One column, or in a quarter of the cases two, that no condition speaks of."""
    free = _others(list(table.columns), *conditions) or list(table.columns)
    return tuple(column.name for column in dice.sample(free, 2 if dice.chance(0.25) else 1))

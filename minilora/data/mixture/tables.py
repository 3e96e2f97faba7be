"""Small tables in many notations, and single cells read from them."""

from dataclasses import dataclass

from .dice import Dice
from .words import (
    date,
    different,
    field_name,
    invented,
    number,
    person,
    place,
    price,
    symbols,
    table_name,
    title,
    word,
    year,
)

_CELLS = (
    person,
    person,
    place,
    place,
    title,
    word,
    word,
    invented,
    number,
    number,
    year,
    date,
    price,
    symbols,
)
_NUMBERS_ONLY = frozenset("0123456789.")


@dataclass(frozen=True)
class Table:
    """A name, column names, and rows of values."""

    name: str
    columns: list[str]
    rows: list[list[str]]

    def numeric(self, column: int) -> bool:
        """Whether the column's values are bare numbers."""
        return all(set(row[column]) <= _NUMBERS_ONLY and row[column].count(".") < 2 for row in self.rows)


def random_table(dice: Dice, *, columns: tuple[int, int] = (2, 6), rows: tuple[int, int] = (1, 5)) -> Table:
    """A table with an invented content; every column has one kind of value."""
    names = different(dice, field_name, dice.between(*columns))
    makers = [dice.pick(_CELLS) for _ in names]
    return Table(
        table_name(dice), names, [[make(dice) for make in makers] for _ in range(dice.between(*rows))]
    )


def header(table: Table, form: str) -> str:
    """A table's name and columns in one of the notations of `HEADERS`."""
    return form.format(
        name=table.name,
        columns=", ".join(table.columns),
        lines="\n".join(f"- {c}" for c in table.columns),
        typed=_typed(table),
    )


def _typed(table: Table) -> str:
    return ", ".join(f"{c} {'NUMBER' if table.numeric(i) else 'TEXT'}" for i, c in enumerate(table.columns))


HEADERS = (
    "table: {name}\ncolumns: {columns}",
    "table: {name}\ncolumns: {columns}",
    "table: {name}\ncolumns: {columns}",
    "Table {name} has the columns {columns}.",
    "{name} ( {columns} )",
    "CREATE TABLE {name} ( {typed} );",
    "The table is called {name}. Its columns:\n{lines}",
    "table {name} | columns {columns}",
    "schema: {name} ( {columns} )",
)


def grid(dice: Dice, table: Table) -> str:
    """A table's rows as a pipe table, CSV, tabbed text or records."""
    draw, rows = dice.between(0, 5), [table.columns, *table.rows]
    if draw == 0:
        ruled = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([ruled[0], "|" + "---|" * len(table.columns), *ruled[1:]])
    if draw == 1:
        return "\n".join(",".join(row) for row in rows)
    if draw == 2:
        return "\n".join(", ".join(row) for row in rows)
    if draw == 3:
        return "\n".join(" | ".join(row) for row in rows)
    if draw == 4:
        return "\n".join(
            "; ".join(f"{c}: {v}" for c, v in zip(table.columns, row, strict=True)) for row in table.rows
        )
    return "\n".join("\t".join(row) for row in rows)


def lookups(dice: Dice) -> str:
    """A table with its rows, and single cells of it told in one wording."""
    table = random_table(dice, columns=(2, 5), rows=(2, 5))
    form, key = dice.pick(_LOOKUPS), dice.between(0, len(table.columns) - 1)
    parts = [f"table: {table.name}"] if dice.chance(0.4) else []
    parts.append(grid(dice, table))
    for _ in range(dice.between(2, 5)):
        row, column = dice.pick(table.rows), dice.between(0, len(table.columns) - 1)
        parts.append(
            form.format(
                t=table.name, k=table.columns[key], v=row[key], c=table.columns[column], w=row[column]
            )
        )
    return "\n".join(parts)


_LOOKUPS = (
    "where {k} = {v} : {c} = {w}",
    "{k} {v} {c} {w}",
    "The {c} of {v} is {w}.",
    "{v} -> {c} -> {w}",
    "In {t} the {c} of {k} {v} is {w}.",
    "row {v}, {c}: {w}",
    "{t} [ {v} ] [ {c} ] = {w}",
    "{c} ( {v} ) = {w}",
)

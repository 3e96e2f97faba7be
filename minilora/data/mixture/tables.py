"""Small tables, and statements in the language of databases about them.

Statements stand without any question in front of them: what a question asks is a task's business, learned by adaptation. What is practised here is to
take table names, column names and values from the text above. They are spelt with a blank before them on both sides (`MIN( towers )`), so that
they are the same tokens wherever they stand.
"""

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
_NUMERIC = (number, year)
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
    """A table's name and columns in one of the notations of `_HEADERS`."""
    return form.format(
        name=table.name,
        columns=", ".join(table.columns),
        lines="\n".join(f"- {c}" for c in table.columns),
        typed=_typed(table),
    )


def _typed(table: Table) -> str:
    return ", ".join(f"{c} {'NUMBER' if table.numeric(i) else 'TEXT'}" for i, c in enumerate(table.columns))


_HEADERS = (
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


def quoted(table: Table, column: int, value: str) -> str:
    """A value as a statement writes it: bare when the column is numeric, else in quotes (a quote inside is doubled)."""
    return value if table.numeric(column) else "'" + value.replace("'", "''") + "'"


def condition(dice: Dice, table: Table, prefix: str = "") -> str:
    """One comparison with a value of the table; ``prefix`` stands before the column."""
    column = dice.between(0, len(table.columns) - 1)
    value = dice.pick(table.rows)[column]
    sign = (
        dice.pick(("=", "=", ">", "<", ">=", "<=", "!="))
        if table.numeric(column)
        else dice.pick(("=", "=", "=", "=", "!="))
    )
    return f"{prefix}{table.columns[column]} {sign} {quoted(table, column, value)}"


def where(dice: Dice, table: Table, prefix: str = "") -> str:
    """Nothing, one condition or two."""
    draw = dice.uniform()
    if draw < 0.2:
        return ""
    conditions = different(dice, lambda d: condition(d, table, prefix), 2 if draw > 0.75 else 1)
    return " WHERE " + dice.pick((" AND ", " AND ", " OR ")).join(conditions)


def statement(dice: Dice, table: Table) -> str:
    """A statement about one table."""
    name, columns, draw = table.name, table.columns, dice.uniform()
    column = dice.pick(columns)
    if draw < 0.35:
        chosen = ", ".join(dice.sample(columns, dice.pick((1, 1, 1, 2, 2, 3)))) if dice.chance(0.9) else "*"
        return f"SELECT {chosen} FROM {name}{where(dice, table)}"
    if draw < 0.6:
        return f"SELECT {dice.pick(('COUNT', 'MIN', 'MAX', 'AVG', 'SUM'))}( {column if dice.chance(0.85) else '*'} ) FROM {name}{where(dice, table)}"
    if draw < 0.72:
        direction = dice.pick((" DESC", " ASC", " DESC", ""))
        limit = f" LIMIT {dice.pick((1, 1, 1, 2, 3, 5, 10))}" if dice.chance(0.6) else ""
        return (
            f"SELECT {column} FROM {name}{where(dice, table)} ORDER BY {dice.pick(columns)}{direction}{limit}"
        )
    if draw < 0.82:
        having = f" HAVING COUNT( * ) > {dice.between(1, 20)}" if dice.chance(0.4) else ""
        return f"SELECT {column}, COUNT( * ) FROM {name} GROUP BY {column}{having}"
    if draw < 0.87:
        return f"SELECT DISTINCT {column} FROM {name}{where(dice, table)}"
    row = dice.pick(table.rows)
    if draw < 0.93:
        values = ", ".join(quoted(table, i, v) for i, v in enumerate(row))
        return f"INSERT INTO {name} ( {', '.join(columns)} ) VALUES ( {values} )"
    if draw < 0.97:
        i = dice.between(0, len(columns) - 1)
        return f"UPDATE {name} SET {columns[i]} = {quoted(table, i, row[i])}{where(dice, table)}"
    return f"DELETE FROM {name}{where(dice, table)}"


def joined(dice: Dice, left: Table, right: Table) -> str:
    """A statement about two tables that share a column."""
    shared = left.columns[0]
    chosen = ", ".join(
        f"{t.name} . {dice.pick(t.columns)}" for t in dice.sample((left, right), dice.between(1, 2))
    )
    return f"SELECT {chosen} FROM {left.name} JOIN {right.name} ON {left.name} . {shared} = {right.name} . {shared}{where(dice, right, f'{right.name} . ')}"


def statements(dice: Dice) -> str:
    """A header, sometimes with rows, and several statements; the values recur from one to the next."""
    table = random_table(dice, rows=(1, 3))
    parts = [header(table, dice.pick(_HEADERS))]
    draw = dice.uniform()
    if draw < 0.35:
        parts.append(grid(dice, table))
    elif draw < 0.65:
        parts.append(_known(dice, table))
    prefix, ending = dice.pick(("", "", "SQL: ", "> ", "- ")), dice.pick(("", "", ";", " ;"))
    lines = [statement(dice, table) for _ in range(dice.between(2, 6))]
    lines = [prefix + line + ending for line in lines]
    if dice.chance(0.3):
        i = dice.between(1, len(lines))
        lines[i:i] = [f"again: {lines[i - 1].removeprefix(prefix)}"]
    return dice.pick(("\n", "\n\n")).join(["\n".join(parts), "\n".join(lines)])


def _known(dice: Dice, table: Table) -> str:
    """Some values of the table, quoted as statements quote them."""
    cells = [
        (column, quoted(table, i, row[i])) for row in table.rows for i, column in enumerate(table.columns)
    ]
    form, opening = (
        dice.pick(("{c} {v}", "{c} : {v}", "{v}", "{c} may be {v}", "{c} = {v}")),
        dice.pick(("values: ", "known: ", "such as ", "")),
    )
    return opening + ", ".join(form.format(c=c, v=v) for c, v in dice.sample(cells, dice.between(1, 4)))


def joins(dice: Dice) -> str:
    """Two headers with a column in common, and statements about either and both."""
    left, right = random_table(dice, rows=(1, 2)), random_table(dice, rows=(1, 2))
    if left.columns[0] in right.columns or left.name == right.name:
        return statements(dice)
    right = Table(right.name, [left.columns[0], *right.columns[1:]], right.rows)
    form = dice.pick(_HEADERS)
    lines = [
        joined(dice, left, right) if dice.chance(0.75) else statement(dice, dice.pick((left, right)))
        for _ in range(dice.between(2, 4))
    ]
    return "\n".join([header(left, form), header(right, form), *lines])


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

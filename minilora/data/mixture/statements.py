"""Statements in the language of databases about the tables of `tables`.

They stand without any question in front of them: what a question asks is a task's business, learned by adaptation. What is practised here is to
take table names, column names and values from the text above. They are spelt with a blank before them on both sides (`MIN( towers )`), so that
they are the same tokens wherever they stand.
"""

from .dice import Dice
from .tables import HEADERS, Table, grid, header, random_table
from .words import different


def quoted(table: Table, column: int, value: str) -> str:
    """A value as a statement writes it: bare when the column is numeric, else in quotes (a quote inside is doubled)."""
    return value if table.numeric(column) else "'" + value.replace("'", "''") + "'"


def condition(dice: Dice, table: Table, prefix: str = "") -> str:
    """One comparison with a value of the table; ``prefix`` stands before the column."""
    column = dice.between(0, len(table.columns) - 1)
    value = dice.pick(table.rows)[column]
    signs = ("=", "=", ">", "<", ">=", "<=", "!=") if table.numeric(column) else ("=", "=", "=", "=", "!=")
    return f"{prefix}{table.columns[column]} {dice.pick(signs)} {quoted(table, column, value)}"


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
    parts = [header(table, dice.pick(HEADERS))]
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
    form = dice.pick(("{c} {v}", "{c} : {v}", "{v}", "{c} may be {v}", "{c} = {v}"))
    opening = dice.pick(("values: ", "known: ", "such as ", ""))
    return opening + ", ".join(form.format(c=c, v=v) for c, v in dice.sample(cells, dice.between(1, 4)))


def joins(dice: Dice) -> str:
    """Two headers with a column in common, and statements about either and both."""
    left, right = random_table(dice, rows=(1, 2)), random_table(dice, rows=(1, 2))
    if left.columns[0] in right.columns or left.name == right.name:
        return statements(dice)
    right = Table(right.name, [left.columns[0], *right.columns[1:]], right.rows)
    form = dice.pick(HEADERS)
    lines = [
        joined(dice, left, right) if dice.chance(0.75) else statement(dice, dice.pick((left, right)))
        for _ in range(dice.between(2, 4))
    ]
    return "\n".join([header(left, form), header(right, form), *lines])

"""Tables: a few columns of a domain, filled with rows; and the rule that says which split a table belongs to.

Before it: ``schemas.py`` and ``values.py``. After it: ``queries.py`` asks questions of a table, ``database.py`` puts it into SQLite.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from ...mixture.dice import Dice
from ..base import Split
from .schemas import DOMAINS, NUMBER_RANGES, NUMERIC, Domain, Style
from .values import POOLS

ROWS = 32
"""Rows of every table."""

REPEATED = 6
"""Different words in a text column that repeats them."""

Cell = str | int


@dataclass(frozen=True)
class Column:
    """A column's name and style (see ``schemas.py``)."""

    name: str
    style: Style

    @property
    def numeric(self) -> bool:
        """Whether it holds integers; the others hold words."""
        return self.style in NUMERIC


@dataclass(frozen=True)
class Table:
    """A table with its rows."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...] = field(repr=False)

    def of_style(self, *styles: Style) -> list[Column]:
        """The columns of these styles, in the order of the table."""
        return [column for column in self.columns if column.style in styles]

    def style(self, column: str) -> Style:
        """The style of the column with this name."""
        return next(c.style for c in self.columns if c.name == column)

    def numbers(self, column: str) -> list[int]:
        """What stands in a numeric column, row by row."""
        index = [c.name for c in self.columns].index(column)
        return [cell for row in self.rows if isinstance(cell := row[index], int)]


def split_of(name: str) -> Split:
    """The split of the table ``name``: 70% train, 10% validation, 20% test, by the SHA-256 of its family modulo 10.

    The rule is fixed, the same for every seed. Near-twins count as one family and so never stand on both sides: a family is all names whose stems
    (the name without its plural ending) begin with the same shorter stem, as "book" in ``books`` and ``bookshops``.
    """
    number = int(hashlib.sha256(family_of(name).encode()).hexdigest(), 16) % 10
    return "train" if number < 7 else "validation" if number < 8 else "test"


@cache
def family_of(name: str) -> str:
    """The shortest stem among all table names with which the stem of ``name`` begins (its own where there is no other)."""
    stem = stem_of(name)
    return min((other for other in _all_stems() if stem.startswith(other)), key=len, default=stem)


_IRREGULAR = {
    "atlases": "atlas",
    "buses": "bus",
    "pies": "pie",
    "scarves": "scarf",
    "volcanoes": "volcano",
    "wolves": "wolf",
}


def stem_of(name: str) -> str:
    """``name`` without its plural ending: castles → castle, galaxies → galaxy, churches → church."""
    if name in _IRREGULAR:
        return _IRREGULAR[name]
    if name.endswith("ies"):
        return name.removesuffix("ies") + "y"
    if name.endswith(("ches", "shes", "sses", "xes")):
        return name.removesuffix("es")
    return name.removesuffix("s")


@cache
def _all_stems() -> frozenset[str]:
    return frozenset(stem_of(name) for domain in DOMAINS for name in domain.tables)


@cache
def make_tables(seed: int) -> tuple[Table, ...]:
    """Every table, sorted by name; no two have the same set of columns. Which columns and rows a table gets depends on ``seed``."""
    domains = {name: domain for domain in DOMAINS for name in domain.tables}
    taken: set[frozenset[str]] = set()
    tables = []
    for number, name in enumerate(sorted(domains)):
        dice = Dice(np.random.default_rng([seed, number]))
        columns = _draw_columns(domains[name], dice)
        while frozenset(column.name for column in columns) in taken:
            columns = _draw_columns(domains[name], dice)
        taken.add(frozenset(column.name for column in columns))
        cells = [_draw_cells(column, domains[name].pools.get(column.name), dice) for column in columns]
        tables.append(Table(name, columns, tuple(zip(*cells, strict=True))))
    return tuple(tables)


def _draw_columns(domain: Domain, dice: Dice) -> tuple[Column, ...]:
    """Three to five columns: a key column in 60% of the tables, one or two text columns (two where there is no key), one or two numeric ones."""
    key = dice.chance(0.6)
    wanted: list[tuple[tuple[Style, ...], int]] = [
        (("key",), 1 if key else 0),
        (("text",), dice.between(1, 2) if key else 2),
        (NUMERIC, dice.between(1, 2)),
    ]
    names: list[str] = []
    for styles, count in wanted:
        names += dice.sample([name for name, style in domain.styles.items() if style in styles], count)
    dice.shuffle(names)
    return tuple(Column(name, domain.styles[name]) for name in names)


def _draw_cells(column: Column, pool: str | None, dice: Dice) -> list[Cell]:
    """One cell a row: different words in a key column, six words repeated in a text column, different integers in a numeric column."""
    if pool is None:
        low, high = NUMBER_RANGES.get(column.name) or NUMBER_RANGES[column.style]
        width = dice.between(2 * ROWS, high - low + 1)
        least = dice.between(low, high - width + 1)
        return [least + offset for offset in dice.sample(range(width), ROWS)]
    count = ROWS if column.style == "key" else REPEATED
    words: list[str] = []
    while len(words) < count:
        word = dice.pick(POOLS[pool])
        if word not in words:
            words.append(word)
    return list(words) if column.style == "key" else [dice.pick(words) for _ in range(ROWS)]

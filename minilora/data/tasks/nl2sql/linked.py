"""Databases of two tables: one of this task's tables, and a second whose rows belong to its rows.

Before it: ``tables.py``. After it: ``joins.py`` asks questions of both.

A second table, such as ``repairs``, has a column named after the first table in the singular (``castle``), which holds words of the first one's key column, and
one or two columns of its own. Which second tables there are is divided over the splits as the first ones are.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ...mixture.dice import Dice
from ..base import Split
from .schemas import Style
from .tables import Cell, Column, Table, make_tables, split_of, stem_of
from .values import POOLS

ROWS = 40
"""Rows of a second table."""

_KINDS: dict[str, tuple[str, str]] = {
    "repairs": ("person", "cost"), "visits": ("person", "duration"), "reviews": ("person", "rating"), "payments": ("month", "amount"),
    "prizes": ("place", "value"), "reports": ("person", "length"), "rumours": ("place", "age"), "sketches": ("colour", "height"),
    "inspections": ("day", "score"), "donations": ("person", "amount"), "quarrels": ("place", "duration"), "loans": ("land", "interest"),
    "appraisals": ("month", "value"), "sightings": ("place", "distance"), "petitions": ("person", "weight"), "insurances": ("land", "fee"),
}  # fmt: skip
_WORD_COLUMNS = {
    "person": "witness",
    "month": "month",
    "place": "site",
    "colour": "shade",
    "day": "day",
    "land": "origin",
}


@dataclass(frozen=True)
class Linked:
    """Two tables and the columns that link them: ``second.link = first.key``."""

    first: Table
    second: Table
    key: str
    link: str

    def heading(self) -> str:
        """Both tables with their columns, as a prompt shows them."""
        lines = [f"{t.name}: {', '.join(c.name for c in t.columns)}" for t in (self.first, self.second)]
        return "\n".join([*lines, f"keys: {self.second.name}.{self.link} = {self.first.name}.{self.key}"])


@cache
def make_linked(seed: int, split: Split) -> tuple[Linked, ...]:
    """Every table of the split that has a key column, each with a second table."""
    kinds = sorted(kind for kind in _KINDS if split_of(kind) == split)
    firsts = [t for t in make_tables(seed) if split_of(t.name) == split and t.of_style("key")]
    dice = Dice(np.random.default_rng([seed, 5, *split.encode()]))
    return tuple(_link(table, dice.pick(kinds), dice) for table in firsts)


def _link(first: Table, kind: str, dice: Dice) -> Linked:
    pool, number = _KINDS[kind]
    key = first.of_style("key")[0]
    place = first.columns.index(key)
    owners = dice.sample([row[place] for row in first.rows], len(first.rows) // 2)  # half have none
    words, link = dice.sample(POOLS[pool], 8), stem_of(first.name)
    values = dice.sample(range(2, 400), ROWS)
    rows: list[tuple[Cell, ...]] = [(dice.pick(owners), dice.pick(words), values[i]) for i in range(ROWS)]
    style: Style = "measure"
    columns = (Column(link, "text"), Column(_WORD_COLUMNS[pool], "text"), Column(number, style))
    return Linked(first, Table(kind, columns, tuple(rows)), key.name, link)

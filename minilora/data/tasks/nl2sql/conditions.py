"""Saying conditions, comparisons and superlatives in words: the parts that ``questions.py`` builds sentences from.

Before it: ``queries.py``. After it: ``questions.py``.
"""

from ...mixture.dice import Dice
from .queries import Aggregate, Condition, Operator
from .schemas import Style
from .tables import Table

_COMPARISONS: dict[Style, dict[Operator, tuple[str, ...]]] = {
    "count": {
        ">": ("more than {}", "more than {}", "over {}"),
        "<": ("fewer than {}", "less than {}", "under {}"),
        ">=": ("at least {}", "{} or more", "no fewer than {}"),
        "<=": ("at most {}", "{} or fewer", "no more than {}"),
        "=": ("exactly {}", "{}"),
    },
    "measure": {
        ">": ("more than {}", "over {}", "above {}", "greater than {}"),
        "<": ("less than {}", "under {}", "below {}", "smaller than {}"),
        ">=": ("at least {}", "{} or more", "no less than {}"),
        "<=": ("at most {}", "{} or less", "no more than {}"),
        "=": ("exactly {}", "{}"),
    },
    "year": {
        ">": ("after {}", "later than {}"),
        "<": ("before {}", "earlier than {}"),
        ">=": ("{} or later", "at least {}", "not before {}"),
        "<=": ("{} or earlier", "at most {}", "not after {}"),
        "=": ("{}", "exactly {}"),
    },
}

_BODIES: dict[str, dict[Style, tuple[str, ...]]] = {
    "where": {
        "text": ("{c} is {v}", "{c} is {v}", "the {c} is {v}"),
        "count": ("{c} is {v}", "the number of {c} is {v}"),
        "measure": ("{c} is {v}", "the {c} is {v}"),
        "year": ("year is {v}", "the year is {v}"),
    },
    "whose": {
        "text": ("{c} is {v}",),
        "count": ("number of {c} is {v}",),
        "measure": ("{c} is {v}",),
        "year": ("year is {v}",),
    },
    "with": {
        "text": ("{c} {v}", "the {c} {v}", "{v} as {c}"),
        "count": ("{v} {c}",),
        "measure": ("{an} {c} {of}{v}", "{c} {v}"),
        "year": ("year {v}", "a year {v}"),
    },
    "that have": {
        "text": ("{c} {v}", "the {c} {v}", "{v} as {c}"),
        "count": ("{v} {c}",),
        "measure": ("{an} {c} {of}{v}",),
        "year": ("a year {v}", "year {v}"),
    },
    "for which": {
        "text": ("{c} is {v}", "the {c} is {v}"),
        "count": ("the number of {c} is {v}",),
        "measure": ("the {c} is {v}",),
        "year": ("the year is {v}",),
    },
}
_OPENERS = ("where", "where", "where", "whose", "whose", "with", "with", "that have", "for which")

SUPERLATIVES: dict[tuple[Style, Aggregate], tuple[str, ...]] = {
    ("count", "MIN"): (
        "the smallest number of {}",
        "the lowest number of {}",
        "the minimum number of {}",
        "the minimum of the {}",
    ),
    ("count", "MAX"): (
        "the largest number of {}",
        "the highest number of {}",
        "the maximum number of {}",
        "the maximum of the {}",
    ),
    ("count", "AVG"): ("the average number of {}", "the mean number of {}", "the average of the {}"),
    ("count", "SUM"): ("the total number of {}", "the sum of the {}", "the total of the {}"),
    ("measure", "MIN"): (
        "the lowest {}",
        "the smallest {}",
        "the least {}",
        "the minimum {}",
        "the minimum of the {}",
    ),
    ("measure", "MAX"): (
        "the highest {}",
        "the largest {}",
        "the greatest {}",
        "the maximum {}",
        "the maximum of the {}",
    ),
    ("measure", "AVG"): ("the average {}", "the mean {}", "the average of the {}"),
    ("measure", "SUM"): ("the total {}", "the sum of the {}", "the total of the {}"),
    ("year", "MIN"): ("the earliest {}", "the first {}", "the lowest {}"),
    ("year", "MAX"): ("the latest {}", "the last {}", "the highest {}"),
}
"""How an aggregate of a column is said, by the column's style."""

RANKINGS: dict[tuple[Style, bool], tuple[str, ...]] = {
    ("count", False): ("the fewest {}", "the smallest number of {}", "the lowest number of {}"),
    ("count", True): ("the most {}", "the largest number of {}", "the highest number of {}"),
    ("measure", False): ("the lowest {}", "the smallest {}", "the least {}"),
    ("measure", True): ("the highest {}", "the largest {}", "the greatest {}"),
    ("year", False): ("the earliest {}", "the lowest {}"),
    ("year", True): ("the latest {}", "the highest {}"),
}
"""How it is said which row comes first, by the style of the column that orders them and whether the greatest comes first."""


def say_conditions(conditions: tuple[Condition, ...], table: Table, dice: Dice) -> str:
    """Conditions as one phrase after a noun: "whose county is 'Kent' and height is over 12"; nothing where there are none."""
    if not conditions:
        return ""
    opener = dice.pick(_OPENERS)
    return f"{opener} " + " and ".join(_say(condition, opener, table, dice) for condition in conditions)


def _say(condition: Condition, opener: str, table: Table, dice: Dice) -> str:
    column = next(c for c in table.columns if c.name == condition.column)
    style: Style = column.style if column.numeric else "text"
    said = (
        dice.pick(_COMPARISONS[style][condition.operator]).format(condition.value)
        if column.numeric
        else f"'{condition.value}'"
    )
    article = "an" if column.name[0] in "aeiou" else "a"
    of = "" if said.startswith(("above", "below", "greater", "smaller")) else "of "
    return dice.pick(_BODIES[opener][style]).format(c=column.name, v=said, an=article, of=of)

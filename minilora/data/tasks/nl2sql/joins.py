"""NL2SQL over two tables: joins, aggregates, groups, order and nested queries; the harder sister of ``task.py``.

Before it: ``linked.py``. After it: ``data/batches.py`` makes batches of its examples.

What a prompt and its completion look like::

    castles: name, county, towers
    repairs: castle, witness, cost
    keys: repairs.castle = castles.name
    Q: Which castles have no repairs? Give the county.
    SQL: SELECT castles.county FROM castles WHERE castles.name NOT IN ( SELECT repairs.castle FROM repairs )
"""

from collections.abc import Sequence

import numpy as np

from ...examples import Example
from ...metrics import exact_match
from ...mixture.dice import Dice
from ...sql import exact_set_match
from ..base import MadeTask, Split, check_pairs
from .database import Database
from .linked import Linked, make_linked

SIZES: dict[Split, int] = {"train": 12_000, "validation": 400, "test": 1_000}
"""Examples of each part."""
AGGREGATES = {
    "MAX": ("highest", "greatest"),
    "MIN": ("lowest", "smallest"),
    "AVG": ("average", "mean"),
    "SUM": ("total",),
}
"""How an aggregate is said."""


class NL2SQLJoins(MadeTask):
    """Questions about two linked tables to SQL; the primary score is the share that returns the right rows.

    12,000, 400 and 1,000 questions; first and second tables of training, validation and test are disjoint. ``extra["linked"]`` holds both tables, ``extra["kind"]`` the kind of question.
    """

    name = "nl2sql-joins"
    description = "questions about two linked tables (joins, groups, order, nested queries) to SQL; made from a seed, needs no file"
    primary = "execution"
    answer_tokens = 80
    cue = "\nQ:"

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """``execution``, the share that returns the right rows (in order where the right query orders them), and that for each kind of question; ``exact_set``, the
        share with the right parts; ``exact``, the right text."""
        check_pairs(examples, predictions)
        right, kinds = list[bool](), [e.extra["kind"] for e in examples]
        parts = 0
        for example, prediction in zip(examples, predictions, strict=True):
            linked: Linked = example.extra["linked"]
            with Database(linked.first, linked.second) as database:
                ordered = "ORDER BY" in example.completion
                right.append(database.agrees(prediction, example.completion, ordered=ordered))
            schema = {t.name: [c.name for c in t.columns] for t in (linked.first, linked.second)}
            parts += exact_set_match(prediction, example.completion, schema)
        scores = {
            "execution": sum(right) / len(right),
            "exact_set": parts / len(right),
            "exact": exact_match(predictions, [e.completion for e in examples]),
        }
        for kind in sorted(set(kinds)):
            of_kind = [hit for hit, k in zip(right, kinds, strict=True) if k == kind]
            scores[f"execution/{kind}"] = sum(of_kind) / len(of_kind)
        return scores

    def part(self, split: Split, stream: int) -> tuple[Example, ...]:
        dice = Dice(np.random.default_rng([self.seed, stream, 6]))
        databases, found = make_linked(self.seed, split), dict[str, Example]()
        while len(found) < SIZES[split]:
            linked = databases[len(found) % len(databases)]
            kind = dice.pick(tuple(_KINDS))
            question, sql = _KINDS[kind](linked, dice)
            prompt = f"{linked.heading()}\nQ: {question}\nSQL:"
            found.setdefault(prompt, Example(prompt, f" {sql}", {"linked": linked, "kind": kind}))
        return tuple(found.values())


def _names(linked: Linked, dice: Dice) -> dict[str, str]:
    """The words that questions and queries are made of, drawn from both tables."""
    first, second = linked.first, linked.second
    number = dice.pick([c.name for c in first.columns if c.numeric])
    values = sorted(second.numbers(second.columns[2].name))
    word = dice.pick([str(row[1]) for row in second.rows])
    texts = [c.name for c in first.of_style("text")]
    return {
        "T": first.name, "S": second.name, "key": linked.key, "link": linked.link, "c": dice.pick(texts), "n": number, "w": second.columns[1].name,
        "v": second.columns[2].name, "word": word, "bound": str(values[dice.between(8, len(values) - 9)]), "k": str(dice.between(2, 3)),
        "on": f"FROM {first.name} JOIN {second.name} ON {second.name}.{linked.link} = {first.name}.{linked.key}",
    }  # fmt: skip


def _where(linked: Linked, dice: Dice) -> tuple[str, str]:
    """Columns of the first table by a condition on the second."""
    names = _names(linked, dice)
    if dice.chance(0.5):
        sign, said = dice.pick(((">", "more than"), ("<", "less than"), (">", "over"), ("<", "under")))
        names |= {
            "cond": f"{{S}}.{{v}} {sign} {{bound}}".format_map(names),
            "said": f"{names['v']} {said} {names['bound']}",
        }
    else:
        names |= {
            "cond": f"{names['S']}.{names['w']} = '{names['word']}'",
            "said": f"{names['w']} '{names['word']}'",
        }
    question = dice.pick(
        (
            "What is the {c} of the {T} that have {S} with {said}?",
            "Show the {c} of all {T} with {S} of {said}.",
            "For {S} with {said}, give the {c} of the {T}.",
        )
    )
    return question.format_map(names), "SELECT {T}.{c} {on} WHERE {cond}".format_map(names)


def _aggregate(linked: Linked, dice: Dice) -> tuple[str, str]:
    """An aggregate of the second table by a word of the first."""
    names = _names(linked, dice)
    place = [column.name for column in linked.first.columns].index(names["c"])
    names["value"] = str(dice.pick(linked.first.rows)[place])
    aggregate = dice.pick(tuple(AGGREGATES))
    names |= {"agg": aggregate, "said": dice.pick(AGGREGATES[aggregate])}
    question = dice.pick(
        ("What is the {said} {v} of {S} of the {T} where {c} is '{value}'?", "Find the {said} {v} of the {S} for {T} with {c} '{value}'.",
         "For {T} whose {c} is '{value}', what is the {said} {v} of their {S}?")
    )  # fmt: skip
    return question.format_map(names), "SELECT {agg}( {S}.{v} ) {on} WHERE {T}.{c} = '{value}'".format_map(
        names
    )


def _group(linked: Linked, dice: Dice) -> tuple[str, str]:
    """The number, or a total, of the second table's rows for each word of the first."""
    names = _names(linked, dice)
    if dice.chance(0.5):
        names |= {"agg": "COUNT( * )", "said": f"the number of {names['S']}"}
    else:
        names |= {
            "agg": f"SUM( {names['S']}.{names['v']} )",
            "said": f"the total {names['v']} of the {names['S']}",
        }
    question = dice.pick(
        (
            "Show {said} for each {c} of the {T}.",
            "For every {c} of the {T}, give {said}.",
            "What is {said} per {c} of the {T}?",
        )
    )
    return question.format_map(names), "SELECT {T}.{c}, {agg} {on} GROUP BY {T}.{c}".format_map(names)


def _having(linked: Linked, dice: Dice) -> tuple[str, str]:
    """Rows of the first table with so many of the second."""
    names = _names(linked, dice)
    question = dice.pick(
        (
            "Which {T} have at least {k} {S}? Give the {key}.",
            "List the {key} of the {T} with {k} or more {S}.",
            "Show the {key} of {T} that have no fewer than {k} {S}.",
        )
    )
    sql = "SELECT {T}.{key} {on} GROUP BY {T}.{key} HAVING COUNT( * ) >= {k}"
    return question.format_map(names), sql.format_map(names)


def _order(linked: Linked, dice: Dice) -> tuple[str, str]:
    """The first rows in the order of a column of the second; no two values there are equal."""
    names = _names(linked, dice)
    direction, said = dice.pick(
        (("DESC", "highest"), ("ASC", "lowest"), ("DESC", "greatest"), ("ASC", "smallest"))
    )
    names |= {"dir": direction, "said": said}
    question = dice.pick(
        (
            "Which {key} of the {T} belong to the {k} {S} with the {said} {v}?",
            "Take the {k} {S} with the {said} {v} and show the {key} of their {T}.",
            "Order the {S} by {v} and give the {key} of the {T} for the {k} {said}.",
        )
    )
    sql = "SELECT {T}.{key} {on} ORDER BY {S}.{v} {dir} LIMIT {k}"
    return question.format_map(names), sql.format_map(names)


def _without(linked: Linked, dice: Dice) -> tuple[str, str]:
    """Rows of the first table that the second does not name."""
    names = _names(linked, dice)
    names["a"] = dice.pick((names["c"], names["key"]))
    question = dice.pick(
        (
            "Which {T} have no {S}? Give the {a}.",
            "Show the {a} of all {T} without {S}.",
            "List the {a} of the {T} that never had {S}.",
        )
    )
    sql = "SELECT {T}.{a} FROM {T} WHERE {T}.{key} NOT IN ( SELECT {S}.{link} FROM {S} )"
    return question.format_map(names), sql.format_map(names)


def _above_average(linked: Linked, dice: Dice) -> tuple[str, str]:
    """Rows above, or under, the average of their own table."""
    names = _names(linked, dice)
    sign, said = dice.pick(((">", "above"), ("<", "under"), (">", "over"), ("<", "below")))
    names |= {"sign": sign, "said": said}
    question = dice.pick(
        (
            "Which {w} do the {S} have whose {v} is {said} the average?",
            "Show the {w} of the {S} with a {v} {said} the average.",
            "Give the {w} of all {S} {said} the average {v}.",
        )
    )
    sql = "SELECT {S}.{w} FROM {S} WHERE {S}.{v} {sign} ( SELECT AVG( {S}.{v} ) FROM {S} )"
    return question.format_map(names), sql.format_map(names)


_KINDS = {
    "where": _where, "aggregate": _aggregate, "group": _group, "having": _having, "order": _order, "without": _without, "average": _above_average,
}  # fmt: skip

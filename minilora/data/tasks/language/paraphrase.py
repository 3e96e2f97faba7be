"""Paraphrase, as MRPC and QQP ask it: do two sentences say the same?

Before it: ``made.py``. After it: `load_task`.

Both sentences have nearly the same words in either class. Where they do not say the same, the roles are exchanged or one thing is another.
"""

from ...mixture.dice import Dice
from ..base import Split
from .blocks import article, pool, upper
from .made import Made

_RELATIONS: tuple[tuple[str, ...], ...] = (
    (
        "{a} gave {b} {x}",
        "{b} got {x} from {a}",
        "{x} was given to {b} by {a}",
        "it was {a} who gave {b} {x}",
    ),
    ("{a} sold {b} {x}", "{b} bought {x} from {a}", "{x} was sold to {b} by {a}"),
    ("{a} lent {b} {x}", "{b} borrowed {x} from {a}", "{x} was lent to {b} by {a}"),
    ("{a} arrived in {p} before {b}", "{b} arrived in {p} after {a}", "in {p}, {a} arrived earlier than {b}"),
    ("{a} is taller than {b}", "{b} is shorter than {a}", "{b} is not as tall as {a}"),
    ("{a} is older than {b}", "{b} is younger than {a}", "{b} is not as old as {a}"),
    ("{a} works for {b} in {p}", "{b} employs {a} in {p}", "in {p}, {a} is employed by {b}"),
    (
        "{a} taught {b} how to prepare {y}",
        "{b} learned from {a} how to prepare {y}",
        "how to prepare {y} was what {a} taught {b}",
    ),
    ("{a} followed {b} to {p}", "{b} was followed to {p} by {a}", "it was {b} whom {a} followed to {p}"),
    ("{a} lost to {b} in {p}", "{b} beat {a} in {p}", "in {p}, {a} was beaten by {b}"),
)


class Paraphrase(Made):
    """Whether two sentences say the same."""

    name = "paraphrase"
    description = "whether two sentences say the same; made from a seed, needs no file"
    labels = ("different", "same")
    figures = ("accuracy", "f1")
    titles, asked, words = ("first", "second"), "same", ("no", "yes")

    def draw(self, dice: Dice, split: Split, label: int) -> tuple[str, ...]:
        """Two sentences about one event, told in two ways; where ``label`` is 0 about another one of the same kind."""
        ways = dice.sample(dice.pick(_RELATIONS), 2)
        a, b, c = dice.sample(pool("person", split), 3)
        p, q = dice.sample(pool("place", split), 2)
        foods, animals = dice.sample(pool("food", split), 2), dice.sample(pool("animal", split), 2)
        told = {"a": a, "b": b, "p": p, "x": article(animals[0]), "y": foods[0]}
        again = dict(told)
        if not label:
            changes = [{"a": b, "b": a}, {"a": b, "b": a}, {"a": c}, {"b": c}]
            changes += [{"p": q}] if "{p}" in ways[0] else []
            changes += [{"x": article(animals[1])}] if "{x}" in ways[0] else []
            changes += [{"y": foods[1]}] if "{y}" in ways[0] else []
            again |= dice.pick(changes)
        return tuple(
            upper(way.format_map(words)) + "." for way, words in zip(ways, (told, again), strict=True)
        )

"""Entailment, as MNLI asks it: does a hypothesis follow from a premise, contradict it, or neither?

Before it: ``made.py``. After it: `load_task`.

A premise states two or three facts: who has how many of what, who is taller than whom, who met whom, where and when. A hypothesis compares numbers, goes
on from one comparison to the next, tells a fact again in other words or more weakly; or the opposite; or speaks of what the premise leaves open.
"""

from ...mixture.dice import Dice
from ..base import Split
from ..nl2sql.values import POOLS
from .blocks import plural, pool, upper
from .made import Made

Facts = tuple[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]
"""A premise, and hypotheses that follow, that are open, and that contradict it."""


class Entailment(Made):
    """Whether a hypothesis follows from a premise (entailment), is left open by it (neutral), or cannot be true with it (contradiction)."""

    name = "entailment"
    description = "whether a hypothesis follows from a premise, contradicts it, or neither; made from a seed, needs no file"
    labels = ("entailment", "neutral", "contradiction")
    titles, asked, words = ("premise", "hypothesis"), "follows", ("yes", "maybe", "no")

    def draw(self, dice: Dice, split: Split, label: int) -> tuple[str, ...]:
        """A premise and one of its hypotheses of the class ``label``."""
        premise, hypotheses = dice.pick((_numbers, _order, _meeting))(dice, split)
        return upper(premise) + ".", upper(dice.pick(hypotheses[label])) + "."


def _numbers(dice: Dice, split: Split) -> Facts:
    a, b, c = dice.sample(pool("person", split), 3)
    things = plural(dice.pick(pool("animal", split)))
    few, more = sorted(dice.sample(range(2, 60), 2))
    first, second = (few, more) if dice.chance(0.5) else (more, few)
    less, greater = (a, b) if first < second else (b, a)
    premise = f"{a} has {first} {things} and {b} has {second}"
    follows = (
        f"{greater} has more {things} than {less}",
        f"{less} has fewer {things} than {greater}",
        f"{a} and {b} have {first + second} {things} together",
        f"{a} has at least {first - 1} {things}",
    )
    opens = (
        f"{c} has more {things} than {less}",
        f"{greater} bought {dice.between(1, first)} {things} in spring",
        f"{less} wants as many {things} as {greater}",
        f"{c} counted the {things} of {greater}",
    )
    against = (
        f"{less} has more {things} than {greater}",
        f"{greater} has fewer {things} than {less}",
        f"{a} and {b} have the same number of {things}",
        f"{a} has at most {first - 1} {things}",
    )
    return premise, (follows, opens, against)


def _order(dice: Dice, split: Split) -> Facts:
    a, b, c, d = dice.sample(pool("person", split), 4)
    up, down = dice.pick(
        (("taller", "shorter"), ("older", "younger"), ("faster", "slower"), ("richer", "poorer"))
    )
    facts = [
        f"{a} is {up} than {b}",
        f"{b} is {up} than {c}" if dice.chance(0.5) else f"{c} is {down} than {b}",
    ]
    dice.shuffle(facts)
    follows = (
        f"{a} is {up} than {c}",
        f"{c} is {down} than {a}",
        f"{b} is {down} than {a}",
        f"{c} is not {up} than {a}",
    )
    opens = (
        f"{a} is {up} than {d}",
        f"{d} is {up} than {b}",
        f"{c} is {down} than {d}",
        f"{d} is neither {up} nor {down} than {b}",
    )
    against = (
        f"{c} is {up} than {a}",
        f"{a} is {down} than {c}",
        f"{b} is {up} than {a}",
        f"{a} is not {up} than {b}",
    )
    return " and ".join(facts), (follows, opens, against)


def _meeting(dice: Dice, split: Split) -> Facts:
    a, b, c = dice.sample(pool("person", split), 3)
    place, other = dice.sample(pool("place", split), 2)
    day, later = dice.sample(POOLS["day"], 2)
    premise = dice.pick(
        (
            f"on {day}, {a} met {b} in {place}",
            f"{a} and {b} met in {place} on {day}",
            f"it was in {place} that {b} met {a} on {day}",
        )
    )
    follows = (
        f"{b} was in {place} on {day}",
        f"{a} was not alone on {day}",
        f"{a} was in {place} at some time",
        f"somebody met {b} on {day}",
    )
    opens = (
        f"{c} was in {place} on {day}",
        f"{a} gave {b} a letter",
        f"{b} travelled to {place} by boat",
        f"{a} and {b} met again on {later}",
    )
    against = (
        f"{a} was never in {place}",
        f"{b} spent all of {day} in {other}",
        f"{a} saw nobody on {day}",
        f"{a} and {b} have never met",
    )
    return premise, (follows, opens, against)

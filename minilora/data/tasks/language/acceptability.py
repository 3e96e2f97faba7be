"""Acceptability, as CoLA asks it: is this a sentence of English?

Before it: ``made.py``. After it: `load_task`.

Each example is one of a minimal pair: a sentence, or the same with one thing wrong: agreement across a phrase between, number after this and these,
reflexives, verbs with an object too many or too few, word order, verb forms after auxiliaries, doubled objects of questions, "ever" without a negation.
"""

from ...mixture.dice import Dice
from ..base import Split
from .blocks import article, listed, past, plural, pool, third_person, upper
from .made import Made

WITH_OBJECT = listed(
    "admire answer bother call carry chase copy cover fear follow greet help ignore invite kick like love miss need paint please praise pull push "
    "remember scare surprise thank touch trust visit warn watch"
)
NEVER_ALONE = listed("admire bother chase cover fear greet ignore invite like need surprise thank")
"""Verbs that are no sentence without an object (one may say "she answered", but not "she greeted")."""
ALONE = listed(
    "arrive cough frown gasp grumble laugh limp linger smile sneeze snore sob stumble sleepwalk tremble vanish wait yawn"
)
ADJECTIVES = listed("old young tall quiet happy tired clever brave lazy gentle proud careful")


class Acceptability(Made):
    """Whether a sentence is English; in half of the examples one thing is wrong."""

    name = "acceptability"
    description = "whether a sentence is acceptable English; made from a seed, needs no file"
    labels = ("unacceptable", "acceptable")
    figures = ("matthews", "accuracy")
    asked, words = "acceptable", ("no", "yes")

    def draw(self, dice: Dice, split: Split, label: int) -> tuple[str, ...]:
        """A sentence of one of eight patterns, right where ``label`` is 1."""
        return (upper(dice.pick(_PATTERNS)(dice, split, bool(label))) + ".",)


def _noun(dice: Dice, split: Split) -> str:
    return dice.pick(pool(dice.pick(("trade", "trade", "animal")), split))


def _phrase(dice: Dice, split: Split) -> str:
    """``the old baker``, ``the horses``, ``Ada``."""
    if dice.chance(0.2):
        return dice.pick(pool("person", split))
    adjective = f"{dice.pick(ADJECTIVES)} " if dice.chance(0.3) else ""
    noun = _noun(dice, split)
    return f"the {adjective}{plural(noun) if dice.chance(0.3) else noun}"


def _agreement(dice: Dice, split: Split, good: bool) -> str:
    many, others = dice.chance(0.5), dice.chance(0.5)
    noun, other, verb = _noun(dice, split), _noun(dice, split), dice.pick(WITH_OBJECT)
    subject, between = plural(noun) if many else noun, plural(other) if others else other
    link = dice.pick(("near", "behind", "with", "beside", "in front of"))
    form = verb if many == good else third_person(verb)
    return f"the {subject} {link} the {between} {form} {_phrase(dice, split)}"


def _number(dice: Dice, split: Split, good: bool) -> str:
    many, noun = dice.chance(0.5), _noun(dice, split)
    word = (
        dice.pick(("these", "those", "several", "many"))
        if many
        else dice.pick(("this", "that", "each", "every"))
    )
    return f"{word} {plural(noun) if many == good else noun} {past(dice.pick(WITH_OBJECT))} {_phrase(dice, split)}"


def _reflexive(dice: Dice, split: Split, good: bool) -> str:
    """Wrong is a plural with himself or herself; one person with "themselves" is English to many."""
    many, noun = not good or dice.chance(0.3), dice.pick(pool("trade", split))
    own = "themselves" if many and good else dice.pick(("himself", "herself"))
    return f"the {plural(noun) if many else noun} {past(dice.pick(WITH_OBJECT))} {own}"


def _objects(dice: Dice, split: Split, good: bool) -> str:
    wanted = dice.chance(0.5)
    verb = past(dice.pick(NEVER_ALONE if wanted else ALONE))
    thing = f" {_phrase(dice, split)}" if wanted == good else ""
    return f"{_phrase(dice, split)} {verb}{thing}"


def _order(dice: Dice, split: Split, good: bool) -> str:
    noun, adjective = _noun(dice, split), dice.pick(ADJECTIVES)
    pair = f"{adjective} {noun}" if good else f"{noun} {adjective}"
    return f"the {pair} {past(dice.pick(WITH_OBJECT))} {_phrase(dice, split)}"


def _auxiliary(dice: Dice, split: Split, good: bool) -> str:
    verb = dice.pick(WITH_OBJECT)
    auxiliary, right, wrong = dice.pick(
        (
            ("has", past(verb), verb),
            ("did not", verb, past(verb)),
            ("will", verb, past(verb)),
            ("was", f"{past(verb)} by", f"{verb} by"),
        )
    )
    subject = dice.pick((f"the {_noun(dice, split)}", dice.pick(pool("person", split))))
    return f"{subject} {auxiliary} {right if good else wrong} {_phrase(dice, split)}"


def _question(dice: Dice, split: Split, good: bool) -> str:
    verb, person, friend = (
        dice.pick(WITH_OBJECT),
        dice.pick(pool("person", split)),
        dice.pick(pool("person", split)),
    )
    rest = "" if good else f" the {_noun(dice, split)}"
    return f"{friend} asked whom {person} had {past(verb)}{rest}"


def _ever(dice: Dice, split: Split, good: bool) -> str:
    verb = past(dice.pick(WITH_OBJECT))
    subject = dice.pick(("nobody", "no {}", "hardly any {}") if good else ("everybody", "the {}", "some {}"))
    noun = _noun(dice, split)
    subject = subject.format(noun)
    return f"{subject} has ever {verb} {dice.pick((_phrase(dice, split), article(_noun(dice, split))))}"


_PATTERNS = (_agreement, _agreement, _number, _reflexive, _objects, _order, _auxiliary, _question, _ever)

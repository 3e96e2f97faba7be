"""Records in many notations, recalled and rewritten.

A record is a handful of attributes with values, `county: Kent` or `county[Kent]`. Attributes and values are drawn anew each time, so that nothing but the
text itself tells what belongs to what.
"""

from .dice import Dice
from .words import different, field_name, invented, person, place, title, value, word

Record = list[tuple[str, str]]

NOTATIONS = (
    ("{k}[{v}]", ", "), ("{k}[{v}]", ", "), ("{k}[{v}]", " "), ("{k}: {v}", ", "), ("{k}: {v}", "\n"), ("{k} = {v}", "\n"), ("{k}={v}", "; "), ("{k} : {v}", " | "), ("- {k}: {v}", "\n"),
    ("<{k}> {v} </{k}>", " "), ("<{k}>{v}</{k}>", "\n"), ("( {k} , {v} )", " "), ("{k} | {v}", "\n"), ("{k} ({v})", ", "), ("{{{k}: {v}}}", " "), ("{k} → {v}", "\n"), ("* {k} - {v}", "\n"),
    ("@{k} {v}", "\n"), ("{k}\t{v}", "\n"), ("{k}[ {v} ]", ", "), ("{k} # {v}", "\n"), ("{k}^{v}", ", "), ("%{k}% {v}", " "), ("{k} is {v}", ", "),
)  # fmt: skip


def written(record: Record, form: str, between: str) -> str:
    """A record with each attribute in the given form."""
    return between.join(form.format(k=k, v=v) for k, v in record)


def _free_record(dice: Dice, low: int = 2, high: int = 6) -> Record:
    return [(key, value(dice)) for key in different(dice, field_name, dice.between(low, high))]


_RECALLS = (
    "The {k} of {n} is {v}.", "The {k} is {v}.", "{n}'s {k} is {v}.", "{n} has {v} as its {k}.", "{k} of {n}: {v}", "{n} {k} {v}", "What is the {k} of {n}? {v}", "{k}? {v}", "{k} {v}",
    "Which {k} does {n} have? {v}.", "For {n} the {k} is {v}.", "{v} is the {k} of {n}.", "Q: {k}\nA: {v}", "We know that the {k} of {n} is {v}.",
)  # fmt: skip


def recalled(dice: Dice) -> str:
    """One or two named records, and single attributes of them asked for or told."""
    form, recall = dice.pick(NOTATIONS), dice.pick(_RECALLS)
    maker = dice.pick((title, person, place, invented, word))
    records = {name: _free_record(dice) for name in different(dice, maker, dice.pick((1, 1, 2, 3)))}
    parts = [written([("name", name), *record], *form) for name, record in records.items()]
    facts = [(name, k, v) for name, record in records.items() for k, v in record]
    asked = [dice.pick(facts) for _ in range(dice.between(1, 2))] + dice.sample(facts, dice.between(1, 5))
    return "\n".join([*parts, *(recall.format(n=n, k=k, v=v) for n, k, v in asked)])


def rewritten(dice: Dice) -> str:
    """The same records in one notation and then in another."""
    first, second = dice.pick(NOTATIONS), dice.pick(NOTATIONS)
    middle = dice.pick(("\n", "\n", "\n---\n", "\nthe same:\n", " = ", "\nagain: "))
    records = [_free_record(dice, 1, 5) for _ in range(dice.between(1, 3))]
    return "\n".join(written(record, *first) + middle + written(record, *second) for record in records)

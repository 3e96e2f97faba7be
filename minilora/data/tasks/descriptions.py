"""Records to sentences, made from a seed: data-to-text, as E2E asks it, with values never seen.

Before it: ``language/blocks.py``. After it: ``data/batches.py`` makes batches of the examples.

What a prompt and its completion look like::

    name[Aldbeck], type[castle], builder[Ada], rock[granite], near[Leeds]
    Text: Aldbeck is a castle near Leeds. It was built of granite by Ada.

Two to five attributes stand in any order; the texts join them in many ways. The values of training, validation and test are disjoint, so they must be copied.
"""

from collections.abc import Sequence

import numpy as np

from ..examples import Example
from ..mixture.dice import Dice
from .base import MadeTask, Split, check_pairs
from .e2e import write_prompt
from .language.blocks import article, pool, upper
from .written import says, text_scores

SIZES: dict[Split, int] = {"train": 6_000, "validation": 300, "test": 600}
"""Records of each part."""
WORDINGS = 6
"""Texts of each record that answers are compared with."""

TYPES = ("castle", "inn", "mill", "chapel", "bridge", "tower", "farm", "museum", "school", "theatre")
_FIRST = ("{name} is {type}", "there is {type} called {name}", "{name}, {type},")
_NEAR = (" near {near}", " not far from {near}", " close to {near}")
_PHRASES = {
    "builder": ("it was built by {builder}", "{builder} built it", "its builder was {builder}"),
    "rock": ("its walls are made of {rock}", "it is made of {rock}", "{rock} was used for its walls"),
    "owner": ("it belongs to {owner}", "{owner} owns it", "its owner is {owner}"),
    "food": ("it is known for its {food}", "people come for the {food}", "one can buy {food} there"),
    "towers": ("it has {towers} towers", "{towers} towers stand around it"),
}
_POOLS = {
    "name": "place",
    "near": "place",
    "builder": "person",
    "owner": "person",
    "rock": "rock",
    "food": "food",
}


class Descriptions(MadeTask):
    """Attributes to text; the figures of E2E, and ``values``: the share of the record's values that the text holds as whole words, from 0 to 1.

    6,000, 300 and 600 records; those of training have one text, the others' ``extra["references"]`` holds six, and ``extra["values"]`` what a text must hold.
    """

    name = "descriptions"
    description = "attributes to a text that says them all; made from a seed, needs no file"
    primary = "bleu"
    answer_tokens = 96

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """The figures of `text_scores`, and ``values``."""
        check_pairs(examples, predictions)
        held = [
            sum(says(text, value) for value in e.extra["values"]) / len(e.extra["values"])
            for e, text in zip(examples, predictions, strict=True)
        ]
        return {**text_scores(examples, predictions), "values": sum(held) / len(held)}

    def part(self, split: Split, stream: int) -> tuple[Example, ...]:
        dice = Dice(np.random.default_rng([self.seed, stream, 8]))
        return tuple(_draw(dice, split) for _ in range(SIZES[split]))


def _draw(dice: Dice, split: Split) -> Example:
    names = [*dice.sample(list(_PHRASES), dice.between(1, 3)), *(["near"] if dice.chance(0.6) else [])]
    record = {"name": "", "type": dice.pick(TYPES)}
    for name in ("name", *names):
        record[name] = str(dice.between(2, 40)) if name == "towers" else dice.pick(pool(_POOLS[name], split))
    order = dice.sample(list(record), len(record))
    mr = ", ".join(f"{name}[{record[name]}]" for name in ("name", *(n for n in order if n != "name")))
    texts = tuple(dict.fromkeys(_text(record, dice) for _ in range(1 if split == "train" else WORDINGS)))
    return Example(write_prompt(mr), f" {texts[0]}", {"references": texts, "values": tuple(record.values())})


def _text(record: dict[str, str], dice: Dice) -> str:
    """One of many ways to say the record."""
    words = {**record, "type": article(record["type"])}
    first = dice.pick(_FIRST).format_map(words)
    near = dice.pick(_NEAR).format_map(words) if "near" in record else ""
    names = dice.sample([name for name in record if name in _PHRASES], 9)
    phrases = [dice.pick(_PHRASES[name]).format_map(words) for name in names]
    if first.endswith(","):  # "Aldbeck, a castle near Leeds, is ..." needs a verb of its own
        sentences = [f"{first.removesuffix(',')}{near}, is worth a visit"]
    else:
        sentences = [first + near]
    while phrases:
        joined = [phrases.pop() for _ in range(min(len(phrases), 2 if dice.chance(0.4) else 1))]
        sentences.append(" and ".join(joined))
    return " ".join(f"{upper(sentence)}." for sentence in sentences)

"""Sentiment, as SST-2 asks it: does the writer praise or blame?

Before it: ``made.py``. After it: `load_task`.

The words of praise and blame are shared by the parts; what they are said of is not. Counting them does not suffice: they are negated, others' opinions and
the writer's expectations are mentioned, one part is praised and the whole blamed.
"""

from ...mixture.dice import Dice
from ..base import Split
from .blocks import listed, pool, upper
from .made import Made

PRAISE = listed(
    "good great lovely splendid superb charming delightful excellent wonderful fine pleasant brilliant"
)
BLAME = listed("bad poor dull awful dreadful clumsy horrible terrible dismal boring unpleasant disappointing")

_WAYS = (
    "{thing} was {same}",
    "{thing} was {same} and {same2}",
    "I found {thing} {same}",
    "{thing} was not {other}",
    "{thing} was anything but {other}",
    "nobody could call {thing} {other}",
    "{person} called {thing} {other}, but I found it {same}",
    "I expected {thing} to be {other}, and it was {same}",
    "{part} was {other}, but {thing} as a whole was {same}",
    "although {part} was {other}, {thing} was {same}",
    "{thing} was {same}, even if {person} thought it {other}",
    "{thing} was not {other}, as {person} says, but {same}",
    "{thing} is far from {other}",
    "how {same} {thing} was",
    "{person} thinks {thing} is {other} and I disagree",
    "{person} thinks {thing} is {same} and I agree",
)


class Sentiment(Made):
    """Whether the writer's own opinion is good or bad."""

    name = "sentiment"
    description = "whether the writer praises or blames; made from a seed, needs no file"
    labels = ("negative", "positive")
    asked, words = "feeling", ("bad", "good")

    def draw(self, dice: Dice, split: Split, label: int) -> tuple[str, ...]:
        """A sentence whose own opinion is good where ``label`` is 1."""
        same, other = (PRAISE, BLAME) if label else (BLAME, PRAISE)
        first, second = dice.sample(same, 2)
        words = {
            "thing": _thing(dice, split),
            "part": f"the {dice.pick(('price', 'beginning', 'sound', 'colour', 'weather', 'service', 'ending', 'view'))}",
            "person": dice.pick(pool("person", split)),
            "same": first,
            "same2": second,
            "other": dice.pick(other),
        }
        return (upper(dice.pick(_WAYS).format_map(words)) + ".",)


def _thing(dice: Dice, split: Split) -> str:
    """Something one can have an opinion of."""
    place, person = dice.pick(pool("place", split)), dice.pick(pool("person", split))
    food = dice.pick(pool("food", split))
    return dice.pick(
        (f"the {food} soup", f"the {food} pie in {place}", f"the inn in {place}", f"{person}'s concert", f"the film about {person}", f"the journey to {place}", f"the play about {person}",
         f"the novel about {place}")
    )  # fmt: skip

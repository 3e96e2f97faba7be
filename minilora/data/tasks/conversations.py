"""Conversations and their summaries, made from a seed: two people settle something over some turns, and the summary says what was settled.

Before it: ``language/blocks.py``. After it: ``data/batches.py`` makes batches of the examples.

A conversation opens with a proposal; its day, its place or both are then refused and changed; small talk stands between. A summary must hold what
was settled in the end and not what was proposed first, so copying the beginning does not do. Names, places and things of training, validation and test are disjoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..examples import Example
from ..metrics import rouge
from ..mixture.dice import Dice
from .base import MadeTask, Split, check_pairs
from .language.blocks import pool, upper
from .nl2sql.values import POOLS
from .summaries import write_prompt
from .written import one_line, references_of, says

SIZES: dict[Split, int] = {"train": 6_000, "validation": 300, "test": 600}
"""Conversations of each part."""

HOURS = ("noon", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_PLANS = (
    ("meet in {place}", "meeting in {place}"),
    ("have dinner in {place}", "having dinner in {place}"),
    ("go to {place} by train", "going to {place} by train"),
    ("play chess in {place}", "playing chess in {place}"),
    ("visit the museum in {place}", "visiting the museum in {place}"),
)
_OPENINGS = (
    "Hi {b}, shall we {plan} on {day}?",
    "{b}, would you like to {plan} on {day}?",
    "Hello {b}! Do you want to {plan} on {day}?",
)
_REFUSALS = {
    "day": ("I can't on {old}, I have to work. What about {new}?", "{old} is bad, my sister is here. Could it be {new}?", "Not {old}, please. Is {new} all right?"),
    "place": ("{old} is too far for me. Why not {new}?", "I would rather go to {new} than to {old}.", "Last time {old} was so full. Let's say {new}."),
}  # fmt: skip
_AGREED = ("All right, {new} then.", "{new} is fine with me.", "Good, {new}.", "{new} it is.")
_TALK = (
    ("How is your mother?", "Better, thank you."),
    ("Did you sleep well?", "Not really, the wind was loud."),
    ("It rained all night here.", "Here too."),
    ("I saw {c} yesterday.", "Oh, how is {c}?"),
    ("Are you still tired?", "A little."),
    ("I have lost my keys again.", "Not again!"),
)
_HOURS_ASKED = ("At what time?", "When exactly?", "What time suits you?")
_HOURS_SAID = ("At {hour}.", "Let's say {hour}.", "{hour} would be good.")
_BRINGING = ("I will bring {thing}.", "Shall I bring {thing}?", "I can bring {thing}.")
_THANKS = ("Thank you!", "Great, see you!", "Lovely.", "Then it's settled.")
_SUMMARIES = (
    "{a} and {b} will {plan} on {day} at {hour}. {c} will bring {thing}.",
    "On {day} at {hour}, {a} and {b} will {plan}, and {c} brings {thing}.",
    "{a} and {b} agree on {doing} on {day} at {hour}. {thing} will be brought by {c}.",
)
_BRINGERS = ("{c} will bring", "{c} brings", "brought by {c}")
"""How these say who brings the thing: both people's names stand in every summary, so that a name alone says nothing."""


@dataclass(frozen=True)
class Settled:
    """What was settled: what a summary must tell."""

    day: str
    place: str
    hour: str
    thing: str
    bringer: str

    def told(self, text: str) -> float:
        """The share of these that ``text`` tells: day, place, hour and thing stand in it as whole words; of the bringer it says, in the words of a summary made here, that this person brings something."""
        told = [says(text, value) for value in (self.day, self.place, self.hour, self.thing)]
        told.append(any(says(text, form.format(c=self.bringer)) for form in _BRINGERS))
        return sum(told) / len(told)


class Conversations(MadeTask):
    """Conversations to summaries; ROUGE as for SAMSum, and ``facts``: the share of day, place, hour, thing and bringer that the summary tells (see `Settled`), from 0 to 1.

    6,000, 300 and 600 conversations; those of training have one of their summaries, the others' ``extra["references"]`` holds all ways it may be worded, and
    ``extra["settled"]`` what was settled.
    """

    name = "conversations"
    description = "conversations to summaries; made from a seed, needs no file"
    primary = "rougeL"
    answer_tokens = 64
    cue = "\n\nSummary:"

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """``rouge1``, ``rouge2``, ``rougeL`` against the nearest wording, and ``facts``."""
        check_pairs(examples, predictions)
        texts = [one_line(text) for text in predictions]
        facts = [e.extra["settled"].told(text) for e, text in zip(examples, texts, strict=True)]
        return {**rouge(texts, [references_of(e) for e in examples]), "facts": sum(facts) / len(facts)}

    def part(self, split: Split, stream: int) -> tuple[Example, ...]:
        dice = Dice(np.random.default_rng([self.seed, stream, 7]))
        return tuple(_draw(dice, split) for _ in range(SIZES[split]))


def _draw(dice: Dice, split: Split) -> Example:
    a, b, c = dice.sample(pool("person", split), 3)
    days, places = dice.sample(POOLS["day"], 3), dice.sample(pool("place", split), 3)
    plan, doing = dice.pick(_PLANS)
    now = {"day": days.pop(), "place": places.pop()}
    lines = [(a, dice.pick(_OPENINGS).format(b=b, plan=plan.format(place=now["place"]), day=now["day"]))]
    names = dice.sample(("day", "place"), dice.between(1, 2))
    for number, name in enumerate(names):
        new = (days if name == "day" else places).pop()
        speaker, other = (b, a) if number % 2 == 0 else (a, b)
        lines.append((speaker, dice.pick(_REFUSALS[name]).format(old=now[name], new=new)))
        lines.append((other, dice.pick(_AGREED).format(new=new)))
        now[name] = new
    if dice.chance(0.7):
        talk = dice.pick(_TALK)
        at = dice.between(1, len(lines))
        speaker = dice.pick((a, b))
        lines[at:at] = [(speaker, talk[0].format(c=c)), (b if speaker == a else a, talk[1].format(c=c))]
    hour, thing = dice.pick(HOURS), f"the {dice.pick(pool('food', split))}"
    asks, says = (a, b) if dice.chance(0.5) else (b, a)
    lines += [(asks, dice.pick(_HOURS_ASKED)), (says, upper(dice.pick(_HOURS_SAID).format(hour=hour)))]
    bringer = dice.pick((a, b))
    lines += [
        (bringer, dice.pick(_BRINGING).format(thing=thing)),
        (b if bringer == a else a, dice.pick(_THANKS)),
    ]
    words = {"a": a, "b": b, "c": bringer, "thing": thing, "hour": hour, "day": now["day"]}
    words |= {"plan": plan.format(place=now["place"]), "doing": doing.format(place=now["place"])}
    references = tuple(". ".join(map(upper, form.format_map(words).split(". "))) for form in _SUMMARIES)
    settled = Settled(now["day"], now["place"], hour, thing, bringer)
    prompt = write_prompt("\n".join(f"{speaker}: {said}" for speaker, said in lines))
    chosen = dice.pick(references) if split == "train" else references[0]
    return Example(prompt, f" {chosen}", {"references": references, "settled": settled})

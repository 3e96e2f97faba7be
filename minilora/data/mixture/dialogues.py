"""Short conversations whose last line says again what was agreed."""

from collections.abc import Callable

from .dice import Dice
from .vocabulary import DAYS
from .words import different, invented, number, person, place, price, symbols, title, word


def dialogue(dice: Dice) -> str:
    """Two people settle two or three matters, with some talk between; a last line sums up."""
    first, second = different(dice, person, 2)
    turns: list[str] = []
    facts: list[str] = []
    for detail, ask, answer, fact in dice.sample(_PLANS, dice.between(1, 3)):
        given = detail(dice)
        turns += [dice.pick(ask).format(v=given), dice.pick(answer).format(v=given)]
        facts.append(dice.pick(fact).format(a=first, b=second, v=given))
        if dice.chance(0.4):
            turns += [dice.pick(_TALK).format(a=first, b=second), dice.pick(_TALK).format(a=second, b=first)]
    form = dice.pick(("{}: {}", "{}: {}", "{} - {}", "<{}> {}", '{} said: "{}"', "[{}] {}"))
    lines = [form.format((first, second)[i % 2], turn) for i, turn in enumerate(turns)]
    if dice.chance(0.5):
        lines = [form.format(first, f"Hello {second}!"), form.format(second, f"Hi {first}."), *lines]
    ending = dice.pick(_ENDINGS) + " ".join(facts)
    return "\n".join([*lines, ending])


Wordings = tuple[str, ...]

# What is settled: its values, how it is asked, how it is answered, and how the last line says it again.
_PLANS: tuple[tuple[Callable[[Dice], str], Wordings, Wordings, Wordings], ...] = (
    (place, ("Shall we meet in {v}?", "Where is it? In {v}?", "I am going to {v}."), ("Yes, {v} is fine.", "{v}, good.", "I like {v}."), ("{a} and {b} meet in {v}.", "{a} goes to {v}.")),
    (lambda d: d.pick(DAYS), ("Can you come on {v}?", "Is {v} free?", "What about {v}?"), ("{v} suits me.", "Not before {v}, but {v} is good.", "On {v}, then."), ("The day is {v}.", "{b} comes on {v}.")),
    (lambda d: f"{d.between(1, 12)}:{d.pick(('00', '10', '15', '30', '45'))}", ("At {v}?", "The train leaves at {v}.", "Let us say {v}."), ("{v} it is.", "I shall be there at {v}."), ("They start at {v}.", "{a} is there at {v}.")),
    (price, ("I can pay {v}.", "It costs {v}.", "Would {v} do?"), ("{v} is fair.", "{v}? Agreed.", "I have {v}."), ("The price is {v}.", "{a} pays {v} to {b}.")),
    (title, ("Have you seen {v}?", "I want to talk about {v}.", "Do you know {v}?"), ("I love {v}.", "{v} was too long for me.", "Of course, everybody knows {v}."), ("{b} knows {v}.", "They talk about {v}.")),
    (word, ("Who has the {v}?", "Can you bring a {v}?", "I lost my {v}."), ("I have the {v} here.", "I will look for the {v}.", "Your {v} is at my house."), ("{b} has the {v}.", "{a} needs the {v}.")),
    (symbols, ("The code is {v}.", "Write to {v}.", "Note this down: {v}."), ("{v}, I have it.", "So it is {v}.", "Thank you: {v}."), ("The code is {v}.", "{b} noted {v}.")),
    (number, ("We need {v} of them.", "How many? {v}?", "I counted {v}."), ("{v} is a lot.", "{v}, exactly.", "I counted {v} too."), ("There are {v}.", "{a} needs {v}.")),
    (invented, ("My dog is called {v}.", "What does {v} mean?", "Please call {v}."), ("{v} is a strange name.", "I never heard of {v}.", "{v} is busy."), ("{a} asked about {v}.", "The name is {v}.")),
    (person, ("Is {v} coming?", "I saw {v} yesterday.", "{v} sends greetings."), ("I hope {v} is well.", "{v} is always late.", "Tell {v} that I am glad."), ("{a} speaks of {v}.", "{v} may come too.")),
)  # fmt: skip
_ENDINGS = ("Summary: ", "In short: ", "So ", "Result: ", "---\n", "It is settled: ", "TL;DR: ", "")
_TALK = (
    "How are you, {b}?", "Very well, thank you.", "It rains again.", "I must go soon.", "That is good news.", "Really?", "You always say that, {b}.", "I did not know.", "Never mind.", "Ha!", "Wait a moment.",
    "My aunt says the same.", "Yes.", "No, not yet.", "I am hungry.", "Thank you, {b}.", "Why not?", "The children are asleep.", "It is late.", "Good idea!",
)  # fmt: skip

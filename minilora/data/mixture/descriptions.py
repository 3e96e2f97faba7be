"""Records put into sentences: `name[The Golden Kettle], kind[inn], colour[red]`, then what that means in words.

Data-to-text tasks use such notations. The things and the attributes here are made up, each notation serves any record, and sentences are put together from
small wordings, so that what is practised is the move from a notation to prose, not any one task.
"""

from collections.abc import Callable

from .dice import Dice
from .records import NOTATIONS, written
from .vocabulary import SUBJECTS
from .words import article, date, person, place, price, symbols, title, year

# Attribute, its values, and its wordings: whole clauses, and (after ~) additions to the sentence that names the thing.
_ATTRIBUTES: tuple[tuple[str, Callable[[Dice], str], tuple[str, ...]], ...] = (
    ("colour", lambda d: d.pick(("red", "blue", "green", "black", "white", "yellow", "grey", "brown", "golden", "pale pink")),
     ("it is {v}", "its colour is {v}", "~painted {v}", "it has a {v} coat", "~in {v}", "people know it by its {v} colour")),
    ("place", place, ("it stands in {v}", "it is in {v}", "you find it in {v}", "~in {v}", "~located in {v}", "it comes from {v}", "~from {v}")),
    ("side", lambda d: d.pick(("harbour", "town square", "old town", "seaside", "north bank", "hillside", "main street", "station", "park")),
     ("it lies by the {v}", "~in the {v} area", "~on the {v} side", "~by the {v}", "the {v} is where it stands")),
    ("price", price, ("it costs {v}", "the price is {v}", "~for {v}", "you pay {v}", "~priced at {v}", "prices start at {v}")),
    ("cost", lambda d: d.pick(("low", "high", "average", f"under £{d.between(1, 9)}0", f"£{d.between(1, 4)}0-{d.between(5, 9)}0", f"over ${d.between(2, 90)}", "moderate", "about €15")),
     ("the cost is {v}", "its cost is {v}", "~at a cost that is {v}", "the cost range is {v}", "its prices are {v}", "~with a {v} cost")),
    ("built", year, ("it was built in {v}", "it dates from {v}", "~built in {v}", "it has been there since {v}", "~of the year {v}")),
    ("owner", person, ("it belongs to {v}", "{v} owns it", "its owner is {v}", "~run by {v}", "~owned by {v}")),
    ("maker", title, ("it was made by {v}", "{v} made it", "~made by {v}", "it is a work of {v}")),
    ("rating", lambda d: d.pick((f"{d.between(1, 5)} of 5", f"{d.between(1, 10)}/10", f"{d.between(1, 5)} stars", "good", "poor", "very high", f"{d.between(10, 99)}%")),
     ("it is rated {v}", "~with a rating of {v}", "visitors rate it {v}", "its rating is {v}", "~rated {v}", "critics gave it {v}")),
    ("size", lambda d: d.pick(("small", "large", "huge", "tiny", f"{d.between(2, 90)} m", f"{d.between(2, 900)} acres", f"{d.between(2, 90)}x{d.between(2, 90)}")),
     ("its size is {v}", "the size is {v}", "it is {v} in size", "~of {v} size")),
    ("beside", title, ("it is beside {v}", "~next to {v}", "~close to {v}", "it is not far from {v}", "{v} is just beside it", "~near {v}", "it stands near {v}")),
    ("serves", lambda d: d.pick(("soup", "Greek dishes", "tea and cake", "Danish bread", "Spanish rice", "noodles", "fruit", "Turkish coffee", "pies", "fresh fish")),
     ("it serves {v}", "there is {v}", "you can have {v} there", "~serving {v}", "~that serves {v}", "it offers {v}", "~with {v}")),
    ("guests", lambda d: d.pick(("welcome", "not allowed", "by invitation only")), ("guests are {v}", "for guests it is {v}", "~where guests are {v}")),
    ("weight", lambda d: f"{d.between(1, 900)} {d.pick(('kg', 'tons', 'pounds', 'g'))}", ("it weighs {v}", "its weight is {v}", "~weighing {v}", "~of {v}")),
    ("opens", lambda d: f"{d.between(6, 11)}:{d.pick(('00', '15', '30', '45'))}", ("it opens at {v}", "it is open from {v}", "the doors open at {v}", "~open from {v}")),
    ("code", symbols, ("its code is {v}", "the code {v} is on it", "it is marked {v}", "~marked {v}")),
    ("guide", person, ("{v} is the guide", "you may ask for {v}", "~with {v} as guide", "its guide is called {v}")),
    ("first day", date, ("it began on {v}", "the first day was {v}", "it has been open from {v} on", "it started on {v}")),
)  # fmt: skip

# Yes-or-no attributes have a wording for each answer: what is said of "no" does not contain the word.
_ANSWERS = (
    ("dogs", ("dogs are allowed", "you may bring a dog", "~where dogs are welcome"), ("dogs must stay outside", "it is no place for dogs", "~without dogs")),
    ("children", ("children like it", "it welcomes children", "~for the whole family"), ("it is not for children", "children are not welcome", "~for adults only")),
    ("music", ("there is music", "music is played there", "~with music"), ("there is no music", "it has no music", "~without music")),
    ("boatFriendly", ("boats can land there", "~friendly to boats"), ("boats cannot land there", "~not friendly to boats")),
)  # fmt: skip

_OPENINGS = (
    "{name} is {a} {kind}{more}.", "There is {a} {kind}{more} called {name}.", "{name} is {a} {kind}{more}.", "The {kind} {name}{more} is well known.", "This is {name}, {a} {kind}{more}.",
    "Have you heard of {name}? It is {a} {kind}{more}.", "{name} is the name of {a} {kind}{more}.", "Look at {name}, the {kind}{more}.", "The {kind}{more} is called {name}.",
    "{A} {kind}{more} is {name}.", "{name}, {a} {kind}{more}.", "If you like {a} {kind}{more}, try {name}.",
)  # fmt: skip
_ARROWS = (
    "\n",
    "\n",
    "\n",
    " -> ",
    " => ",
    "\nText: ",
    "\nIn words: ",
    " || ",
    "\n\n",
    " ~ ",
    "\ntext: ",
    " | ",
)


def described(dice: Dice) -> str:
    """One to three records and their descriptions, all in the same notation."""
    form, arrow = dice.pick(NOTATIONS), dice.pick(_ARROWS)
    return dice.pick(("\n", "\n\n")).join(
        _described(dice, form, arrow) for _ in range(dice.pick((1, 1, 2, 3)))
    )


def _described(dice: Dice, form: tuple[str, str], arrow: str) -> str:
    name, kind = title(dice), dice.pick(SUBJECTS)
    facts = [(key, value, dice.pick(wordings).format(v=value)) for key, value, wordings in _facts(dice)]
    record = [("name", name), ("kind", kind), *((key, value) for key, value, _ in facts)]
    if dice.chance(0.3):
        dice.shuffle(record)
    told = [wording for _, _, wording in facts]
    if dice.chance(0.4):
        dice.shuffle(told)
    more = "".join(" " + wording[1:] for wording in told if wording.startswith("~"))
    clauses = [wording for wording in told if not wording.startswith("~")]
    a = article(kind)
    opening = dice.pick(_OPENINGS).format(name=name, kind=kind, a=a, A=a.capitalize(), more=more)
    return written(record, *form) + arrow + _sentences(dice, opening, clauses)


def _facts(dice: Dice) -> list[tuple[str, str, tuple[str, ...]]]:
    """Attribute, value and wordings of up to seven attributes."""
    chosen = dice.sample(_ATTRIBUTES, dice.between(1, 6))
    facts = [(key, make(dice), wordings) for key, make, wordings in chosen]
    if dice.chance(0.4):
        key, yes, no = dice.pick(_ANSWERS)
        answer = dice.chance(0.5)
        facts.append((key, "yes" if answer else "no", yes if answer else no))
    return facts


def _sentences(dice: Dice, opening: str, clauses: list[str]) -> str:
    """The opening, then the clauses, one or two in a sentence."""
    text, i = opening, 0
    while i < len(clauses):
        pair = clauses[i : i + (2 if dice.chance(0.5) else 1)]
        text += f" {_capital(dice.pick((' and ', ', and ', ', but ', '; ')).join(pair))}."
        i += len(pair)
    return text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

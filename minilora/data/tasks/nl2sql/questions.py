"""Saying a query in words, in one of many ways.

Before it: ``drawing.py``. After it: ``task.py`` puts the question under its table's heading.

A wording is made of independent choices: how the sentence opens ("Show me the ...", "What is the ...?"), how its head is built ("the lord of the
castles", "the lord for all castles"), how conditions are said ("where", "whose", "with", "that have") and how a comparison is ("more than",
"over"). Text values stand in quotation marks, which makes the task easier than one where they have to be found. Columns and tables are named as
they are spelt in the heading, but for a few: a text column may be said in the plural ("the lords of the castles") or by a near word
(``NEAR_WORDS``), and the one row of a superlative in the singular ("the castle with the most towers"). In sum fewer than 15% of the
questions name a column otherwise than the SQL does.
"""

from ...mixture.dice import Dice
from .conditions import RANKINGS, SUPERLATIVES, say_conditions
from .drawing import Kind
from .queries import Query
from .tables import Table, stem_of

NEAR_WORDS = {
    "lord": "master", "captain": "commander", "cook": "chef", "coach": "trainer", "author": "writer", "street": "road",
    "price": "cost", "cost": "price", "wage": "pay", "salary": "pay", "fee": "charge", "weight": "heaviness", "height": "tallness",
    "director": "head", "teacher": "tutor", "land": "nation", "country": "nation", "beast": "creature", "mood": "feeling",
    "genre": "sort", "temper": "character", "county": "shire", "builder": "architect", "maker": "producer", "state": "condition",
}  # fmt: skip

_PLURALLESS = ("species", "cargo", "fish", "meat", "food", "soil", "light", "music")

_OPENINGS = (
    "What is {}?", "What is {}?", "Show {}.", "Show me {}.", "Give {}.", "Give me {}.", "Find {}.", "Tell me {}.", "List {}.", "I want to know {}.",
    "Can you tell me {}?", "Please give me {}.", "I need {}.", "Look up {}.", "Could you find {}?", "Let me see {}.",
)  # fmt: skip

_OPENINGS_BEFORE_HOW = ("Tell me {}.", "I want to know {}.", "Can you tell me {}?", "Find out {}.")

_SELECT_HEADS = (
    "the {a} of the {t}",
    "the {a} of all {t}",
    "the {a} for the {t}",
    "the {a} for all {t}",
    "the {a} of {t}",
    "the {a} of every one of the {t}",
)
_SELECT_SENTENCES = (
    "For the {t} {w}, what {be} the {a}?", "For {t} {w}, show the {a}.", "Take the {t} {w} and list the {a}.", "Of all {t} {w}, give the {a}.",
    "Among the {t} {w}, which {a} do you find?", "Which {a} do you find for the {t} {w}?", "What {a} can be found for {t} {w}?",
)  # fmt: skip
_FOR_TWO_COLUMNS = _SELECT_SENTENCES[:4]

_COUNT_HEADS = ("the number of {t} {w}", "the number of all {t} {w}", "how many {t} there are {w}")
_COUNT_SENTENCES = (
    "How many {t} {w} are there?", "How many {t} are there {w}?", "How many {t} are there {w}?", "Count the {t} {w}.", "Count all {t} {w}.",
    "Please count the {t} {w}.", "How many of the {t} are there {w}?", "Of all {t}, how many are there {w}?",
)  # fmt: skip

_AGGREGATE_HEADS = (
    "{s} of the {t}",
    "{s} of all {t}",
    "{s} among the {t}",
    "{s} among all {t}",
    "{s} for {t}",
    "{s} in the table of {t}",
)
_AGGREGATE_SENTENCES = (
    "For the {t} {w}, what is {s}?",
    "Among the {t} {w}, what is {s}?",
    "Of all {t} {w}, find {s}.",
    "Take the {t} {w} and give {s}.",
)
_TOTALS = (
    "How many {c} do the {t} {w} have altogether?",
    "How many {c} do the {t} {w} have in all?",
    "Add up the {c} of the {t} {w}.",
)
_MEANS = ("How many {c} do the {t} {w} have on average?", "On average, how many {c} do {t} {w} have?")

_FIRST = (
    "Which {a} has {s} among the {t} {w}?", "Of all {t} {w}, which {a} has {s}?", "Among the {t} {w}, which {a} has {s}?",
    "For the {t} {w}, which {a} comes with {s}?", "Of the {t} {w}, find the {a} with {s}.", "Among {t} {w}, show the {a} of the one with {s}.",
)  # fmt: skip
_FIRST_HEADS = ("the {a} of the {one} with {s}", "the {a} of the {one} that has {s}")
_FIRST_FEW = (
    "Among the {t} {w}, show the {a} of the {k} with {s}.", "Of all {t} {w}, which {k} have {s}? Give the {a}.",
    "From the {t} {w}, take the {k} with {s} and list the {a}.", "For the {k} {t} with {s}, show the {a}.",
    "What is the {a} of the {k} {t} with {s}?", "List the {a} of the {k} {t} that have {s}.",
)  # fmt: skip

_DISTINCT = (
    "Which different {p} do the {t} {w} have?", "Without repeats, list the {a} of the {t} {w}.", "Show the distinct {a} of the {t} {w}.",
    "Give every {a} of {t} {w} without repeats.", "What distinct {a} is there among the {t} {w}?", "For the {t} {w}, show each different {a}.",
    "Find the unique {a} of the {t} {w}.",
)  # fmt: skip
_GROUP = (
    "For each {a}, how many {t} are there?", "How many {t} are there for each {a}?", "Count the {t} for every {a}.", "Show each {a} with its number of {t}.",
    "Give the number of {t} per {a}.", "Count {t} by {a}.", "Group the {t} by {a} and count them.", "List every {a} and how many {t} it has.",
)  # fmt: skip


def ask(kind: Kind, query: Query, table: Table, dice: Dice) -> str:
    """A question that ``query`` answers."""
    where = say_conditions(query.conditions, table, dice)
    match kind:
        case "select" | "compare":
            return _ask_columns(query, table, where, dice)
        case "count":
            words = {"t": table.name, "w": where}
            if dice.chance(0.35):
                return _open(dice.pick(_COUNT_HEADS), words, dice)
            return _fill(dice.pick(_COUNT_SENTENCES), words)
        case "aggregate":
            return _ask_aggregate(query, table, where, dice)
        case "superlative":
            return _ask_superlative(query, table, where, dice)
        case "distinct":
            name = query.columns[0]
            words = {"a": name, "p": _plural(name), "t": table.name, "w": where}
            return _fill(dice.pick(_DISTINCT), words)
        case "group":
            return _fill(dice.pick(_GROUP), {"a": query.columns[0], "t": table.name})


def _ask_columns(query: Query, table: Table, where: str, dice: Dice) -> str:
    said = [_say(name, table, dice) for name in query.columns]
    words = {"a": " and the ".join(said), "t": table.name, "w": where}
    several = len(said) > 1
    plural = several or said[0] == _plural(query.columns[0]) or table.style(query.columns[0]) == "count"
    if dice.chance(0.6):
        return _open(f"{dice.pick(_SELECT_HEADS)} {{w}}", words, dice, plural=plural)
    sentences = _FOR_TWO_COLUMNS if several else _SELECT_SENTENCES
    return _fill(dice.pick(sentences), words | {"be": "are" if plural else "is"})


def _ask_aggregate(query: Query, table: Table, where: str, dice: Dice) -> str:
    assert query.aggregate is not None  # what makes a query an aggregate
    column, aggregate = query.columns[0], query.aggregate
    style = table.style(column)
    superlative = dice.pick(SUPERLATIVES[style, aggregate]).format(_near(column, table, dice))
    words = {"c": column, "t": table.name, "w": where, "s": superlative}
    if style == "count" and aggregate in ("SUM", "AVG") and dice.chance(0.4):
        return _fill(dice.pick(_TOTALS if aggregate == "SUM" else _MEANS), words)
    if dice.chance(0.65):
        return _open(f"{dice.pick(_AGGREGATE_HEADS)} {{w}}", words, dice)
    return _fill(dice.pick(_AGGREGATE_SENTENCES), words)


def _ask_superlative(query: Query, table: Table, where: str, dice: Dice) -> str:
    assert query.order is not None  # what makes a query a superlative
    order, chosen = query.order, query.columns[0]
    ranking = dice.pick(RANKINGS[table.style(order.column), order.descending]).format(order.column)
    words = {"s": ranking, "t": table.name, "one": stem_of(table.name), "k": str(order.limit), "w": where}
    if order.limit > 1:
        sentences = _FIRST_FEW[:3] if where else _FIRST_FEW
        return _fill(dice.pick(sentences), words | {"a": _say(chosen, table, dice)})
    words["a"] = _near(chosen, table, dice)
    if not where and dice.chance(0.3):
        return _open(dice.pick(_FIRST_HEADS), words, dice)
    return _fill(dice.pick(_FIRST), words)


def _say(column: str, table: Table, dice: Dice) -> str:
    """A selected column: mostly as it is spelt, now and then in the plural or by a near word."""
    plural = table.style(column) in ("key", "text") and dice.chance(0.1)
    return _plural(column) if plural else _near(column, table, dice)


def _near(column: str, table: Table, dice: Dice) -> str:
    other = NEAR_WORDS.get(column, column)
    return other if dice.chance(0.08) and all(c.name != other for c in table.columns) else column


def _plural(noun: str) -> str:
    if noun in _PLURALLESS:
        return noun
    if noun.endswith("y") and noun[-2] not in "aeo":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def _open(head: str, words: dict[str, str], dice: Dice, *, plural: bool = False) -> str:
    """A noun phrase behind one of the openings."""
    noun = head.format_map(words)
    opening = dice.pick(_OPENINGS_BEFORE_HOW if noun.startswith("how") else _OPENINGS)
    return _tidy(opening.replace("What is", "What are" if plural else "What is").format(noun))


def _fill(sentence: str, words: dict[str, str]) -> str:
    return _tidy(sentence.format_map(words))


def _tidy(sentence: str) -> str:
    """Without the blanks that an empty condition leaves."""
    return " ".join(sentence.split()).replace(" ?", "?").replace(" .", ".").replace(" ,", ",")

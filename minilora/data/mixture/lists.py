"""Lists, keys, JSON objects and numbers: copied, turned round, sorted, counted, looked up."""

import json
from collections.abc import Callable

from .dice import Dice
from .vocabulary import DAYS, MONTHS
from .words import (
    date,
    different,
    field_name,
    invented,
    name,
    number,
    person,
    place,
    price,
    symbols,
    title,
    value,
    word,
    year,
)

_MAKERS: tuple[Callable[[Dice], str], ...] = (
    word, word, invented, invented, person, place, title, number, year, price, symbols, field_name, value, name,
)  # fmt: skip


def _items(dice: Dice, low: int = 2, high: int = 8) -> list[str]:
    return different(dice, dice.pick(_MAKERS), dice.between(low, high))


def copied(dice: Dice) -> str:
    """A list and the same list again, as it stands, reversed or sorted; the wording stays the same within a text."""
    operation = dice.pick(("copy", "copy", "copy", "copy", "reverse", "sort"))
    between = dice.pick((", ", " ", " ", "\n", "; ", " | ", " / ", " - ", " > ", " + "))
    first, second = dice.pick(_WORDINGS[operation])
    lines = []
    for _ in range(dice.pick((1, 1, 2, 2, 3))):
        items = _items(dice)
        lines.append(first + between.join(items) + second + between.join(_changed(items, operation)))
    return "\n".join(lines)


def _changed(items: list[str], operation: str) -> list[str]:
    return {"copy": items, "reverse": items[::-1], "sort": sorted(items)}[operation]


_WORDINGS = {
    "copy": (
        ("", " = "), ("", "\n"), ("copy: ", "\n"), ("Say: ", "\nI say: "), ("list: ", "\nlist: "), ("[", "] ["), ("given ", " we have "), ("1) ", "\n2) "), ("", " -> "), ("in: ", " out: "),
        ("Write down ", ".\nWritten: "), ("He called ", ", and the others called "), ("echo ", "\n"), ("{", "} = {"), ("We need ", ". Do not forget: "), ("< ", " > < "),
    ),
    "reverse": (("", " reversed: "), ("forwards: ", "\nbackwards: "), ("", " <- "), ("reverse: ", "\n"), ("From first to last: ", ". From last to first: ")),
    "sort": (("sort: ", "\nsorted: "), ("", " in order: "), ("By the alphabet: ", "\n"), ("unsorted ", "\nsorted ")),
}  # fmt: skip


def numbered(dice: Dice) -> str:
    """A numbered list and questions of place: first, last, before, after, how many."""
    items = _items(dice, 3, 7)
    if dice.chance(0.5):
        lines = [f"{i}. {item}" for i, item in enumerate(items, 1)]
    else:
        lines = [dice.pick(("", "list: ", "items: ")) + ", ".join(items)]
    for _ in range(dice.between(2, 5)):
        i = dice.between(0, len(items) - 2)
        facts = {
            "nth": _ORDINALS[i],
            "n": i + 1,
            "this": items[i],
            "next": items[i + 1],
            "first": items[0],
            "last": items[-1],
            "count": len(items),
        }
        lines.append(dice.pick(_PLACES_IN_LIST).format_map(facts))
    return "\n".join(lines)


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
_PLACES_IN_LIST = (
    "The {nth} is {this}.", "After {this} comes {next}.", "Before {next} comes {this}.", "last: {last}", "first: {first}", "number {n}: {this}", "count: {count}", "{this} is the {nth}.",
)  # fmt: skip


def looked_up(dice: Dice) -> str:
    """Keys with values, then some keys again with what belongs to them."""
    keys = different(dice, dice.pick(_MAKERS), dice.between(2, 8))
    values = [maker(dice) for maker in [dice.pick(_MAKERS)] * len(keys)]
    pairs = list(zip(keys, values, strict=True))
    form = dice.pick(_PAIRS)
    between = dice.pick(("\n", "\n", ", ", "; ", " "))
    again = dice.sample(pairs, dice.between(1, len(pairs)))
    if dice.chance(0.3):
        again += [dice.pick(pairs) for _ in range(dice.between(1, 4))]
    middle = dice.pick(("\n", "\n", "\n\n", "\n---\n", "\nagain:\n", "\nrecall: ", "\n? "))
    first, second = (between.join(form.format(k=k, v=v) for k, v in chosen) for chosen in (pairs, again))
    return first + middle + second


_PAIRS = (
    "{k}: {v}", "{k} = {v}", "{k} -> {v}", "{k} {v}", "{k} is {v}", "{k} => {v}", "{k} / {v}", "the {k} has {v}", "{k}: {v};", "[{k}] {v}", "{k} ~ {v}", "{k} | {v}",
    "{k} means {v}", "let {k} = {v}", "{k} @ {v}",
)  # fmt: skip


def json_objects(dice: Dice) -> str:
    """A JSON object or a list of them, and what stands under some of its keys."""
    count = dice.pick((1, 1, 2, 3))
    keys = different(dice, field_name, dice.between(2, 5))
    objects = [{key: _json_value(dice) for key in keys} for _ in range(count)]
    indent = 2 if dice.chance(0.3) else None
    lines = [json.dumps(objects[0] if count == 1 else objects, ensure_ascii=False, indent=indent)]
    for _ in range(dice.between(1, 4)):
        i, key = dice.between(0, count - 1), dice.pick(keys)
        path = ("" if count == 1 else f"[{i}]") + dice.pick((".{}", '["{}"]')).format(key)
        lines.append(f"{path} = {json.dumps(objects[i][key], ensure_ascii=False)}")
    if dice.chance(0.3):
        lines.append(json.dumps(objects[-1], ensure_ascii=False))
    return "\n".join(lines)


def _json_value(dice: Dice) -> str | int | list[str] | bool:
    draw = dice.uniform()
    if draw < 0.55:
        return value(dice)
    if draw < 0.8:
        return dice.between(0, 2000)
    if draw < 0.9:
        return [invented(dice) for _ in range(dice.between(1, 3))]
    return dice.chance(0.5)


def numbers(dice: Dice) -> str:
    """Counting, sums, prices added up, dates written twice, clock times."""
    return "\n".join(dice.pick(_NUMBER_LINES)(dice) for _ in range(dice.between(2, 6)))


def _counting(dice: Dice) -> str:
    start, step = dice.between(0, 300), dice.pick((1, 1, 1, 2, 5, 10, -1))
    return dice.pick((", ", " ")).join(str(start + i * step) for i in range(dice.between(4, 10)))


def _sum(dice: Dice) -> str:
    a, b = dice.between(0, 60), dice.between(0, 60)
    forms = (f"{a} + {b} = {a + b}", f"{a + b} - {b} = {a}", f"{b} + {a} = {a + b}", f"{a % 11} * {b % 11} = {a % 11 * (b % 11)}", f"{max(a, b)} >= {min(a, b)}")  # fmt: skip
    return dice.pick(forms)


def _twice(dice: Dice) -> str:
    y, m, d = year(dice), dice.between(1, 12), dice.between(1, 28)
    return f"{y}-{m:02d}-{d:02d} = {d} {MONTHS[m - 1]} {y}"


def _bill(dice: Dice) -> str:
    a, b, sign = dice.between(1, 40), dice.between(1, 40), dice.pick(("£", "$", "€"))
    return f"{word(dice)} {sign}{a}, {word(dice)} {sign}{b}, total {sign}{a + b}"


def _times(dice: Dice) -> str:
    day, hour, minute = dice.pick(DAYS), dice.between(1, 11), dice.pick(("00", "15", "30", "45"))
    return f"{day} {hour}:{minute} {dice.pick(('am', 'pm', '-'))} {hour + 1}:{minute}"


def _percent(dice: Dice) -> str:
    n = dice.between(1, 99)
    return f"{n}% and {100 - n}% make 100%"


def _same(dice: Dice) -> str:
    n = dice.pick((number, price, date, symbols, year))(dice)
    forms = ("{} = {}", "[{}] [{}]", "{}, I repeat, {}", "{} {}", "({}) ({})", "{} equals {}")
    return dice.pick(forms).format(n, n)


_NUMBER_LINES = (_counting, _sum, _twice, _bill, _times, _percent, _same, _same, _same)

"""Words, names and values of the generated texts: English ones of `vocabulary`, and invented ones without end.

Invented words are built from syllables, so that names are many, differ in length (one to five pieces of a tokenizer), and cannot be
memorised: a model that continues them rightly has copied them.
"""

from collections.abc import Callable

from .dice import Dice
from .vocabulary import (
    CODAS,
    FIELDS,
    FIRST_NAMES,
    KINDS,
    LETTERS,
    MONTHS,
    ONSETS,
    PLACES,
    QUALITIES,
    THINGS,
    VOWELS,
)


def invented(dice: Dice) -> str:
    """A word that no dictionary has: one or two syllables, sometimes three or four."""
    syllables = dice.pick((1, 1, 1, 2, 2, 2, 2, 2, 3, 4))
    return "".join(
        dice.pick(ONSETS) + dice.pick(VOWELS) + (dice.pick(CODAS) if last or dice.chance(0.2) else "")
        for last in [*[False] * (syllables - 1), True]
    )


def word(dice: Dice) -> str:
    """A common noun, an adjective or an invented word, in small letters."""
    return dice.pick(_SOURCES)(dice)


def different(dice: Dice, make: Callable[[Dice], str], count: int) -> list[str]:
    """``count`` values of ``make`` of which no two are alike."""
    values: dict[str, None] = {}
    for _ in range(20 * count):
        values[make(dice)] = None
        if len(values) == count:
            break
    return list(values)


def plural(noun: str) -> str:
    """A noun's plural by the regular rules."""
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def article(following: str) -> str:
    """`a` or `an`, by the letter that follows."""
    return "an" if following[:1].lower() in "aeiou" else "a"


def table_name(dice: Dice) -> str:
    """What a table may be called: castles, birds, zelmon, old_boats."""
    base = dice.pick(KINDS) if dice.chance(0.4) else dice.pick(THINGS) if dice.chance(0.4) else invented(dice)
    base = plural(base) if dice.chance(0.7) else base
    if not dice.chance(0.15):
        return base
    return f"{dice.pick(QUALITIES) if dice.chance(0.5) else invented(dice)}_{base}"


def field_name(dice: Dice) -> str:
    """What a column or an attribute may be called: county, founded, brelt, birth_year."""
    draw = dice.uniform()
    if draw < 0.45:
        return dice.pick(FIELDS)
    if draw < 0.6:
        return dice.pick(KINDS)
    if draw < 0.7:
        return plural(dice.pick(THINGS))
    if draw < 0.8:
        return f"{dice.pick(FIELDS) if dice.chance(0.6) else invented(dice)}_{dice.pick(FIELDS)}"
    return invented(dice)


def person(dice: Dice) -> str:
    """A first name, invented half of the time, alone or with a family name."""
    first = dice.pick(FIRST_NAMES) if dice.chance(0.6) else invented(dice).capitalize()
    return f"{first} {invented(dice).capitalize()}" if dice.chance(0.3) else first


def place(dice: Dice) -> str:
    """A place of the world or an invented one."""
    draw = dice.uniform()
    if draw < 0.4:
        return dice.pick(PLACES)
    if draw < 0.8:
        return invented(dice).capitalize()
    return f"{dice.pick(('New', 'Old', 'Port', 'Upper', 'Saint', 'North', 'West'))} {invented(dice).capitalize()}"


def title(dice: Dice) -> str:
    """A name such as a house, a ship or a book has: The Golden Kettle, Brasto's Lantern, Café Vemil."""
    draw = dice.uniform()
    if draw < 0.4:
        return f"The {dice.pick(QUALITIES).capitalize()} {dice.pick(THINGS).capitalize()}"
    if draw < 0.55:
        return f"The {invented(dice).capitalize()}"
    if draw < 0.7:
        return f"{invented(dice).capitalize()}'s {dice.pick(THINGS).capitalize()}"
    if draw < 0.8:
        return f"{dice.pick(('Café', 'Villa', 'Hotel', 'Casa', 'Mount', 'Lady', 'Captain'))} {invented(dice).capitalize()}"
    if draw < 0.9:
        return f"{dice.pick(THINGS).capitalize()} and {dice.pick(THINGS).capitalize()}"
    return f"{invented(dice).capitalize()} {dice.pick(KINDS).capitalize()}"


def number(dice: Dice) -> str:
    """A whole number, small ones more often; sometimes with a decimal part."""
    value = str(dice.between(1, 10 ** dice.pick((1, 1, 2, 2, 2, 3, 3, 4, 6))))
    return f"{value}.{dice.between(0, 99)}" if dice.chance(0.1) else value


def year(dice: Dice) -> str:
    """A year from 1200 to 2030, recent ones more often."""
    return str(dice.between(1900, 2030) if dice.chance(0.7) else dice.between(1200, 1900))


def date(dice: Dice) -> str:
    """A date in one of six notations."""
    day, month, y = dice.between(1, 28), dice.between(1, 12), year(dice)
    return dice.pick(_DATES).format(y=y, m=month, d=day, month=MONTHS[month - 1])


def price(dice: Dice) -> str:
    """An amount of money."""
    amount = str(dice.between(1, 10 ** dice.pick((1, 2, 2, 3))))
    amount += f".{dice.between(0, 99):02d}" if dice.chance(0.3) else ""
    return dice.pick(("£{}", "£{}", "${}", "€{}", "{} pounds", "{} euros")).format(amount)


def symbols(dice: Dice) -> str:
    """A code, an address or a formula: the marks that books seldom have."""
    a, b, n, m = invented(dice), invented(dice), dice.between(1, 99), dice.between(1, 999)
    letters = dice.pick(LETTERS) + dice.pick(LETTERS)
    return dice.pick(_FORMS).format(a=a, b=b, n=n, m=m, letters=letters)


def value(dice: Dice) -> str:
    """Any value a field may have."""
    return dice.pick(_VALUES)(dice)


def name(dice: Dice) -> str:
    """The name of a person, a place or a thing."""
    return dice.pick((person, place, title))(dice)


_DATES = (
    "{y}-{m:02d}-{d:02d}",
    "{d} {month} {y}",
    "{month} {d}, {y}",
    "{d}/{m}/{y}",
    "{d}.{m}.{y}",
    "{month} {y}",
)
_FORMS = (
    "{a}@{b}.org", "{letters}-{m}", "#{a}{n}", "{n}%", "~{m}", "{a}/{b}.txt", "{a}^{n}", "[{a}|{b}]", "<{a}>", "{{{a}}}", "{a}={n}", "{n}x{m}", "({a}+{b})",
    "{n}:{n}", "{letters}{m}", "{a}_{b}", "{n}-{m}", "www.{a}.com", "{a}*{n}", "{m}km", "{n}/{m}", "@{a}", "{a}~{b}", "\\{a}", "`{a}`", "{n}°", "&{a};",
)  # fmt: skip
_SOURCES: tuple[Callable[[Dice], str], ...] = (
    invented,
    invented,
    lambda dice: dice.pick(THINGS),
    lambda dice: dice.pick(KINDS),
    lambda dice: dice.pick(QUALITIES),
)
_VALUES = (person, place, place, title, word, word, number, number, year, date, price, symbols, invented)

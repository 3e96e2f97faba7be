"""Letters, receipts and notices: ordinary prose in which names, dates and sums come back."""

from .dice import Dice
from .words import date, invented, number, person, place, price, symbols, title, word


def letter(dice: Dice) -> str:
    """A short letter, order or notice about somebody."""
    return dice.pick(_LETTERS).format(
        who=person(dice), other=person(dice), town=place(dice), thing=title(dice), sum=price(dice), day=date(dice),
        count=number(dice), code=symbols(dice), word=word(dice), name=invented(dice),
    )  # fmt: skip


_LETTERS = (
    "From: {who}\nTo: {other}\nDate: {day}\n\nDear {other},\nI shall be in {town} on {day}. Bring {sum} for {thing}.\nYours, {who}",
    "Receipt {code}\n{thing}: {sum}\nTotal: {sum}\nPaid by {who} in {town}, {day}. Thank you, {who}!",
    "{who} lives in {town}. {other} does not live in {town}; only {who} does. In {town} {who} keeps a {word} named {name}. {name} is fond of {other}.",
    "LOST in {town}: a {word} called {name}. If you find {name}, write to {who}, {town}. {who} offers {sum}. Reward: {sum}.",
    "On {day} {who} bought {thing} from {other} for {sum}. So {thing} now belongs to {who}, and {other} has {sum}.",
    "{who} has {count} {word}s. {other} asked how many. \"{count},\" said {who}. \"{count}!\" said {other}.",
    "Subject: {thing}\n{other},\nthe code of {thing} is {code}. Please use {code} in {town}.\n{who}\n\nRe: {thing}\nThank you, {who}. I used {code}.\n{other}",
    "A {name} is a kind of {word}. {who} of {town} saw the first {name} on {day}. Since {day} every {word} in {town} is called a {name}.",
    "{who} gave the {word} to {other}. {other} took the {word} to {town}. Where is the {word}? In {town}. Who has it? {other}. Who gave it? {who}.",
    "{thing} opened in {town} on {day}. {who}, who runs {thing}, said: \"{town} is proud of {thing}.\" A ticket is {sum} ({sum} for {other} too).",
)  # fmt: skip

"""The gate a base model passes before it is adapted: can it copy a name that stood earlier in the same text?

Before: a tokenizer, and a seed that pretraining does not use. After: a caller that runs a model on the batch and gives its best token at each position to
`copying_accuracy`. Tasks on tables or records never seen ask for copying above all; 90% is asked for before adapting is worth while.

Counted are only tokens that the text decides: values told again after their key, statements written again, lists repeated. Each marked piece of text
starts where the tokenizer always cuts (a blank and a word, or a quotation mark), so pieces encoded one by one are the same tokens as the whole.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .batches import IGNORED, Batch
from .mixture.dice import Dice
from .mixture.statements import quoted
from .mixture.tables import random_table
from .mixture.words import different, field_name, invented, person, place, title, word
from .tokenizer import Tokenizer

Piece = tuple[str, bool]
"""A piece of a text, and whether its tokens are counted."""


def copying_batch(tokenizer: Tokenizer, *, rows: int = 64, length: int = 256, seed: int = 1) -> Batch:
    """Texts in which names recur: [rows, length]; targets are the tokens of the recurring names, -100 elsewhere.

    Raises InputError when ``length`` is below 64 tokens, too few for a text and its repetition.
    """
    if length < 64:
        raise InputError(f"length is {length}; a text and its repetition need at least 64 tokens")
    ids = np.full((rows, length), tokenizer.padding, np.int64)
    targets, mask = np.full((rows, length), IGNORED, np.int64), np.zeros((rows, length), np.bool_)
    for row in range(rows):
        dice = Dice(np.random.default_rng([seed, 2, row]))
        tokens, counted = list[int](), list[bool]()
        while len(tokens) <= length:
            for text, mark in dice.pick(_TEXTS)(dice):
                piece = tokenizer.encode(text)
                tokens += piece
                counted += [mark] * len(piece)
            tokens.append(tokenizer.end)
            counted.append(False)
        ids[row], mask[row] = tokens[:length], True
        targets[row] = np.where(counted[1 : length + 1], tokens[1 : length + 1], IGNORED)
    return Batch(ids, targets, mask)


def copying_accuracy(batch: Batch, predicted: NDArray[np.integer]) -> float:
    """The share of counted tokens that were predicted rightly; ``predicted`` is the best token at each position, [rows, tokens]."""
    if predicted.shape != batch.targets.shape:
        raise InputError(f"predicted has the shape {predicted.shape}; the batch has {batch.targets.shape}")
    counted = batch.targets != IGNORED
    return float((predicted == batch.targets)[counted].mean())


def _statement_again(dice: Dice) -> list[Piece]:
    """A table's header, a statement, and the same statement again: its names and its value are decided."""
    table = random_table(dice, columns=(2, 5), rows=(1, 1))
    name, columns, row = table.name, table.columns, table.rows[0]
    a, b = dice.between(0, len(columns) - 1), dice.between(0, len(columns) - 1)
    function, value = dice.pick(("COUNT", "MIN", "MAX", "SUM")), quoted(table, b, row[b])
    line = f" SELECT {function}( {columns[a]} ) FROM {name} WHERE {columns[b]} = {value}"
    pieces: list[Piece] = [
        (f"table: {name}\ncolumns: {', '.join(columns)}\nSQL:{line}\nagain:", False),
        (f" SELECT {function}(", False),
    ]
    pieces += [(f" {columns[a]}", True), (" ) FROM", False), (f" {name}", True), (" WHERE", False)]
    return [*pieces, (f" {columns[b]}", True), (" =", False), (f" {value}", True)]


def _table_named(dice: Dice) -> list[Piece]:
    """Statements about one table: after FROM only its name can follow."""
    table = random_table(dice, columns=(2, 5), rows=(1, 1))
    pieces: list[Piece] = [(f"table: {table.name}\ncolumns: {', '.join(table.columns)}", False)]
    for column in dice.sample(table.columns, 3):
        pieces += [(f"\nSELECT {column} FROM", False), (f" {table.name}", True)]
    return pieces


def _values_told(dice: Dice) -> list[Piece]:
    """Keys with values, and again in another order: the key decides the value."""
    maker = dice.pick((person, place, title, word, invented))
    pairs = [(key, maker(dice)) for key in different(dice, field_name, dice.between(2, 6))]
    form, between = dice.pick((":", " =", " ->", " is")), dice.pick(("\n", ", ", "; "))
    pieces: list[Piece] = [(between.join(f"{key}{form} {value}" for key, value in pairs) + "\n", False)]
    for i, (key, value) in enumerate(dice.sample(pairs, len(pairs))):
        pieces += [(f"{between if i else ''}{key}{form}", False), (f" {value}", True)]
    return pieces


def _list_again(dice: Dice) -> list[Piece]:
    """A list, and the same list again."""
    items = different(dice, dice.pick((person, place, title, word, invented, field_name)), dice.between(3, 7))
    pieces: list[Piece] = [(f"list: {', '.join(items)}\nlist:", False)]
    for i, item in enumerate(items):
        pieces += [(",", False)] * (i > 0) + [(f" {item}", True)]
    return pieces


_TEXTS: tuple[Callable[[Dice], list[Piece]], ...] = (
    _statement_again,
    _table_named,
    _values_told,
    _list_again,
)

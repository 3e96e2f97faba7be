"""What every metric asks of its arguments, and the n-grams that several of them count.

Before it: predictions and references, however they were made. After it: the other files of this folder.
"""

from collections import Counter
from collections.abc import Sequence

from ...errors import InputError


def check_pairs(predictions: Sequence[object], references: Sequence[object]) -> None:
    """Raise InputError unless there is one reference for each prediction, and at least one pair."""
    if len(predictions) != len(references):
        raise InputError(
            f"there are {len(predictions)} predictions and {len(references)} references; give one for each"
        )
    if len(references) == 0:
        raise InputError("there is nothing to score; give at least one prediction")


def check_references(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    """Raise InputError unless every prediction has at least one reference."""
    check_pairs(predictions, references)
    if not all(references):
        raise InputError("a prediction has no reference; give at least one for each")


def ngrams(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    """How often each run of ``n`` tokens stands in ``tokens``."""
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))

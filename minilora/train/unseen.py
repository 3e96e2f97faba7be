"""What a model that is pretrained is measured on: batches that training does not use.

Comes after ``objectives.py``, which says how a batch is asked, and before ``pretrain.py``.
"""

from collections.abc import Sequence

from ..backend import Array
from ..data import Batch, Mixture, Shares, Tokenizer
from .objectives import Objective

UNSEEN_SEED = 987_654
"""Of the generated text that perplexity is measured on; no run trains on it, unless this is its own seed."""


def unseen_generated(tokenizer: Tokenizer, tokens: Array, length: int, objective: Objective) -> list[Batch]:
    """Two batches of generated text of the seed that training does not use. tokens: of any text, of which nothing is taken."""
    text = Mixture(
        tokenizer, tokens, seed=UNSEEN_SEED, rows=32, length=length, shares=Shares(repeats=0.0, formatted=1.0)
    )
    return as_asked([text.batch(0), text.batch(1)], tokenizer, objective)


def as_asked(batches: Sequence[Batch], tokenizer: Tokenizer, objective: Objective) -> list[Batch]:
    """Batches as the objective asks them, the same every time."""
    return [objective.batch(batch, tokenizer, [UNSEEN_SEED, i]) for i, batch in enumerate(batches)]

"""What LoRA and its relatives are, in terms of full fine-tuning: statements that hold exactly, measured on the layers of a real model, in float64.

Comes after ``layer_gradients.py``; ``gradcheck.py`` shows all of them. One file a subject: ``low_rank.py`` gradients and single steps, ``paths.py`` several steps, ``spans.py`` what
A and B can reach, ``reparametrised.py`` later methods that make a weight of other numbers, ``series.py`` adapters and prefixes, ``merging.py`` weights that are put together and taken
apart. Some statements are wrong on purpose, and must be found out.
"""

from ...data.batches import Batch
from ...models.base import Model
from ...train import SGD, AdamW
from . import merging, reparametrised, series, spans
from .finding import Finding, relative, worst
from .low_rank import check_false_identity, check_identities
from .paths import check_alpha, check_lora_plus, check_rank, check_rotation

__all__ = ["Finding", "check_all", "check_false_identity", "check_identities", "relative", "worst"]


def check_all(model: Model, batch: Batch, *, rank: int = 4, seed: int = 0) -> list[Finding]:
    """Every statement of this folder, on the query and value layers of ``model`` with the loss on ``batch``; those that are wrong come last."""
    rank = min(rank, model.config.width)
    found = [
        *check_identities(model, batch, rank=rank, seed=seed),
        check_rotation(model, batch, SGD(0.1), rank=rank, seed=seed),
        *(check_alpha(model, batch, optimizer, rank=rank, seed=seed) for optimizer in (SGD, AdamW)),
        *(check_lora_plus(model, batch, optimizer, rank=rank, seed=seed) for optimizer in (SGD, AdamW)),
        check_rank(model, batch, rank=rank, seed=seed),
        *spans.check(model, batch, rank=rank, seed=seed),
        *reparametrised.check(model, batch, rank=rank, seed=seed),
        *series.check(model, batch, rank=rank, seed=seed),
        *merging.check(model, batch, rank=rank, seed=seed),
        check_false_identity(model, batch, seed=seed),
        check_rotation(model, batch, AdamW(1e-3, weight_decay=0.0), rank=rank, seed=seed),
    ]
    return sorted(found, key=lambda finding: not finding.holds)

"""The attention of DeBERTa: its layers, and which row of the table of distances belongs to which distance.

Comes before ``deberta.py``; ``ops.disentangled_attention`` computes what these layers are put together to.
"""

from dataclasses import dataclass

import numpy as np

from ..autograd import Tensor
from ..backend import Array
from ..errors import InputError
from ..nn import Dropout, Linear, Module
from ..ops import disentangled_attention

TERMS = ("c2p", "p2c")
"""Content to position, and position to content: what a score may hold beside content to content."""


@dataclass(frozen=True)
class Distances:
    """Distances as a block sees them. table: [distances, width], None without relative positions; places: int [2·tokens], the row for i − j = −tokens … tokens − 1."""

    table: Tensor | None
    places: Array


class DisentangledAttention(Module):
    """Multi-head attention whose scores know distances. query, key, value, output: [width → width] each.

    position_key, position_query: layers for the table of distances; where a term of ``relative`` has none, the key or query layer itself is called on the table.
    """

    def __init__(
        self,
        query: Linear,
        key: Linear,
        value: Linear,
        output: Linear,
        *,
        position_key: Linear | None,
        position_query: Linear | None,
        relative: tuple[str, ...],
        heads: int,
        dropout: float,
    ) -> None:
        self.query, self.key, self.value, self.output = query, key, value, output
        self.position_key, self.position_query = position_key, position_query
        self.relative = relative
        self.heads = heads
        self.dropout = dropout
        self.position_dropout = Dropout(dropout)

    def __call__(
        self,
        x: Tensor,
        *,
        queries: Tensor,
        far: Distances,
        mask: Array | None = None,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """x, queries: [rows, tokens, width] → the same shape. mask: bool [rows, tokens], False where a key is padding."""
        q, k, v = self.query(queries, rng), self.key(x, rng), self.value(x, rng)
        K = Q = None
        if far.table is not None:
            table = self.position_dropout(far.table, rng)  # [distances, width]
            if "c2p" in self.relative:
                K = (self.key if self.position_key is None else self.position_key)(table, rng)
            if "p2c" in self.relative:
                Q = (self.query if self.position_query is None else self.position_query)(table, rng)
        mixed = disentangled_attention(
            q, k, v, K, Q, heads=self.heads, places=far.places, mask=mask, rate=self.dropout, rng=rng
        )
        return self.output(mixed, rng)

    def extra_repr(self) -> str:
        return f"{self.heads} heads, {' and '.join(self.relative) or 'no relative positions'}"


def check_buckets(distance: int, buckets: int | None) -> None:
    """Raise InputError for numbers of distances that do not go together."""
    if distance < 1:
        raise InputError(f"distance must be at least 1, not {distance}")
    if buckets is not None and not 2 <= buckets <= 2 * (distance - 2):
        raise InputError(
            f"buckets must lie in 2 … {2 * (distance - 2)}, twice the distance less 2, or be None; not {buckets}"
        )


def distances(tokens: int, distance: int, buckets: int | None) -> np.ndarray:
    """The row of the table for i − j = −tokens … tokens − 1: int [2·tokens].

    The table has ``span`` rows on either side of its middle: ``distance`` of them, or ``buckets``. Row = clip(p + span, 0, 2·span − 1), p the distance or its bucket.
    """
    apart = np.arange(-tokens, tokens)
    span = distance if buckets is None else buckets
    steps = apart if buckets is None else logarithmic(apart, distance, buckets)
    rows: np.ndarray = np.clip(steps + span, 0, 2 * span - 1)
    return rows


def logarithmic(apart: np.ndarray, distance: int, buckets: int) -> np.ndarray:
    """Distances in buckets: itself up to ``middle`` = buckets // 2, then sign · (⌈ln(|p|/middle)/ln((distance − 1)/middle) · (middle − 1)⌉ + middle).

    In float32, as the models were trained: at the edge of a bucket another precision would choose its neighbour.
    """
    middle = buckets // 2
    size = np.maximum(np.abs(apart), middle).astype(np.float32)
    steps = (
        np.log(size / np.float32(middle))
        / np.log(np.float32((distance - 1) / middle))
        * np.float32(middle - 1)
    )
    far = (np.ceil(steps).astype(int) + middle) * np.sign(apart)
    rows: np.ndarray = np.where(np.abs(apart) <= middle, apart, far)
    return rows

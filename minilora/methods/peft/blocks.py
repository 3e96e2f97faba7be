"""One low-rank update of a fused matrix, and the updates of the layers it holds.

GPT-2 stores query, key and value as one matrix W = [W_q; W_k; W_v] (and DeBERTa v1 so, interleaved by head). Two facts carry adapters across:

- Updates s_q B_q A_q and s_v B_v A_v of the parts are one update s B A of the whole, with A = [A_q; A_v] and B block-shaped:

      [ ΔW_q ]       [ (s_q/s)·B_q       0       ]   [ A_q ]
      [ ΔW_k ]  =  s [     0             0       ] · [ A_v ]
      [ ΔW_v ]       [     0        (s_v/s)·B_v  ]

- An update s B A of the whole is, for each part, the update s B_part A, with the part's rows of B. Where B is block-shaped, a part needs only the columns that its
  rows use.

Comes before ``reading.py`` and ``writing.py``. Which rows belong to which part is known to the layout alone (``Part.read``, ``Part.write``).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ...backend import Array
from ...models.layouts import Part


class Update(NamedTuple):
    """ΔW = scale · B A, with A: [rank, in] and B: [out, rank]."""

    A: Array
    B: Array
    scale: float

    @property
    def rank(self) -> int:
        """The inner size."""
        return len(self.A)


def join(part: Part, updates: Mapping[str, Update], rows: Mapping[str, int]) -> Update:
    """The update of the whole from those of its parts.

    updates: by the parameter's name, of the parts that are adapted. rows: how many rows each part has. Parts that share A and the scale, as those read
    from a fused update do, share its rows: then the rank is the old one again.
    """
    scale = next(iter(updates.values())).scale
    columns: dict[bytes, slice] = {}
    stacked: list[Array] = []
    for update in updates.values():
        if update.A.tobytes() not in columns:
            start = sum(map(len, stacked))
            columns[update.A.tobytes()] = slice(start, start + update.rank)
            stacked.append(update.A)
    A = np.concatenate(stacked)  # [Σ ranks, in]
    blocks = {
        name: np.zeros((rows[name], len(A)), A.dtype) for name in part.ours
    }  # [out of the part, Σ ranks]
    for name, update in updates.items():
        share = update.B if update.scale == scale else update.B * A.dtype.type(update.scale / scale)
        blocks[name][:, columns[update.A.tobytes()]] = share
    return Update(A, _upright(part, part.write(blocks)), scale)


def split(part: Part, update: Update, kept: frozenset[str] = frozenset()) -> dict[str, Update]:
    """The updates of the parts, by the parameter's name, from that of the whole.

    Block-shaped, each part gets the columns of its own; otherwise all of them, and the parts' A's are equal. A part whose rows are all zero gets no update unless it is
    among those ``kept``, or all rows are zero.
    """
    blocks = part.read(_upright(part, update.B))  # each [out of the part, rank]
    if len(blocks) == 1:
        return {name: Update(update.A, B, update.scale) for name, B in blocks.items()}
    used = {name: B.any(axis=0) for name, B in blocks.items()}  # [rank]
    owners = np.sum(list(used.values()), axis=0)
    # block-shaped: every column of B is used by exactly one part
    adapted = [name for name in part.ours if used[name].any() or name in kept] or list(part.ours)
    if (owners == 1).all() and not any(name in kept for name in adapted if not used[name].any()):
        return {
            name: Update(update.A[used[name]], blocks[name][:, used[name]], update.scale) for name in adapted
        }
    return {name: Update(update.A.copy(), blocks[name], update.scale) for name in adapted}


def _upright(part: Part, B: Array) -> Array:
    """B: [out, rank] as a weight of that layer would be stored, and back: transposed for Conv1D."""
    return B.T if part.transposed else B

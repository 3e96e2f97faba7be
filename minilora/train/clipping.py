"""The length of a gradient, and how it is shortened.

Comes after ``flat.py``, which lays all parameters' gradients into one array, and before ``loop.py``.
"""

import numpy as np

from ..backend import Array, blocks, namespace


def gradient_norm(gradient: Array) -> Array:
    """‖g‖₂ over all parameters together, a float64 on the device of ``gradient``. Each block is summed in the gradient's dtype, the blocks in float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = [(gradient[block] @ gradient[block]).astype(np.float64) for block in blocks(gradient)]
        return namespace(gradient).sqrt(sum(squares))


def clip_gradient(gradient: Array, norm: Array, longest: float) -> None:
    """Scale ``gradient``, in place, down to the length ``longest`` where its ``norm`` is larger."""
    xp = namespace(gradient)
    if xp is not np:  # the host does not know the norm, and need not wait for it
        gradient *= xp.minimum(longest / norm, 1.0).astype(gradient.dtype)
    elif norm > longest:
        gradient *= float(longest / norm)

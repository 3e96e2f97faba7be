"""Where arrays live, and the few things NumPy and CuPy do differently.

Comes before everything else: the other rooms ask an array for its namespace and otherwise write plain array code. Nothing here knows of tensors.
"""

from .differences import erf, memory_in_use, row_dot, row_sum, same_card, scatter_add, synchronise
from .elementwise import elementwise
from .memory import tune_malloc
from .namespace import Array, namespace, to_device, to_host

__all__ = [
    "Array",
    "elementwise",
    "erf",
    "memory_in_use",
    "namespace",
    "row_dot",
    "row_sum",
    "same_card",
    "scatter_add",
    "synchronise",
    "to_device",
    "to_host",
    "tune_malloc",
]

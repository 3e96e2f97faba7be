"""A few numbers of each of a model's weights, as one short text: by it an adapter knows its own base again among others of the same shapes.

Comes before ``files.py``, which keeps it beside an adapter's weights. Cheap: 64 numbers of each weight are read, whatever its size.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

from ..backend import Array, namespace, to_host
from .weights import HEAD

SAMPLE = 64


def base_fingerprint(weights: Mapping[str, Array]) -> str:
    """A digest of the names, the shapes and 64 evenly spaced numbers of each weight, in the order of the names; the head is left out.

    The numbers are taken as float32, so a model in float64 that was made from a float32 one has the same. Two models that differ in no sampled number have the
    same; training that moves a weight moves all of its numbers, so that does not happen by accident.
    """
    digest = hashlib.sha256()
    for name, array in sorted(weights.items()):
        if name.startswith(HEAD):  # each adapter has its own, and a new one starts at random
            continue
        places = np.arange(0, array.size, max(1, array.size // SAMPLE))[:SAMPLE]
        index = tuple(map(namespace(array).asarray, np.unravel_index(places, array.shape)))
        sample = to_host(array[index])  # seen flat, a transposed array would be copied whole
        digest.update(f"{name} {tuple(array.shape)} ".encode())
        digest.update(np.ascontiguousarray(sample, dtype="<f4").tobytes())
    return digest.hexdigest()[:16]

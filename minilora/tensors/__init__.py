"""Named arrays in one file: the safetensors format, written atomically and read with care.

Every room that keeps arrays on disk (base models, adapters, checkpoints of a training run) goes through these functions.

The format is plain enough to read with a hex editor: eight bytes that hold the header's length, a JSON header (for each name: dtype, shape, where its
bytes begin and end; under ``__metadata__`` a table of texts), then the bytes of the arrays, one after the other, little-endian and row by row. ``header.py`` reads and
checks the header, ``reading.py`` the arrays, ``writing.py`` writes both.
"""

from .header import read_header
from .reading import StoredArray, load_tensors, map_tensors
from .writing import FLOATS, save_tensors

__all__ = ["FLOATS", "StoredArray", "load_tensors", "map_tensors", "read_header", "save_tensors"]

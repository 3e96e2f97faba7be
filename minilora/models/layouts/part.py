"""One line of a layout's table: a foreign tensor, and which of our parameters it holds.

Comes before the tables, one file an architecture. Foreign layouts stay in this folder: everywhere else a weight is (out, in), and query, key and value are matrices of
their own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import InputError
from ..heads import HeadKind

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Part:
    """One foreign tensor: its name, its shape as stored (in the letters of the layout's ``sizes``), our parameters in it, stacked along the output.

    ``{i}`` in the names stands for the layer's number. transposed: stored (in, out), as GPT-2's Conv1D does. bare: the name never carries the layout's prefix: a head's tensors.
    """

    theirs: str
    shape: tuple[str, ...]
    ours: tuple[str, ...]
    transposed: bool = False
    bare: bool = False

    def layer(self, i: int) -> "Part":
        """The same line with the layer's number put in."""
        ours = tuple(name.format(i=i) for name in self.ours)
        return replace(self, theirs=self.theirs.format(i=i), ours=ours)

    def read(self, stored: Array) -> dict[str, Array]:
        """Our parameters out of the stored tensor (views of it)."""
        pieces = np.split(stored.T if self.transposed else stored, len(self.ours))  # along the output
        return dict(zip(self.ours, pieces, strict=True))

    def write(self, state: Mapping[str, Array]) -> Array:
        """The tensor to store, out of our parameters."""
        pieces = [state[name] for name in self.ours]
        joined = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)  # of one piece that were a copy
        return joined.T if self.transposed else joined


@dataclass(frozen=True)
class Interleaved(Part):
    """Our parameters head by head: the first head's query, key and value, then the second's (DeBERTa v1's ``in_proj``)."""

    heads: int = 1

    def read(self, stored: Array) -> dict[str, Array]:
        into = stored.shape[1]
        by_head = stored.reshape(self.heads, len(self.ours), -1, into)  # [heads, parts, d, in]
        return {name: by_head[:, place].reshape(-1, into) for place, name in enumerate(self.ours)}

    def write(self, state: Mapping[str, Array]) -> Array:
        parts = [state[name] for name in self.ours]
        into = parts[0].shape[1]
        by_head = np.stack([part.reshape(self.heads, -1, into) for part in parts], axis=1)
        return by_head.reshape(-1, into)


def linear(
    theirs: str, shape: tuple[str, str], *ours: str, transposed: bool = False, bare: bool = False
) -> tuple[Part, Part]:
    """Weight, in the shape given, and bias of one or several linear layers."""
    return (
        Part(f"{theirs}.weight", shape, tuple(f"{name}.weight" for name in ours), transposed, bare),
        Part(
            f"{theirs}.bias",
            (shape[1] if transposed else shape[0],),
            tuple(f"{name}.bias" for name in ours),
            bare=bare,
        ),
    )


def norm(theirs: str, ours: str, bare: bool = False) -> tuple[Part, Part]:
    """Gain and bias."""
    return (
        Part(f"{theirs}.weight", ("d",), (f"{ours}.gain",), bare=bare),
        Part(f"{theirs}.bias", ("d",), (f"{ours}.bias",), bare=bare),
    )


def layers(parts: tuple[Part, ...], count: int) -> Iterator[Part]:
    """The lines of a block, for every layer."""
    for i in range(count):
        yield from (part.layer(i) for part in parts)


def size(fields: Mapping[str, Any], name: str, default: int, source: str, least: int = 1) -> int:
    """A whole number of at least ``least`` among the fields of ``config.json``, or the default; raises InputError for anything else."""
    value = fields.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"{source}: {name} must be a whole number above {least - 1}, not {value!r}")
    return value


def number(fields: Mapping[str, Any], name: str, default: float, source: str) -> float:
    """A number from 0 to below 1 among the fields of ``config.json``, or the default; raises InputError for anything else."""
    value = fields.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
        raise InputError(f"{source}: {name} must be a number from 0 to below 1, not {value!r}")
    return float(value)


def names(fields: Mapping[str, Any], name: str, source: str) -> tuple[str, ...]:
    """A list of texts among the fields of ``config.json``, empty where it is missing or null; raises InputError for anything else."""
    value = fields.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InputError(f"{source}: {name} must be a list of names, not {value!r}")
    return tuple(value)


def only(
    fields: Mapping[str, Any], accepted: Mapping[str, tuple[Any, ...]], architecture: str, source: str
) -> None:
    """Raise InputError where a field has a value that would make the model compute something else than ours; a field that is missing has its first."""
    for name, values in accepted.items():
        value = fields.get(name, values[0])
        if value not in values:
            raise InputError(
                f"{source}: {name} is {value!r}, but this program computes {architecture} with {' or '.join(map(repr, values))}"
            )


def labels(fields: Mapping[str, Any], source: str) -> int:
    """How many classes a classifier tells apart: transformers writes their names unless they are two."""
    names = fields.get("id2label")
    if names is None:
        return size(fields, "num_labels", 2, source)
    if not isinstance(names, dict) or not names:
        raise InputError(f"{source}: id2label must be a table of at least one label, not {names!r}")
    return len(names)


def encoder_head(
    fields: Mapping[str, Any],
    heads: Mapping[str, str],
    stored: Iterable[str],
    masked: tuple[str, ...],
    source: str,
) -> HeadKind:
    """Which head an encoder's file has, by the class that wrote it (``heads``: its name for each kind), or by what is in it: a masked-LM head where a name begins with one of ``masked``, such as
    BertForPreTraining's. A bare model gives sentence embeddings."""
    written = names(fields, "architectures", source)
    kinds = [kind for kind, name in heads.items() if name in written]
    if not kinds and any(name.startswith(masked) for name in stored):
        kinds = ["masked-lm"]
    kind = kinds[0] if kinds else "embedding"
    return HeadKind(kind, labels(fields, source) if kind == "classifier" else 0)


def label_fields(count: int) -> dict[str, Any]:
    """The fields of ``config.json`` that say how many classes there are."""
    names = [f"LABEL_{i}" for i in range(count)]
    return {
        "id2label": {str(i): name for i, name in enumerate(names)},
        "label2id": {name: i for i, name in enumerate(names)},
        "problem_type": "regression" if count == 1 else "single_label_classification",
    }

"""Which runs a sweep makes: ``rank=1,2,4`` and ``targets=query,query/value`` as axes, and every combination of their values as settings.

Comes before ``sweep.py``, which makes the runs. An axis is a field of ``train.recipe.FineTuning`` with the values it takes in turn. Values are separated by commas; where one value is
itself a list of names (targets, ranks, alphas, blocks), its names are joined by ``/``.
"""

import dataclasses
import hashlib
import itertools
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, nearest
from ..train.recipe import FineTuning

SPELLINGS = {"lr": "learning_rate", "batch": "rows"}
"""Shorter names of fields, as the command line of a single run has them."""

SEED = "seed"
"""The field that is no axis to compare along: runs that differ in nothing else are repetitions."""

SWITCH = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True)
class GridAxis:
    """A field of the settings, and the values that it takes in turn."""

    field: str
    values: tuple[Any, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """The values as they are written in a grid."""
        return tuple(map(written, self.values))


def read_grid(texts: Iterable[str]) -> tuple[GridAxis, ...]:
    """The axes out of texts such as ``"rank=1,2,4"``.

    Raises InputError for no text at all, a text without ``=``, a field that there is not (with the nearest ones), an axis without values, a value that is empty or cannot be read as
    what the field holds, and a field or a value that comes twice.
    """
    axes: list[GridAxis] = []
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals:
            raise InputError(f"an axis is written as FIELD=VALUE,VALUE,…, such as rank=1,2,4, not {text!r}")
        axis = read_axis(name.strip(), values)
        if axis.field in {other.field for other in axes}:
            raise InputError(f"the grid has {axis.field} twice; give all its values in one axis")
        axes.append(axis)
    if not axes:
        raise InputError("the grid is empty; give at least one axis, such as rank=1,2,4")
    return tuple(axes)


def read_axis(name: str, values: str) -> GridAxis:
    """One axis, from the field's name and its values with commas between them. Raises InputError as ``read_grid`` says."""
    hints = typing.get_type_hints(FineTuning)
    known = {field.name: field.name for field in dataclasses.fields(FineTuning)} | SPELLINGS
    field = known.get(name.replace("-", "_"))
    if field is None:
        near = nearest(name.replace("-", "_"), known) or f"; there are {', '.join(hints)}"
        raise InputError(f"the grid names {name!r}, which is no setting of a run{near}")
    if not values.strip():
        raise InputError(f"the axis {field} of the grid has no values; write {field}=VALUE,VALUE,…")
    read = tuple(read_value(field, hints[field], text.strip()) for text in values.split(","))
    twice = [value for place, value in enumerate(read) if value in read[:place]]
    if twice:
        raise InputError(f"the axis {field} of the grid has {written(twice[0])} twice; leave one out")
    return GridAxis(field, read)


def read_value(field: str, hint: Any, text: str) -> Any:
    """``text`` as the type that the field has. Raises InputError where it cannot be read so."""
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if not text:
        raise InputError(f"the axis {field} of the grid has an empty value; leave out the comma too many")
    if typing.get_origin(kinds[0]) is tuple:
        names = tuple(name.strip() for name in text.split("/"))
        if not all(names):
            raise InputError(f"{field} in the grid must be names joined by /, not {text!r}")
        return names
    try:
        if bool in kinds:
            return SWITCH[text.lower()]
        value = next(kind for kind in (int, float, str) if kind in kinds)(text)
    except (KeyError, ValueError) as error:
        wanted = "yes or no" if bool in kinds else "a whole number" if int in kinds else "a number"
        raise InputError(f"{field} in the grid must be {wanted}, not {text!r}") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{field} in the grid must be a finite number, not {text!r}")
    return value


def written(value: Any) -> str:
    """A value as a grid has it: the inverse of ``read_value``, but for spaces and digits that say the same."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "/".join(value)
    return repr(value) if isinstance(value, float) else str(value)


Point = Mapping[str, Any]
"""A value for each axis, by field."""


def points(axes: Iterable[GridAxis]) -> list[Point]:
    """Every combination of the axes' values; the last axis runs fastest."""
    axes = tuple(axes)
    combinations = itertools.product(*(axis.values for axis in axes))
    return [dict(zip((axis.field for axis in axes), values, strict=True)) for values in combinations]


def folder_name(point: Point) -> str:
    """The name of a point's folder: ``rank=4,targets=query+value``. What a file name can't hold is replaced, and a digest keeps such names apart."""
    plain, whole = [], []
    for field, value in sorted(point.items()):
        text = "+".join(value) if isinstance(value, tuple) else written(value)
        plain.append(f"{field}={re.sub(r'[^A-Za-z0-9._+=-]+', '_', text)[-60:]}")
        whole.append(f"{field}={text}")
    name = ",".join(plain)
    if plain == whole and len(name) <= 200:
        return name
    return f"{name[:200]}-{hashlib.sha256(','.join(whole).encode()).hexdigest()[:8]}"

"""An adapter in a folder: its weights in ``adapter.safetensors``, and what they are in ``adapter.json``.

The one place that knows the format. ``adapt.py`` installs what is read here, and hands over what is written.

``adapter.json`` holds the format's number, the method and its fields, the adapter's name, the shapes of the base's weights that it works on, and a fingerprint of
the base's numbers (``fingerprint.py``): by these an adapter for another base is recognised. The weights are named by plain paths (``blocks.0.attention.query.A``), so a file does not depend on what else was installed.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError, nearest
from ..files import read_json, write_atomically
from ..tensors import load_tensors, save_tensors
from .adapter import Adapter
from .base import Method, Shapes
from .full import FullFineTuning
from .lora import LoRA
from .partial import BitFit, HeadOnly, TopLayers
from .prefix import PrefixEmbedding, PrefixLayer
from .together import Composition
from .weights import HEAD

WEIGHTS = "adapter.safetensors"
CONFIGURATION = "adapter.json"
FORMAT = 2

METHODS: Mapping[str, type[Method]] = MappingProxyType(
    {
        kind.method: kind
        for kind in (
            FullFineTuning,
            TopLayers,
            BitFit,
            HeadOnly,
            LoRA,
            Adapter,
            PrefixEmbedding,
            PrefixLayer,
        )
    }
)
"""Every single method by the name that files know it under."""

ADDED_IN_2 = {"ranks", "alphas", "scaling", "bias", "layers"}
"""Fields that files of format 1 do not have: they were written before there were such fields, so these had the values that are now the defaults."""


@dataclass(frozen=True)
class SavedAdapter:
    """An adapter outside of any model: its name, its method, its weights, and the shapes and the fingerprint of the base that it was made for (None: not known)."""

    name: str
    method: Method
    arrays: Mapping[str, Array]
    base_shapes: Shapes
    base_fingerprint: str | None = None

    def check_base(self, shapes: Shapes) -> None:
        """Raise InputError unless a model whose weights have these shapes has all the weights that the adapter works on."""
        for name, shape in self.base_shapes.items():
            if shapes.get(name) != shape:
                here = f"{shapes[name]} in this model" if name in shapes else "this model has no such weight"
                raise InputError(
                    f"the adapter {self.name!r} was made for another base: {name} is {shape} there, and {here}"
                )

    def check_fingerprint(self, fingerprint: str) -> None:
        """Raise InputError for a base of equal shapes that is another one; where the adapter's own is not known, nothing is said."""
        if self.base_fingerprint not in (None, fingerprint):
            raise InputError(
                f"the adapter {self.name!r} was made for another base: this model's weights have the same shapes but other values (fingerprint {fingerprint}, not "
                f"{self.base_fingerprint}); load the model it was trained on, or, in Python, load with other_base=True to use it here all the same"
            )

    def check_weights(self) -> None:
        """Raise InputError, listing the differences, unless the weights are exactly those that belong beside the base's weights."""
        shapes = self.method.weight_shapes(self.base_shapes)
        shapes |= {name: shape for name, shape in self.base_shapes.items() if name.startswith(HEAD)}
        given = {name: tuple(array.shape) for name, array in self.arrays.items()}
        troubles = [
            *(f"{name} is missing" for name in shapes if name not in given),
            *(f"{name} is unexpected" for name in given if name not in shapes),
            *(
                f"{name} is {given[name]}, not {shape}"
                for name, shape in shapes.items()
                if given.get(name, shape) != shape
            ),
            *(
                f"{name} holds NaN or infinity"
                for name, array in self.arrays.items()
                if not np.isfinite(array).all()
            ),
        ]
        if troubles:
            more = f"; and {len(troubles) - 8} more" if len(troubles) > 8 else ""
            raise InputError(
                f"the weights of the adapter {self.name!r} are not what its configuration asks for: {'; '.join(troubles[:8])}{more}"
            )


def write_adapter(folder: str | os.PathLike[str], adapter: SavedAdapter, *, force: bool = False) -> None:
    """Write ``adapter`` into ``folder``, which is created where it is missing; each of the two files appears whole or not at all.

    Raises InputError where an adapter stands there already, unless ``force``, and where the folder cannot be written.
    """
    folder = Path(folder)
    for name in (WEIGHTS, CONFIGURATION):
        if not force and (folder / name).exists():
            raise InputError(
                f"the folder {str(folder)!r} already holds an adapter ({name}); choose another folder, or overwrite it with force"
            )
    configuration = {
        "format": FORMAT,
        "name": adapter.name,
        **method_as_json(adapter.method),
        "base_shapes": {name: list(shape) for name, shape in adapter.base_shapes.items()},
        "base_fingerprint": adapter.base_fingerprint,
    }
    save_tensors(
        folder / WEIGHTS,
        {name: np.ascontiguousarray(to_host(array)) for name, array in adapter.arrays.items()},
        {
            "format": "minilora",
            "adapter": json.dumps(configuration),
        },  # once more, so that the two files can be told to belong together
    )
    write_atomically(folder / CONFIGURATION, json.dumps(configuration, indent=2) + "\n")


def read_adapter(folder: str | os.PathLike[str]) -> SavedAdapter:
    """Read the adapter in ``folder``.

    Raises InputError for a file that is missing, truncated or of another format, and for weights that are missing, unexpected, of a wrong shape or not finite.
    """
    folder = Path(folder)
    configuration = _read_configuration(folder)
    method = method_from_json(configuration, folder / CONFIGURATION)
    arrays, metadata = load_tensors(folder / WEIGHTS)
    if metadata.get("adapter") != json.dumps(configuration):
        raise InputError(
            f"{WEIGHTS} and {CONFIGURATION} in {str(folder)!r} do not belong together: a write over an older adapter was interrupted, "
            "or one of them was changed; save the adapter again"
        )
    adapter = SavedAdapter(
        configuration["name"], method, arrays, _shapes(configuration), configuration.get("base_fingerprint")
    )
    adapter.check_weights()
    return adapter


def read_shapes(folder: str | os.PathLike[str]) -> Shapes:
    """The shapes of the base's weights that the adapter in ``folder`` works on, by name; its own weights are not read. Raises InputError where it has no configuration that can be read."""
    return _shapes(_read_configuration(Path(folder)))


def _shapes(configuration: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(shape) for name, shape in configuration["base_shapes"].items()}


def _read_configuration(folder: Path) -> dict[str, Any]:
    path = folder / CONFIGURATION
    if not path.is_file():
        raise InputError(
            f"no adapter in {str(folder)!r}: it has no {CONFIGURATION}; give a folder that an adapter was saved to"
        )
    configuration = read_json(path)
    expected = {"format": int, "name": str, "method": str, "fields": dict, "base_shapes": dict}
    for key, kind in expected.items():
        if not isinstance(configuration.get(key), kind):
            raise InputError(
                f"{str(path)!r} is not an adapter's configuration: {key!r} is missing or of the wrong type"
            )
    if configuration["format"] not in (1, FORMAT):
        raise InputError(
            f"{str(path)!r} has format {configuration['format']}, and this program reads formats 1 and {FORMAT}"
        )
    for name, shape in configuration["base_shapes"].items():
        if not isinstance(shape, list) or not all(isinstance(side, int) for side in shape):
            raise InputError(
                f"{str(path)!r} is not an adapter's configuration: the shape of {name} is {shape!r}, not a list of whole numbers"
            )
    return configuration


def method_as_json(method: Method) -> dict[str, Any]:
    """A method as plain values: its name and fields; a composition as those of each of its methods."""
    if isinstance(method, Composition):
        parts = [method_as_json(part) for part in method.methods]
        return {"method": method.method, "fields": {"methods": parts}}
    return {"method": method.method, "fields": asdict(method)}


def method_from_json(configuration: Mapping[str, Any], path: Path) -> Method:
    """The method that a configuration describes, checked as if a user had written it."""
    name, given = configuration.get("method"), configuration.get("fields")
    if not isinstance(name, str) or not isinstance(given, dict):
        raise InputError(
            f"{str(path)!r} does not describe a method by its name and its fields: {configuration!r}"
        )
    if name == Composition.method:
        parts = given.get("methods")
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            raise InputError(f"{str(path)!r} describes a composition without a list of its methods")
        return Composition(tuple(method_from_json(part, path) for part in parts))
    kind = METHODS.get(name)
    if kind is None:
        names = [*METHODS, Composition.method]
        raise InputError(
            f"{str(path)!r} names the method {name!r}; known are {', '.join(names)}{nearest(name, names)}"
        )
    known = {field.name for field in fields(kind)}
    older = ADDED_IN_2 if configuration.get("format") == 1 else set()
    if not given.keys() <= known or known - given.keys() - older:
        raise InputError(
            f"{str(path)!r} describes {kind.__name__} by {sorted(given)}, but its fields are {sorted(known)}"
        )
    try:
        return kind(**given)
    except TypeError as error:  # a field of a wrong type, such as a text where a number belongs
        raise InputError(f"{str(path)!r} has a field of a wrong type: {error}") from error

"""What a method of adaptation is: a frozen value that says what to train, and what it left in a model that it was installed in.

Comes after the models. ``full.py``, ``partial.py``, ``lora.py``, ``adapter.py`` and ``prefix.py`` define the methods, ``together.py`` composes them; ``adapt.py`` is
where a user meets them.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from ..backend import Array, namespace, to_host, wide_dtype
from ..errors import InputError
from ..models.shape import Size as Size
from ..nn import Module, Parameter

Shapes = Mapping[str, tuple[int, ...]]
"""Names of weights, and their shapes."""


@dataclass(frozen=True)
class LayerReport:
    """What an adapter does at one layer.

    rank: r of a low-rank update, width of a bottleneck, None where the whole weight was trained. scale: α/r. norm_B: Frobenius norm of the matrix that
    starts at zero. norm_update: Frobenius norm of the change of the weight, ‖sBA‖ or ‖W − W₀‖; None where there is no such matrix, or no base to
    compare with. acts: whether the layer computes anything other than its base does; None where that cannot be known.
    """

    adapter: str
    layer: str
    rank: int | None
    scale: float | None
    norm_B: float | None
    norm_update: float | None
    acts: bool | None


def by_number(row: LayerReport) -> list[tuple[int, str]]:
    """A key that sorts rows so that block 2 comes before block 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in row.layer.split(".")]


class Installed(ABC):
    """What a method added to one model under one name: the parameters it owns, and how they are put to work and taken away.

    Ownership is by object: ``parameters`` maps the name a parameter has in a file to the parameter itself. A fresh one is disabled, and the model computes
    what its base computes. ``enable`` and ``disable`` switch it, exactly; they may be called again without effect.
    """

    parameters: dict[str, Parameter]

    @abstractmethod
    def enable(self) -> None:
        """Let the model compute with this adapter."""

    @abstractmethod
    def disable(self) -> None:
        """Let the model compute what its base computes, to the last bit."""

    @abstractmethod
    def check_merge(self) -> None:
        """Raise InputError, and say why, where no weight could hold the change."""

    @abstractmethod
    def merge(self) -> None:
        """Put the change into the base's weights; ``check_merge`` has passed."""

    @abstractmethod
    def unmerge(self) -> None:
        """Put the base's own arrays back, to the last bit."""

    @abstractmethod
    def remove(self) -> None:
        """Take everything this adapter added out of the model, whose own module objects stand as before."""

    @abstractmethod
    def fuse(self) -> None:
        """Merge for good: the base's weights hold the change, the old ones are forgotten, and nothing else remains of the adapter. ``check_merge`` has passed."""

    @abstractmethod
    def base_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the base's weights that this adapter works on, by name. A file keeps them, so that another base is recognised."""

    @abstractmethod
    def arrays(self) -> dict[str, Array]:
        """The values of the parameters by their names, whether the adapter is enabled or not."""

    @abstractmethod
    def load(self, arrays: Mapping[str, Array]) -> None:
        """Let ``arrays``, whose names and shapes are known to fit, be the parameters' own from now on."""


@dataclass(frozen=True)
class Method(ABC):
    """How a model is adapted, as a frozen value: it can be printed, compared, and written to a file."""

    method: ClassVar[str]
    """The name under which files and the command line know the class."""

    @property
    def positions(self) -> int:
        """How many positions of the context the method takes from the text."""
        return 0

    @abstractmethod
    def install(self, model: Module, name: str, rng: np.random.Generator) -> Installed:
        """Add this method's parameters to ``model`` under ``name``, disabled.

        Everything that can be wrong is found before the model is touched. Raises InputError.
        """

    @abstractmethod
    def claims(self, model: Module) -> set[str]:
        """What it changes in ``model``: plain names of weights, or of places where something is added. Two methods compose only if they claim nothing in common.

        Raises InputError for what ``install`` would refuse.
        """

    @abstractmethod
    def trainable(self, size: Size) -> int:
        """How many parameters the method trains on a transformer of this size: the closed form of the paper's section 5.1."""

    @abstractmethod
    def weight_shapes(self, base_shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """The names and shapes of the parameters that belong beside base weights of these names and shapes (``Installed.base_shapes``).

        ``base_shapes`` may name weights that other methods work on as well: each picks its own.
        """

    @abstractmethod
    def report(
        self, name: str, arrays: Mapping[str, Array], base_shapes: Shapes, base: Mapping[str, Array] | None
    ) -> list[LayerReport]:
        """What an adapter with these values does, layer by layer. Of ``arrays``, which may be a composition's, only what ``weight_shapes(base_shapes)`` names is the method's own.
        ``base``: the base's own weights by name, where they are at hand."""


def brief(method: Method) -> str:
    """``LoRA(rank=8, …)``: a value as it is written, where fields that most never set (``repr=False``) show only when they are set."""
    shown = [
        f"{field.name}={getattr(method, field.name)!r}"
        for field in fields(method)
        if field.repr or getattr(method, field.name) != field.default
    ]
    return f"{type(method).__name__}({', '.join(shown)})"


def like(kept: Array, current: Array) -> Array:
    """``kept`` with the dtype and on the device of ``current``: itself unless the model has been converted since it was laid aside."""
    xp = namespace(current)
    return xp.asarray(to_host(kept) if xp is np else kept, dtype=current.dtype)


def uniform(rng: np.random.Generator, shape: tuple[int, ...], bound: float, beside: Array) -> Array:
    """U(−bound, bound), with the dtype that ``beside`` is computed in, and on its device.

    Drawn in float32 on the host whatever the dtype, so that a float64 check starts from the numbers that a float32 run starts from.
    """
    drawn = (rng.random(shape, dtype=np.float32) * 2 - 1) * np.float32(bound)
    return namespace(beside).asarray(drawn, dtype=wide_dtype(beside))


def norm(array: Array) -> float:
    """Frobenius norm, summed in float64."""
    return float(np.linalg.norm(to_host(array).astype(np.float64)))


def whole(argument: str, value: object) -> int:
    """``value`` as a whole number of at least 1; raises InputError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"{argument} must be a whole number of at least 1, not {value!r}")
    return int(value)


def number(argument: str, value: object, low: float, high: float, accepted: str) -> float:
    """``value`` as a Python float (a NumPy float64 would turn float32 arrays into float64) in [low, high); raises InputError, with ``accepted``, otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not low <= value < high:
        raise InputError(f"{argument} must be {accepted}, not {value!r}")
    return float(value)

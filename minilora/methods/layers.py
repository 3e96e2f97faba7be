"""Which layers a method works on: targets by name, wrappers around layers, and names that no wrapper changes.

A method that adds something beside a layer puts a ``Wrapper`` in the layer's place, and the wrapper holds the layer as its ``base``. Wrapping changes the
path of the base (``query`` becomes ``query.base``); the *plain* paths used here, in targets and in files, are those of the model before any wrapping.
"""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Generic, TypeVar

import numpy as np

from ..autograd import Tensor
from ..backend import Array
from ..errors import InputError, nearest
from ..nn import Linear, Module, Parameter
from .base import Installed, Size, like

Addition = TypeVar("Addition", bound=Module)


class Wrapper(Module, Generic[Addition]):
    """A layer and, beside it, additions by adapter name, of which at most one is active: ``y = base(x)`` when none is."""

    def __init__(self, base: "Linear | Wrapper[Any]") -> None:
        self.base = base
        self.adapters: dict[str, Addition] = {}
        self.active: str | None = None

    @abstractmethod
    def __call__(self, x: Tensor, rng: np.random.Generator | None = None) -> Tensor:
        """x: [..., in] -> [..., out]."""

    @abstractmethod
    def merge(self) -> None:
        """Put the active addition into the base's weight, keeping the old array; raise InputError where no weight could hold it."""

    @abstractmethod
    def unmerge(self) -> None:
        """Put the old array back."""

    @abstractmethod
    def forget(self) -> None:
        """Drop the old array, so that what was merged stays."""

    def innermost(self) -> Linear:
        """The model's own layer, below all wrappers."""
        return self.base.innermost() if isinstance(self.base, Wrapper) else self.base

    def extra_repr(self) -> str:
        return f"active: {self.active}"


def wrappers(model: Module) -> dict[str, Wrapper[Any]]:
    """Every wrapper in ``model`` by its path, outer ones before those they hold."""
    return {path: module for path, module in model.named_modules() if isinstance(module, Wrapper)}


def plain_path(path: str, wrapped: Collection[str]) -> str:
    """``path`` as it was before wrapping: ``blocks.0.attention.query.base.weight`` -> ``blocks.0.attention.query.weight``."""
    walked: list[str] = []
    kept: list[str] = []
    for part in path.split("."):
        if part != "base" or ".".join(walked) not in wrapped:
            kept.append(part)
        walked.append(part)
    return ".".join(kept)


def base_parameters(model: Module) -> dict[str, Parameter]:
    """The model's own parameters by plain name, without those that adapters added."""
    wrapped = wrappers(model)
    added = {id(p) for w in wrapped.values() for a in w.adapters.values() for _, p in a.named_parameters()}
    return {plain_path(name, wrapped): p for name, p in model.named_parameters() if id(p) not in added}


def linear_layers(model: Module) -> dict[str, Linear]:
    """The model's own linear layers by plain path, without those inside of adapters."""
    wrapped = wrappers(model)
    added = {id(m) for w in wrapped.values() for a in w.adapters.values() for _, m in a.named_modules()}
    return {
        plain_path(path, wrapped): module
        for path, module in model.named_modules()
        if isinstance(module, Linear) and id(module) not in added
    }


def linear_shapes(size: Size) -> dict[str, tuple[int, int]]:
    """The (out, in) shapes of a transformer's linear layers by path, without a model: what closed forms sum over. The MLP is 4 widths wide."""
    d = size.width
    block = {f"attention.{part}": (d, d) for part in ("query", "key", "value", "output")}
    block |= {"mlp.up": (4 * d, d), "mlp.down": (d, 4 * d)}
    return {f"blocks.{i}.{part}": shape for i in range(size.layers) for part, shape in block.items()}


def as_targets(targets: str | Iterable[str]) -> tuple[str, ...]:
    """``targets`` as a tuple: a single name stands for itself. Raises InputError when there is none."""
    names = tuple(targets) if isinstance(targets, Iterable) and not isinstance(targets, str) else (targets,)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"targets must be names of layers, such as ('query', 'value'), not {targets!r}")
    return names


def select(paths: Iterable[str], targets: Iterable[str]) -> list[str]:
    """The paths that a target names, in the order of ``paths``.

    A target is a layer's name (``query``), any run of whole components of its path (``attention.query``, ``blocks.0``), so also the name of a module around
    layers (``mlp``, ``attention``); ``all-linear`` means every layer inside the blocks, not the head. Raises InputError, with near names, for a
    target that names no layer.
    """
    paths = list(paths)
    chosen: set[str] = set()
    for target in targets:
        wanted = "blocks" if target == "all-linear" else target
        found = [path for path in paths if f".{wanted}." in f".{path}."]
        if not found:
            known = {part for path in paths for part in path.split(".") if not part.isdigit()}
            known |= {"all-linear"}
            # Longer endings too, so that a slip in 'attention.qeury' is answered in kind.
            endings = {".".join(path.split(".")[-2:]) for path in paths}
            hint = nearest(target, sorted(known | endings)) or f"; layers here are {', '.join(sorted(known))}"
            raise InputError(f"target {target!r} matches no linear layer{hint}")
        chosen.update(found)
    return [path for path in paths if path in chosen]


W = TypeVar("W", bound=Wrapper[Any])


def wrap(model: Module, layers: Mapping[str, Linear], kind: type[W], *, outermost: bool) -> dict[str, W]:
    """A wrapper of this kind around each layer: the one that is there, or a new one put in place, next to the layer or around all others."""
    places = {id(module): path for path, module in model.named_modules()}
    around: dict[int, list[Wrapper[Any]]] = {}  # outer ones first
    for wrapper in wrappers(model).values():
        around.setdefault(id(wrapper.innermost()), []).append(wrapper)
    wrapped: dict[str, W] = {}
    for path, layer in layers.items():
        there = around.get(id(layer), [])
        own = next((wrapper for wrapper in there if isinstance(wrapper, kind)), None)
        if own is None:
            inside = there[0] if there and outermost else layer
            own = kind(inside)
            model.set_module(places[id(inside)], own)
        wrapped[path] = own
    return wrapped


class WrappedLayers(Installed):
    """What a method added that stands beside layers: one addition, under one name, in each of several wrappers."""

    def __init__(self, model: Module, name: str, layers: Mapping[str, Wrapper[Any]]) -> None:
        self.model = model
        self.name = name
        self.layers = dict(layers)
        self.parameters = {
            f"{path}.{part}": parameter
            for path, wrapper in self.layers.items()
            for part, parameter in wrapper.adapters[name].named_parameters()
        }

    def enable(self) -> None:
        for wrapper in self.layers.values():
            wrapper.active = self.name

    def disable(self) -> None:
        for wrapper in self.layers.values():
            wrapper.active = None

    def merge(self) -> None:
        for wrapper in self.layers.values():
            wrapper.merge()

    def unmerge(self) -> None:
        for wrapper in self.layers.values():
            wrapper.unmerge()

    def remove(self) -> None:
        places = {id(module): path for path, module in self.model.named_modules()}
        for wrapper in self.layers.values():
            wrapper.active = None if wrapper.active == self.name else wrapper.active
            del wrapper.adapters[self.name]
            if not wrapper.adapters:
                self.model.set_module(places[id(wrapper)], wrapper.base)

    def fuse(self) -> None:
        self.merge()
        for wrapper in self.layers.values():
            wrapper.forget()
        self.remove()

    def base_shapes(self) -> dict[str, tuple[int, ...]]:
        return {f"{path}.weight": wrapper.innermost().weight.shape for path, wrapper in self.layers.items()}

    def arrays(self) -> dict[str, Array]:
        return {name: parameter.data for name, parameter in self.parameters.items()}

    def load(self, arrays: Mapping[str, Array]) -> None:
        for name, parameter in self.parameters.items():
            parameter.data = like(arrays[name], parameter.data)

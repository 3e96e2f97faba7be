"""Which layers a method works on: targets by name, wrappers around modules, and names that no wrapper changes.

A method that adds something beside a layer puts a ``Wrapper`` in the layer's place, and the wrapper holds the layer as its ``base``. Wrapping changes the
path of the base (``query`` becomes ``query.base``); the *plain* paths used here, in targets and in files, are those of the model before any wrapping.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Generic, TypeVar

from ..backend import Array
from ..errors import InputError, nearest
from ..models.shape import LayerShape
from ..nn import Linear, Module, Parameter
from .base import Installed, Shapes, Size, like

Addition = TypeVar("Addition", bound=Module)


class Wrapper(Module, Generic[Addition]):
    """A module and, beside it, additions by adapter name, of which at most one is active; when none is, it computes what its base does.

    ``rows`` is set only within ``mixed.mixed``: the adapter of each row of the batch, None for the base alone; ``active`` then has no say.
    """

    def __init__(self, base: Module) -> None:
        self.base: Any = base
        self.adapters: dict[str, Addition] = {}
        self.active: str | None = None
        self.rows: tuple[str | None, ...] | None = None

    def extra_repr(self) -> str:
        return f"active: {self.active}"


def innermost(module: Module) -> Module:
    """The model's own module, below all wrappers; ``module`` itself where it is none."""
    return innermost(module.base) if isinstance(module, Wrapper) else module


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
    """The model's own linear layers by plain path, without those inside of adapters and those of the head, which is trained whole."""
    wrapped = wrappers(model)
    added = {id(m) for w in wrapped.values() for a in w.adapters.values() for _, m in a.named_modules()}
    return {
        plain_path(path, wrapped): module
        for path, module in model.named_modules()
        if isinstance(module, Linear) and id(module) not in added and not path.startswith("head.")
    }


def layer_shapes(size: Size) -> dict[str, LayerShape]:
    """The linear layers in a transformer's blocks by path, without a model: what closed forms sum over."""
    return {
        f"blocks.{i}.{path}": layer for i in range(size.layers) for path, layer in size.block_layers.items()
    }


def linear_shapes(size: Size) -> dict[str, tuple[int, int]]:
    """Their (out, in) shapes."""
    return {path: (layer.out, layer.into) for path, layer in layer_shapes(size).items()}


def as_targets(targets: str | Iterable[str]) -> tuple[str, ...]:
    """``targets`` as a tuple: a single name stands for itself. Raises InputError when there is none."""
    names = tuple(targets) if isinstance(targets, Iterable) and not isinstance(targets, str) else (targets,)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"targets must be names of layers, such as ('query', 'value'), not {targets!r}")
    return names


def fits(pattern: str, path: str) -> bool:
    """Whether ``pattern`` names the layer at ``path``: see ``select``."""
    wanted = "blocks" if pattern == "all-linear" else pattern
    return f".{wanted}." in f".{path}."


def select(paths: Iterable[str], targets: Iterable[str]) -> list[str]:
    """The paths that a target names, in the order of ``paths``.

    A target is a layer's name (``query``), any run of whole components of its path (``attention.query``, ``blocks.0``), so also the name of a module around
    layers (``mlp``, ``attention``); ``all-linear`` means every layer inside the blocks, not the head. Raises InputError, with near names, for a
    target that names no layer.
    """
    paths = list(paths)
    chosen: set[str] = set()
    for target in targets:
        found = [path for path in paths if fits(target, path)]
        if not found:
            raise InputError(f"target {target!r} matches no linear layer{near_layers(target, paths)}")
        chosen.update(found)
    return [path for path in paths if path in chosen]


def near_layers(pattern: str, paths: Collection[str]) -> str:
    """The end of a message about a pattern that fits none of ``paths``: names like it, or all there are."""
    known = {part for path in paths for part in path.split(".") if not part.isdigit()} | {"all-linear"}
    # Longer endings too, so that a slip in 'attention.qeury' is answered in kind.
    endings = {".".join(path.split(".")[-2:]) for path in paths}
    return nearest(pattern, sorted(known | endings)) or f"; layers here are {', '.join(sorted(known))}"


W = TypeVar("W", bound=Wrapper[Any])


def wrap(model: Module, layers: Mapping[str, Module], kind: type[W], *, outermost: bool) -> dict[str, W]:
    """A wrapper of this kind around each module: the one that is there, or a new one put in place, next to the module or around all others."""
    places = {id(module): path for path, module in model.named_modules()}
    around: dict[int, list[Wrapper[Any]]] = {}  # outer ones first
    for wrapper in wrappers(model).values():
        around.setdefault(id(innermost(wrapper)), []).append(wrapper)
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


class Additions(Installed):
    """What a method added beside modules of the model: one addition, under one name, in each of several wrappers.

    wrapped: the wrappers by the name that the addition's parameters begin with in a file. base_shapes: of the weights that it works on. unmergeable: why no weight
    could hold it, one sentence; a subclass that can merge says nothing.
    """

    def __init__(
        self,
        model: Module,
        name: str,
        wrapped: Mapping[str, Wrapper[Any]],
        base_shapes: Shapes,
        unmergeable: str = "",
    ) -> None:
        self.model, self.name, self.wrapped = model, name, dict(wrapped)
        self._base_shapes, self.unmergeable = dict(base_shapes), unmergeable
        self.parameters = {
            f"{label}.{part}": parameter
            for label, wrapper in self.wrapped.items()
            for part, parameter in wrapper.adapters[name].named_parameters()
        }

    def enable(self) -> None:
        for wrapper in self.wrapped.values():
            wrapper.active = self.name

    def disable(self) -> None:
        for wrapper in self.wrapped.values():
            wrapper.active = None

    def check_merge(self) -> None:
        if self.unmergeable:
            raise InputError(self.unmergeable)

    def merge(self) -> None:
        self.check_merge()

    def unmerge(self) -> None:
        self.check_merge()

    def fuse(self) -> None:
        self.check_merge()

    def remove(self) -> None:
        places = {id(module): path for path, module in self.model.named_modules()}
        for wrapper in self.wrapped.values():
            wrapper.active = None if wrapper.active == self.name else wrapper.active
            del wrapper.adapters[self.name]
            if not wrapper.adapters:
                self.model.set_module(places[id(wrapper)], wrapper.base)

    def base_shapes(self) -> dict[str, tuple[int, ...]]:
        return dict(self._base_shapes)

    def arrays(self) -> dict[str, Array]:
        return {name: parameter.data for name, parameter in self.parameters.items()}

    def load(self, arrays: Mapping[str, Array]) -> None:
        for name, parameter in self.parameters.items():
            parameter.data = like(arrays[name], parameter.data)

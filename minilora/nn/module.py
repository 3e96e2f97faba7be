"""Parameters, and modules that hold them.

A module is a plain object. Its parameters and submodules are its attributes, found by walking them in the order in which they were set, through lists and
dicts: there is no registration, no metaclass and no hidden table. A parameter's name is the path to it: ``blocks.0.attention.query.weight``.

There is no training mode either: dropout happens if and only if a call is given a generator to draw from.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np

from ..autograd import Tensor
from ..autograd.tensor import LeafNode
from ..backend import Array, to_device, to_host, wide_dtype
from ..errors import InputError, nearest


class Parameter(Tensor):
    """A tensor that is a weight of a model. ``trainable`` can be switched; a frozen parameter has no place on the tape, and it alone may be stored as float16."""

    __slots__ = ()

    def __init__(self, data: Array, trainable: bool = True) -> None:
        super().__init__(data, trainable)

    @property
    def trainable(self) -> bool:
        """Whether gradients are computed for this parameter. Setting it raises InputError where the weight is stored as float16: its steps would be lost in rounding."""
        return self.node is not None

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if value and self.dtype != wide_dtype(self.data):
            raise InputError(
                f"a weight of shape {self.shape} is stored as {self.dtype}, and what is trained must be float32 or float64; "
                "convert the model with astype, or adapt it by a method that leaves its base frozen"
            )
        if value != self.trainable:
            self.node = LeafNode(self) if value else None
            self.grad = None


class Module:
    """A part of a model: parameters, submodules, and a ``__call__`` that the subclass defines."""

    def children(self) -> Iterator[tuple[str, "Module | Parameter"]]:
        """(name, value) of each parameter and submodule held directly, also within lists and dicts: ``blocks.0``, ``updates.sql``."""
        for name, value in vars(self).items():
            yield from _walk(name, value)

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """(path, module) of this module (path ``prefix``) and of all below it, in order."""
        yield prefix, self
        for name, value in self.children():
            if isinstance(value, Module):
                yield from value.named_modules(f"{prefix}.{name}" if prefix else name)

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(path, parameter) of every parameter, in order; one that is used in two places (tied weights) comes once, under its first name."""
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in module.children():
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

    def parameters(self) -> list[Parameter]:
        """Every parameter once, in order."""
        return [parameter for _, parameter in self.named_parameters()]

    def trainable_parameters(self) -> list[tuple[str, Parameter]]:
        """(path, parameter) of those that gradients are computed for."""
        return [(name, parameter) for name, parameter in self.named_parameters() if parameter.trainable]

    def count_parameters(self, trainable_only: bool = False) -> int:
        """The number of weights, tied ones once."""
        return sum(p.size for p in self.parameters() if p.trainable or not trainable_only)

    def freeze(self) -> Self:
        """Compute no gradient for any parameter."""
        return self._set_trainable(False)

    def unfreeze(self) -> Self:
        """Compute gradients for every parameter."""
        return self._set_trainable(True)

    def _set_trainable(self, value: bool) -> Self:
        for parameter in self.parameters():
            parameter.trainable = value
        return self

    def astype(self, dtype: Any) -> Self:
        """Convert every parameter, in place, to ``dtype``: float32 or float64; raises InputError for another, which nothing here computes in."""
        try:
            known = np.dtype(dtype) in (np.float32, np.float64)
        except TypeError:  # a name that NumPy lacks, such as bfloat16
            known = False
        if not known:
            raise InputError(
                f"a model computes in float32 or float64, not {dtype!s}; store('float16') keeps what is frozen in half of the memory"
            )
        for parameter in self.parameters():
            parameter.data = parameter.data.astype(dtype)
        return self

    def to(self, device: str) -> Self:
        """Move every parameter, in place, to ``"cpu"`` or ``"cuda"``."""
        for parameter in self.parameters():
            parameter.data = to_device(parameter.data, device)
        return self

    def state(self) -> dict[str, np.ndarray]:
        """The parameters by name, on the host. The arrays are the parameters' own where they are on the host already, not copies."""
        return {name: to_host(parameter.data) for name, parameter in self.named_parameters()}

    def load_state(self, arrays: Mapping[str, np.ndarray]) -> Self:
        """Copy ``arrays`` into the parameters of the same names, keeping each parameter's dtype.

        Raises InputError that lists names that are missing, names that nothing here has, and arrays of another shape; nothing is changed then.
        """
        own = dict(self.named_parameters())
        missing, unexpected = own.keys() - arrays.keys(), arrays.keys() - own.keys()
        shapes = [
            f"{name} {tuple(arrays[name].shape)} instead of {parameter.shape}"
            for name, parameter in own.items()
            if name in arrays and tuple(arrays[name].shape) != parameter.shape
        ]
        troubles = [
            *([f"missing: {', '.join(sorted(missing))}"] if missing else []),
            *([f"unexpected: {', '.join(sorted(unexpected))}"] if unexpected else []),
            *([f"of another shape: {', '.join(shapes)}"] if shapes else []),
        ]
        if troubles:
            raise InputError(f"these weights do not fit the model; {'; '.join(troubles)}")
        for name, parameter in own.items():
            if not getattr(parameter.data.flags, "writeable", True):  # a model that waits for its weights
                parameter.data = np.empty(parameter.shape, parameter.dtype)
            parameter.data[...] = to_device(arrays[name], "cpu").astype(parameter.dtype)
        return self

    def get_module(self, path: str) -> "Module":
        """The module at ``path``, such as ``blocks.0.attention.query``. Raises InputError with the nearest paths where there is none."""
        found: Any = self
        for part in path.split(".") if path else ():
            found = _item(found, part)
        if not isinstance(found, Module):
            raise InputError(
                f"no module named {path!r}{nearest(path, [name for name, _ in self.named_modules()])}"
            )
        return found

    def set_module(self, path: str, module: "Module") -> None:
        """Put ``module`` in the place of the one at ``path``."""
        self.get_module(path)
        holder: Any = self
        *parents, last = path.split(".")
        for part in parents:
            holder = _item(holder, part)
        if isinstance(holder, Module):
            setattr(holder, last, module)
        elif isinstance(holder, list):
            holder[int(last)] = module
        else:
            holder[last] = module

    def extra_repr(self) -> str:
        """What ``print`` shows of this module besides its submodules; a subclass says its sizes."""
        return ""

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}({self.extra_repr()})"]
        for name, value in self.children():
            if isinstance(value, Module):
                lines.append(f"  {name}: " + repr(value).replace("\n", "\n  "))
        return "\n".join(lines)


def _walk(name: str, value: Any) -> Iterator[tuple[str, Module | Parameter]]:
    if isinstance(value, Module | Parameter):
        yield name, value
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _walk(f"{name}.{index}", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(f"{name}.{key}", item)


def _item(holder: Any, part: str) -> Any:
    """One step down a path: an attribute, a list's item or a dict's; None where there is none."""
    if isinstance(holder, Module):
        return vars(holder).get(part)
    if isinstance(holder, list | tuple):
        return holder[int(part)] if part.isdigit() and int(part) < len(holder) else None
    return holder.get(part) if isinstance(holder, dict) else None

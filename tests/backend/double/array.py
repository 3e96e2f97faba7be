"""The double's array: NumPy's, wrapped, without what CuPy's refuses."""

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from .transfers import note

SCALARS = (bool, int, float, complex, np.generic)


def bare(value: Any) -> Any:
    """The NumPy array or number in an operand; TypeError for what lies on the host."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, SCALARS):
        return value
    raise TypeError(f"Unsupported type {type(value)}: a device array meets what is none")


def wrap(value: Any) -> Any:
    """A result as the double gives it: an array also where NumPy would give a number."""
    if isinstance(value, tuple):
        return tuple(wrap(part) for part in value)
    return ndarray(np.asarray(value))


def bare_index(index: Any, *, reading: bool) -> Any:
    """An index for NumPy. Host arrays and lists are refused, and a bool array that is read with is a transfer: how many it picks, the host must know."""
    parts = index if isinstance(index, tuple) else (index,)
    found = []
    for part in parts:
        if part is None or part is Ellipsis or isinstance(part, slice | int | np.integer):
            found.append(part)
            continue
        array = bare(part)
        if reading and array.dtype == np.bool_:
            note("index by bool")
        found.append(array)
    return tuple(found)


class ndarray:  # the name that backend.namespace asks for
    """See the module's text. ``_host`` is the array underneath; nobody but the double touches it."""

    __slots__ = ("_host",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, host: np.ndarray) -> None:
        self._host = host

    # What NumPy asks of an array that is not its own.

    def __array__(self, *args: Any, **options: Any) -> np.ndarray:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        raise TypeError(f"numpy.{function.__name__} of a device array: CuPy would take over in silence")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options.keys() - {"dtype", "casting"}:
            raise TypeError(f"CuPy has no {ufunc.__name__} with {method}, {sorted(options)}")
        return wrap(ufunc(*[bare(x) for x in inputs], **options))

    # What waits for the device.

    def get(self) -> np.ndarray:
        note("get()")
        return self._host.copy()

    def item(self) -> Any:
        note("item()")
        return self._host.item()

    def tolist(self) -> Any:
        note("tolist()")
        return self._host.tolist()

    def __float__(self) -> float:
        note("float()")
        return float(self._host)

    def __int__(self) -> int:
        note("int()")
        return int(self._host)

    def __bool__(self) -> bool:
        note("bool()")
        return bool(self._host)

    def __repr__(self) -> str:
        note("repr()")
        return repr(self._host)

    # What it is, known without waiting.

    @property
    def shape(self) -> tuple[int, ...]:
        return self._host.shape

    @property
    def dtype(self) -> np.dtype:
        return self._host.dtype

    @property
    def ndim(self) -> int:
        return self._host.ndim

    @property
    def size(self) -> int:
        return self._host.size

    @property
    def nbytes(self) -> int:
        return self._host.nbytes

    @property
    def T(self) -> "ndarray":
        return wrap(self._host.T)

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Iterator["ndarray"]:
        return (wrap(part) for part in self._host)

    # Picking and arranging.

    def __getitem__(self, index: Any) -> "ndarray":
        return wrap(self._host[bare_index(index, reading=True)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._host[bare_index(index, reading=False)] = bare(value)

    def reshape(self, *shape: Any) -> "ndarray":
        return wrap(self._host.reshape(*shape))

    def transpose(self, *axes: Any) -> "ndarray":
        return wrap(self._host.transpose(*axes))

    def swapaxes(self, first: int, second: int) -> "ndarray":
        return wrap(self._host.swapaxes(first, second))

    def ravel(self) -> "ndarray":
        return wrap(self._host.ravel())

    def copy(self) -> "ndarray":
        return wrap(self._host.copy())

    def astype(self, dtype: Any, copy: bool = True) -> "ndarray":
        return wrap(self._host.astype(dtype, copy=copy))

    # Taking together: neither where= nor initial=, and always an array.

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> "ndarray":
        return wrap(self._host.sum(axis=axis, dtype=dtype, keepdims=keepdims))

    def mean(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> "ndarray":
        return wrap(self._host.mean(axis=axis, dtype=dtype, keepdims=keepdims))

    def max(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> "ndarray":
        return wrap(self._host.max(axis=axis, keepdims=keepdims))

    def min(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> "ndarray":
        return wrap(self._host.min(axis=axis, keepdims=keepdims))

    def all(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> "ndarray":
        return wrap(self._host.all(axis=axis, keepdims=keepdims))

    def any(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> "ndarray":
        return wrap(self._host.any(axis=axis, keepdims=keepdims))

    def argmax(self, axis: Any = None) -> "ndarray":
        return wrap(self._host.argmax(axis=axis))

    def argmin(self, axis: Any = None) -> "ndarray":
        return wrap(self._host.argmin(axis=axis))


def _binary(name: str) -> Any:
    function = getattr(operator, name.strip("_"), None) or getattr(operator, name)

    def forward(self: ndarray, other: Any) -> Any:
        if getattr(type(other), "__array_ufunc__", self) is None:
            return NotImplemented  # a Tensor asks to be asked itself
        return wrap(function(self._host, bare(other)))

    return forward


def _reflected(name: str) -> Any:
    function = getattr(operator, f"__{name.strip('_')[1:]}__")

    def backward(self: ndarray, other: Any) -> Any:
        return wrap(function(bare(other), self._host))

    return backward


def _in_place(name: str) -> Any:
    function = getattr(operator, name)

    def change(self: ndarray, other: Any) -> Any:
        function(self._host, bare(other))
        return self

    return change


def _unary(name: str) -> Any:
    function = getattr(operator, name)

    def alone(self: ndarray) -> Any:
        return wrap(function(self._host))

    return alone


ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")
for _name in ARITHMETIC:
    setattr(ndarray, f"__{_name}__", _binary(f"__{_name}__"))
    setattr(ndarray, f"__r{_name}__", _reflected(f"__r{_name}__"))
    if _name != "matmul":  # CuPy has none
        setattr(ndarray, f"__i{_name}__", _in_place(f"__i{_name}__"))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(ndarray, f"__{_name}__", _binary(f"__{_name}__"))
for _name in ("neg", "pos", "abs", "invert"):
    setattr(ndarray, f"__{_name}__", _unary(f"__{_name}__"))

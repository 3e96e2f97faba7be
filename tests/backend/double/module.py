"""The modules ``cupy`` and ``cupyx`` as the double has them: the functions the package may use, each without the arguments that CuPy's lacks."""

import math
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from .array import bare, bare_index, ndarray, wrap
from .transfers import note

UFUNCS = (
    "abs", "add", "ceil", "copysign", "cos", "divide", "equal", "exp", "floor", "isfinite", "isnan", "log", "logical_and", "logical_not",
    "maximum", "minimum", "multiply", "negative", "power", "sign", "sin", "sqrt", "subtract", "tanh",
)  # fmt: skip

ONE_ARRAY = ("broadcast_to", "cumsum", "expand_dims", "tril", "triu", "argsort", "sum", "mean", "max")
"""Functions of one array and plain arguments."""

FROM_SHAPE = ("arange", "empty", "eye", "full", "linspace", "ones", "zeros")
"""Functions that make an array from numbers."""

LIKE = ("empty_like", "full_like", "ones_like", "zeros_like")

SEVERAL = ("concatenate", "stack")
"""Functions of a list of arrays."""

COUNTING = ("flatnonzero", "nonzero", "argwhere", "unique")
"""Functions whose result is as long as its values say, which the host must be told."""


class Ufunc:
    """A ufunc with ``out``, ``dtype`` and ``casting``, and neither ``where`` nor lists."""

    def __init__(self, name: str) -> None:
        self.host = getattr(np, name)

    def __call__(
        self, *arrays: Any, out: ndarray | None = None, dtype: Any = None, casting: str = "same_kind"
    ) -> Any:
        if any(isinstance(array, Fused) for array in arrays):
            elements = [_element(array) for array in arrays]
            return Fused(self.host(*elements) if out is None else self.host(*elements, out=_element(out)))
        given = [bare(array) for array in arrays]
        options = {} if dtype is None else {"dtype": dtype}
        if out is None:
            return wrap(self.host(*given, casting=casting, **options))
        self.host(*given, out=bare(out), casting=casting, **options)
        return out

    def at(self, target: ndarray, index: Any, values: Any) -> None:
        """Add, or whatever it is, at each place in turn, also where one occurs twice."""
        self.host.at(bare(target), bare_index(index, reading=True), bare(values))


def asarray(value: Any, dtype: Any = None) -> ndarray:
    """From the host, or from the device, where nothing is copied that need not be."""
    if isinstance(value, ndarray):
        return value if dtype is None or value.dtype == dtype else value.astype(dtype)
    return ndarray(np.array(value, dtype=dtype))


def array(value: Any, dtype: Any = None) -> ndarray:
    """A copy, from the host or the device."""
    return ndarray(np.array(value._host if isinstance(value, ndarray) else value, dtype=dtype))


def matmul(x: ndarray, y: ndarray, out: ndarray | None = None) -> ndarray:
    """The product, into ``out`` where it is given."""
    if out is None:
        return wrap(np.matmul(bare(x), bare(y)))
    np.matmul(bare(x), bare(y), out=bare(out))
    return out


def where(condition: ndarray, x: Any, y: Any) -> ndarray:
    """With all three arguments only."""
    return wrap(np.where(bare(condition), bare(x), bare(y)))


class Fused:
    """What a kernel sees while it is compiled: elements that operators and CuPy's ufuncs act on; no shape, no index, no reduction, and nothing that NumPy's ufuncs know."""

    def __init__(self, host: np.ndarray) -> None:
        self._host = host


def _element(value: Any) -> Any:
    if isinstance(value, Fused):
        return value._host
    if isinstance(value, bool | int | float | np.generic):
        return value
    raise TypeError(f"a fused kernel cannot take {type(value)}")


def _operator(name: str, ufunc: np.ufunc) -> None:
    def forward(self: Fused, other: Any) -> Fused:
        return Fused(ufunc(self._host, _element(other)))

    def reflected(self: Fused, other: Any) -> Fused:
        return Fused(ufunc(_element(other), self._host))

    def in_place(self: Fused, other: Any) -> Fused:
        ufunc(self._host, _element(other), out=self._host)
        return self

    for prefix, function in (("", forward), ("r", reflected), ("i", in_place)):
        setattr(Fused, f"__{prefix}{name}__", function)


for _name, _ufunc in (("add", np.add), ("sub", np.subtract), ("mul", np.multiply), ("truediv", np.divide)):
    _operator(_name, _ufunc)
for _name, _ufunc in (("gt", np.greater), ("ge", np.greater_equal), ("lt", np.less), ("le", np.less_equal)):
    setattr(Fused, f"__{_name}__", lambda self, other, f=_ufunc: Fused(f(self._host, _element(other))))
Fused.__neg__ = lambda self: Fused(-self._host)  # type: ignore[attr-defined]


kernels: list[Callable[..., Any]] = []
"""Every launch of a fused kernel, in order."""


def fuse(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """``kernel`` as one piece: it sees elements, and gives arrays."""

    def run(*arrays: Any) -> Any:
        kernels.append(kernel)
        found = kernel(*[Fused(bare(array)) for array in arrays])
        if found is None:  # it has changed what it was given
            return None
        return tuple(wrap(x._host) for x in found) if isinstance(found, tuple) else wrap(found._host)

    return run


def _plain(name: str) -> Callable[..., Any]:
    host = getattr(np, name)

    def function(x: ndarray, *arguments: Any, **options: Any) -> Any:
        if options.keys() & {"where", "initial"}:
            raise TypeError(f"{name}() got an unexpected keyword argument: {sorted(options)}")
        if name in COUNTING:
            note(f"{name}()")
        return wrap(host(bare(x), *arguments, **options))

    return function


def _made(name: str) -> Callable[..., Any]:
    def function(*numbers: Any, **options: Any) -> ndarray:
        return ndarray(getattr(np, name)(*numbers, **options))

    return function


def _joined(name: str) -> Callable[..., Any]:
    def function(arrays: Any, axis: int = 0) -> ndarray:
        return ndarray(getattr(np, name)([bare(array) for array in arrays], axis=axis))

    return function


def scatter_add(target: ndarray, rows: ndarray, values: ndarray) -> None:
    """``cupyx.scatter_add``."""
    np.add.at(bare(target), bare_index(rows, reading=True), bare(values))


def erf(x: ndarray) -> ndarray:
    """``cupyx.scipy.special.erf``, in the dtype of x."""
    return wrap(np.vectorize(math.erf, otypes=[np.float64])(bare(x)).astype(x.dtype))


class Device:
    """The one card."""

    def __init__(self, number: int = 0) -> None:
        assert number == 0

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def use(self) -> "Device":
        """Compute on it from now on."""
        return self

    def synchronize(self) -> None:
        """Wait."""
        note("synchronize()")


class Runtime:
    """What the driver tells of the card."""

    CUDARuntimeError = RuntimeError
    driverGetVersion = staticmethod(lambda: 12090)
    runtimeGetVersion = staticmethod(lambda: 12090)
    getDeviceCount = staticmethod(lambda: 1)
    getDeviceProperties = staticmethod(lambda number: {"name": b"Double", "major": 9, "minor": 0})
    memGetInfo = staticmethod(lambda: (8 * 10**9, 8 * 10**9))


def make_modules() -> dict[str, ModuleType]:
    """Fresh modules by name, to be put in ``sys.modules`` while a test runs."""
    cupy = ModuleType("cupy")
    functions: dict[str, Any] = {name: Ufunc(name) for name in UFUNCS}
    functions |= {name: _plain(name) for name in (*ONE_ARRAY, *LIKE, *COUNTING)}
    functions |= {name: _made(name) for name in FROM_SHAPE} | {name: _joined(name) for name in SEVERAL}
    functions |= {"asarray": asarray, "array": array, "matmul": matmul, "where": where, "fuse": fuse}
    vars(cupy).update(functions, ndarray=ndarray, float32=np.float32, float64=np.float64, int64=np.int64)
    vars(cupy).update(__version__="14.2.0", cuda=SimpleNamespace(Device=Device, runtime=Runtime))
    vars(cupy)["get_default_memory_pool"] = lambda: SimpleNamespace(used_bytes=lambda: 0)
    cupyx, scipy, special = (ModuleType(name) for name in ("cupyx", "cupyx.scipy", "cupyx.scipy.special"))
    vars(cupyx).update(scatter_add=scatter_add, scipy=scipy)
    vars(scipy).update(special=special)
    vars(special).update(erf=erf)
    return {module.__name__: module for module in (cupy, cupyx, scipy, special)}

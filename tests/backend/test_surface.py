"""What the package asks of a namespace, read from its source: the double has it, and so has the real CuPy, which can be imported without a GPU."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from types import ModuleType

import pytest

from .double import make_modules, module
from .double import ndarray as double_array

PACKAGE = Path(__file__).resolve().parents[2] / "minilora"


def chain(node: ast.AST) -> tuple[ast.AST, list[str]]:
    """What ``a.b.c`` begins with, and the names that follow."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return node, names


def is_namespace(node: ast.AST) -> bool:
    """``xp``, as every file calls it, or ``namespace(…)`` itself; ``cupy`` and ``cupyx`` where they are imported by name."""
    named = isinstance(node, ast.Name) and node.id in ("xp", "cupy")
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "namespace"
    return named or called


def asked_for() -> Iterator[tuple[str, str]]:
    """(module, dotted name) of everything that is taken from a namespace in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and id(node) not in inner:
                root, names = chain(node)
                if is_namespace(root) and not names[0].startswith("__"):
                    yield "cupy", ".".join(names)
                elif isinstance(root, ast.Name) and root.id == "cupyx":
                    yield "cupyx", ".".join(names)
            elif isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in ("cupy", "cupyx"):
                for alias in node.names:
                    yield str(node.module), alias.name


SURFACE = sorted(set(asked_for()))


def has(owner: object, dotted: str) -> bool:
    try:
        reduce(getattr, dotted.split("."), owner)
    except AttributeError:
        return False
    return True


@pytest.fixture(scope="module")
def cupy() -> ModuleType:
    return pytest.importorskip("cupy", reason="the real CuPy is not installed (extra cuda12 or cuda13)")


def test_the_source_is_really_read():
    names = {name for _, name in SURFACE}
    assert {"matmul", "exp", "fuse", "add.at", "zeros", "minimum", "cuda.Device", "scatter_add"} <= names
    assert ("cupyx.scipy.special", "erf") in SURFACE


def test_the_double_has_what_the_package_asks_for():
    modules = make_modules()
    lacking = [(where, name) for where, name in SURFACE if not has(modules[where], name)]
    assert lacking == []


def test_the_double_lacks_what_cupy_lacks():
    cupy = make_modules()["cupy"]
    for name in ("einsum_path", "frompyfunc", "block", "insert", "unstack", "vecdot", "matvec", "errstate"):
        assert not hasattr(cupy, name)


def test_cupy_has_what_the_package_asks_for(cupy):
    lacking = [(where, name) for where, name in SURFACE if not has(importlib.import_module(where), name)]
    assert lacking == []


def test_cupy_has_what_the_double_has(cupy):
    for where, made in make_modules().items():
        real = importlib.import_module(where)
        assert [name for name in vars(made) if not name.startswith("__") and not hasattr(real, name)] == []
    assert [name for name in vars(double_array) if name != "_host" and not hasattr(cupy.ndarray, name)] == []
    assert all(isinstance(getattr(cupy, name), cupy.ufunc) for name in module.UFUNCS)


def test_a_kernel_under_compilation_knows_no_ufunc_of_numpy(cupy):
    """Why ``elementwise`` hands a kernel its namespace: CuPy's stand-in for an array says nothing to NumPy, and so the double's doesn't."""
    from cupy._core._fusion_interface import _VariableProxy

    assert not hasattr(_VariableProxy, "__array_ufunc__")
    assert not hasattr(module.Fused, "__array_ufunc__")


def test_neither_takes_a_where(cupy):
    for reduction in ("sum", "max", "mean"):
        assert "where" not in inspect.signature(getattr(cupy, reduction)).parameters

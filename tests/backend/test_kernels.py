"""The kernels as the real CuPy fuses them, and as CUDA's compiler takes what comes of it: both work without a card, up to the point where a kernel runs."""

import importlib
import inspect
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from minilora.backend.elementwise import KERNELS

cupy = pytest.importorskip("cupy", reason="the real CuPy is not installed (extra cuda12 or cuda13)")

ARCHITECTURE = "80"
"""The compute capability that is compiled for: one that CUDA 12 and CUDA 13 both know."""

ROOT = Path(__file__).resolve().parents[2]
for path in sorted((ROOT / "minilora").rglob("*.py")):
    if "elementwise" in path.read_text(encoding="utf-8"):  # who makes a kernel names the decorator
        importlib.import_module(
            ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        )
OURS = sorted(name for name in KERNELS if name.startswith("minilora."))


def arguments(kernel):
    """How many arrays a kernel takes, and how many numbers (its arguments of type float)."""
    _, *rest = inspect.signature(kernel).parameters.values()
    numbers = sum(parameter.annotation is float for parameter in rest)
    return len(rest) - numbers, numbers


def traced(kernel, dtype=np.float32):
    """The kernel that CuPy makes of it, not compiled. The arrays have an address and no memory: nothing is read."""
    from cupy._core import _fusion_thread_local, fusion

    arrays, numbers = arguments(kernel)
    memory = cupy.cuda.MemoryPointer(cupy.cuda.UnownedMemory(0x1000, 4096, None, 0), 0)
    given = [cupy.ndarray((3,), dtype, memory) for _ in range(arrays)]
    local, history = _fusion_thread_local.thread_local, fusion._FusionHistory()
    local.history, local.is_old_fusing = history, True
    try:
        made, _ = history.get_fusion(
            lambda *stand_ins: kernel(cupy, *stand_ins), (*given, *[0.5] * numbers), "traced"
        )
    finally:
        local.history, local.is_old_fusing = None, False
    return made


def source(made, arrays, numbers, monkeypatch):
    """The CUDA source, and the compiler's options, that CuPy hands to its compiler when it is called with contiguous arrays of one axis."""
    from cupy._core import _carray, _kernel, _scalar, core

    array, indexer, scalar = 1, 2, 3  # CuPy's kinds of argument
    kinds = [array] * arrays + [scalar] * numbers + [array] * made.nout + [indexer]
    types = {array: cupy.ndarray, indexer: _carray.Indexer, scalar: _scalar.CScalar}
    given = tuple(
        _kernel._ArgInfo(kind, types[kind], parameter.dtype, int(kind != scalar), True, True)
        for kind, parameter in zip(kinds, made.params, strict=True)
    )
    code = _kernel._get_elementwise_kernel_code(
        given, _kernel._TypeMap(()), made.params, made.operation, made.name, made.preamble, **made.kwargs
    )
    handed = []
    with monkeypatch.context() as patch:  # what comes after asks the driver for the card
        patch.setattr(
            cupy.cuda.compiler,
            "_compile_module_with_cache",
            lambda text, options, **more: handed.append((text, options)),
        )
        core.compile_with_cache(code, (), ARCHITECTURE)
    [(text, options)] = handed
    return text, (*options, "-ftz=true")  # as CuPy adds it


def by_nvrtc(text, options):
    """PTX by CUDA's run-time compiler, which CuPy itself uses."""
    options = (*options, "--device-as-default-execution-space", f"-arch=compute_{ARCHITECTURE}")
    return cupy.cuda.compiler._NVRTCProgram(text, "kernel.cu", method="ptx").compile(options)[0].decode()


def by_nvcc(text, options):
    """PTX by nvcc, which has CUDA's headers of its own version: of CuPy's folders it takes those in CuPy."""
    within = f"-I{Path(cupy.__file__).parent}"
    options = tuple(o for o in options if not o.startswith("-I") or o.startswith(within))
    return cupy.cuda.compiler.compile_using_nvcc(
        text, options, ARCHITECTURE, "kernel.cu", code_type="ptx"
    ).decode()


@pytest.fixture(scope="module")
def compiler():
    """NVRTC where its library loads, nvcc elsewhere."""
    from cupy.cuda import get_nvcc_path, nvrtc

    try:
        nvrtc.getVersion()
    except (ImportError, OSError, RuntimeError):
        nvcc = get_nvcc_path()
        if nvcc is None or shutil.which(nvcc.split()[0]) is None:
            pytest.skip("neither NVRTC (CuPy's extra ctk) nor nvcc is here")
        return by_nvcc
    return by_nvrtc


def compiled(kernel, dtype, compiler, monkeypatch):
    """PTX of a kernel of arrays of ``dtype``."""
    return compiler(*source(traced(kernel, dtype), *arguments(kernel), monkeypatch))


def computing(ptx, kind):
    """The instructions that compute in ``kind``. To fetch an argument, and to cast a number from float64, is no computing."""
    found = {
        match[2] for line in ptx.splitlines() if (match := re.match(r"\s*(@!?%p\d+ )?([a-z][\w.]+)\s", line))
    }
    fetching = re.compile(r"(ld|st|mov)\.|cvt(\.\w+)*\.f32\.f64$")
    return {name for name in found if kind in name.split(".") and not fetching.match(name)}


def test_the_package_has_kernels():
    assert {name.rsplit(".", 1)[1] for name in OURS} >= {
        "adamw_step",
        "sgd_step",
        "_sigmoid",
        "_gelu",
        "_gelu_and_slope",
    }


@pytest.mark.parametrize("name", OURS)
def test_it_compiles_and_computes_in_the_precision_of_its_arrays(name, compiler, monkeypatch):
    ptx = compiled(KERNELS[name], np.float32, compiler, monkeypatch)
    assert ".entry traced(" in ptx
    assert computing(ptx, "f32")
    assert computing(ptx, "f64") == set()
    assert computing(compiled(KERNELS[name], np.float64, compiler, monkeypatch), "f64")


def test_computing_in_double_is_found_out(compiler, monkeypatch):
    found = computing(compiled(lambda xp, x: x * np.float64(0.1), np.float32, compiler, monkeypatch), "f64")
    assert {"mul.f64"} <= {name.replace(".rn", "") for name in found}


def test_a_source_that_is_wrong_is_found_out(compiler, monkeypatch):
    kernel = KERNELS["minilora.train.optimizers.sgd_step"]
    text, options = source(traced(kernel), *arguments(kernel), monkeypatch)
    with pytest.raises(cupy.cuda.compiler.CompileException):
        compiler(text.replace("cupy_multiply(v", "no_such_function(v"), options)


@pytest.mark.parametrize(("name", "operations"), [("adamw_step", 12), ("sgd_step", 3)])
def test_an_optimizer_is_one_kernel_that_computes_in_float32_and_in_place(name, operations):
    kernel = KERNELS[f"minilora.train.optimizers.{name}"]
    made = traced(kernel)
    assert made.nout == 0  # it makes no array of its own
    own = list(made.params[: arguments(kernel)[0]])
    assert [p.ctype for p in own] == ["float"] * len(own)
    assert not any(p.is_const for p in own)
    assert "double" not in made.operation  # the numbers are cast once, and nothing is computed in float64
    assert made.operation.count("// op") == operations

"""The optimizers' kernels as the real CuPy fuses them, which it does without a card up to the point where one runs: one kernel, in float32, that changes what it is given."""

import numpy as np
import pytest

from minilora.train.optimizers import adamw_step, sgd_step

cupy = pytest.importorskip("cupy", reason="the real CuPy is not installed (extra cuda12 or cuda13)")

KERNELS = {"adamw": (adamw_step, 3, 7), "sgd": (sgd_step, 2, 2)}
"""The kernel, how many arrays it takes, and how many numbers."""


def traced(kernel, arrays, numbers):
    """The kernel that CuPy makes of it, not compiled. The arrays have an address and no memory: nothing is read."""
    from cupy._core import _fusion_thread_local, fusion

    memory = cupy.cuda.MemoryPointer(cupy.cuda.UnownedMemory(0x1000, 4096, None, 0), 0)
    given = [cupy.ndarray((3,), np.float32, memory) for _ in range(arrays)]
    local, history = _fusion_thread_local.thread_local, fusion._FusionHistory()
    local.history, local.is_old_fusing = history, True
    try:
        made, _ = history.get_fusion(kernel, (*given, *[0.5] * numbers), "traced")
    finally:
        local.history, local.is_old_fusing = None, False
    return made


@pytest.mark.parametrize("name", KERNELS)
def test_it_is_one_kernel_that_computes_in_float32_and_in_place(name, monkeypatch):
    step, arrays, numbers = KERNELS[name]
    plain = {
        cell.cell_contents.__name__: cell.cell_contents
        for cell in step.__closure__
        if callable(cell.cell_contents)
    }
    made = traced(lambda *given: plain[step.__name__](cupy, *given), arrays, numbers)
    assert made.nout == 0  # it makes no array of its own
    own = list(made.params[:arrays])
    assert [p.ctype for p in own] == ["float"] * arrays
    assert not any(p.is_const for p in own)
    assert "double" not in made.operation  # the numbers are cast once, and nothing is computed in float64
    assert made.operation.count("// op") == (12 if name == "adamw" else 3)

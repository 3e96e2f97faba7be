"""What ``minilora devices`` says: of this machine, without CuPy and with what CuPy may answer."""

import builtins
import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from minilora.backend.devices import cuda, processor
from minilora.cli.main import main


class CUDARuntimeError(RuntimeError):
    """As CuPy's."""


def answering(monkeypatch, *, driver=12090, count=1, error=None, kernel=None):
    """Let ``import cupy`` give a module whose CUDA answers so: what a machine would that is not here."""

    def counted():
        if error:
            raise CUDARuntimeError(error)
        return count

    def ones(n):
        if kernel:
            raise RuntimeError(kernel)
        return np.ones(n)

    runtime = SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        driverGetVersion=lambda: driver,
        runtimeGetVersion=lambda: 12090,
        getDeviceCount=counted,
        getDeviceProperties=lambda n: {"name": b"Card", "major": 8, "minor": 6},
        memGetInfo=lambda: (3 * 10**9, 8 * 10**9),
    )
    cupy = ModuleType("cupy")
    vars(cupy).update(
        __version__="14.2.0", ones=ones, cuda=SimpleNamespace(runtime=runtime, Device=lambda n: _Nothing())
    )
    monkeypatch.setitem(sys.modules, "cupy", cupy)


class _Nothing:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


def without_cupy(monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest, **more):
        if name == "cupy":
            raise ModuleNotFoundError("No module named 'cupy'", name="cupy")
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)


def test_the_processor():
    cpu = processor()
    assert 1 <= cpu.usable <= cpu.cores
    assert cpu.name
    assert cpu.blas
    assert all(library.threads >= 1 for library in cpu.blas)
    assert cpu.memory is None or cpu.free is None or 0 < cpu.free <= cpu.memory


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"driver": 0}, "no NVIDIA driver"),
        ({"error": "cudaErrorNoDevice: no CUDA-capable device is detected"}, "no CUDA-capable device"),
        ({"driver": 11040, "error": "cudaErrorInsufficientDriver"}, "driver (CUDA 11.4)"),
        ({"count": 0}, "no card"),
        ({"kernel": "\nFailure finding libnvrtc\nmore"}, "cannot run a kernel: Failure finding libnvrtc"),
    ],
)
def test_why_cuda_cannot_be_used(monkeypatch, answers, reason):
    answering(monkeypatch, **answers)
    assert reason in str(cuda().reason)
    assert cuda().cupy == "14.2.0"


def test_a_card(monkeypatch):
    answering(monkeypatch)
    found = cuda()
    assert found.reason is None
    assert (found.driver, found.runtime) == ("12.9", "12.9")
    assert [(card.name, card.capability, card.free) for card in found.cards] == [("Card", "8.6", 3 * 10**9)]
    printed = CliRunner().invoke(main, ["devices"]).output
    assert "cuda:0" in printed
    assert "CUDA can be used" in printed


def test_without_cupy_it_says_what_to_install(monkeypatch):
    without_cupy(monkeypatch)
    assert cuda().reason.startswith("CuPy is not installed; pip install")
    result = CliRunner().invoke(main, ["devices", "--json"])
    assert result.exit_code == 0
    said = json.loads(result.stdout)
    assert said["cuda"]["usable"] is False
    assert said["cpu"]["usable"] >= 1

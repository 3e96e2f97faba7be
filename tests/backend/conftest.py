"""The double of CuPy, put where the package looks for CuPy while a test runs."""

import sys

import pytest

from .double import make_modules


@pytest.fixture
def on_double(monkeypatch: pytest.MonkeyPatch) -> None:
    """``import cupy`` gives the double, and ``model.to("cuda")`` moves to it."""
    for name, module in make_modules().items():
        monkeypatch.setitem(sys.modules, name, module)

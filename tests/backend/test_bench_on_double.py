"""What ``minilora bench --device cuda`` measures, on the double of CuPy: the same calls give the same numbers as on the host, and the arrays are where they should be. No time is asserted."""

import numpy as np
import pytest

from minilora.backend.devices import cuda
from minilora.cli.bench import _command
from minilora.lab.bench import bench, limit, own
from minilora.lab.bench.limit import Weights, drawn, step_products
from minilora.lab.bench.own import METHODS

from ..lab.conftest import TINY


@pytest.mark.parametrize("task", [*METHODS, "use"])
def test_the_calls_do_the_same_work(on_double: None, task: str) -> None:
    host, card = (own.calls(TINY.as_dict(), 2, task, device) for device in ("cpu", "cuda"))
    assert list(card) == list(host)
    for name, call in card.items():
        # a logit near 0 is a sum of terms that are not: rounding leaves an ε of their size (32 × 0.02), by the order in which a processor adds them
        assert [call(), call()] == pytest.approx([host[name](), host[name]()], rel=1e-5, abs=1e-7)


def test_the_limit_multiplies_on_the_card(on_double: None) -> None:
    import cupy

    array = drawn("cuda")
    products = step_products(TINY.config, Weights(TINY.config, array), TINY.rows, TINY.tokens, array)
    assert all(isinstance(operand, cupy.ndarray) for product in products for operand in product)
    host, card = (limit.calls(TINY.as_dict(), 1, device)["limit"]() for device in ("cpu", "cuda"))
    assert np.isfinite(host)
    assert card == pytest.approx(host, rel=1e-5)


def test_the_command_names_the_device() -> None:
    assert _command((), "speed", 7, 2, "cuda", "peft").endswith("--threads 2 --device cuda --against peft")


@pytest.mark.gpu
def test_a_card_is_measured() -> None:
    if cuda().reason is not None:
        pytest.skip(f"CUDA cannot be used: {cuda().reason}")
    record = bench([TINY], rounds=1, device="cuda")
    assert record["settings"]["device"] == "cuda"
    assert record["machine"]["card"]
    assert all(row["peak_mib"] > 0 for row in record["rows"])


@pytest.mark.gpu
def test_peft_is_measured_on_the_same_card() -> None:
    torch = pytest.importorskip("torch")
    for module in ("peft", "transformers"):
        pytest.importorskip(module)
    if cuda().reason is not None or not torch.cuda.is_available():
        pytest.skip(f"CuPy and PyTorch must both reach a card; CuPy: {cuda().reason}")
    record = bench([TINY], rounds=1, device="cuda", against="peft")
    assert {"lora/peft", "memory/peft"} <= record["ratios"]["tiny"].keys()

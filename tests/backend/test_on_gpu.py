"""The model suite on a real card, against NumPy in float32: forward passes to 1e-5, gradients to 1e-4, the losses of 20 training steps to 1e-3. Skipped where there is no card.

pytest -m gpu tests/backend
"""

import numpy as np
import pytest

from minilora.autograd import gradients
from minilora.backend import to_host
from minilora.backend.devices import cuda
from minilora.methods import adapt
from minilora.models.build import build
from minilora.train import Training, fit

from ..methods.every import METHODS
from ..methods.small import batch as small_batch
from ..methods.small import gpt
from ..models.test_encoders import CONFIGS, HEADS, batch

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module", autouse=True)
def card() -> None:
    """Skip, and say why, where CuPy reaches no card."""
    reason = cuda().reason
    if reason is not None:
        pytest.skip(f"CUDA cannot be used: {reason}")


def error(found, expected) -> float:
    """The largest difference, beside the largest value."""
    found, expected = to_host(found), to_host(expected)
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-3))


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", CONFIGS)
def test_forward_and_gradients(name, head):
    host, device = (build(CONFIGS[name], np.random.default_rng(1), HEADS[head], np.float32) for _ in range(2))
    data = batch(host, np.random.default_rng(2))
    device.to("cuda")
    assert error(device.logits(data.ids, data.mask), host.logits(data.ids, data.mask)) <= 1e-5
    found, expected = (gradients(m.loss(data), m.parameters()) for m in (device, host))
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or error(ours, theirs) <= 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_twenty_steps(method):
    losses = []
    for device in ("cpu", "cuda"):
        model = gpt(dtype=np.float32).to(device)
        tuned = adapt(model, METHODS[method], rng=1)
        settings = Training(steps=20, learning_rate=1e-3, workers=1)
        batches = [small_batch(model, step) for step in range(20)]
        history = fit(tuned.model, batches.__getitem__, settings, progress=False)
        losses.append(np.array([record.loss for record in history.records]))
    assert error(losses[1], losses[0]) <= 1e-3

"""The gradients of all parameters, held against those that torch found for the same model of transformers."""

from typing import Any

import numpy as np

from minilora.autograd import gradients
from minilora.data.batches import Batch
from minilora.models.base import Model
from minilora.models.layouts import layout_of


def their_gradients(theirs: Any, model: Model) -> dict[str, np.ndarray]:
    """torch's gradients under our names."""
    layout, head = layout_of(model.config), model.head.describe()
    stored = {}
    for key, parameter in theirs.named_parameters():
        known = layout.plain(key, model.config, head)
        if known is not None and parameter.grad is not None:
            stored[known] = parameter.grad.numpy()
    found: dict[str, np.ndarray] = {}
    for part in layout.parts(model.config, head):
        if part.theirs in stored:
            found |= part.read(stored[part.theirs])
    return found


def same_gradients(theirs: Any, model: Model, batch: Batch) -> None:
    names, parameters = zip(*model.named_parameters(), strict=True)
    found = gradients(model.loss(batch), list(parameters))
    expected = their_gradients(theirs, model)
    assert expected.keys() >= set(names)
    # A key's bias moves all scores of a query alike, so its gradient is 0 but for rounding: the scale of the largest gradient bounds what rounding may leave.
    rounding = 1e-7 * max(float(np.abs(gradient).max()) for gradient in expected.values())
    for name, gradient in zip(names, found, strict=True):
        wanted = expected[name]
        gradient = np.zeros_like(wanted) if gradient is None else gradient
        np.testing.assert_allclose(
            gradient, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max() + rounding, err_msg=name
        )

"""What each of several devices holds and sends when they train one model together, in closed form: GPT-3 175B, which no single one could hold, among them.

Comes after ``plan.py``; ``minilora plan --devices`` prints it. Bytes, not seconds: how fast they cross a wire is the machine's business. Nothing here was measured on devices.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..errors import InputError, nearest
from .plan import PRECISIONS, Cost, Memory, Plan

LAYOUTS: Mapping[str, str] = MappingProxyType(
    {
        "copies": "each device has the whole model, as minilora's ranks have; gradients are summed over all",
        "split": "weights, gradients and optimizer are cut into as many parts as there are devices; each block's weights are gathered when they are needed (ZeRO's stage 3; minilora has none)",
    }
)
"""How a model lies on the devices, by name. Every device has a batch of its own, and so its own activations."""


@dataclass(frozen=True, kw_only=True)
class Share(Memory):
    """What one device holds and, in a step, sends at least: bytes."""

    sent: int


def share(found: Plan, cost: Cost, devices: int, layout: str) -> Share:
    """The share of one of ``devices`` in training what ``cost`` (``found.adapted`` or ``found.full``) takes, by a layout of ``LAYOUTS``.

    With G the bytes of all gradients, W of all weights, and p devices, each of which sends no less than

        copies:  2 (p − 1)/p · G                 the sum of the gradients, everywhere (a ring: reduce-scatter, all-gather)

        split:   (p − 1)/p · (2 W + G)           the weights gathered forward and backward, and the sum of its part of the gradients

    Source: Patarasuk & Yuan 2009 (the ring, and that none sends less); Rajbhandari et al. 2020, section 7 (stage 3). In ``split`` a block's gathered weights, held for as long as it computes, are not
    counted. Raises InputError for fewer than one device and another layout.
    """
    if devices < 1:
        raise InputError(f"devices must be at least 1, not {devices}")
    if layout not in LAYOUTS:
        raise InputError(f"layout must be {' or '.join(LAYOUTS)}, not {layout!r}{nearest(layout, LAYOUTS)}")
    gradient = cost.trainable * PRECISIONS[found.assumptions.precision].gradient
    parts = devices if layout == "split" else 1
    crossing = 2 * gradient if layout == "copies" else 2 * cost.weights + gradient
    return Share(
        weights=-(-cost.weights // parts),
        gradients=-(-cost.gradients // parts),
        optimizer=-(-cost.optimizer // parts),
        activations=cost.activations,
        sent=crossing * (devices - 1) // devices,
    )


def shares(found: Plan, devices: int) -> dict[str, dict[str, Share]]:
    """By layout: the share of one device under the method (``adapted``) and under full fine-tuning (``full``)."""
    costs = {"adapted": found.adapted, "full": found.full}
    return {
        layout: {name: share(found, cost, devices, layout) for name, cost in costs.items()}
        for layout in LAYOUTS
    }

"""What the LoRA paper says of GPT-3 175B (section 4.2), beside what its own setting comes to: r = 4 on query and value.

Comes after ``plan.py``. The paper's figures are round, and it does not say what its 1.2 TB hold; so the two readings that bound them are computed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..methods import LoRA
from .plan import Assumptions, Plan, plan

PAPERS = LoRA(rank=4, alpha=4.0, targets=("query", "value"))
"""The setting the claims are made for."""


@dataclass(frozen=True)
class Claim:
    """What is printed, what it comes to here, and why they may differ."""

    about: str
    printed: str
    computed: str
    remark: str


def claims(found: Plan) -> list[Claim]:
    """The paper's claims beside the figures; none where the plan is not of the paper's own setting."""
    lora = (
        isinstance(found.method, LoRA)
        and found.adapted.trainable == plan("gpt3-175b", PAPERS).adapted.trainable
    )
    return list(_claims()) if found.model == "gpt3-175b" and lora else []


def _claims() -> Iterator[Claim]:
    kept_out = Assumptions(gradients="block")
    low, high = (plan("gpt3-175b", PAPERS, replace(kept_out, gradients=held)) for held in ("block", "all"))
    full, lora = low.full, low.adapted
    yield Claim(
        "trainable parameters",
        "10,000 times fewer",
        f"{full.trainable / lora.trainable:,.0f} times: {full.trainable / 1e6:,.0f} M against {lora.trainable / 1e6:.2f} M",
        "the paper rounds",
    )
    yield Claim(
        "checkpoint",
        "350 GB → 35 MB",
        f"{full.checkpoint / 1e9:.0f} GB → {lora.checkpoint / 1e6:.1f} MB ({lora.checkpoint / 2**20:.0f} MiB)",
        "16 bits a parameter; the paper's 35 MB are a ten-thousandth of 350 GB",
    )
    yield Claim(
        "training memory",
        "1.2 TB → 350 GB",
        f"{low.full.memory / 1e12:.2f} to {high.full.memory / 1e12:.2f} TB → {low.adapted.memory / 1e9:.0f} GB",
        "16 bits for everything; the lower figure frees each block's gradient at once, the upper one holds all; 1.2 TB lies between",
    )
    yield Claim(
        "optimizer's share",
        "up to 2/3 less",
        f"{(full.optimizer - lora.optimizer) / (full.weights + full.optimizer):.1%} of weights and optimizer",
        "Adam's two moments, where gradients and activations are left out",
    )
    yield Claim(
        "100 tasks",
        "354 GB against 35 TB",
        f"{(full.checkpoint + 100 * lora.checkpoint) / 1e9:.0f} GB against {100 * full.checkpoint / 1e12:.1f} TB",
        "one base and a hundred adapters, against a hundred models",
    )

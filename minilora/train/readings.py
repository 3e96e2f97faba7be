"""The figures of steps that were taken: they stay where they were computed, on a card perhaps, and are read back several steps at a time.

Comes before ``loop.py``; ``log.py`` writes down what was read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..backend import Array, namespace, to_host
from .log import Record
from .settings import Training


@dataclass(frozen=True)
class Taken:
    """A step whose figures are where they were computed: on a card, which may still be at work. Of what they are see ``Record``."""

    number: int
    loss: Array
    norm: Array
    learning_rate: float
    tokens: int


def validation_due(settings: Training, step: int) -> bool:
    """Whether a validation follows ``step``: every ``evaluate_every`` steps, and after the last."""
    return step == settings.steps or (
        settings.evaluate_every is not None and step % settings.evaluate_every == 0
    )


def reading_due(settings: Training, step: int) -> bool:
    """Whether the figures of the steps up to ``step`` are read back: every ``log_every`` steps, and before they are validated or written down."""
    return step % settings.log_every == 0 or step % settings.save_every == 0 or validation_due(settings, step)


def read_back(taken: Sequence[Taken]) -> list[tuple[float, float]]:
    """(loss, norm) of each step: from a card in one transfer, the only thing that a step waits for."""
    figures = [figure for step in taken for figure in (step.loss, step.norm)]
    flat = to_host(namespace(figures[0]).stack(figures)).tolist()
    return list(zip(flat[::2], flat[1::2], strict=True))


def in_brief(records: Sequence[Record], last: int = 20) -> str:
    """The loss and the speed over the last steps, for the bar."""
    recent = records[-last:]
    loss = sum(record.loss for record in recent) / len(recent)
    speed = sum(record.tokens for record in recent) / max(sum(record.seconds for record in recent), 1e-9)
    return f"loss {loss:.3f} · {speed:,.0f} tokens/s"

"""What is known of a model without one: how large it is, and of which layers a block is made. Closed forms reckon with it, also for models that nobody could allocate.

Comes first in this room.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ..errors import InputError


class LayerShape(NamedTuple):
    """A linear layer of a block, without the layer: W [out, in], and whether it has a bias."""

    out: int
    into: int
    bias: bool = True


def usual_layers(width: int, mlp_width: int) -> dict[str, LayerShape]:
    """The linear layers that every block has, by their paths in it."""
    square = {f"attention.{name}": LayerShape(width, width) for name in ("query", "key", "value", "output")}
    return square | {"mlp.up": LayerShape(mlp_width, width), "mlp.down": LayerShape(width, mlp_width)}


class Size(Protocol):
    """What a closed form needs to know of a transformer. A model's configuration has it; so has a published size that nobody could allocate."""

    @property
    def vocabulary(self) -> int: ...
    @property
    def context(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def layers(self) -> int: ...
    @property
    def mlp_width(self) -> int: ...
    @property
    def parameters(self) -> int:
        """All weights but those of the head's own."""

    @property
    def block_parameters(self) -> int:
        """All weights of one block."""

    @property
    def block_layers(self) -> Mapping[str, LayerShape]:
        """The linear layers of one block, by their paths in it."""

    @property
    def biases(self) -> int:
        """Those of all weights that are biases, norms' too."""


class Config(Size, Protocol):
    """What is known of every configuration."""

    @property
    def heads(self) -> int: ...
    @property
    def dropout(self) -> float: ...


def check_shape(config: Config) -> None:
    """Raise InputError for a configuration that no model can have."""
    for name in ("vocabulary", "context", "width", "layers", "heads", "mlp_width"):
        if getattr(config, name) < 1:
            raise InputError(f"{name} must be at least 1, not {getattr(config, name)}")
    if config.width % config.heads:
        raise InputError(
            f"width must be divisible by heads, but {config.width} is not divisible by {config.heads}"
        )
    if not 0 <= config.dropout < 1:
        raise InputError(f"dropout must be at least 0 and below 1, not {config.dropout}")

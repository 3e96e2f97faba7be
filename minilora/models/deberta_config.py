"""The shape of a DeBERTa: versions 1 to 3 are values of one configuration.

Comes before ``deberta.py``, which says what the fields mean for the model.
"""

from dataclasses import dataclass

from ..errors import InputError
from .base import check_shape
from .disentangled import TERMS, check_buckets

ACTIVATIONS = ("tanh", "gelu")


@dataclass(frozen=True)
class Convolution:
    """The layer over neighbouring tokens after the first block: kernel, odd, how many tokens it sees; activation ``"tanh"`` or ``"gelu"``."""

    kernel: int = 3
    activation: str = "tanh"

    def __post_init__(self) -> None:
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise InputError(
                f"the kernel of a convolution must be an odd number of tokens, not {self.kernel}"
            )
        if self.activation not in ACTIVATIONS:
            raise InputError(
                f"the activation of a convolution must be {' or '.join(ACTIVATIONS)}, not {self.activation!r}"
            )


@dataclass(frozen=True)
class DebertaConfig:
    """The shape of a model. width must be divisible by heads; dropout acts only where a generator is given.

    context: the most tokens of a text. inner: how wide the MLP is, None for 4 · width. types: how many texts a row may hold, 0 without token types. relative: which terms
    the scores have beside content to content, of ``"c2p"`` and ``"p2c"``. distance: the largest distance that is told from others. buckets: None, or how many kinds of
    distance there are each way: exact up to half of them, then ever wider. share_keys, key_bias, normalised (the table of distances), convolution: see above. absolute: whether
    positions are added to the input. decoder: None, or with how many steps the enhanced mask decoder predicts masked tokens (the authors: 2). tied: whether
    the matrix of the masked-language-model head is the token embedding.
    """

    vocabulary: int
    context: int
    width: int
    layers: int
    heads: int
    inner: int | None = None
    types: int = 0
    epsilon: float = 1e-7
    dropout: float = 0.1
    relative: tuple[str, ...] = TERMS
    distance: int = 512
    buckets: int | None = None
    share_keys: bool = False
    key_bias: bool = True
    normalised: bool = False
    convolution: Convolution | None = None
    absolute: bool = False
    decoder: int | None = None
    tied: bool = True

    def __post_init__(self) -> None:
        check_shape(self)
        if self.relative not in ((), ("c2p",), ("p2c",), TERMS):
            raise InputError(f"relative must be ('c2p', 'p2c'), one of the two, or (), not {self.relative!r}")
        if self.types < 0:
            raise InputError(f"types must be at least 0, not {self.types}")
        check_buckets(self.distance, self.buckets)
        if self.decoder is not None and self.absolute:
            raise InputError(
                "a decoder adds the positions that the input of an absolute model has already; leave one of the two out"
            )
        if self.decoder is not None and (self.decoder < 1 or self.layers < 2):
            raise InputError(
                f"the decoder needs at least 1 step and 2 layers, not {self.decoder} and {self.layers}"
            )

    @property
    def mlp_width(self) -> int:
        """How wide the MLP is inside."""
        return 4 * self.width if self.inner is None else self.inner

    @property
    def span(self) -> int:
        """How many rows of the table of distances lie on either side of its middle."""
        return self.distance if self.buckets is None else self.buckets

    @property
    def parameters(self) -> int:
        """The embeddings and their norm, the table of distances, the convolution, L blocks; without the head and its decoder."""
        d, m = self.width, self.mlp_width
        outer = (self.vocabulary + self.types + self.absolute * self.context + 2) * d
        outer += bool(self.relative) * (2 * self.span + 2 * self.normalised) * d
        if self.convolution is not None:
            outer += self.convolution.kernel * d * d + 3 * d
        own = not self.share_keys
        positions = own * (("c2p" in self.relative) + ("p2c" in self.relative)) * d * d
        block = 4 * d * d + positions + 2 * d * m + 2 * d
        return outer + self.layers * block + self.biases - self.outer_biases

    @property
    def outer_biases(self) -> int:
        """Outside of the blocks: of the norms and the convolution."""
        table = bool(self.relative) and self.normalised
        return (1 + table + 2 * (self.convolution is not None)) * self.width

    @property
    def biases(self) -> int:
        """Of query, key (where it has one), value and output, positions, up and down and two norms in each block, and outside of them."""
        own = not self.share_keys
        positions = own * (("c2p" in self.relative) * self.key_bias + ("p2c" in self.relative))
        block = (3 + self.key_bias + positions + 3) * self.width + self.mlp_width
        return self.layers * block + self.outer_biases

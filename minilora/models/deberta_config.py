"""The shape of a DeBERTa: versions 1 to 3 are values of one configuration.

Comes before ``deberta.py``, which says what the fields mean for the model.
"""

from dataclasses import dataclass

from ..errors import InputError
from .disentangled import TERMS, check_buckets
from .shape import LayerShape, check_shape, usual_layers

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
        d = self.width
        outer = (self.vocabulary + self.types + self.absolute * self.context + 2) * d
        outer += bool(self.relative) * (2 * self.span + 2 * self.normalised) * d
        if self.convolution is not None:
            outer += self.convolution.kernel * d * d + 3 * d
        return outer + self.layers * self.block_parameters

    @property
    def block_parameters(self) -> int:
        """The matrices of its linear layers, the gains of two norms, and its biases."""
        matrices = sum(layer.out * layer.into for layer in self.block_layers.values())
        return matrices + 2 * self.width + self._block_biases

    @property
    def block_layers(self) -> dict[str, LayerShape]:
        """As everywhere, but that v1's keys have no bias; and v1's own projections of the table of distances, one for each term that reads it."""
        d = self.width
        layers = usual_layers(d, self.mlp_width) | {"attention.key": LayerShape(d, d, self.key_bias)}
        if not self.share_keys and "c2p" in self.relative:
            layers["attention.position_key"] = LayerShape(d, d, self.key_bias)
        if not self.share_keys and "p2c" in self.relative:
            layers["attention.position_query"] = LayerShape(d, d)
        return layers

    @property
    def _block_biases(self) -> int:
        """Those of its linear layers and of two norms."""
        return sum(layer.out for layer in self.block_layers.values() if layer.bias) + 2 * self.width

    @property
    def outer_biases(self) -> int:
        """Outside of the blocks: of the norms and the convolution."""
        table = bool(self.relative) and self.normalised
        return (1 + table + 2 * (self.convolution is not None)) * self.width

    @property
    def biases(self) -> int:
        """Of the linear layers and two norms in each block, and outside of them."""
        return self.layers * self._block_biases + self.outer_biases

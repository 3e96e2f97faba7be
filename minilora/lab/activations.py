"""How many numbers a training step must keep of its forward pass, by method: a closed form, for models that nobody could run here.

Comes before ``plan.py``. It says what this package's tape keeps, op by op, and a test holds it against the memory that the tape of a small model really takes.
"""

from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Protocol

from ..methods import Adapter, BitFit, Composition, FullFineTuning, LoRA, Method, TopLayers
from ..methods.adapter import KINDS
from ..methods.base import Size
from ..methods.bottleneck import NormedBottleneck
from ..methods.layers import linear_shapes

BLOCK = 64
"""Queries that causal attention takes together, see ``ops.attention``."""


class Transformer(Size, Protocol):
    """A size that also says its heads."""

    @property
    def heads(self) -> int: ...


@dataclass(frozen=True)
class Kept:
    """What a method adds to what a block keeps. blocks: how many, from the top, the gradient passes through; numbers: what is kept a token for what is trained, in all blocks
    together; weights: how many parameters stand beside the model's own; above_attention: whether in the lowest of these blocks the gradient ends before it has come to the attention."""

    blocks: int
    numbers: int
    weights: int
    above_attention: bool = False


@singledispatch
def kept(method: Method, size: Size) -> Kept:
    """Nothing beside what the gradient's passage needs: so for what stands at the inputs."""
    return Kept(size.layers, 0, method.trainable(size))


@kept.register
def _full(method: FullFineTuning, size: Size) -> Kept:
    """The input of every linear layer, since ∂W = gᵀx."""
    return Kept(size.layers, size.layers * _inputs(size), 0)


@kept.register
def _top_layers(method: TopLayers, size: Size) -> Kept:
    """The same in the top blocks; below them nothing is kept at all."""
    return Kept(method.layers, method.layers * _inputs(size), 0)


@kept.register
def _bitfit(method: BitFit, size: Size) -> Kept:
    """Nothing: ∂b = Σ g."""
    return Kept(size.layers, 0, 0)


@kept.register
def _lora(method: LoRA, size: Size) -> Kept:
    """The input of every adapted layer, since ∂A = γᵀx, once where several share it; and x Aᵀ, r numbers, since ∂B = s gᵀ(x Aᵀ)."""
    shapes = linear_shapes(size)
    chosen = method.layers(shapes)
    inputs = {_input_of(path): shapes[path][1] for path in chosen}
    numbers = sum(inputs.values()) + sum(method.rank_at(path) for path in chosen)
    return Kept(size.layers, numbers, replace(method, bias="none").trainable(size))


@kept.register
def _adapter(method: Adapter, size: Size) -> Kept:
    """Each bottleneck's input, d, and the output of its own norm before the gain where it has one; and three arrays of its width around the nonlinearity. What lies below the lowest adapter keeps nothing, and that is its own block where it stands at the end."""
    kind = KINDS[method.kind]
    blocks = range(size.layers) if method.layers is None else method.layers
    wide = 2 if issubclass(kind.bottleneck, NormedBottleneck) else 1
    each = len(kind.outputs) * (wide * size.width + 3 * method.width)
    passed = size.layers - min(blocks) - (0 if kind.after else 1)
    return Kept(passed, len(blocks) * each, method.trainable(size), above_attention=bool(kind.after))


@kept.register
def _composition(method: Composition, size: Size) -> Kept:
    """Theirs together."""
    parts = [kept(part, size) for part in method.methods]
    blocks = max(p.blocks for p in parts)
    above = all(p.above_attention for p in parts if p.blocks == blocks)
    return Kept(blocks, sum(p.numbers for p in parts), sum(p.weights for p in parts), above)


def _inputs(size: Size) -> int:
    """What the linear layers of a block read: query, key and value one array of d numbers, output d, up d, down the MLP's width."""
    return 3 * size.width + size.mlp_width


def passage(size: Transformer, tokens: int) -> int:
    """What one block keeps a token whatever is trained, so that the gradient can pass: beside its attention's part the output of a norm before the gain, d, and the slope of
    the MLP's nonlinearity, of its width."""
    return attention_passage(size, tokens) + size.width + size.mlp_width


def attention_passage(size: Transformer, tokens: int) -> int:
    """Of it the attention's part: query, key and value, 3d; the output of its norm before the gain, d; and the attention weights, of which a causal model
    keeps little more than half (it takes ``BLOCK`` queries at a time, each with the keys up to its end)."""
    keys = min(tokens, (tokens + BLOCK) // 2)
    return 4 * size.width + size.heads * keys


def activations(method: Method, size: Transformer, rows: int, tokens: int, *, recompute: bool) -> int:
    """Numbers kept for ``rows`` texts of ``tokens`` tokens.

    recompute: keep each block's input only, and run a block again when its gradient is due (gradient checkpointing): d a token and block, and one block in full.
    """
    here = kept(method, size)
    a_block = passage(size, tokens) + -(-here.numbers // max(here.blocks, 1))
    spared = attention_passage(size, tokens) if here.above_attention else 0
    a_token = (
        here.blocks * size.width + a_block
        if recompute
        else here.blocks * passage(size, tokens) - spared + here.numbers
    )
    return rows * tokens * a_token


def _input_of(path: str) -> str:
    """A name for what a layer reads: query, key and value read the same."""
    parent, _, name = path.rpartition(".")
    return f"{parent}.in" if name in ("query", "key", "value") else path

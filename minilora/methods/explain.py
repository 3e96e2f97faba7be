"""A method in plain sentences: what it changes, by what scale, how much it trains, and why it is made so.

Comes after the methods; one function each. ``minilora inspect`` and people in a notebook ask.
"""

from collections.abc import Sequence
from functools import singledispatch

from .adapter import KINDS, Adapter
from .base import Method, Size
from .full import FullFineTuning
from .lora import LoRA
from .partial import BitFit, HeadOnly, TopLayers
from .prefix import PrefixEmbedding, PrefixLayer
from .together import Composition, as_method


def explain(method: Method | Sequence[Method], size: Size | None = None) -> str:
    """What ``method`` does, a sentence a line. size: a model's configuration; with it the lines say how many numbers are trained and which layers are meant.

    Raises InputError where ``method`` is no method, or cannot be installed in a model of this size.
    """
    method = as_method(method)
    lines = sentences(method)
    if size is not None:
        trained, share = method.trainable(size), method.trainable(size) / size.parameters
        lines.append(
            f"It trains {trained:,} of {size.parameters:,} numbers ({share:.2%}), besides a task's head."
        )
    return "\n".join(lines)


@singledispatch
def sentences(method: Method) -> list[str]:
    """The sentences for one method."""
    return [f"{method}."]


@sentences.register
def _(method: FullFineTuning) -> list[str]:
    return [
        "Every weight of the model is trained; the base's are kept aside, so the model is held twice.",
        "It is what the other methods are compared with: nothing can be learned by them that it could not learn.",
        "A saved adapter is as large as the model, and nothing needs merging.",
    ]


@sentences.register
def _(method: TopLayers) -> list[str]:
    return [
        f"The last {method.layers} blocks are trained whole, what lies below stays as it is.",
        "The backward pass ends where they begin, so a step is cheap; what lower blocks compute cannot change.",
    ]


@sentences.register
def _(method: BitFit) -> list[str]:
    return [
        "Every bias is trained, of linear layers and norms, and no matrix.",
        "It is the smallest change spread over all layers; a bias can shift what a layer puts out and not what it looks at.",
    ]


@sentences.register
def _(method: HeadOnly) -> list[str]:
    return [
        "Only the task's head is trained; the model below computes what it always did.",
        "It shows how much of a task the base solves already.",
    ]


@sentences.register
def _(method: LoRA) -> list[str]:
    formula = "α/r" if method.scaling == "lora" else "α/√r"
    lines = [
        f"Beside each layer that {_names(method.targets)} {'name' if len(method.targets) > 1 else 'names'}, a product BA of rank {method.rank} is trained: h = Wx + b + s·B(Ax).",
        f"The scale s is {formula} = {method.scale:g}, from α = {method.alpha:g} and r = {method.rank}"
        + (
            "; it keeps the size of the first step when r changes."
            if method.scaling == "rslora"
            else "; the larger r is, the smaller is the share of each of its directions, so that α need not be tuned anew for every r."
        ),
        "W is frozen, so no gradient and no optimizer state is kept for it; B starts at zero, so training begins at exactly the base.",
    ]
    for argument, pairs in (("rank", method.ranks), ("α", method.alphas)):
        lines += [
            f"Layers that {pattern!r} names have {argument} {value:g} instead." for pattern, value in pairs
        ]
    if method.dropout:
        lines.append(f"In training, {method.dropout:.0%} of what A reads is set to zero; W reads all.")
    lines += {
        "none": [],
        "own": ["The biases of these layers are trained too."],
        "all": ["All biases of the model are trained too."],
    }[method.bias]
    lines.append("Merged, W + sBA takes the place of W, and inference costs what the base's does.")
    return lines


@sentences.register
def _(method: Adapter) -> list[str]:
    place = {
        "houlsby": "after the attention's output and after the MLP of each block, before their sums",
        "lin": "at the end of each block, with a norm of its own before it",
        "pfeiffer": "at the end of each block, around its norm",
    }[method.kind]
    blocks = (
        "" if method.layers is None else f" It stands in the blocks {_names(map(str, method.layers))} only."
    )
    activation = KINDS[method.kind].bottleneck.activation.__name__
    return [
        f"A network of two matrices, {method.width} numbers narrow in the middle, is trained {place}: h + W_up·{activation}(W_down h).{blocks}",
        "W_up starts at zero, so training begins at exactly the base.",
        "It stands in series with the layers, and its nonlinearity keeps it from being merged: inference takes longer, most so for small batches.",
    ]


@sentences.register
def _(method: PrefixEmbedding) -> list[str]:
    return [
        f"{_tokens(method.prefix, method.infix)} get trained word embeddings; no weight of the model changes.",
        f"They take {method.count} positions of the context, and every layer computes them with the text. It cannot be merged.",
        "They start as random tokens of the vocabulary, so training does not begin at the base's output but near it.",
    ]


@sentences.register
def _(method: PrefixLayer) -> list[str]:
    return [
        f"{_tokens(method.prefix, method.infix)} get a trained activation at the entrance of every block, whatever the block before puts out there.",
        f"They take {method.count} positions of the context. It cannot be merged.",
        "They start with what random tokens of the vocabulary have there.",
    ]


@sentences.register
def _(method: Composition) -> list[str]:
    lines = [f"{len(method.methods)} methods are trained together:"]
    return lines + [f"  {line}" for part in method.methods for line in (f"{part}", *sentences(part))]


def _tokens(prefix: int, infix: int) -> str:
    parts = [f"{prefix} tokens before each text"] * (prefix > 0) + [f"{infix} after its prompt"] * (infix > 0)
    return " and ".join(parts) if prefix else f"{infix} tokens after each prompt"


def _names(names: Sequence[str] | map) -> str:  # type: ignore[type-arg]
    *first, last = list(names)
    return f"{', '.join(first)} and {last}" if first else last

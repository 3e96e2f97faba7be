"""The limit: the matrix products that a LoRA step cannot do without, alone, into arrays that are there already.

Comes after ``shapes.py``. No program that computes the same step with the same products can be faster; how much slower it is, is what everything between the products costs: normalisation,
activations, softmax, residual sums, the optimizer, and the making of arrays.
"""

from collections.abc import Callable

import numpy as np

from ...backend import Array, namespace, to_device, tune_malloc
from ...backend.devices import use_device
from ...models.gpt import GPTConfig
from ...ops.cross_entropy import vocabulary_parts
from ...train.forks import Forks, can_fork
from ...train.parallel import Workers
from .shapes import Shape

Draw = Callable[..., Array]
"""Gives a random array in float32 of the shape it is called with."""
Product = tuple[Array, Array, Array]
"""A @ B, and where it goes."""

RANK = 4


def calls(shape: dict[str, object], threads: int, device: str = "cpu") -> dict[str, Callable[[], float]]:
    """One call: every product of a step once. The batch is cut into one shard a core, each computed with a single-threaded BLAS in a process of its own, as training does: faster than threads
    inside each product.

    On a card there is one shard, and a number of the last product is fetched, which waits for all of them. Raises InputError where the device cannot be used.
    """
    tune_malloc()
    use_device(device)
    measured = Shape.from_dict(shape)
    shards = min(threads, measured.rows) if device == "cpu" else 1
    array = drawn(device)
    weights = Weights(measured.config, array)
    rows = [measured.rows // shards + (number < measured.rows % shards) for number in range(shards)]
    products = [step_products(measured.config, weights, count, measured.tokens, array) for count in rows]
    workers = Workers(shards)

    def run(of_shard: list[Product]) -> None:
        for a, b, out in of_shard:
            namespace(a).matmul(a, b, out=out)

    def beside(number: int, _: None) -> None:
        with workers.single_threaded_blas():
            run(products[number])

    others = shards - 1 if can_fork() else 0
    forks = Forks(others, beside)

    def limit() -> float:
        answers = forks.ask([None] * others)
        with workers.single_threaded_blas():
            for _ in workers.map(run, products[others:]):
                pass
        for _ in answers:
            pass
        last = products[-1][-1][2]
        return float(last[(0,) * last.ndim])

    return {"limit": limit}


def drawn(device: str = "cpu") -> Draw:
    """What draws arrays on ``device``, the same ones in the same order every time."""
    rng = np.random.default_rng(0)
    return lambda *shape: to_device(rng.standard_normal(shape, dtype=np.float32), device)


class Weights:
    """Random weights of every layer, each its own, so that they come from memory as a model's do."""

    def __init__(self, config: GPTConfig, array: Draw) -> None:
        d = config.width

        def matrices(out: int, into: int, count: int) -> list[Array]:
            return [array(out, into) for _ in range(count)]

        self.square = [matrices(d, d, 4) for _ in range(config.layers)]  # query, key, value, output
        self.up = matrices(4 * d, d, config.layers)
        self.down = matrices(d, 4 * d, config.layers)
        self.A = [matrices(RANK, d, 2) for _ in range(config.layers)]  # of query and value
        self.B = [matrices(d, RANK, 2) for _ in range(config.layers)]
        self.head = array(config.vocabulary, d)


def step_products(config: GPTConfig, weights: Weights, rows: int, tokens: int, array: Draw) -> list[Product]:
    """The products of a LoRA step (query and value) on ``rows`` × ``tokens``, forward and backward.

    Frozen weights have no gradient, and below the first layer's query, key and value nothing is trainable, so those three inputs get none either.
    Attention is causal: of its square only blocks of 64 queries by the keys up to their end are computed. The head is computed for a part of the vocabulary at a time, as the model's is: for a part of
    the tokens it would take a fifth longer.
    """
    n, d, heads = rows * tokens, config.width, config.heads
    x, wide, low = array(n, d), array(n, 4 * d), array(n, RANK)
    y, into_wide, into_low = array(n, d), array(n, 4 * d), array(n, RANK)
    low_by_d, d_by_low = array(RANK, d), array(d, RANK)
    q, k, v, into = (array(rows, tokens, heads, d // heads).transpose(0, 2, 1, 3) for _ in range(4))
    blocks = [(start, min(start + 64, tokens)) for start in range(0, tokens, 64)]
    scores = [array(rows, heads, end - start, end) for start, end in blocks]
    given = [
        array(*S.shape) for S in scores
    ]  # what is written is never read: numbers that grow without end would be slow

    forward: list[Product] = []
    backward: list[Product] = []
    for layer in range(config.layers):
        forward += [(x, W.T, y) for W in weights.square[layer]]
        forward += [(x, A.T, into_low) for A in weights.A[layer]] + [(low, B.T, y) for B in weights.B[layer]]
        forward += [(x, weights.up[layer].T, into_wide), (wide, weights.down[layer].T, y)]
        backward += [(x, weights.down[layer], into_wide), (wide, weights.up[layer], y)]
        backward += [(x, W, y) for W in (weights.square[layer] if layer else weights.square[layer][3:])]
        backward += [(x, B, into_low) for B in weights.B[layer]]  # γ = g B
        backward += [(low.T, x, low_by_d), (x.T, low, d_by_low)] * 2  # ∂A, ∂B
        backward += [(low, A, y) for A in weights.A[layer]] if layer else []
        for (start, end), P, S in zip(blocks, given, scores, strict=True):
            part, known = slice(start, end), slice(0, end)
            across = P.swapaxes(-1, -2)
            forward += [(q[:, :, part], k[:, :, known].swapaxes(-1, -2), S)]
            forward += [(P, v[:, :, known], into[:, :, part])]
            backward += [(q[:, :, part], v[:, :, known].swapaxes(-1, -2), S)]  # ∂weights
            backward += [(across, q[:, :, part], into[:, :, known])]  # ∂v
            backward += [(P, k[:, :, known], into[:, :, part])]  # ∂q
            backward += [(across, q[:, :, part], into[:, :, known])] if layer else []  # ∂k
    parts = vocabulary_parts(n, config.vocabulary)
    logits, probabilities = (array(n, parts[0].stop) for _ in range(2))
    head: list[Product] = []
    for part in parts:
        rows_of_head = weights.head[part]
        z, p = logits[:, : len(rows_of_head)], probabilities[:, : len(rows_of_head)]
        head += [(x, rows_of_head.T, z), (p, rows_of_head, y)]
    return forward + head + backward

"""What is measured of an adapted model at one point of training: where its weights and its answers have gone, and what the gradient would still have of them.

Comes after ``settings.py``; ``points.py`` says when. Every measure is a function of plain arrays, but for the two that ask the model.
"""

from collections.abc import Mapping

import numpy as np

from ...autograd import gradients
from ...backend import to_host
from ...data.batches import IGNORED, Batch
from ...errors import InputError
from ...methods import Tuned
from ...methods.layers import base_parameters
from ...models.base import Model

Arrays = Mapping[str, np.ndarray]
"""One matrix a linear layer, by the layer's path."""


def merged_updates(tuned: Tuned, base: Arrays) -> dict[str, np.ndarray] | None:
    """ΔW of every linear layer of ``base`` (its weights by path), or None where no weight could hold what the method does."""
    try:
        tuned.merge()
    except InputError:
        return None
    own = base_parameters(tuned.model)
    found = {path: to_host(own[f"{path}.weight"].data) - W for path, W in base.items()}
    tuned.unmerge()
    return found


def full_gradients(tuned: Tuned, paths: list[str], batch: Batch) -> dict[str, np.ndarray]:
    """G = ∂L/∂W of the layers at ``paths``, W being what the model computes with: full fine-tuning's gradient at this point, whatever the method trains."""
    own = base_parameters(tuned.model)
    weights = [own[f"{path}.weight"] for path in paths]
    frozen = [weight for weight in weights if not weight.trainable]
    for weight in frozen:
        weight.trainable = True
    found = gradients(tuned.loss(batch), weights)
    for weight in frozen:
        weight.trainable = False
    return {
        path: np.zeros(weight.shape) if g is None else to_host(g)
        for path, weight, g in zip(paths, weights, found, strict=True)
    }


def log_probabilities(model: Model, batch: Batch) -> np.ndarray:
    """log p of every token (or class) where the batch has a target: [targets, vocabulary], float64. A regression has one output, and log p = 0 whatever the score."""
    z = to_host(model.logits(batch.ids, batch.mask, batch.types))
    counted: np.ndarray = z[batch.targets != IGNORED].astype(np.float64)  # [targets, vocabulary]
    counted -= counted.max(axis=-1, keepdims=True)
    counted -= np.log(np.exp(counted).sum(axis=-1, keepdims=True))
    return counted


def factors(tuned: Tuned) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """(A, B) of every layer that has a low-rank update, by path; float64."""
    arrays = tuned.arrays(str(tuned.active))
    paths = [name.removesuffix(".A") for name in arrays if name.endswith(".A")]
    return {
        path: (
            to_host(arrays[f"{path}.A"]).astype(np.float64),
            to_host(arrays[f"{path}.B"]).astype(np.float64),
        )
        for path in paths
    }


def divergence(base: np.ndarray, now: np.ndarray) -> float | None:
    """KL(base ‖ now) in nats, mean over the rows of two [targets, vocabulary] arrays of log-probabilities; None for a regression, whose one output is no distribution."""
    if base.shape[-1] == 1:
        return None
    return float((np.exp(base) * (base - now)).sum(axis=-1).mean())


def cosine(first: Arrays, second: Arrays) -> float | None:
    """⟨x, y⟩ / (‖x‖‖y‖) over the layers of ``first``, all taken together; None where one of them is zero."""
    product = sum(float(np.vdot(x, second[path])) for path, x in first.items())
    lengths = [norm({path: arrays[path] for path in first}) for arrays in (first, second)]
    return None if 0 in lengths else product / (lengths[0] * lengths[1])


def norm(arrays: Arrays) -> float:
    """Frobenius norm of all layers together."""
    return float(np.sqrt(sum(float(np.vdot(x, x)) for x in arrays.values())))


def singular_values(X: np.ndarray) -> np.ndarray:
    """The singular values of X, largest first, as roots of the eigenvalues of the smaller of XXᵀ and XᵀX in float64: ten times as fast as a decomposition of X, and exact to some 1e-8 of the largest."""
    X = X.astype(np.float64)
    gram = X @ X.T if len(X) <= X.shape[1] else X.T @ X
    return np.sqrt(np.maximum(np.linalg.eigvalsh(gram)[::-1], 0))


def effective_rank(values: np.ndarray) -> float:
    """exp(−Σ p ln p), p = σ/Σσ: as many directions as would have this entropy if all were alike (Roy & Vetterli 2007). 0 for a matrix of zeros."""
    total = values.sum()
    if total == 0:
        return 0.0
    p = values[values > 1e-6 * values[0]] / total
    return float(np.exp(-(p * np.log(p)).sum()))


def share_in_span(G: Arrays, update: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> float:
    """How much of ‖G‖² a change of A and B can follow: the projection on the tangent space at BA, P_B G + G P_A − P_B G P_A, over all adapted layers.

    P_A projects on the rows of A, P_B on the columns of B (nothing while B = 0).
    """
    inside = whole = 0.0
    for path, (A, B) in update.items():
        g = G[path].astype(np.float64)
        rows, columns = basis(A.T), basis(B)  # [in, r], [out, r]
        g_rows, g_columns = g @ rows, columns.T @ g
        both = columns.T @ g_rows
        inside += float(np.vdot(g_rows, g_rows) + np.vdot(g_columns, g_columns) - np.vdot(both, both))
        whole += float(np.vdot(g, g))
    return inside / whole if whole else 0.0


def share_by_chance(G: Arrays, update: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> float:
    """What ``share_in_span`` would be for random A and B of these ranks: 1 − (1 − r/in)(1 − r/out), weighted as the gradient is."""
    inside = whole = 0.0
    for path, (A, B) in update.items():
        weight = float(np.vdot(G[path], G[path]))
        free = basis(B).shape[1]
        inside += weight * (1 - (1 - len(A) / A.shape[1]) * (1 - free / len(B)))
        whole += weight
    return inside / whole if whole else 0.0


def along_gradient(G: Arrays, update: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> float | None:
    """The cosine between G and the direction in which gradient descent on A and B moves BA: G AᵀA + BBᵀG."""
    direction = {path: G[path] @ A.T @ A + B @ (B.T @ G[path]) for path, (A, B) in update.items()}
    return cosine(direction, G)


def highest_cosine(spectra: Mapping[str, np.ndarray], ranks: Mapping[str, int]) -> float | None:
    """The highest cosine that any update of these ranks can have with matrices of these singular values: √(Σ_{i≤r} σᵢ² / Σ σᵢ²) (Eckart & Young 1936)."""
    best = sum(float((spectra[path][:rank] ** 2).sum()) for path, rank in ranks.items())
    whole = sum(float((spectra[path] ** 2).sum()) for path in ranks)
    return float(np.sqrt(best / whole)) if whole else None


def basis(X: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span the columns of X; none for zeros."""
    U, s, _ = np.linalg.svd(X, full_matrices=False)
    return U[:, s > 1e-10 * max(float(s[0]), 1e-300)] if len(s) else U

"""One point of training, measured, and kept on the disk: so a comparison that is stopped goes on without measuring twice, and every method finds full fine-tuning's own point.

Comes after ``measures.py``; ``run.py`` has ``Watcher.look`` called at every step.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...data.batches import Batch
from ...files import write_atomically
from ...methods import Tuned
from ...tensors import load_tensors, save_tensors
from ...train import evaluate_loss
from . import measures
from .measures import Arrays

KEPT = 64
"""Singular values of a spectrum that are written down."""


@dataclass(frozen=True)
class Probe:
    """What every method is measured on. weights: the base's, of every linear layer by path; gradient: the training batch of G; held_out: validation batches;
    answers: the base's log-probabilities on the first of these."""

    weights: Arrays
    gradient: Batch
    held_out: tuple[Batch, ...]
    answers: np.ndarray


class Watcher:
    """Looks at a method at the chosen steps, and writes what it finds."""

    def __init__(
        self, probe: Probe, steps: list[int], folder: Path, reference: Path, *, is_reference: bool
    ) -> None:
        """folder: of this method's points. reference: of full fine-tuning's updates and answers, which ``is_reference`` writes and the others read."""
        self.probe, self.steps, self.folder = probe, steps, folder
        self.reference, self.is_reference = reference, is_reference

    def look(self, step: int, tuned: Tuned) -> bool:
        """Measure, if ``step`` is one of the chosen, and say whether it was."""
        if step not in self.steps:
            return False
        point = self.measure(step, tuned)
        write_atomically(self._file(step), json.dumps(point, indent=1) + "\n")
        return True

    def points(self) -> list[dict[str, Any]]:
        """All points, in order."""
        return [json.loads(self._file(step).read_text(encoding="utf-8")) for step in self.steps]

    def measure(self, step: int, tuned: Tuned) -> dict[str, Any]:
        """Everything, for a JSON file. None stands where a measure has no meaning for the method."""
        probe = self.probe
        answers = measures.log_probabilities(tuned.model, probe.held_out[0])
        updates = measures.merged_updates(tuned, probe.weights)
        if self.is_reference:
            assert updates is not None  # full fine-tuning is merged by nature
            save_tensors(self._reference(step), {**updates, "answers": answers}, {})
            full, full_answers = updates, answers
        else:
            arrays, _ = load_tensors(self._reference(step))
            full_answers = arrays.pop("answers")
            full = dict(arrays)
        G = measures.full_gradients(tuned, list(probe.weights), probe.gradient)
        return {
            "step": step,
            "loss": evaluate_loss(tuned.model, probe.held_out).nll,
            "weights": None if updates is None else self._weights(updates, full, tuned),
            "answers": {
                "divergence": measures.divergence(probe.answers, answers),
                "cosine": measures.cosine({"": answers - probe.answers}, {"": full_answers - probe.answers}),
            },
            "gradient": self._gradient(G, tuned),
        }

    def _weights(self, updates: Arrays, full: Arrays, tuned: Tuned) -> dict[str, Any]:
        """Where the weights have gone."""
        moved = {path: update for path, update in updates.items() if update.any()}
        spectra = {path: measures.singular_values(update) for path, update in moved.items()}
        ranks = {path: len(A) for path, (A, _) in measures.factors(tuned).items()}
        of_full = {path: measures.singular_values(full[path]) for path in ranks}
        return {
            "distance": measures.norm(updates) / measures.norm(self.probe.weights),
            "cosine": measures.cosine(moved, full) if moved else None,
            "highest_cosine": measures.highest_cosine(of_full, ranks),
            "effective_rank": _mean([measures.effective_rank(s) for s in spectra.values()]),
            "spectra": by_kind(spectra),
        }

    def _gradient(self, G: Arrays, tuned: Tuned) -> dict[str, Any]:
        """What is left to learn, and how much of it the method can follow."""
        spectra = {path: measures.singular_values(g) for path, g in G.items()}
        update = measures.factors(tuned)
        return {
            "norm": measures.norm(G),
            "effective_rank": _mean([measures.effective_rank(s) for s in spectra.values()]),
            "spectra": by_kind(spectra),
            "share_in_span": measures.share_in_span(G, update) if update else None,
            "share_by_chance": measures.share_by_chance(G, update) if update else None,
            "cosine_of_step": measures.along_gradient(G, update) if update else None,
        }

    def _file(self, step: int) -> Path:
        return self.folder / f"{step:06}.json"

    def _reference(self, step: int) -> Path:
        return self.reference / f"{step:06}.safetensors"


def by_kind(spectra: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    """Singular values by the layer's kind (``query``, ``mlp.up``): each spectrum over its first, the mean over layers; the first ``KEPT``."""
    kinds: dict[str, list[np.ndarray]] = {}
    for path, values in spectra.items():
        if values[0] > 0:
            kinds.setdefault(path.split(".", 2)[-1].removeprefix("attention."), []).append(values / values[0])
    return {kind: [float(f"{v:.5g}") for v in np.mean(found, axis=0)[:KEPT]] for kind, found in kinds.items()}


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None

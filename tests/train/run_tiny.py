"""A training run in a process of its own, for the test that kills it: ``python -m tests.train.run_tiny FOLDER``."""

import sys

from minilora.train import Training, fit

from .tiny import tiny_batch, tiny_gpt

SETTINGS = Training(
    steps=60, learning_rate=3e-3, warmup=5, schedule="cosine", accumulation=2, label_smoothing=0.1,
    evaluate_every=7, patience=50, save_every=4,
)  # fmt: skip


def run(folder: str | None) -> list[float]:
    """Train with everything on that has a state: dropout, moments, schedule, accumulation, early stop."""
    model = tiny_gpt()
    history = fit(
        model,
        tiny_batch,
        SETTINGS,
        out=folder,
        resume=folder is not None,
        validate=lambda: model.loss(tiny_batch(10**6)).item(),
    )
    return history.losses


if __name__ == "__main__":
    run(sys.argv[1])

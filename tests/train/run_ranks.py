"""What each rank does in the tests of ``test_ranks.py``: ``mpiexec -n 2 python -m tests.train.run_ranks WHAT …``; without mpiexec, one process does the same alone."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from minilora.methods import adapt
from minilora.train import Training, fit
from minilora.train.parallel import Workers, split
from minilora.train.ranks import Ranks, world

from ..methods.every import METHODS
from ..methods.small import batch as small_batch
from ..methods.small import gpt
from .tiny import tiny_batch, tiny_gpt

SETTINGS = Training(
    steps=12, learning_rate=3e-3, warmup=3, accumulation=2, clip=0.5, label_smoothing=0.1, workers=4,
    evaluate_every=5, patience=50, save_every=4,
)  # fmt: skip


def methods(ranks: Ranks, dtype: str) -> dict[str, object]:
    """Losses of six steps of every method, and the bytes that a step has sent."""
    found = {}
    for name, method in METHODS.items():
        tuned = adapt(gpt(dtype=np.dtype(dtype).type), method, rng=1)
        batches = [small_batch(tuned.model, step) for step in range(12)]
        before = ranks.sent
        settings = Training(steps=6, learning_rate=1e-2, workers=4, clip=1.0, accumulation=2)
        history = fit(tuned.model, batches.__getitem__, settings, ranks=ranks)
        sizes = [parameter.size for _, parameter in tuned.model.trainable_parameters()]
        found[name] = {
            "losses": history.losses,
            "sent": (ranks.sent - before) / settings.steps,
            "trained": sum(sizes),
        }
    return found


def run(ranks: Ranks, folder: str, trouble: str = "none") -> dict[str, object]:
    """A run with all that has a state: dropout, moments, schedule, accumulation, validation, checkpoints. ``trouble`` comes after step 7, on the last rank."""
    model = tiny_gpt(np.float64)

    def watch(step: int) -> None:
        if step == 7 and ranks.rank == ranks.count - 1 and trouble != "none":
            Path(folder, "trouble").touch()
            if trouble == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if trouble == "raise":
                raise ValueError("this rank has had enough")
            if trouble == "drift":
                model.tokens.weight.data[0, 0] += 1e-9

    own = ranks.rank if trouble == "other data" else 0
    history = fit(
        model,
        tiny_batch,
        SETTINGS,
        out=folder,
        resume=True,
        validate=lambda: model.loss(tiny_batch(10**6)).item(),
        watch=watch,
        identity={"data": own},
        ranks=ranks,
    )
    return {"losses": history.losses, "validations": history.validations, "best": history.best_step}


def shares(ranks: Ranks) -> dict[str, object]:
    """Which rows of a batch fell to which rank: every rank adds its number, plus one, and how often the row came."""
    batch = tiny_batch(0, rows=11)
    numbers = {row.tobytes(): number for number, row in enumerate(batch.ids)}
    seen = np.zeros((2, 11))
    with Workers(5, ranks) as workers:
        for shard in workers.share(split(batch, workers.count)):
            for row in shard.ids:
                number = numbers[np.pad(row, (0, batch.ids.shape[1] - len(row))).tobytes()]
                seen[:, number] += 1, ranks.rank + 1
    ranks.sum(seen)
    return {"times": seen[0].tolist(), "ranks": seen[1].tolist()}


def main(what: str, *arguments: str) -> None:
    """Do it, and let the first rank print what came of it."""
    ranks = world()
    if what == "methods":
        found = methods(ranks, *arguments)
    elif what == "shares":
        found = shares(ranks)
    else:
        found = run(ranks, *arguments)
    if ranks.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    assert Path("tests").is_dir(), "run from the checkout's root"
    main(*sys.argv[1:])

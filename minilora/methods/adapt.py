"""Where a user meets the methods: ``adapt`` a model, and get a ``Tuned`` that adds, switches, merges, saves and removes adapters.

    tuned = adapt(model, LoRA(rank=4, targets=("query", "value")), name="sql", rng=rng)
    tuned.add("german", LoRA(rank=4)); tuned.use("german")
    with tuned.disabled(): ...
    tuned.merge(); tuned.unmerge(); tuned.remove("sql"); tuned.save(folder)

Comes after ``tuned.py``; ``train`` comes next, and trains whatever in ``tuned.model`` is trainable.
"""

import os
from collections.abc import Sequence

import numpy as np

from ..models.base import Model
from .base import Method
from .peft import read_loralib
from .tuned import Tuned


def adapt(
    model: Model,
    method: Method | Sequence[Method],
    *,
    name: str = "default",
    rng: np.random.Generator | int | None = None,
) -> Tuned:
    """Freeze ``model``, install ``method`` (or a list of methods, composed) in it under ``name``, and make it active. The model is changed in place; ``Tuned.remove`` undoes it.

    rng: where the start is drawn from, a generator or a seed (0 when None). At the start every method computes exactly what the base computes; a prefix
    computes what the base does behind some random tokens. Raises InputError for what the method refuses (a target that matches no layer, a rank above the matrix); the model is unchanged then.
    """
    tuned = Tuned(model)
    tuned.add(name, method, rng=rng)
    tuned.use(name)
    return tuned


def load_adapter(
    model: Model, folder: str | os.PathLike[str], *, name: str | None = None, other_base: bool = False
) -> Tuned:
    """Install in a plain ``model`` the adapter that was saved in ``folder``, and make it active: ``adapt`` with weights from a file.

    name: the name it gets; by default the one it was saved under. other_base: whether the model may be another one of the same shapes. See ``Tuned.load``, which adds an adapter to others, for what is refused.
    """
    tuned = Tuned(model)
    tuned.use(tuned.load(folder, name=name, other_base=other_base))
    return tuned


def load_loralib(model: Model, path: str | os.PathLike[str], *, alpha: float, name: str = "default") -> Tuned:
    """Install in a plain ``model`` an adapter that the paper's own code saved (a torch file), and make it active.

    alpha: what it was trained with; the file does not tell. A model for classification gets the file's head. See ``methods.peft.read_loralib`` for what is refused.
    """
    tuned = Tuned(model)
    tuned.use(tuned.install(read_loralib(path, model, alpha=alpha), name=name))
    return tuned

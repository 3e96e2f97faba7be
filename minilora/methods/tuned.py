"""A model and its adapters: what one computes with, trains, saves and loads.

Comes after ``switch.py``, which keeps the adapters, and ``stored.py``, which knows their files; ``adapt.py`` makes one.
"""

import os
from dataclasses import replace

import numpy as np

from ..autograd import Tensor
from ..backend import Array, namespace
from ..errors import InputError
from ..models.base import Model, TrainingBatch
from .files import SavedAdapter
from .stored import check_fit, read_for, write_from
from .switch import Switch


class Tuned(Switch):
    """A model and the adapters installed in it by name, of which at most one is active.

    The active adapter is what the model computes with, and its parameters are the only trainable ones; the others keep theirs to the last bit. Everything else
    in the model is frozen. Changing the active adapter's state (``merge``, ``disabled``) never happens by itself, least of all inside of a forward pass.
    """

    def arrays(self, name: str) -> dict[str, Array]:
        """The values of the parameters of the adapter ``name``, active or not; the arrays themselves, not copies."""
        self.check_known(name)
        return self.installed[name].arrays()

    def logits(self, ids: Array, mask: Array | None = None) -> Array:
        """``model.logits``: with the active adapter, no tape."""
        return self.model.logits(ids, mask)

    def loss(
        self,
        batch: TrainingBatch,
        *,
        divisor: float | None = None,
        smoothing: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """``model.loss``: with the active adapter, and a tape that holds only what its gradients need."""
        return self.model.loss(batch, divisor=divisor, smoothing=smoothing, rng=rng)

    def install(self, saved: SavedAdapter, *, name: str | None = None, other_base: bool = False) -> str:
        """What ``load`` does, with an adapter that was read already, such as one by ``methods.peft.read_loralib``; its arrays are copied. Raises InputError where it was made for another base."""
        arrays = {key: namespace(array).array(array) for key, array in saved.arrays.items()}
        return self._take(replace(saved, arrays=arrays), name, other_base)

    def _take(self, saved: SavedAdapter, name: str | None, other_base: bool) -> str:
        """Install an adapter whose arrays nobody else holds: training will change them in place."""
        name = saved.name if name is None else name
        self.add(name, saved.method)
        try:
            with self.disabled() as base:
                check_fit(saved, self.installed[name], base, other_base=other_base)
        except InputError:
            self.remove(name)
            raise
        self.installed[name].load(saved.arrays)
        return name

    def load(
        self, folder: str | os.PathLike[str], *, name: str | None = None, other_base: bool = False
    ) -> str:
        """Install the adapter that was saved in ``folder``, not yet active, under ``name`` or the one it was saved under; returns the name.

        The folder may hold minilora's own format or PEFT's (see ``methods.peft``), where the name is ``default``.
        Strict: raises InputError, and leaves the model unchanged, when the adapter was made for another base (other shapes, or other values unless ``other_base``), when
        weights are missing or unexpected, and when a file is missing, truncated, or holds numbers that are not finite.
        """
        with self.disabled() as base:
            saved = read_for(base, folder)
        return self._take(saved, name, other_base)

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        format: str = "minilora",
        base_name: str | None = None,
        force: bool = False,
    ) -> None:
        """Write the active adapter, and nothing of the base, into ``folder``; ``load_adapter`` reads it.

        format: ``"minilora"`` (see ``files.py``), or ``"peft"`` for a folder that PEFT loads (see ``methods.peft``; LoRA only), which may note ``base_name``, the name of
        the base model. Raises InputError when no adapter is active, when the folder holds one already and not ``force``, when it cannot be written, and
        for a format that is unknown or has no place for the method.
        """
        adapter = self.active_adapter("save")
        name = str(self.active)
        with self.disabled() as base:
            write_from(
                base,
                folder,
                name,
                self.methods[name],
                adapter,
                format=format,
                base_name=base_name,
                force=force,
            )

    def fuse(self) -> Model:
        """Merge for good: the model is a plain one again whose own weights hold the adaptation, and the base's are gone. Returns the model.

        The adapter must be the only one, since any other was made for the base that is lost. Raises InputError otherwise, and where ``merge`` does.
        """
        adapter = self.active_adapter("fuse")
        adapter.check_merge()
        others = sorted(set(self.installed) - {self.active})
        if others:
            raise InputError(f"fuse would change the base under the adapters {others}; remove them first")
        if self.merged:
            self.unmerge()
        adapter.fuse()
        self.forget(str(self.active))
        return self.model

    def __repr__(self) -> str:
        state = f"{self.active!r} is {'merged' if self.merged else 'active'}" if self.active else ""
        return "\n".join(
            [f"Tuned({state})", *(f"  {name}: {method}" for name, method in self.methods.items())]
        )

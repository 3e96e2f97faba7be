"""Adapters installed in a model by name, of which at most one is active: adding, switching, merging and removing.

Comes after the methods; ``tuned.py`` adds files and what one computes with. All the rules of what may follow what are here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from weakref import WeakSet

import numpy as np

from ..errors import InputError, nearest
from ..models.base import Model
from ..nn import Parameter
from .base import Installed, Method
from .layers import wrappers
from .together import as_method, with_head

_ADAPTED: WeakSet[Model] = WeakSet()
"""The models that adapters are installed in: not every adapter shows as a wrapper. A copy of one is a model of its own."""


class Switch:
    """A model and the adapters installed in it. ``methods`` and ``installed``: what each is, and what it left in the model; ``active`` and ``merged``: the state."""

    def __init__(self, model: Model) -> None:
        """No adapter yet, and nothing changed. Raises InputError when the model holds adapters already: their own ``Tuned`` must know of all."""
        if model in _ADAPTED or wrappers(model):
            raise InputError(
                "this model is adapted already; use the add method of the Tuned that adapt returned for it"
            )
        self.model = model
        self.methods: dict[str, Method] = {}
        self.active: str | None = None
        self.merged = False
        self.installed: dict[str, Installed] = {}
        self._trainable_before: list[Parameter] = []
        self._suspended = False  # within disabled()

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The active adapter's parameters by the names they have in its file; none when no adapter is active."""
        return dict(self.installed[self.active].parameters) if self.active is not None else {}

    @property
    def trainable(self) -> int:
        """How many numbers the active adapter trains."""
        return sum(parameter.size for parameter in self.parameters.values())

    def add(
        self,
        name: str,
        method: Method | Sequence[Method],
        *,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        """Install ``method``, or several at once, under ``name``, not yet active. rng: where the start is drawn from, a generator or a seed (0 when None).

        The first adapter freezes all of the model's own parameters. Where the model has a task's head, the adapter gets a head of its own, trained with it.
        Raises InputError for a name that is taken or has a dot or slash in it, and for what the method refuses; the model is unchanged then.
        """
        self.check_free_to_change("add an adapter")
        if not name or any(mark in name for mark in "./\\"):
            raise InputError(f"an adapter's name must be one word without dots or slashes, not {name!r}")
        if name in self.installed:
            raise InputError(
                f"an adapter named {name!r} is installed already; choose another name, or remove it first"
            )
        method = as_method(method)
        with self.disabled():  # so that the method sees the base's own weights
            adapter = method.install(self.model, name, np.random.default_rng(0 if rng is None else rng))
            adapter = with_head(adapter, self.model)
        if not self.installed:
            self._trainable_before = [p for p in self.model.parameters() if p.trainable]
            self.model.freeze()
            _ADAPTED.add(self.model)
        self.installed[name] = adapter
        self.methods[name] = method

    def use(self, name: str) -> None:
        """Make the adapter ``name`` the active one. Nothing is copied: the cost does not depend on the size of the model."""
        self.check_free_to_change("switch adapters")
        self.check_known(name)
        self.check_unmerged("switching adapters")
        self._deactivate()
        self.installed[name].enable()
        self.active = name
        self._set_trainable(True)

    @contextmanager
    def disabled(self) -> Iterator[Model]:
        """Within ``with tuned.disabled() as model:`` the model computes what its base computes, to the last bit, merged or not.

        Parameters stay trainable or frozen as they are, so a loss computed before may still be differentiated inside.
        """
        if self.active is None or self._suspended:
            yield self.model
            return
        adapter = self.installed[self.active]
        if self.merged:
            adapter.unmerge()
        adapter.disable()
        self._suspended = True
        try:
            yield self.model
        finally:
            self._suspended = False
            adapter.enable()
            if self.merged:
                adapter.merge()

    def merge(self) -> None:
        """Put the active adapter into the base's weights, W := W + sBA, keeping the old arrays: no extra work at inference, one more copy of each adapted weight.

        What is merged is not trained, so its parameters are frozen until ``unmerge``. Under full fine-tuning the weights are merged by nature, and freezing is all
        that happens. Raises InputError when no adapter is active, when it is merged already, and for a bottleneck or a prefix, which no weight can hold.
        """
        adapter = self.active_adapter("merge")
        self.check_unmerged("merging again")
        adapter.check_merge()
        adapter.merge()
        self._set_trainable(False)
        self.merged = True

    def unmerge(self) -> None:
        """Put the old arrays back, bit for bit, and let training go on. Raises InputError when nothing is merged."""
        adapter = self.active_adapter("unmerge")
        if not self.merged:
            raise InputError("nothing is merged, so there is nothing to unmerge; call merge first")
        adapter.unmerge()
        self.merged = False
        self._set_trainable(True)

    def remove(self, name: str) -> None:
        """Take the adapter ``name`` out: its parameters are gone, and the model's own module objects stand where they stood.

        After the last one, parameters that were trainable before ``adapt`` are so again. Raises InputError for an unknown name, and while it is merged.
        """
        self.check_free_to_change("remove an adapter")
        self.check_known(name)
        if name == self.active:
            self.check_unmerged("removing the merged adapter")
            self._deactivate()
        self.installed[name].remove()
        self.forget(name)

    def _set_trainable(self, value: bool) -> None:
        for parameter in self.parameters.values():
            parameter.trainable = value

    def _deactivate(self) -> None:
        if self.active is not None:
            self._set_trainable(False)
            self.installed[self.active].disable()
            self.active = None

    def forget(self, name: str) -> None:
        """Strike the adapter ``name``, which is in the model no more, from the lists."""
        del self.installed[name], self.methods[name]
        self.active = None if self.active == name else self.active
        if not self.installed:
            _ADAPTED.discard(self.model)
            self.model.freeze()
            for parameter in self._trainable_before:
                parameter.trainable = True

    def active_adapter(self, wanted: str) -> Installed:
        """What the active adapter left in the model. Raises InputError when none is active; ``wanted``: the verb that asks, for the message."""
        self.check_free_to_change(wanted)
        if self.active is None:
            raise InputError(
                f"no adapter is active, so there is none to {wanted}; call use with one of {sorted(self.methods)}"
            )
        return self.installed[self.active]

    def check_known(self, name: str) -> None:
        """Raise InputError, with the nearest name, unless an adapter is named so."""
        if name not in self.installed:
            raise InputError(
                f"no adapter is named {name!r}{nearest(name, self.methods)}; installed are {sorted(self.methods)}"
            )

    def check_unmerged(self, wanted: str) -> None:
        """Raise InputError while the active adapter is merged; ``wanted``: what one was about to do."""
        if self.merged:
            raise InputError(f"the adapter {self.active!r} is merged; unmerge it before {wanted}")

    def check_free_to_change(self, wanted: str) -> None:
        """Raise InputError inside of ``disabled()``; ``wanted``: what one was about to do."""
        if self._suspended:
            raise InputError(f"inside of disabled() one cannot {wanted}; leave the block first")

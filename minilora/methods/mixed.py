"""One batch, several adapters: each row with its own, in one forward pass (what the paper says is hard once adapters are merged, section 4.2).

    with mixed(tuned, ["sql", "german", None]) as model:
        model.logits(ids)                 # row 0 with sql, row 1 with german, row 2 with the base alone

The base's products, which are nearly all of the work, run once for all rows. Comes after ``tuned.py``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..errors import InputError
from ..models.base import Model
from .base import Installed
from .bottleneck import BottleneckWrapper
from .layers import Additions, wrappers
from .low_rank import LoRALinear
from .together import Together
from .tuned import Tuned


@contextmanager
def mixed(tuned: Tuned, rows: Sequence[str | None]) -> Iterator[Model]:
    """Within the block, row i of every batch is computed with the adapter ``rows[i]``, None for the base; the parameters of all that are named are trainable.

    Each row comes out as it would alone with its adapter, to rounding, and so do the gradients. LoRA and bottleneck adapters can be mixed. Raises InputError for an
    unknown name, for an adapter that is not something beside the weights (one that has weights of its own, as a task's head, or a prefix), while
    one is merged, and, in the forward pass, for a batch of another number of rows (so not for ``generate``, which drops rows as they finish). The block must be left before adapters are changed.
    """
    names = tuple(rows)
    tuned.check_unmerged("mixing adapters")
    for name in dict.fromkeys(names):
        if name is not None:
            tuned.check_known(name)
            _check_mixable(name, tuned.installed[name])
    named = [p for name in set(names) - {None} for p in tuned.installed[str(name)].parameters.values()]
    before = [parameter for parameter in tuned.model.parameters() if parameter.trainable]
    with tuned.disabled() as model:
        places = wrappers(model).values()
        _set(before, False)
        _set(named, True)
        for wrapper in places:
            wrapper.rows = names
        try:
            yield model
        finally:
            for wrapper in places:
                wrapper.rows = None
            _set(named, False)
            _set(before, True)


def _check_mixable(name: str, adapter: Installed) -> None:
    if isinstance(adapter, Together):
        for part in adapter.parts:
            _check_mixable(name, part)
    elif not isinstance(adapter, Additions):
        raise InputError(
            f"the adapter {name!r} cannot be mixed with others in one batch: it trains weights of the model itself (or a head of its own), and each row would need "
            "its own copy of them; use it alone"
        )
    elif not all(isinstance(wrapper, LoRALinear | BottleneckWrapper) for wrapper in adapter.wrapped.values()):
        raise InputError(
            f"the adapter {name!r} cannot be mixed with others in one batch: its prefix lets its rows read more tokens than the others; use it alone"
        )


def _set(parameters: list, trainable: bool) -> None:  # type: ignore[type-arg]
    for parameter in parameters:
        parameter.trainable = trainable

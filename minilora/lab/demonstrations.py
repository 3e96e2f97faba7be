"""Three things LoRA promises, shown on a trained model: merging changes nothing, unmerging gives the bytes back, switching costs nothing.

Comes after ``methods``; ``quickstart.py`` shows them. Each returns what it found as plain figures.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..data.examples import Example
from ..data.tasks import NL2SQL
from ..data.tasks.nl2sql import QueryError
from ..methods import Tuned
from ..methods.layers import base_parameters
from .contest import Answers


def show_merge(tuned: Tuned, ids: np.ndarray) -> dict[str, Any]:
    """Logits of ``ids`` [rows, tokens] beside the weights and merged into them, and whether unmerging gives every weight's bytes back.

    The largest difference is rounding: W x + s·B(A x) against (W + sBA) x, in the model's float32. ``largest_logit`` is what to see it beside.
    """
    weights = _bytes(tuned)
    beside = tuned.logits(ids)
    tuned.merge()
    merged = tuned.logits(ids)
    changed = _bytes(tuned) != weights
    tuned.unmerge()
    return {
        "largest_difference": float(np.abs(merged - beside).max()),
        "largest_logit": float(np.abs(beside).max()),
        "same_choice": float((merged.argmax(-1) == beside.argmax(-1)).mean()),
        "merging_changed_weights": changed,
        "unmerge_gives_bytes_back": _bytes(tuned) == weights,
        "same_logits_after": bool(np.array_equal(tuned.logits(ids), beside)),
    }


def show_switch(tuned: Tuned, ids: np.ndarray, *, seed: int, times: int = 50) -> dict[str, Any]:
    """Put a second, untrained adapter of the same kind beside the active one, and switch between the two.

    Untrained means B = 0, so with it the model must be the base to the last bit; and back again it must be what it was. Milliseconds are medians: of a switch where
    nothing is merged, and of one where the weights are to hold the adapter (unmerge, switch, merge).
    """
    trained = str(tuned.active)
    other = f"{trained}-untrained"
    before = tuned.logits(ids)
    with tuned.disabled() as base:
        plain = base.logits(ids)
    own = sum(array.nbytes for array in tuned.arrays(trained).values())
    tuned.add(other, tuned.methods[trained], rng=seed + 1)
    arrays = {name: p.data for name, p in base_parameters(tuned.model).items()}
    milliseconds = _median(times, [lambda: tuned.use(other), lambda: tuned.use(trained)])
    now = base_parameters(tuned.model)
    replaced = sum(array.nbytes for name, array in arrays.items() if now[name].data is not array)

    def switch_merged(name: str) -> None:
        tuned.unmerge()
        tuned.use(name)
        tuned.merge()

    with threadpool_limits(limits=1, user_api="blas"):
        tuned.merge()
        merged_milliseconds = _median(6, [lambda: switch_merged(other), lambda: switch_merged(trained)])
        tuned.unmerge()
    tuned.use(other)
    is_base = bool(np.array_equal(tuned.logits(ids), plain))
    tuned.use(trained)
    result = {
        "milliseconds": milliseconds,
        "milliseconds_merged": merged_milliseconds,
        "bytes_replaced": replaced,
        "adapter_bytes": own,
        "model_bytes": sum(parameter.data.nbytes for parameter in base_parameters(tuned.model).values()),
        "untrained_is_base": is_base,
        "back_is_the_same": bool(np.array_equal(tuned.logits(ids), before)),
    }
    tuned.remove(other)
    return result


def show_questions(
    task: NL2SQL,
    questions: Sequence[Example],
    base: Answers,
    tuned: Answers,
    chosen: Sequence[bool],
    rows: int = 5,
) -> list[dict[str, Any]]:
    """Two of the chosen questions, picked by a rule: the first that the adapted model answers rightly and the first that it does not.

    Each with what the base and the adapted model write, the right query, and the first rows that SQLite returns (or what it says).
    """
    places = [place for place, wanted in enumerate(chosen) if wanted]
    picked = [next((p for p in places if tuned.right[p] == right), None) for right in (True, False)]
    shown = []
    for place in picked:
        if place is not None:
            example = questions[place]
            returned = _returned(task, example, tuned.texts[place])
            shown.append(
                {
                    "prompt": example.prompt,
                    "right": tuned.right[place],
                    "base_writes": base.texts[place],
                    "adapted_writes": tuned.texts[place],
                    "reference": example.completion.strip(),
                    "rows": [list(row) for row in returned[:rows]] if not isinstance(returned, str) else [],
                    "rows_in_all": len(returned) if not isinstance(returned, str) else 0,
                    "error": returned if isinstance(returned, str) else None,
                }
            )
    return shown


def _returned(task: NL2SQL, example: Example, sql: str) -> Sequence[Sequence[Any]] | str:
    try:
        return task.run(example, sql)
    except QueryError as error:
        return str(error)


def _bytes(tuned: Tuned) -> Mapping[str, bytes]:
    return {name: parameter.data.tobytes() for name, parameter in base_parameters(tuned.model).items()}


def _median(times: int, calls: Sequence[Callable[[], None]]) -> float:
    """The median milliseconds of a call, all of them in turn."""
    seconds = []
    for _ in range(times):
        for call in calls:
            began = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds)

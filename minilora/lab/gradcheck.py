"""The proof that the gradients are right: every op, every fused op against its twin, whole models, and the identities.

Comes after ``identities/`` and ``across.py``. ``gradcheck()`` gives a report whose rows each hold a measured error and a bound; ``render`` draws it.
A check that cannot fail proves nothing, so the last rows are statements known to be wrong, which must be found out.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from .. import ops
from ..autograd import REGISTRY, Tensor, check_gradients, gradients, largest, relative_error
from ..autograd.tape import Node
from ..backend.devices import use_device
from ..methods import (
    Adapter,
    BitFit,
    Composition,
    FullFineTuning,
    LoRA,
    Method,
    PrefixEmbedding,
    PrefixLayer,
    TopLayers,
)
from ..methods.adapter import KINDS
from ..models.base import Model
from ..models.checkpoint import load
from .across import on_device
from .identities import Finding, check_all
from .whole_model import DIRECTIONS, model_error, random_batch, random_model

if TYPE_CHECKING:
    from rich.table import Table

DIFFERENCES, TWINS = 1e-7, 1e-10
"""Bounds: against central differences, and against the twin composed of primitives. Identities bring their own."""

METHODS: tuple[Method, ...] = (
    FullFineTuning(),
    TopLayers(1),
    BitFit(),
    LoRA(rank=2, alpha=4.0, targets=("all-linear",)),
    LoRA(rank=2, alpha=4.0, ranks={"value": 3}, scaling="rslora", bias="all"),  # type: ignore[arg-type]  # a mapping is completed to pairs
    *(Adapter(kind, width=3) for kind in KINDS),
    PrefixEmbedding(prefix=2, infix=1),
    PrefixLayer(prefix=2, infix=1),
    Composition((LoRA(rank=2), PrefixLayer(prefix=2, infix=0))),
)
"""The methods whose whole-model gradients are checked when none are named."""


@dataclass(frozen=True)
class Row:
    """One check. It passes when error ≤ bound, or, for what must be found out (``must_fail``), when error > bound."""

    group: str
    name: str
    error: float
    bound: float
    must_fail: bool = False

    @property
    def passed(self) -> bool:
        """Whether the check says what it must. An error that is not a number never passes."""
        return self.error > self.bound if self.must_fail else self.error <= self.bound


@dataclass(frozen=True)
class GradcheckReport:
    """All checks of one run. model: what the whole-model checks ran on; device: where ops and whole models were computed; sampled: what of all there is to check was looked at."""

    model: str
    device: str
    seed: int
    sampled: str
    rows: Sequence[Row]

    @property
    def passed(self) -> bool:
        """Whether every row passed."""
        return all(row.passed for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """The report for a JSON file."""
        rows = [{**asdict(row), "passed": row.passed} for row in self.rows]
        return {
            "model": self.model,
            "device": self.device,
            "seed": self.seed,
            "sampled": self.sampled,
            "passed": self.passed,
            "rows": rows,
        }


def gradcheck(
    model: Model | str | os.PathLike[str] | None = None,
    *,
    methods: Sequence[Method] = METHODS,
    seed: int = 0,
    device: str = "cpu",
) -> GradcheckReport:
    """Check the gradients of every op and of whole models, in float64.

    model: a model, its folder, or its name; None takes a small random one. It is copied, never changed. methods: those whose whole-model gradients are checked.
    device: where ops, fused ops and whole models are computed, ``"cpu"`` or ``"cuda"``; what they are held against, the twins and the identities are NumPy's on every device.
    Raises InputError for a model that cannot be loaded, a method that the model refuses, and a device that cannot be used.
    """
    use_device(device)
    rng = np.random.default_rng(seed)
    checked: Model
    if model is None:
        name, checked = "a small random GPT", random_model(rng)
    elif isinstance(model, Model):
        name, checked = f"a model of {model.count_parameters():,} parameters", model
    else:
        name, checked = str(model), load(model)
    batch = random_batch(checked, rng)
    with threadpool_limits(
        limits=1, user_api="blas"
    ):  # small products: more threads would mostly wait for each other
        identities = [as_row(f"identities on {name}", i) for i in check_all(checked, batch, seed=seed)]
        if model is not None:  # a real model's layers, and small random ones beside them
            small = random_model(rng)
            batch_2 = random_batch(small, rng)
            identities += [
                as_row("identities on a small random GPT", i) for i in check_all(small, batch_2, seed=seed)
            ]
        rows = [
            *op_rows(seed, device),
            *twin_rows(seed, device),
            *(
                Row("whole model", str(m), model_error(checked, m, batch, seed, device=device), DIFFERENCES)
                for m in methods
            ),
            *(row for row in identities if not row.must_fail),
            wrong_row(seed, device),
            *(row for row in identities if row.must_fail),
        ]
    sampled = (
        f"sampled: of a whole model, under each of {len(methods)} methods, {DIRECTIONS} random directions through all weights that are trained, on {batch.ids.shape[0]} rows of {batch.ids.shape[1]} random tokens; "
        "of an op every entry of its Jacobian where that is small, random directions where not"
    )
    if device != "cpu":
        sampled += f"; ops and whole models on {device}, identities on the CPU"
    return GradcheckReport(name, device, seed, sampled, rows)


def op_rows(seed: int, device: str = "cpu") -> Iterator[Row]:
    """Every registered op against central differences: the whole Jacobian where it is small."""
    for name, registered in sorted(REGISTRY.items()):
        rng = np.random.default_rng(seed)
        arrays, options = registered.inputs(rng)
        function = _with(on_device(registered.apply, device), options)
        yield Row("ops", name, check_gradients(function, *arrays, rng=rng), DIFFERENCES)


def twin_rows(seed: int, device: str = "cpu") -> Iterator[Row]:
    """Every fused op, on ``device``, against its twin composed of primitives, on the CPU: the larger of the errors of the value and of each gradient."""
    for name, twin in sorted(ops.reference.TWINS.items()):
        arrays, options = REGISTRY[name].inputs(np.random.default_rng(seed))
        results = []
        for function in (on_device(REGISTRY[name].apply, device), twin):
            leaves = [Tensor(array, trainable=True) for array in arrays]
            value = function(*leaves, **options)
            weights = np.random.default_rng(seed + 1).standard_normal(value.shape)
            results.append([value.data, *gradients((value * weights).sum(), leaves)])
        error = largest(relative_error(fused, composed) for fused, composed in zip(*results, strict=True))
        yield Row("fused = reference", name, error, TWINS)


def as_row(group: str, finding: Finding) -> Row:
    """A finding as a row; a statement that is wrong goes where what must be found out stands."""
    name = f"{finding.name}: {finding.statement}"
    return Row(
        group if finding.holds else "must be found out",
        name,
        finding.error,
        finding.bound,
        must_fail=not finding.holds,
    )


def wrong_row(seed: int, device: str = "cpu") -> Row:
    """What is wrong and must be found out: a pullback that is off by one part in 100,000."""
    x = np.random.default_rng(seed).standard_normal((3, 4))
    error = check_gradients(on_device(wrong_square, device), x)
    return Row(
        "must be found out", "a pullback wrong by 1 part in 100,000", error, DIFFERENCES, must_fail=True
    )


def wrong_square(x: Tensor) -> Tensor:
    """x², with the pullback g·2.00002·x where g·2x is right. It is built by hand, so that no wrong op is ever registered."""
    data = x.data
    node = None if x.node is None else Node(((x.node, lambda g: g * 2.00002 * data),))
    return Tensor(data * data, node=node)


def _with(function: Callable[..., Tensor], options: dict[str, Any]) -> Callable[..., Tensor]:
    return lambda *inputs: function(*inputs, **options)


def render(report: GradcheckReport) -> "Table":
    """The report as a table for the screen, one section a group."""
    from rich.markup import escape
    from rich.table import Table

    failed = sum(not row.passed for row in report.rows)
    verdict = (
        f"{failed} of {len(report.rows)} checks FAILED" if failed else f"all {len(report.rows)} checks passed"
    )
    table = Table(
        title=f"Gradients in float64 · {report.model} · seed {report.seed} · {report.device}",
        caption=f"{verdict}\n{report.sampled}",
    )
    table.add_column("check")
    table.add_column("error", justify="right", no_wrap=True)
    table.add_column("must be", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    group = ""
    for row in report.rows:
        if row.group != group:
            group = row.group
            table.add_section()
            table.add_row(f"[bold]{group}[/bold]", "", "", "")
        sign = ">" if row.must_fail else "≤"
        mark = "[green]ok[/green]" if row.passed else "[bold red]FAIL[/bold red]"
        table.add_row(f"  {escape(row.name)}", f"{row.error:.1e}", f"{sign} {row.bound:.0e}", mark)
    return table

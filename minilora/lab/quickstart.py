"""The tour: a small pretrained model learns to answer questions with SQL by three methods, and what each costs is shown side by side.

Comes after everything else in this room; ``minilora quickstart`` calls ``quickstart`` and prints its report with ``screen.py``. What it leaves in its folder:

    report.json, report.html     the report (``report.py`` draws the page)
    adapters/NAME/               what each method learned, for ``load_adapter``
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from threadpoolctl import threadpool_limits

from ..data.batches import ExampleLoader, encode_examples, pad
from ..data.tasks import NL2SQL
from ..errors import InputError
from ..files import make_folder, write_atomically
from ..methods import Adapter, FullFineTuning, LoRA, Tuned, load_adapter
from ..models.checkpoint import load
from ..models.generate import decoder
from ..models.gpt import GPT
from ..train.runs import circumstances
from .contest import Answers, Contestant, Outcome, ask, train, verdict
from .demonstrations import show_merge, show_questions, show_switch
from .identities import check_identities
from .latency import forward_latencies
from .layer_gradients import copy_of
from .phases import Phases, phases
from .report import page

CONTESTANTS = (
    Contestant("lora", "LoRA", LoRA(rank=4, alpha=8.0, targets=("all-linear",)), 6e-3),
    Contestant("full", "full fine-tuning", FullFineTuning(), 4e-4),
    Contestant("houlsby", "Houlsby adapters", Adapter("houlsby", width=16), 8e-3),
)
"""Who enters, and with which learning rate."""

REPORT, PAGE, ADAPTERS = "report.json", "report.html", "adapters"


@dataclass(frozen=True)
class Plan:
    """How much is done. steps: of each contestant, by name; rows: examples a step; warmup: steps; unseen, seen: questions about tables that training has not, and has,
    seen; trials: of each latency; leaves_out: what a shorter tour lacks, for the reader."""

    steps: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType({"lora": 250, "full": 250, "houlsby": 250})
    )
    rows: int = 16
    warmup: int = 20
    unseen: int = 200
    seen: int = 100
    trials: int = 30
    leaves_out: str | None = None

    @property
    def even(self) -> bool:
        """Whether all contestants are trained for equally many steps, so that they may be compared."""
        return len(set(self.steps.values())) == 1


PLAN = Plan()
QUICK = Plan(
    steps=MappingProxyType({"lora": 80, "full": 12, "houlsby": 12}),
    unseen=60,
    seen=30,
    trials=12,
    leaves_out="LoRA is trained for 80 steps instead of 250, and the other two for 12, which shows what a step costs but not what the methods can do; "
    "60 + 30 questions are asked instead of 200 + 100. For the comparison, run it without --quick",
)


def quickstart(
    out: str | os.PathLike[str] = "runs/quickstart",
    *,
    seed: int = 0,
    quick: bool = False,
    progress: bool | None = None,
    model: GPT | str | os.PathLike[str] = "tiny-gpt",
    force: bool = False,
    plan: Plan | None = None,
) -> dict[str, Any]:
    """Adapt ``model`` to NL2SQL by each contestant, compare them, show what LoRA promises, and write the report into the folder ``out``; returns the report.

    seed: of adapters, questions, and the order of examples; all figures but times are the same for the same seed. quick: under a minute, with less training. progress: True draws
    a bar, False shows nothing; None: a bar in a terminal or notebook, elsewhere a line a phase on standard error. plan: how much is done, instead of ``PLAN`` or ``QUICK``.
    Raises InputError for a model that cannot be used, and for a folder that holds anything already, unless ``force``.
    """
    plan = plan or (QUICK if quick else PLAN)
    folder = Path(out)
    refuse_occupied(folder, force)
    base = model if isinstance(model, GPT) else decoder(load(model))
    if base.tokenizer is None:
        raise InputError(
            f"the model {str(model)!r} has no tokenizer, so it cannot read questions; give a folder with a tokenizer.json"
        )
    if seed < 0:
        raise InputError(f"seed must be at least 0, not {seed}")
    make_folder(folder)
    name = "a model" if isinstance(model, GPT) else str(model)
    report: dict[str, Any] = {"circumstances": circumstances(), "leaves_out": plan.leaves_out}
    with phases(weights(plan), show=progress) as at, threadpool_limits(limits=1, user_api="blas"):
        report |= tour(base, name, plan, seed, folder, at)
        report["seconds"] = at.seconds()
    write_atomically(folder / REPORT, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    write_atomically(folder / PAGE, page(report))
    return report


def tour(base: GPT, model_name: str, plan: Plan, seed: int, folder: Path, at: Phases) -> dict[str, Any]:
    """Everything that is measured, as the report's entries."""
    at.begin("reading questions")
    task = NL2SQL(seed)
    questions = (*task.unseen[: plan.unseen], *task.seen[: plan.seen])
    unseen = [not example.extra["seen"] for example in questions]
    context = base.config.context
    loader = ExampleLoader(task.train, base.tokenizer, rows=plan.rows, context=context, seed=seed)
    few = encode_examples(task.train[:4], base.tokenizer, context)
    batch = pad(few, end=base.tokenizer.end, padding=base.tokenizer.padding)

    at.begin("asking the base")
    before = ask(base, task, questions, at.at)
    outcomes: list[Outcome] = []
    answers: dict[str, Answers] = {}
    for contestant in CONTESTANTS:
        name, title = contestant.name, contestant.title
        at.begin(f"training: {title}")
        steps = plan.steps[name]
        outcomes.append(
            train(
                contestant,
                base,
                loader.batch,
                task="sql",
                steps=steps,
                warmup=plan.warmup,
                folder=folder / ADAPTERS / name,
                seed=seed,
                watch=shown(at, steps),
            )
        )
        at.begin(f"asking: {title}")
        answers[title] = ask(outcomes[-1].tuned.model, task, questions, at.at)
    lora = outcomes[0]

    at.begin("latency of a forward pass")
    merged = load_adapter(copy_of(base), folder / ADAPTERS / lora.contestant.name)
    merged.merge()
    latency = forward_latencies(
        {"base": base, **{o.contestant.name: o.tuned.model for o in outcomes}, "lora merged": merged.model},
        trials=plan.trials,
    )
    at.begin("gradients of LoRA and of full fine-tuning")
    found = check_identities(base, batch, targets=("all-linear",), seed=seed)
    at.begin("merging and switching")
    merge = show_merge(lora.tuned, batch.ids)
    switch = show_switch(lora.tuned, batch.ids, seed=seed)
    samples = show_questions(task, questions, before, answers[lora.contestant.title], unseen)
    parameters = base.count_parameters()

    def scores(of: Answers) -> dict[str, Any]:
        return {"unseen": asdict(of.score(unseen)), "seen": asdict(of.score([not u for u in unseen]))}

    methods = []
    for outcome in outcomes:
        name = outcome.contestant.name
        merged_time = latency.get(f"{name} merged")
        methods.append(
            {
                **outcome.as_dict(),
                **scores(answers[outcome.contestant.title]),
                "share": outcome.tuned.trainable / parameters,
                "latency": asdict(latency[name]),
                "latency_merged": None if merged_time is None else asdict(merged_time),
            }
        )
    return {
        "format": 1,
        "seed": seed,
        "model": {"name": model_name, "parameters": parameters, **asdict(base.config)},
        "task": {
            "name": task.name,
            "training": len(task.train),
            "rows": plan.rows,
            "unseen": sum(unseen),
            "seen": len(unseen) - sum(unseen),
        },
        "base": {**scores(before), "latency": asdict(latency["base"])},
        "methods": methods,
        "verdict": verdict(answers, unseen) if plan.even else None,
        "samples": samples,
        "gradients": [asdict(finding) for finding in found],
        "merge": merge,
        "switch": switch,
    }


def shown(at: Phases, steps: int) -> Callable[[int, Tuned], None]:
    """Tells ``at`` how far training is."""
    return lambda step, _: at.at(step / steps, f"step {step} of {steps}")


def refuse_occupied(folder: Path, force: bool) -> None:
    """Raise InputError where the folder holds anything already, unless ``force``, or is none."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{str(folder)!r} is a file; give a folder for the report")
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if there and not force:
        raise InputError(
            f"the folder {str(folder)!r} holds {', '.join(there[:3])}{' and more' if len(there) > 3 else ''} already; "
            "give another one, or force to write over an earlier tour"
        )


def weights(plan: Plan) -> dict[str, float]:
    """About the seconds of each phase on two cores."""
    asked = 2.0 + 0.02 * (plan.unseen + plan.seen)
    phases = {"reading questions": 3.0, "asking the base": asked}
    for contestant, seconds in zip(CONTESTANTS, (0.22, 0.28, 0.20), strict=True):
        phases[f"training: {contestant.title}"] = 1.0 + seconds * plan.steps[contestant.name]
        phases[f"asking: {contestant.title}"] = asked
    return phases | {
        "latency of a forward pass": 0.1 * plan.trials,
        "gradients of LoRA and of full fine-tuning": 5.0,
        "merging and switching": 2.0,
    }

"""A comparison from beginning to end: every method trained from the same weights on the same batches, watched, and scored.

Comes after ``points.py`` and ``equivalence.py``. What it leaves in its folder:

    config.toml                     the settings
    NAME/                           of each method: log.jsonl, checkpoint, adapter, points/*.json, and outcome.json once it is done
    reference/*.safetensors         full fine-tuning's updates at each point; removed when all methods are done
    report.json, report.html        the report (``report.py`` draws the page)
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...backend import to_host, tune_malloc
from ...data.batches import Batch
from ...data.tasks import AnyTask, load_task
from ...files import write_atomically
from ...methods.layers import linear_layers
from ...models.base import Model
from ...models.checkpoint import load
from ...train.checkpoints import Setting, compare_settings, describe
from ...train.fitting import answers_of, fit_lengths, meet, too_long_of, writes_answers
from ...train.identity import digests
from ...train.measure import Measuring, check_scoring, measure, training_data, validation_batches
from ...train.recipe import absolute
from ...train.runs import CONFIG, begin_folder, check_same, circumstances, refuse_existing
from ..contest import Contestant, train
from ..phases import Phases, phases
from .equivalence import STEPS, equivalences
from .measures import log_probabilities
from .points import Probe, Watcher
from .report import page
from .settings import Comparison

REPORT, PAGE, REFERENCE, OUTCOME, POINTS = "report.json", "report.html", "reference", "outcome.json", "points"


@dataclass(frozen=True)
class Course:
    """What is the same for every method. batches: to train on, by number; scoring: None asks nothing; identity: the base and the data by digest, which what is in ``folder`` must have been made with."""

    base: Model
    task: AnyTask
    settings: Comparison
    batches: Callable[[int], Batch]
    probe: Probe
    scoring: Measuring | None
    identity: Mapping[str, Setting]
    folder: Path


def compare(
    settings: Comparison,
    out: str | Path,
    *,
    resume: bool = False,
    force: bool = False,
    progress: bool | None = None,
) -> dict[str, Any]:
    """Train every method, follow what each does, and write the report into the folder ``out``; returns the report.

    resume: go on with the comparison in ``out``, to the same digits; the base and the data must be what they were. force: begin anew where ``out`` holds one. progress: True draws a
    bar, False shows nothing; None: a bar in a terminal or notebook, elsewhere a line a phase on standard error.
    Raises InputError for what cannot be used, before anything is trained, and for a folder that holds a comparison when neither ``resume`` nor ``force`` is given; TrainingDiverged for a
    learning rate that is too high.
    """
    folder = Path(out)
    settings = replace(
        settings,
        model=absolute(settings.model),
        data=None if settings.data is None else absolute(settings.data),
        warmup=settings.rise,
    )
    refuse_existing(folder, (CONFIG, REPORT, PAGE), resume=resume, force=force)
    if resume:
        check_same(folder, settings, "compare")
    base = load(settings.model)
    given = load_task(settings.task, data=settings.data, seed=settings.data_seed)
    answers = answers_of(base, given, None)
    contestants = settings.contestants(answers)
    task = meet(base, given, answers, rng=np.random.default_rng(settings.seed))
    for entry in contestants:
        entry.method.claims(base)  # refuses a base that it cannot be installed in
    policy = too_long_of(base, answers, settings.too_long)
    task, lengths = fit_lengths(task, base, policy, room=common_room(base, contestants))
    scoring = scoring_of(settings, task)
    data = training_data(task, base, rows=settings.rows, length=settings.length, seed=settings.seed)
    held_out = validation_batches(task, base, rows=settings.rows, length=settings.length)
    identity = identity_of(base, task, held_out)
    if force:
        for name in (REFERENCE, *(entry.name for entry in contestants)):
            shutil.rmtree(folder / name, ignore_errors=True)
    begin_folder(folder, (CONFIG, REPORT, PAGE), "compare", settings, resume=resume, force=force)
    tune_malloc()
    with phases(weights(settings, contestants), show=progress) as at:
        at.begin("what all are measured on")
        probe = make_probe(base, settings, data.batch(0), held_out)
        course = Course(base, task, settings, data.batch, probe, scoring, identity, folder)
        outcomes = [follow(entry, course, at, is_reference=entry is contestants[0]) for entry in contestants]
        at.begin("equivalences")
        same = equivalences(base, [data.batch(step) for step in range(STEPS)], seed=settings.seed)
        report = {
            "format": 1,
            "settings": asdict(settings),
            "model": {"name": settings.model, "parameters": base.count_parameters(), "width": base.config.width, "layers": base.config.layers},
            "task": {"name": task.name, "primary": task.primary, "lower_is_better": task.lower_is_better, "answered": settings.limit},
            "too_long": None if lengths is None else lengths.report(),
            "methods": outcomes,
            "equivalences": [asdict(entry) for entry in same],
            "circumstances": circumstances(),
            "seconds": at.seconds(),
        }  # fmt: skip
    write_atomically(folder / REPORT, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    write_atomically(folder / PAGE, page(report))
    shutil.rmtree(folder / REFERENCE, ignore_errors=True)
    return report


def common_room(base: Model, contestants: list[Contestant]) -> int:
    """How many tokens of text fit into the context under every method: a prefix takes some of them."""
    return base.room - max(entry.method.positions for entry in contestants)


def scoring_of(settings: Comparison, task: AnyTask) -> Measuring | None:
    """How answers are scored; None where none are asked for. Raises InputError where they cannot be."""
    if not settings.limit:
        return None
    how = Measuring(limit=settings.limit, beam=1 if writes_answers(task) else None, length=settings.length)
    check_scoring(task, how)
    return how


def identity_of(base: Model, task: AnyTask, held_out: Sequence[Batch]) -> dict[str, Setting]:
    """What all methods start from, learn from and are measured on, by digest."""
    measured = describe(("", array) for batch in held_out for array in (batch.ids, batch.targets))
    return {**digests(base, task), "the validation data": measured}


def make_probe(base: Model, settings: Comparison, batch: Batch, found: Sequence[Batch]) -> Probe:
    """What every method is measured on: ``batch``, and batches of those ``found`` for validation, spread over all lengths."""
    wanted = min(len(found), -(-settings.held_out // settings.rows))
    held_out = tuple(
        found[place] for place in np.unique(np.linspace(0, len(found) - 1, wanted).round().astype(int))
    )
    layers = {path: layer for path, layer in linear_layers(base).items() if path.startswith("blocks.")}
    return Probe(
        {path: to_host(layer.weight.data).copy() for path, layer in layers.items()},
        batch,
        held_out,
        log_probabilities(base, held_out[0]),
    )


def follow(entry: Contestant, course: Course, at: Phases, *, is_reference: bool) -> dict[str, Any]:
    """Train one method, measured at every point, and score it: its entry in the report. One that is done already is read from the disk.

    is_reference: whether the others are measured by it. Raises InputError where it was done, or begun, from another base or other data.
    """
    settings, own = course.settings, course.folder / entry.name
    at.begin(f"training: {entry.title}")
    done = own / OUTCOME
    if done.is_file():
        outcome: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        compare_settings(done, outcome.get("identity", {}), course.identity)
        at.begin(f"asking: {entry.title}")
        return outcome
    watcher = Watcher(
        course.probe,
        settings.measured_at(),
        own / POINTS,
        course.folder / REFERENCE,
        is_reference=is_reference,
    )

    def watch(step: int, tuned: Any) -> None:
        watcher.look(step, tuned)
        at.at(step / settings.steps, f"step {step} of {settings.steps}")

    result = train(
        entry,
        course.base,
        course.batches,
        task=course.task.name,
        steps=settings.steps,
        warmup=settings.rise,
        folder=own,
        seed=settings.seed,
        watch=watch,
        resume=True,
        identity=course.identity,
    )
    at.begin(f"asking: {entry.title}")
    scored = None
    if course.scoring is not None:
        scored = dict(measure(result.tuned.model, course.task, course.scoring, progress=False).metrics)
    outcome = {
        **result.as_dict(),
        "points": watcher.points(),
        "score": scored,
        "identity": dict(course.identity),
    }
    write_atomically(done, json.dumps(outcome, indent=1, ensure_ascii=False) + "\n")
    return outcome


def weights(settings: Comparison, contestants: list[Contestant]) -> dict[str, float]:
    """About the seconds of each phase, on two cores with tiny-gpt."""
    found = {"what all are measured on": 3.0}
    for entry in contestants:
        found[f"training: {entry.title}"] = 0.3 * settings.steps + 3.0 * settings.points
        found[f"asking: {entry.title}"] = 2.0 + 0.02 * settings.limit
    return found | {"equivalences": 20.0}

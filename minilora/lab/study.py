"""A fair comparison of methods: equally many learning rates tried on validation, several seeds on test, intervals on everything.

Comes after ``run_once.py``, of which it makes many runs, and ``sweep.py``, whose processes make them. Each run has a folder of its own, and a run that is there is not made again; so a study that was stopped goes on.

1. Choose: every contender is trained once with each of its learning rates, and scored on the validation questions; the best rate is kept.
2. Measure: with that rate, every contender is trained from each seed, and scored on the test questions.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.tasks import NL2SQL
from ..errors import InputError, RunFailed
from ..files import write_atomically
from ..models.checkpoint import load
from ..models.generate import decoder
from ..train.evaluate import evaluate_task
from ..train.finetune import ANSWERS
from ..train.measure import tokenizer_of
from ..train.recipe import FineTuning, absolute
from ..train.result import METRICS
from .intervals import ratio_of, with_interval
from .run_once import run_once
from .sweep import Work, parallel

SUMMARY, BASE = "study.json", "base.json"


@dataclass(frozen=True)
class Contender:
    """A way of adapting, and the learning rates it is tried with."""

    name: str
    settings: FineTuning
    learning_rates: tuple[float, ...]


@dataclass(frozen=True)
class Study:
    """What is compared, and how.

    contenders: each with equally many learning rates. seeds: of the measured runs; the first is also that of the tries. tries_limit: validation questions a try is scored on.
    Raises InputError where the learning rates are not equally many, since more tries would be an advantage, and where there is no seed.
    """

    contenders: tuple[Contender, ...]
    seeds: tuple[int, ...] = (0, 1, 2)
    tries_limit: int = 400
    data_seed: int = 0

    def __post_init__(self) -> None:
        tries = {contender.name: len(contender.learning_rates) for contender in self.contenders}
        if not self.seeds:
            raise InputError("a study needs at least one seed")
        if len(set(tries.values())) != 1:
            raise InputError(f"every contender must get equally many learning rates, but they have {tries}")


@dataclass(frozen=True)
class Run:
    """One run of a study: who, with which learning rate and seed, and the questions it is scored on."""

    contender: Contender
    rate: float
    seed: int
    part: str


def nl2sql_study(
    model: str = "tiny-gpt", *, steps: int = 1200, rows: int = 16, seeds: int = 3, workers: int = 1
) -> Study:
    """The package's own comparison, on NL2SQL over tables never seen: full fine-tuning, and LoRA and Houlsby adapters with under 2% of the weights.

    One worker a run, so that two studies side by side use two cores better than shards of one batch would.
    """
    base = FineTuning(
        model=model,
        task="nl2sql",
        data_seed=0,
        steps=steps,
        rows=rows,
        workers=workers,
        before=False,
        dropout=0.0,
    )
    return Study(
        (
            Contender("full fine-tuning", replace(base, method="full"), (2e-4, 4e-4, 8e-4)),
            Contender("LoRA r=4, all linear", replace(base, method="lora", rank=4, alpha=8.0, targets=("all-linear",)), (2e-3, 4e-3, 8e-3)),
            Contender("Houlsby, width 16", replace(base, method="houlsby", width=16), (3e-3, 6e-3, 1.2e-2)),
        ),
        seeds=tuple(range(seeds)),
    )  # fmt: skip


def run_study(
    study: Study,
    out: str | Path,
    *,
    jobs: int = 1,
    progress: bool | None = None,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Make the runs that are missing, and return (and write to ``out/study.json``) rates tried, rates chosen, and accuracies with intervals.

    jobs: runs made side by side, each in a process of its own (extra ``sweep``). progress: as for ``finetune``, where runs are made one after another. tell: called with one line a run.
    Raises what ``finetune`` raises, and RunFailed where a run in another process fails.
    """
    out = Path(out)
    task = NL2SQL(study.data_seed)
    parts = {"validation": task.validation[: study.tries_limit], "test": task.test}

    def folder(run: Run) -> Path:
        return out / f"{_slug(run.contender.name)}-{run.rate:g}-seed{run.seed}-{run.part}"

    def settings(run: Run) -> FineTuning:
        changed = replace(run.contender.settings, learning_rate=run.rate, seed=run.seed, part=run.part)
        return replace(changed, model=absolute(changed.model), limit=len(parts[run.part]))

    @cache  # a run is asked for when it is told of, chosen by, and shown
    def right(run: Run) -> NDArray[np.bool_]:
        """Which questions of its part a run answers rightly."""
        lines = (folder(run) / ANSWERS.format("after")).read_text(encoding="utf-8").splitlines()
        written = [json.loads(line)["prediction"] for line in lines]
        return np.array(task.right(parts[run.part], written), dtype=bool)

    def make(runs: Sequence[Run]) -> None:
        """Make those that are not there yet."""
        names = {folder(run).name: run for run in runs}
        for name in make_runs(
            [(folder(run).name, settings(run), folder(run)) for run in runs], jobs, progress
        ):
            run = names[name]
            tell(
                f"{run.contender.name}, rate {run.rate:g}, seed {run.seed}, {run.part}: {right(run).mean():.1%}"
            )

    base = np.array(task.right(task.test, _base_answers(study, task, out)), dtype=bool)
    tell(f"base model, test: {base.mean():.1%}")
    seen = np.array([bool(example.extra["seen"]) for example in task.test])

    tries = {
        contender: {
            rate: Run(contender, rate, study.seeds[0], "validation") for rate in contender.learning_rates
        }
        for contender in study.contenders
    }
    make([run for of_one in tries.values() for run in of_one.values()])
    scores = {
        contender: {rate: float(right(run).mean()) for rate, run in of_one.items()}
        for contender, of_one in tries.items()
    }
    best = {contender: max(found, key=lambda rate: found[rate]) for contender, found in scores.items()}
    measured = {
        contender: [Run(contender, rate, seed, "test") for seed in study.seeds]
        for contender, rate in best.items()
    }
    make([run for of_one in measured.values() for run in of_one])

    rows, tests = [], {}
    for contender in study.contenders:
        answers = np.stack([right(run) for run in measured[contender]])  # [seeds, questions]
        report = json.loads((folder(measured[contender][0]) / METRICS).read_text(encoding="utf-8"))
        tests[contender.name] = answers[:, ~seen]
        rows.append(
            {
                "name": contender.name,
                "settings": {k: v for k, v in asdict(contender.settings).items() if v is not None},
                "tries": {f"{rate:g}": score for rate, score in scores[contender].items()},
                "learning rate": best[contender],
                "trainable": report["trainable"],
                "unseen tables": with_interval(answers[:, ~seen]),
                "seen tables": with_interval(answers[:, seen]),
                "unseen tables by seed": answers[:, ~seen].mean(axis=1).tolist(),
            }
        )
    first = study.contenders[0].name
    ratios = {
        f"{name} / {first}": ratio_of(answers, tests[first])
        for name, answers in tests.items()
        if name != first
    }
    summary = {
        "seeds": list(study.seeds),
        "base": {
            "unseen tables": with_interval(base[None, ~seen]),
            "seen tables": with_interval(base[None, seen]),
        },
        "questions": {
            "validation": len(parts["validation"]),
            "unseen tables": int((~seen).sum()),
            "seen tables": int(seen.sum()),
        },
        "rows": rows,
        "ratios": ratios,
    }
    write_atomically(out / SUMMARY, json.dumps(summary, indent=1) + "\n")
    return summary


def make_runs(work: Work, jobs: int, progress: bool | None) -> Iterator[str]:
    """Make runs (name, settings, folder), ``jobs`` of them side by side, and give the name of each as it is done. Raises RunFailed for the first that fails in another process."""
    if jobs == 1:
        for name, settings, folder in work:
            run_once(settings, folder, progress=progress)
            yield name
        return
    with parallel(len(work), jobs, None) as outcomes:
        for name, outcome in outcomes(work):
            if outcome["failed"] is not None:
                raise RunFailed(f"{name}: {outcome['failed']}")
            yield name


def _base_answers(study: Study, task: NL2SQL, out: Path) -> list[str]:
    """What the model writes for the test questions before it is adapted; asked once."""
    path = out / BASE
    if not path.exists():
        model = decoder(load(study.contenders[0].settings.model))
        report = evaluate_task(
            model, task, task.test, tokenizer_of(model), limit=task.answer_tokens, progress=False
        )
        write_atomically(path, json.dumps(report.predictions, indent=0) + "\n")
    answers: list[str] = json.loads(path.read_text())
    return answers


def _slug(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())

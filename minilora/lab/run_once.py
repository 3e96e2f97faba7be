"""A run in a folder of its own that is made once: whoever asks again is given what it left.

Comes after ``train.finetune``; ``study.py`` and ``sweep.py``, which make many runs, lean on it to go on where they were stopped.
"""

import json
from pathlib import Path
from typing import Any

from ..data.tasks import load_task
from ..train.finetune import check_begun, finetune, open_base
from ..train.recipe import FineTuning, settle
from ..train.result import METRICS

FREE = ("save_every",)
"""The one setting that changes neither what is learned nor what is measured."""


def run_once(settings: FineTuning, folder: Path, *, progress: bool | None = None) -> dict[str, Any]:
    """What ``finetune`` reports of the run with these settings in ``folder`` (``Result.report()``, as its ``metrics.json`` holds it).

    A run that is whole is read; one that was stopped goes on from its last checkpoint; one that is not there is made. Raises InputError where ``folder`` holds a run of other
    settings, and what ``finetune`` raises. The files a task was read from are not looked at again once the run is whole.
    """
    if (folder / METRICS).exists():  # written last, so the run is whole
        model = open_base(settings)
        task = load_task(settings.task, data=settings.data, seed=settings.data_seed or 0)
        check_begun(folder, settle(settings, model, task), model, task, free=FREE)
    else:
        finetune(settings, folder, resume=True, progress=progress)
    report: dict[str, Any] = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    return report

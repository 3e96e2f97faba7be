"""One run for every point of a grid, on processes here or on the workers of a Dask cluster.

Comes after ``grid.py``, which says which runs, and ``run_once.py``, which makes one; ``sweep_results.py`` comes next, and turns what the runs report into a table, a file and a picture.

joblib (extra ``sweep``) starts the processes, and hands runs to Dask (extra ``dask``) through its own backend. A run is the smallest piece of work: one process makes one run at a
time, with one thread of BLAS, since runs side by side use cores better than threads within one.
"""

import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from ..errors import InputError, RunFailed
from ..files import make_folder, write_atomically
from ..train.recipe import FineTuning, absolute
from .grid import GridAxis, Point, folder_name, points, written
from .run_once import run_once
from .sweep_results import score, summarise, write_results

RUNS, ERROR = "runs", "error.txt"
PATHS = ("model", "data", "adapter")
"""The settings that name files and folders."""
WATCH = 0.5
"""Seconds between two looks at whether the process that asked for runs is still there."""
PATIENCE = 10
"""Seconds in which a Dask cluster must answer and have a worker."""


def sweep_settings(base: FineTuning, axes: Sequence[GridAxis]) -> list[tuple[Point, FineTuning]]:
    """Every point of the grid with the settings of its run: ``base``, in which the axes' fields are set. Paths become absolute, so that they hold in every process. Raises InputError where a combination contradicts itself."""
    made = []
    for point in points(axes):
        settings = replace(base, **point)
        given: dict[str, Any] = {name: getattr(settings, name) for name in PATHS}
        given = {name: path if path is None else absolute(path) for name, path in given.items()}
        made.append((point, replace(settings, **given)))
    return made


def run_sweep(
    base: FineTuning,
    axes: Sequence[GridAxis],
    out: str | Path,
    *,
    jobs: int | None = None,
    dask: str | None = None,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Make the runs of a grid that are not there yet, each in a folder under ``out/runs``, and return (and write, see ``sweep_results``) what all of them came to.

    jobs: processes on this machine (None: one a core). dask: the address of a scheduler, ``tcp://host:8786``, whose workers make the runs instead; they must see ``out``, the model and
    the data under the same paths. tell: called with one line a run, as soon as it is done.

    A run that fails is reported under ``failed``, and stops no other; a run that is there with other settings counts as failed. Raises InputError where nothing can begin: joblib or
    Dask missing, a cluster that doesn't answer, a combination of settings that no run could have; RunFailed where a process was killed from outside.
    """
    runs = sweep_settings(base, axes)
    out = make_folder(Path(out).resolve())
    names = [folder_name(point) for point, _ in runs]
    done: dict[str, Mapping[str, Any]] = {}
    with parallel(len(runs), jobs, dask) as outcomes:
        work = [(name, settings, out / RUNS / name) for name, (_, settings) in zip(names, runs, strict=True)]
        for name, outcome in outcomes(work):
            done[name] = outcome
            tell(f"{len(done)} of {len(runs)}: {name}: {in_brief(outcome)}")
    entries = [
        {"name": name, "point": {field: written(value) for field, value in point.items()}, **done[name]}
        for name, (point, _) in zip(names, runs, strict=True)
    ]
    summary = summarise(base, axes, entries)
    write_results(summary, out)
    return summary


def make(
    name: str, settings: FineTuning, folder: Path, parent: int | None = None
) -> tuple[str, dict[str, Any]]:
    """One run, in the process that this is called in: its name, and its report or why it failed. Raises nothing but what ends the process.

    parent: the process that asked, where it is of this machine; this one ends with it. An error that is a defect of the program leaves its traceback in ``error.txt``.
    """
    if parent not in (None, os.getpid()):
        end_with(parent)
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            report = run_once(settings, folder, progress=False)
    except (InputError, RunFailed) as error:
        return name, {"failed": str(error)}
    except Exception as error:
        write_atomically(folder / ERROR, traceback.format_exc())
        return name, {"failed": f"{type(error).__name__}: {error} (see {folder / ERROR})"}
    (folder / ERROR).unlink(missing_ok=True)
    return name, {"failed": None, "report": report}


@cache  # one watch a process, however many runs it makes
def end_with(parent: int) -> None:
    """End this process at once when ``parent`` is gone: killed, it could not tell, and a run that nobody waits for would be in the way of the sweep that goes on."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def in_brief(outcome: Mapping[str, Any]) -> str:
    """A run in a few words."""
    if outcome["failed"] is not None:
        return f"failed: {outcome['failed']}"
    value = score(outcome)
    return f"{outcome['report']['primary']} {'not finite' if value is None else format(value, '.4g')}"


Work = Sequence[tuple[str, FineTuning, Path]]
Outcomes = Callable[[Work], Iterator[tuple[str, dict[str, Any]]]]


@contextmanager
def parallel(count: int, jobs: int | None, dask: str | None) -> Iterator[Outcomes]:
    """What makes runs side by side, and hands over each as it is done, in whatever order. Raises InputError and RunFailed as ``run_sweep`` says."""
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs must be at least 1, not {jobs}")
    if jobs is not None and dask is not None:
        raise InputError(
            "jobs and dask exclude each other: a cluster has as many processes as it has workers"
        )
    try:
        import joblib
        from joblib.externals.loky.process_executor import TerminatedWorkerError
    except ImportError as error:
        raise InputError("a sweep needs joblib; pip install 'minilora[sweep]'") from error

    parent = os.getpid() if dask is None else None

    def outcomes(work: Work) -> Iterator[tuple[str, dict[str, Any]]]:
        run = joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="all")
        yield from run(joblib.delayed(make)(*piece, parent) for piece in work)

    if dask is not None:
        with cluster(dask), joblib.parallel_config(backend="dask"):
            yield outcomes
        return
    with joblib.parallel_config(backend="loky", n_jobs=min(count, jobs or joblib.cpu_count())):
        try:
            yield outcomes
        except TerminatedWorkerError as error:
            raise RunFailed(
                "a process that made a run was killed, which happens where memory runs out; give fewer --jobs, and the same command goes on"
            ) from error


@contextmanager
def cluster(address: str) -> Iterator[None]:
    """A connection to the Dask scheduler at ``address``. Raises InputError where Dask is missing, none answers, it has no worker, or a worker has several threads."""
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("a sweep on a Dask cluster needs Dask; pip install 'minilora[dask]'") from error
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=True)
    except (OSError, ValueError) as error:  # a timeout is an OSError too
        raise InputError(
            f"no Dask scheduler answers at {address!r}; give the address that dask scheduler prints, such as tcp://host:8786"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise InputError(
                f"the Dask scheduler at {address!r} has no worker; start some with dask worker {address} --nthreads 1"
            ) from error
        for worker, facts in client.scheduler_info(n_workers=-1)["workers"].items():
            if facts["nthreads"] > 1:
                raise InputError(
                    f"the Dask worker at {worker} has {facts['nthreads']} threads, and a run wants a process of its own; start workers with --nthreads 1"
                )
        yield

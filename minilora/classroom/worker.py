"""Running checks on code: the part that runs in the student's own process.

Comes before ``sandbox.py``, which starts this file as a program of its own (``python worker.py FOLDER``), and is therefore free of the package: NumPy is all it
needs. The same functions run trusted code (solutions, wrong answers) within the judge's process.
"""

import contextlib
import json
import os
import resource
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Problem(NamedTuple):
    """Why a check came to no answer.

    kind: "unwritten" (the gap is still there), "load" (the file itself raised), "raised", "unusable" (the check raised over what it was given), "nothing" (None was returned),
    "type" (no array), "exit", "memory", "output", "input"; from the sandbox also "time", "crash", "gone". text: the exception, or the type; where: file and line.
    """

    kind: str
    text: str
    where: str = ""


class Outcome(NamedTuple):
    """What a check's code led to: answers by label, or a problem."""

    answers: dict[str, Array]
    problem: Problem | None = None


Part = tuple[str, str]
"""A piece of code: the name it goes by in messages, and its text."""


def run(
    given: str,
    parts: Sequence[Part],
    checks: Sequence[str],
    seed: int,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """One outcome a check: with the code of ``parts``, run in order after ``given``, each check starts from a generator of its own, from (seed, its number)."""
    with np.errstate(all="ignore"):
        progress("your file itself")
        namespace, problem = load(given, parts)
        outcomes = []
        for number, check in enumerate(checks):
            progress(f"check {number + 1}")
            outcomes.append(
                Outcome({}, problem)
                if problem
                else probe(namespace, check, seed, number, [n for n, _ in parts])
            )
        return outcomes


def load(given: str, parts: Sequence[Part]) -> tuple[dict[str, Any], Problem | None]:
    """The names that code defines, and the problem if it did not run through."""
    namespace: dict[str, Any] = {"__name__": "__exercise__", "__builtins__": __builtins__}
    try:
        exec(compile(given, "given", "exec"), namespace)
        for name, code in parts:
            exec(compile(code, name, "exec"), namespace)
    except (
        BaseException
    ) as error:  # also SystemExit and KeyboardInterrupt: nothing of the student's may end this process
        return namespace, describe(error, [name for name, _ in parts], loading=True)
    return namespace, None


def probe(
    namespace: Mapping[str, Any], check: str, seed: int, number: int, names: Sequence[str] = ()
) -> Outcome:
    """Run one check's code beside ``namespace`` and collect its ``answer``."""
    scope = {**namespace, "rng": np.random.default_rng([seed, number]), "__name__": "__check__"}
    try:
        exec(compile(check, "check", "exec"), scope)
        answer = scope["answer"]
    except BaseException as error:
        return Outcome({}, describe(error, names, loading=False, check=check))
    labelled = answer if isinstance(answer, dict) else {"": answer}
    answers: dict[str, Array] = {}
    for label, value in labelled.items():
        if value is None:
            return Outcome({}, Problem("nothing", str(label)))
        try:
            array = np.array(value)  # a copy: a later line of the student's cannot change it
        except Exception:
            array = np.array(None)
        if array.dtype.kind not in "biufcU":
            return Outcome({}, Problem("type", type(value).__name__, str(label)))
        answers[str(label)] = array
    return Outcome(answers)


def describe(error: BaseException, names: Sequence[str], *, loading: bool, check: str = "") -> Problem:
    """An exception as a problem, with the last line of the student's own that it came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in names]
    where = f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
    if isinstance(error, SyntaxError) and error.filename in names:
        where = f"{error.filename}, line {error.lineno}"
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    kinds: tuple[tuple[type[BaseException], str], ...] = (
        (NotImplementedError, "unwritten"),
        (SystemExit, "exit"),
        (MemoryError, "memory"),
        (EOFError, "input"),
    )
    for kind, name in kinds:
        if isinstance(error, kind):
            return Problem(name, text, where)
    if isinstance(error, OSError) and error.errno == 27:  # EFBIG: the file that output goes to is full
        return Problem("output", text, where)
    if loading:
        return Problem("load", text, where)
    if frames:
        return Problem("raised", text, where)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "check"]
    line = check.splitlines()[(lines[-1] or 1) - 1].strip() if lines else ""
    return Problem("unusable", text, line)


def save(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """Write outcomes where ``read`` finds them: arrays as .npz, which holds numbers and no code."""
    arrays: dict[str, Array] = {}
    notes: list[dict[str, Any]] = []
    for outcome in outcomes:
        numbered = {f"a{len(arrays) + i}": value for i, value in enumerate(outcome.answers.values())}
        arrays.update(numbered)
        notes.append(
            {"labels": dict(zip(outcome.answers, numbered, strict=True)), "problem": outcome.problem}
        )
    np.savez(folder / "answers.npz", **arrays)  # type: ignore[arg-type]
    (folder / "outcomes.json").write_text(json.dumps(notes), encoding="utf-8")


def read(folder: Path) -> list[Outcome]:
    """The outcomes that ``save`` wrote. Raises OSError, ValueError or KeyError where there are none that can be read."""
    notes = json.loads((folder / "outcomes.json").read_text(encoding="utf-8"))
    with np.load(folder / "answers.npz", allow_pickle=False) as arrays:
        return [
            Outcome(
                {label: arrays[key] for label, key in note["labels"].items()},
                Problem(*note["problem"]) if note["problem"] else None,
            )
            for note in notes
        ]


def limit(memory: int, seconds: int, written: int) -> None:
    """Bound what this process and those it starts may take: bytes of memory, seconds of processor time, bytes in any one file; no core files, and few processes."""
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),  # counts the user's processes everywhere: 0 means no further one
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard),) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # SIGXCPU first, which has a name


def main(folder: Path) -> None:
    """Do the job that lies in ``folder`` and leave its outcomes there."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    (folder / "job.json").unlink()
    limit(job["memory"], job["seconds"], job["written"])

    def progress(text: str) -> None:
        (folder / "progress").write_text(text, encoding="utf-8")

    outcomes = run(job["given"], [tuple(part) for part in job["parts"]], job["checks"], job["seed"], progress)
    save(folder, outcomes)
    (folder / "done").touch()
    with contextlib.suppress(OSError):  # full, or closed by the student's code
        sys.stdout.flush()
    os._exit(0)  # threads and exit handlers of the student's have no say any more


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""What a run remembers of itself: one record a step, in memory and as a line of ``log.jsonl``.

Comes beside the loop. A line is one JSON object; numbers are written with all their digits, so that two runs can be compared to the last.
"""

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ..files import write_atomically

NAME = "log.jsonl"


@dataclass(frozen=True)
class Record:
    """One step: its number (from 1), loss in nats a counted token, learning rate, norm of the gradient before clipping, tokens read, seconds taken (of steps
    whose figures were read back together, each its share), and the validation after it, where there was one."""

    step: int
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens: int
    seconds: float
    validation: float | None = None


@dataclass
class History:
    """A whole run, resumed parts included: its records, the best validation (None without any) and its step, and whether patience ended it."""

    records: list[Record] = field(default_factory=list)
    best: float | None = None
    best_step: int | None = None
    stopped_early: bool = False

    @property
    def losses(self) -> list[float]:
        """The loss of each step."""
        return [record.loss for record in self.records]

    @property
    def validations(self) -> list[tuple[int, float]]:
        """(step, value) of each validation."""
        return [(record.step, record.validation) for record in self.records if record.validation is not None]

    @property
    def seconds(self) -> float:
        """Time spent in steps, validation and files left out."""
        return sum(record.seconds for record in self.records)


class Log:
    """The records of a run, and its open ``log.jsonl`` when it has a folder. A context manager."""

    def __init__(self, folder: str | os.PathLike[str] | None, step: int) -> None:
        """Open the log to go on after ``step``: what it tells of later steps, and a last line cut short by a crash, are dropped."""
        self.records: list[Record] = []
        self._file: IO[str] | None = None
        if folder is None:
            return
        self.records = [record for record in read_log(folder) if record.step <= step]
        path = Path(folder) / NAME
        write_atomically(path, "".join(to_line(record) for record in self.records))
        self._file = path.open("a", encoding="utf-8")

    def append(self, record: Record) -> None:
        """Keep one record, and hand its line to the system at once: it survives the death of this process."""
        self.records.append(record)
        if self._file is not None:
            self._file.write(to_line(record))
            self._file.flush()

    def sync(self) -> None:
        """Wait until the lines are on the disk; done before a checkpoint, which must not know more than the log."""
        if self._file is not None:
            os.fsync(self._file.fileno())

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()


def to_line(record: Record) -> str:
    """A record as a line of JSON; ``validation`` only where there was one."""
    values = {name: value for name, value in dataclasses.asdict(record).items() if value is not None}
    return json.dumps(values) + "\n"


def read_log(folder: str | os.PathLike[str]) -> list[Record]:
    """The records of a run's folder, oldest first; empty without a log. Reading ends at a line that is not whole."""
    path = Path(folder) / NAME
    records: list[Record] = []
    if not path.is_file():
        return records
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            records.append(Record(**json.loads(line)))
        except (ValueError, TypeError):
            break
    return records

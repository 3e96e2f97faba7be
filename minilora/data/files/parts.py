"""Which file of a folder holds which part, and how one file is divided into parts.

Before it: a folder or a list of items. After it: the readers of ``data/tasks``.

Items are divided by the SHA-256 of a text: by what they say, not by their order or a seed, so that the same file is always divided alike and items that say
the same fall to the same part.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from ...errors import InputError

Item = TypeVar("Item")

PARTS = ("train", "validation", "test")
BEGINNINGS = {"train": ("train",), "validation": ("dev", "val"), "test": ("test",)}
"""How a word in the name of a file begins, by the part it holds: ``train.tsv``, ``dialogsum.dev.jsonl``, ``dart-v1.1.1-full-test.json``."""
ENDINGS = (".tsv", ".csv", ".jsonl", ".json")


def find_parts(
    data: Path, what: str, *, needed: Sequence[str] = PARTS, endings: Sequence[str] = ENDINGS
) -> dict[str, list[Path]]:
    """The files of each part in the folder ``data``, sorted by name; ``what`` names the data set in errors. Raises InputError where a part of ``needed`` has none.

    A file of ids, such as MRPC's dev_ids.tsv, which names its development examples by number, is none of them.
    """
    check_exists(data, what)
    files = sorted(
        file
        for file in data.iterdir()
        if file.is_file() and file.suffix.lower() in endings and "ids" not in _words(file)
    )
    found = {
        part: [file for file in files if any(w.startswith(BEGINNINGS[part]) for w in _words(file))]
        for part in PARTS
    }
    for part in needed:
        if not found[part]:
            wanted = " or ".join(f"{start}*" for start in BEGINNINGS[part])
            raise InputError(
                f"the folder {str(data)!r} holds no {wanted} with the ending {', '.join(endings)}; {what} needs {', '.join(needed)}"
            )
    return found


def _words(file: Path) -> list[str]:
    return re.split(r"[._\- ]+", file.stem.lower())


def check_exists(data: Path, what: str) -> None:
    """Raise InputError when there is nothing at ``data``."""
    if not data.exists():
        raise InputError(f"no {what} data at {str(data)!r}; give a file or a folder that is there")


def divide(items: Iterable[Item], text: Callable[[Item], str], where: str) -> dict[str, list[Item]]:
    """One file's items over the three parts: by the hash of their text modulo 10, 0 to 7 train, 8 validation, 9 test. Raises InputError when a part stays empty."""
    parts: dict[str, list[Item]] = {part: [] for part in PARTS}
    for item in items:
        number = _hash(text(item)) % 10
        parts["train" if number < 8 else "validation" if number == 8 else "test"].append(item)
    for part, found in parts.items():
        if not found:
            raise InputError(
                f"{where!r} has too few different examples: none falls to {part}; give some dozens, or a folder with train, dev and test files"
            )
    return parts


def hold_out(
    items: Sequence[Item], text: Callable[[Item], str], *, share: float = 0.1, most: int = 1_000
) -> tuple[list[Item], list[Item]]:
    """(what stays, what is held out): ``share`` of the items, ``most`` at most and one at least, those whose text has the smallest hash."""
    order = sorted(range(len(items)), key=lambda i: (_hash(text(items[i])), i))
    texts = {text(items[i]) for i in order[: max(1, min(most, round(len(items) * share)))]}
    held = [item for item in items if text(item) in texts]
    return [item for item in items if text(item) not in texts], held


def _hash(text: str) -> int:
    return int(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), 16)

"""Files that are never left half-written.

A write goes to a temporary file in the same folder, is flushed to the disk, and is then renamed over its goal: whoever reads the goal, also after a
crash, finds the old content or the new, never a mixture.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import InputError


def write_atomically(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Put ``content`` (text as UTF-8) at ``path``, creating its folder; replace what was there in one step.

    Raises InputError when the folder cannot be written.
    """
    with open_atomically(path) as file:
        file.write(content.encode("utf-8") if isinstance(content, str) else content)


@contextmanager
def open_atomically(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write bytes to, piece by piece; it takes its place at ``path`` when the block ends, and never where the block raises.

    Raises InputError when the folder cannot be written.
    """
    path = Path(path)
    make_folder(path.parent)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(
            f"cannot write {str(path)!r}: {error.strerror}; choose a folder that can be written"
        ) from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def make_folder(folder: str | os.PathLike[str]) -> Path:
    """Create ``folder`` and its parents where they are missing; raises InputError where that is impossible."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot create the folder {str(folder)!r}: {error.strerror}; choose a folder that can be written"
        ) from error
    return folder

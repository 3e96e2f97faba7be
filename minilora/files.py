"""Files that are never left half-written, and JSON from elsewhere that is read with care.

A write goes to a temporary file in the same folder, is flushed to the disk, and is then renamed over its goal: whoever reads the goal, also after a
crash, finds the old content or the new, never a mixture.
"""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from .errors import InputError

_UMASK = os.umask(0o077)  # it can only be read by setting it
os.umask(_UMASK)


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
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_UMASK)  # as any new file; a temporary one is its owner's alone
        try:
            os.replace(temporary, path)
        except OSError as error:  # a folder stands there
            raise InputError(f"cannot write {str(path)!r}: {error.strerror}; choose another place") from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def create(path: str | os.PathLike[str], text: str) -> None:
    """Write a file that is not there, in a folder that is. Of two processes that do so at once the system lets one.

    Raises FileExistsError for the other, and InputError when the folder cannot be written.
    """
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise
    except OSError as error:
        raise _unwritable(path, error) from error


def check_writable(path: str | os.PathLike[str]) -> None:
    """Make the folder of a file that is written once some work is done. Raises InputError, before the work, where the file cannot be written there."""
    path = Path(path)
    folder = make_folder(path.parent)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(path, error) from error
    if path.is_dir():
        raise InputError(f"cannot write {str(path)!r}, which is a folder; give the name of a file")


def _unwritable(path: str | os.PathLike[str], error: OSError) -> InputError:
    return InputError(
        f"cannot write {os.fspath(path)!r}: {error.strerror}; choose a folder that can be written"
    )


def remove(path: str | os.PathLike[str]) -> None:
    """Remove the file at ``path``, where there is one. Raises InputError where that is not allowed."""
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot remove {os.fspath(path)!r}: {error.strerror}; choose a folder that can be written"
        ) from error


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


LONGEST_JSON = 200_000_000
"""Bytes of the longest JSON file that is read; the largest tokenizers have some 30 million."""


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The fields of a JSON file that holds one object; raises InputError, in one sentence, when it is missing, too long, or anything else (see ``parse_json``)."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > LONGEST_JSON:
            raise InputError(
                f"{str(path)!r} has {size} bytes, too many for a file of this kind (at most {LONGEST_JSON})"
            )
        fields = parse_json(path.read_bytes())
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"no file {str(path)!r}") from error
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{str(path)!r} is not JSON that can be read ({error})") from error
    if not isinstance(fields, dict):
        raise InputError(f"{str(path)!r} holds a {type(fields).__name__}, not fields with names")
    return fields


def parse_json(text: bytes) -> Any:
    """JSON as files from elsewhere should have it: UTF-8, no name twice in one object, no NaN, no half of a character. Raises ValueError, in one line, for anything else."""
    try:
        fields = json.loads(
            text.decode("utf-8"), object_pairs_hook=_no_name_twice, parse_constant=_no_constant
        )
        if b"\\u" in text:  # an escape such as \ud800 alone makes a text that no file and no screen can take
            json.dumps(fields, ensure_ascii=False).encode("utf-8")
        return fields
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8") from error
    except UnicodeEncodeError as error:
        raise ValueError("an escape in it is half of a character") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise ValueError(f"{counts.most_common(1)[0][0]!r} comes twice")
    return fields


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")

"""The two errors that are a user's business: what was given cannot be used, or the run failed though its input was good.

Every room raises InputError for bad input: a wrong argument, a file that is not what it should be, a configuration that contradicts itself.
The command line turns it into exit status 2 and one sentence, and RunFailed into exit status 1; any other exception is a defect and keeps its traceback.
"""

import difflib
from collections.abc import Iterable, Sequence


class InputError(ValueError):
    """Input that cannot be used. The message is one sentence: the argument, what was given, what would do."""


class RunFailed(RuntimeError):
    """A run that cannot go on, though nothing was wrong with what was given: training that diverged, a check that failed. The message is one sentence."""


def some(names: Sequence[str], most: int) -> str:
    """The first ``most`` of the names, and how many more there are: ``"a, b and 3 more"``."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def first_line(error: BaseException) -> str:
    """The first line of what another library's error says, or the error's name where it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def nearest(name: str, known: Iterable[str]) -> str:
    """End an error message with the nearest known names: ``"; did you mean 'query'?"``, or nothing when none is near."""
    matches = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(map(repr, matches))}?" if matches else ""

"""The two errors that are a user's business: what was given cannot be used, or the run failed though its input was good.

Every room raises InputError for bad input: a wrong argument, a file that is not what it should be, a configuration that contradicts itself.
The command line turns it into exit status 2 and one sentence, and RunFailed into exit status 1; any other exception is a defect and keeps its traceback.
"""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Input that cannot be used. The message is one sentence: the argument, what was given, what would do."""


class RunFailed(RuntimeError):
    """A run that cannot go on, though nothing was wrong with what was given: training that diverged, a check that failed. The message is one sentence."""


def nearest(name: str, known: Iterable[str]) -> str:
    """End an error message with the nearest known names: ``"; did you mean 'query'?"``, or nothing when none is near."""
    matches = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(map(repr, matches))}?" if matches else ""

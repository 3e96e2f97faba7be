"""How PEFT names the layers it adapts, and the other way round: a list of endings, one regular expression, or ``all-linear``.

Paths here are those of the foreign model, such as ``transformer.h.0.attn.c_attn``. Comes before ``config.py``, which holds what a file asks for.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from ...errors import InputError

Value = TypeVar("Value")

ALL_LINEAR = "all-linear"


def fits(wanted: tuple[str, ...] | str, path: str) -> bool:
    """Whether ``wanted`` names ``path``: a list by an entry that is the path or a dotted ending of it, a text as a regular expression of the whole path."""
    if isinstance(wanted, str):
        return compiled(wanted).fullmatch(path) is not None
    return any(path == entry or path.endswith(f".{entry}") for entry in wanted)


def first_that_fits(patterns: Mapping[str, Value], path: str) -> Value | None:
    """The value of the first pattern that is a regular expression of a dotted ending of ``path``; None where there is none."""
    for pattern, value in patterns.items():
        if compiled(rf"(.*\.)?({pattern})$").match(path):
            return value
    return None


def layer_number(path: str, holders: tuple[str, ...]) -> int | None:
    """The number of the layer that ``path`` lies in: the first one after a name, or after one of ``holders`` where there are any."""
    for holder in holders or (r"[^.]*",):
        start = rf"(?:^|.*?\.){holder}" if holders else rf".*?\.{holder}"
        if found := compiled(rf"{start}\.(\d+)\.").match(path):
            return int(found.group(1))
    return None


def compiled(pattern: str) -> "re.Pattern[str]":
    """The regular expression; raises InputError for one that is none."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InputError(f"{pattern!r} is no regular expression: {error}") from error


def shortest_endings(chosen: Iterable[str], paths: Collection[str]) -> list[str]:
    """Endings that together name the ``chosen`` of ``paths`` and no other: ``query`` for all queries, a whole path where nothing less will do.

    ``dense`` alone is never one of them: models of Hugging Face have layers of that name outside of what is known here. Nor does one begin with a number.
    """
    chosen = dict.fromkeys(chosen)
    left = list(chosen)
    endings = []
    while left:
        parts = left[0].split(".")
        for length in range(1, len(parts) + 1):
            ending = ".".join(parts[-length:])
            named = {path for path in paths if fits((ending,), path)}
            if ending != "dense" and not parts[-length].isdigit() and named <= chosen.keys():
                break
        endings.append(ending)
        left = [path for path in left if path not in named]
    return endings

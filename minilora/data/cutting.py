"""Texts cut to a number of tokens: whole characters of the text itself, so that what is left is still a text.

Before it: a `Tokenizer`. After it: ``tasks`` decides which of an example's texts is cut, and ``tasks/lengths.py`` which examples.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from ..errors import InputError, nearest
from .tokenizer import Tokenizer, shares

Cut = TypeVar("Cut")

POLICIES = ("error", "cut", "skip")
"""What can be done with an example that is longer than the model's context."""


def check_policy(given: str | None) -> None:
    """Raise InputError for a policy that is not known; None leaves it open."""
    if given is not None and given not in POLICIES:
        raise InputError(f"too_long must be {', '.join(POLICIES)}, not {given!r}{nearest(given, POLICIES)}")


def refuse_long(what: str, lengths: Sequence[int], context: int, first: str = "") -> None:
    """Raise InputError where some of ``lengths``, in tokens, are above ``context``: it says how many, and what can be done. what: what they are, in the plural; first: what is said of the first of them."""
    long = [length for length in lengths if length > context]
    if long:
        raise InputError(
            f"{len(long)} of {len(lengths)} {what} are longer than the model's context of {context} tokens{first} (the longest has {max(long)}); "
            "cut them or leave them out with too_long 'cut' or 'skip' (--too-long), or take a model with a longer context"
        )


def cut_before(text: str, cue: str, tokenizer: Tokenizer, tokens: int) -> str:
    """``text`` in at most so many tokens: what stands before its last ``cue`` loses its end, the cue and all after it stay. A text without the cue loses its beginning.

    Raises InputError where what must stay is too long by itself.
    """
    source, mark, rest = text.rpartition(cue)
    if not mark:
        return longest(lambda kept: tokenizer.ending(text, kept).lstrip(), tokenizer, tokens, tokens)
    room = tokens - len(tokenizer.encode(mark + rest))
    return longest(
        lambda kept: tokenizer.beginning(source, kept).rstrip() + mark + rest, tokenizer, room, tokens
    )


def cut_longest_first(
    texts: Sequence[str], write: Callable[[Sequence[str]], str], tokenizer: Tokenizer, tokens: int
) -> tuple[str, ...]:
    """One text or two, cut at their ends, so that what ``write`` makes of them has at most so many tokens: the longer is cut first, and both alike from where they are equal (transformers' ``longest_first``).

    Raises InputError where what is written around them is too long by itself.
    """
    lengths = [len(ids) for ids in tokenizer.encode_all(texts)]

    def cut(kept: int) -> tuple[str, ...]:
        shared = shares(lengths[0], lengths[1] if len(lengths) > 1 else 0, kept)
        return tuple(
            tokenizer.beginning(text, share).rstrip() for text, share in zip(texts, shared, strict=False)
        )

    room = tokens - len(tokenizer.encode(write([""] * len(texts))))
    return longest(cut, tokenizer, room, tokens, write)


def longest(
    cut: Callable[[int], Cut],
    tokenizer: Tokenizer,
    room: int,
    tokens: int,
    write: Callable[[Cut], str] = lambda text: str(text),
) -> Cut:
    """What ``cut`` leaves of ``room`` tokens or, since tokens join across a cut, a few fewer, such that it has at most ``tokens`` as ``write`` writes it."""
    while room >= 0:
        found = cut(room)
        excess = len(tokenizer.encode(write(found))) - tokens
        if excess <= 0:
            return found
        room -= excess
    raise InputError(
        f"a prompt cannot be cut to {tokens} tokens: what must stay of it is longer; leave it out with too_long 'skip'"
    )

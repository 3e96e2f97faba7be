"""Continue texts: prompts in, the tokens that follow them out.

Comes after the model. Prompts are sorted by length and run in batches; each batch reads its prompts once, keeps their keys and values in a cache, and then
computes one token a row and step. How a token is chosen is a value: ``Greedy()``, ``Sample(...)`` or ``Beam(...)`` (``generation/decoding.py``).
"""

from collections.abc import Callable, Sequence

from ..errors import InputError
from .base import Model
from .generation.beam import search
from .generation.choose import continue_rows
from .generation.decoding import Beam, Decoding, Greedy, Sample
from .gpt import GPT

__all__ = ["Beam", "Decoding", "Greedy", "Sample", "decoder", "generate"]

ROWS = 64
"""Rows that run together: more make the matrix products a little faster, but the cache larger than the processor's own."""


def decoder(model: Model) -> GPT:
    """``model`` itself, where it continues texts. Raises InputError for an encoder, and for a decoder whose language-model head was replaced."""
    if not isinstance(model, GPT):
        raise InputError(
            f"texts are continued by a decoder such as tiny-gpt, and this model, a {type(model).__name__}, reads a whole text at once"
        )
    if model.head.kind != "language-model":
        raise InputError(
            f"texts are continued by a language model, and this one has a {model.head.kind} head; load the model anew"
        )
    return model


def generate(
    model: Model,
    prompts: Sequence[Sequence[int]],
    *,
    limit: int,
    decoding: Decoding = Greedy(),  # noqa: B008 (a frozen value)
    end: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[list[int]]:
    """The tokens that follow each prompt, in the prompts' order.

    A text ends before the token ``end`` (which is left out), after ``limit`` tokens, or when prompt and text fill the model's context. What a prompt gets does not
    depend on the prompts beside it. progress: called with (prompts finished, prompts in all) whenever some finish.

    Raises InputError for a model that is no decoder (see ``decoder``), an empty prompt, one longer than the context, token numbers outside the vocabulary, and a limit below 1.
    """
    model = decoder(model)
    if limit < 1:
        raise InputError(f"limit must be at least 1 token, not {limit}")
    for place, prompt in enumerate(prompts):
        _check(prompt, place, model)
    outputs: list[list[int]] = [[] for _ in prompts]
    room = [min(limit, model.room - len(prompt)) for prompt in prompts]
    order = sorted(
        (place for place in range(len(prompts)) if room[place]), key=lambda place: len(prompts[place])
    )
    count = len(prompts) - len(order)  # prompts that fill the context are finished before they begin

    def finished(more: int) -> None:
        nonlocal count
        count += more
        if progress is not None and more:
            progress(count, len(prompts))

    rows = max(1, ROWS // decoding.width) if isinstance(decoding, Beam) else ROWS
    for first in range(0, len(order), rows):
        places = order[first : first + rows]
        batch, limits = [prompts[place] for place in places], [room[place] for place in places]
        if isinstance(decoding, Beam):
            texts = search(model, batch, limits=limits, decoding=decoding, end=end, finished=finished)
        else:
            texts = continue_rows(
                model, batch, places=places, limits=limits, decoding=decoding, end=end, finished=finished
            )
        for place, text in zip(places, texts, strict=True):
            outputs[place] = text
    return outputs


def _check(prompt: Sequence[int], place: int, model: GPT) -> None:
    if not len(prompt):
        raise InputError(
            f"prompt {place} is empty; give at least one token, for instance the end-of-text token"
        )
    if len(prompt) > model.room:
        special = f" without the prefix's {model.inputs.extra} special tokens" if model.inputs.extra else ""
        raise InputError(
            f"prompt {place} has {len(prompt)} tokens, more than the model's context of {model.room}{special}; shorten it"
        )
    if min(prompt) < 0 or max(prompt) >= model.config.vocabulary:
        raise InputError(
            f"prompt {place} holds token {min(prompt) if min(prompt) < 0 else max(prompt)}, "
            f"but the model's vocabulary is 0 to {model.config.vocabulary - 1}"
        )

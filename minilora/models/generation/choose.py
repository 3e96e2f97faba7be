"""One token a row, again and again: greedy decoding and sampling.

Comes after the running rows; ``models/generate.py`` calls ``continue_rows`` for a batch of prompts.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ..gpt import GPT
from .decoding import Greedy, Sample
from .running import BoolArray, FloatArray, IntArray, Running


def continue_rows(
    model: GPT,
    prompts: Sequence[Sequence[int]],
    *,
    places: Sequence[int],
    limits: Sequence[int],
    decoding: Greedy | Sample,
    end: int | None,
    finished: Callable[[int], None],
) -> list[list[int]]:
    """What follows each prompt: up to ``limits[i]`` tokens, or up to ``end``, which is left out.

    places: each prompt's place in the whole list, which seeds its random numbers. finished: called with the number of prompts that have just ended.
    """
    outputs: list[list[int]] = [[] for _ in prompts]
    limit = np.array(limits)
    rngs = (
        [np.random.default_rng([decoding.seed, place]) for place in places]
        if isinstance(decoding, Sample)
        else []
    )
    running = Running(model, prompts, room=max(limits))
    prompt_of: IntArray = np.arange(len(prompts))  # row -> prompt; rows of ended prompts leave in time
    alive: BoolArray = np.ones(len(prompts), dtype=np.bool_)
    for length in range(1, max(limits) + 1):
        if isinstance(decoding, Sample):
            uniform = np.array([rngs[prompt].random() for prompt in prompt_of])
            tokens = draw(distribution(running.logits, decoding), uniform)
        else:
            tokens = running.logits.argmax(axis=-1)  # [rows]
        before = int(alive.sum())
        if end is not None:
            alive &= tokens != end
        for row in np.flatnonzero(alive):
            outputs[prompt_of[row]].append(int(tokens[row]))
        alive &= length < limit[prompt_of]
        finished(before - int(alive.sum()))
        if not alive.any():
            break
        if worth_leaving(alive):
            rows = np.flatnonzero(alive)
            running.select(rows)
            prompt_of, tokens, alive = prompt_of[rows], tokens[rows], alive[rows]
        running.advance(tokens, alive)
    return outputs


def worth_leaving(alive: BoolArray) -> bool:
    """Whether so many have ended (a quarter) that carrying them along costs more than moving the others together."""
    return 4 * int(alive.sum()) <= 3 * len(alive)


def distribution(logits: FloatArray, options: Sample) -> FloatArray:
    """The probabilities that sampling draws from, float64 [rows, vocabulary]: temperature, then top-k, then top-p, then scaled to sum to 1.

    Tokens as likely as the k-th stay too.
    """
    scores = logits.astype(np.float64) / options.temperature
    if options.top_k is not None and options.top_k < scores.shape[-1]:
        kth = np.partition(scores, -options.top_k, axis=-1)[:, -options.top_k, None]  # [rows, 1]
        scores[scores < kth] = -np.inf
    probabilities: FloatArray = np.exp(scores - scores.max(axis=-1, keepdims=True))
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    if options.top_p is not None and options.top_p < 1:
        order = np.argsort(-probabilities, axis=-1, kind="stable")
        falling = np.take_along_axis(probabilities, order, axis=-1)
        before = np.cumsum(falling, axis=-1) - falling  # the probability of all tokens that are more likely
        falling[before >= options.top_p] = 0
        np.put_along_axis(probabilities, order, falling, axis=-1)
        probabilities /= probabilities.sum(axis=-1, keepdims=True)
    return probabilities


def draw(probabilities: FloatArray, uniform: FloatArray) -> IntArray:
    """One token a row by inverting the cumulative distribution: the first token where it passes ``uniform`` [rows], numbers in [0, 1)."""
    cumulative = np.cumsum(probabilities, axis=-1)
    goal = uniform[:, None] * cumulative[:, -1:]  # [rows, 1]; the last sum is 1 only up to rounding
    tokens: IntArray = (cumulative <= goal).sum(axis=-1)
    return tokens

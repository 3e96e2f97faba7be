"""Beam search: keep the most likely continuations of each prompt side by side.

Comes after the running rows; ``models/generate.py`` calls ``search`` for a batch of prompts. The rules are those of Hugging Face's transformers
(``early_stopping=False``), so that both give the same texts:

1. A step looks at all continuations of the ``width`` running beams by one token and takes the best 2·width by Σ log p: at least ``width`` of them do not end.
2. Those among the best ``width`` that end (with the end token, or at the limit) are finished: kept with score = Σ log p / length ** length_penalty,
   the best ``width`` a prompt. The best ``width`` that do not end run on.
3. A prompt is done at its limit, or as soon as it has ``width`` finished texts and the best running beam, scored at its present length, is no better than the worst
   of them. (A longer text can only lose probability; with a length penalty it might still gain in score, so this is a rule of thumb, transformers' default.)

A repeated n-gram is forbidden by setting its log p to −∞. It is looked for in the generated text alone, as the paper's own code does; transformers counts the prompt too,
which would forbid copying names from it.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..gpt import GPT
from .choose import worth_leaving
from .decoding import Beam
from .running import BoolArray, FloatArray, IntArray, Running


def search(
    model: GPT,
    prompts: Sequence[Sequence[int]],
    *,
    limits: Sequence[int],
    decoding: Beam,
    end: int | None,
    finished: Callable[[int], None],
) -> list[list[int]]:
    """The best text found after each prompt: up to ``limits[i]`` tokens, or up to ``end``, which is left out.

    finished: called with the number of prompts that have just ended.
    """
    width = decoding.width
    outputs: list[list[int]] = [[] for _ in prompts]
    running = Running(model, prompts, room=max(limits))
    copies = np.repeat(np.arange(len(prompts)), width)  # width rows a prompt, one after the other
    running.select(copies)
    running.logits = running.logits[copies]
    state = Beams(len(prompts), width, np.array(limits))
    for length in range(1, max(limits) + 1):
        source, done = state.step(running.logits, decoding, end)
        for index in np.flatnonzero(done & state.alive).tolist():
            outputs[state.prompt_of[index]] = state.best(index, end)
        finished(int((done & state.alive).sum()))
        state.alive &= ~done
        if not state.alive.any():
            break
        running.select(_rows(np.arange(len(source)), source, width), generated_only=True)
        if worth_leaving(state.alive):
            keep = np.flatnonzero(state.alive)
            running.select(_rows(keep, np.broadcast_to(np.arange(width), (len(keep), width)), width))
            state.keep(keep)
        running.advance(state.texts[:, :, length - 1].reshape(-1), np.repeat(state.alive, width))
    return outputs


def _rows(prompts: IntArray, beams: IntArray, width: int) -> IntArray:
    """Row numbers of beams [n, width] of prompts [n]."""
    return (prompts[:, None] * width + beams).reshape(-1)


class Beams:
    """The running and the finished texts of several prompts.

    texts: int [prompts, width, limit] and scores: Σ log p [prompts, width], best first, of the running beams; ended_texts, ended_lengths and ended_scores likewise of
    the finished ones (score −∞: none yet). alive: [prompts], whether a prompt is still searched; prompt_of: [prompts], its place in the batch.
    """

    def __init__(self, prompts: int, width: int, limits: IntArray) -> None:
        self.length = 0  # generated so far
        self.limits = limits
        self.prompt_of: IntArray = np.arange(prompts)
        self.alive: BoolArray = np.ones(prompts, dtype=np.bool_)
        self.texts: IntArray = np.zeros((prompts, width, int(limits.max())), dtype=np.int64)
        self.ended_texts: IntArray = self.texts.copy()
        self.ended_lengths: IntArray = np.zeros((prompts, width), dtype=np.int64)
        self.ended_scores: FloatArray = np.full((prompts, width), -np.inf)
        self.scores: FloatArray = np.full((prompts, width), -np.inf)
        # All beams are alike at the start: only one may be continued, or each text would be found width times.
        self.scores[:, 0] = 0.0

    def step(self, logits: FloatArray, decoding: Beam, end: int | None) -> tuple[IntArray, BoolArray]:
        """Make every running text one token longer. logits: [prompts * width, vocabulary].

        Returns which beam each new beam continues, int [prompts, width], and which prompts are done, bool [prompts].
        """
        prompts, width = self.scores.shape
        log_p = log_softmax(logits).reshape(prompts, width, -1)  # [prompts, width, vocabulary]
        vocabulary = log_p.shape[-1]
        if decoding.no_repeat_ngram:
            forbid_repeats(log_p, self.texts[:, :, : self.length], decoding.no_repeat_ngram)
        log_p += self.scores[:, :, None]
        count = min(2, vocabulary) * width
        scores, choice = best_first(log_p.reshape(prompts, -1), count)  # [prompts, count]
        source, token = np.divmod(choice, vocabulary)
        texts = np.take_along_axis(self.texts, source[:, :, None], axis=1)  # [prompts, count, limit]
        texts[:, :, self.length] = token
        self.length += 1
        ends = np.broadcast_to((self.length >= self.limits)[:, None], token.shape)
        if end is not None:
            ends = ends | (token == end)

        # Finished: the best of those from before and of those among the first ``width`` that end here.
        normalised = np.where(ends, scores / self.length**decoding.length_penalty, -np.inf)[:, :width]
        merged, order = best_first(np.concatenate([self.ended_scores, normalised], axis=1), width)
        self.ended_scores = merged
        self.ended_texts = _take(self.ended_texts, texts[:, :width], order)
        self.ended_lengths = np.take_along_axis(
            np.concatenate([self.ended_lengths, np.full((prompts, width), self.length)], axis=1),
            order,
            axis=1,
        )

        # Running: the best that do not end.
        before = self.texts
        self.scores, order = best_first(np.where(ends, -np.inf, scores), width)
        self.texts = np.take_along_axis(texts, order[:, :, None], axis=1)
        best_running = self.scores[:, 0] / self.length**decoding.length_penalty
        done = np.isfinite(merged).all(axis=1) & (best_running <= merged.min(axis=1))

        # Stuck: every continuation is forbidden. The best text so far stands, if none was finished before.
        stuck = best_running == -np.inf
        new = stuck & (merged[:, 0] == -np.inf)
        self.ended_texts[new, 0], self.ended_lengths[new, 0] = before[new, 0], self.length - 1
        done |= stuck
        return np.take_along_axis(source, order, axis=1), done

    def best(self, index: int, end: int | None) -> list[int]:
        """The finished text with the highest score, without its end token."""
        text: list[int] = self.ended_texts[index, 0, : self.ended_lengths[index, 0]].tolist()
        return text[:-1] if end is not None and text and text[-1] == end else text

    def keep(self, index: IntArray) -> None:
        """Drop all prompts but those at ``index``."""
        self.limits, self.prompt_of, self.alive = self.limits[index], self.prompt_of[index], self.alive[index]
        self.texts, self.scores = self.texts[index], self.scores[index]
        self.ended_texts, self.ended_lengths = self.ended_texts[index], self.ended_lengths[index]
        self.ended_scores = self.ended_scores[index]


def _take(first: IntArray, second: IntArray, order: IntArray) -> IntArray:
    """``concatenate([first, second], axis=1)`` in the given order: texts [prompts, width, limit]."""
    return np.take_along_axis(np.concatenate([first, second], axis=1), order[:, :, None], axis=1)


def log_softmax(logits: FloatArray) -> FloatArray:
    """log(exp(x) / Σ exp(x)) over the last axis, as a new array."""
    shifted: FloatArray = logits - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def best_first(scores: FloatArray, count: int) -> tuple[FloatArray, IntArray]:
    """The ``count`` largest of each row, falling, and where they stand; of equal ones the first comes first. scores: [rows, columns]."""
    candidates = np.argpartition(scores, -count, axis=-1)[:, -count:]  # [rows, count], in no order
    candidates.sort(axis=-1)
    values = np.take_along_axis(scores, candidates, axis=-1)
    order = np.argsort(-values, axis=-1, kind="stable")
    return np.take_along_axis(values, order, axis=-1), np.take_along_axis(candidates, order, axis=-1)


def forbid_repeats(log_p: FloatArray, texts: IntArray, size: int) -> None:
    """Set log p = −∞, in place, for each token that would complete a run of ``size`` tokens that its text already has.

    log_p: [prompts, width, vocabulary]; texts: [prompts, width, length].
    """
    length = texts.shape[-1]
    if length < size:
        return
    runs = sliding_window_view(texts, size, axis=-1)  # [prompts, width, length - size + 1, size]
    last = texts[:, :, None, length - size + 1 :]  # [prompts, width, 1, size - 1]
    prompt, beam, run = np.nonzero((runs[..., :-1] == last).all(axis=-1))
    log_p[prompt, beam, runs[prompt, beam, run, -1]] = -np.inf

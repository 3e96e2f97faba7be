"""Special tokens around a text: what the model reads, at which positions, and that training, generation and padding agree about it."""

import numpy as np
import pytest

from minilora.autograd import no_grad
from minilora.data.batches import Batch
from minilora.errors import InputError
from minilora.methods import LoRA, PrefixEmbedding, PrefixLayer, adapt
from minilora.models.generate import Beam, generate
from minilora.models.gpt import GPT

from .small import batch, deberta, gpt, roberta, train


def tokens_of(model: GPT, seed: int, count: int) -> np.ndarray:
    """The tokens that a prefix's start is drawn from: the first that the generator gives."""
    return np.random.default_rng(seed).integers(0, model.config.vocabulary, count)


def test_at_the_start_the_model_reads_random_tokens_of_its_vocabulary() -> None:
    """Word embeddings copied from the vocabulary at these places are these tokens, positions and all."""
    ids = batch(gpt()).ids
    for prefix, infix in ((3, 0), (0, 2), (2, 2)):
        tuned = adapt(gpt(), PrefixEmbedding(prefix, infix), rng=11)
        drawn = np.broadcast_to(tokens_of(tuned.model, 11, prefix + infix), (len(ids), prefix + infix))
        longer = np.concatenate([drawn[:, :prefix], ids, drawn[:, prefix:]], axis=1)
        expected = gpt().logits(longer)[:, prefix : prefix + ids.shape[1]].copy()
        expected[:, -1] = gpt().logits(longer)[
            :, -1
        ]  # what follows the text is read off the last infix token
        np.testing.assert_allclose(tuned.logits(ids), expected, rtol=1e-12, atol=1e-12)


def test_a_prefix_of_activations_starts_as_the_same_tokens() -> None:
    """Before a decoder's text, what random tokens have there when read alone is what they have when read with the text."""
    ids = batch(gpt()).ids
    tuned = adapt(gpt(), PrefixLayer(3, 0), rng=11)
    drawn = np.broadcast_to(tokens_of(tuned.model, 11, 3), (len(ids), 3))
    expected = gpt().logits(np.concatenate([drawn, ids], axis=1))[:, 3:]
    np.testing.assert_allclose(tuned.logits(ids), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", [PrefixEmbedding(2, 2), PrefixLayer(2, 2), PrefixEmbedding(0, 1)])
def test_the_infix_stands_where_the_first_target_is_predicted(
    method: PrefixEmbedding | PrefixLayer,
) -> None:
    """Rows with prompts of different lengths in one batch have the loss that each has alone, as a text that ends with its prompt."""
    tuned = adapt(gpt(), method)
    train(tuned, 2)
    ids = batch(tuned.model).ids
    targets = np.full(ids.shape, -100)
    for row, prompt in enumerate((2, 4, 5)):
        targets[row, prompt - 1] = 7
    loss = tuned.loss(Batch(ids, targets, np.ones(ids.shape, bool))).item()
    alone = [tuned.logits(ids[row, :prompt])[-1] for row, prompt in enumerate((2, 4, 5))]
    nll = [np.log(np.exp(x).sum()) - x[7] for x in alone]
    assert loss == pytest.approx(np.mean(nll), rel=1e-10)


@pytest.mark.parametrize("method", [PrefixEmbedding(2, 1), PrefixLayer(1, 2)])
@pytest.mark.parametrize("make", [gpt, roberta, deberta])
def test_padding_on_either_side_changes_nothing(method: PrefixEmbedding, make: object) -> None:
    tuned = adapt(make(), method)  # type: ignore[operator]
    train(tuned, 1)
    ids = np.random.default_rng(1).integers(2, 23, (1, 5))
    alone = tuned.logits(ids)
    for before, after in ((3, 0), (0, 3)) if make is gpt else ((0, 3),):
        padded = np.pad(ids, ((0, 0), (before, after)), constant_values=1)
        mask = np.pad(np.ones((1, 5), bool), ((0, 0), (before, after)))
        found = tuned.model.logits(padded, mask)
        found = found[:, before : before + 5] if make is gpt else found
        np.testing.assert_allclose(found, alone, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("method", [PrefixEmbedding(2, 1), PrefixLayer(1, 2)])
def test_generation_with_a_cache_reads_what_a_whole_pass_reads(method: PrefixEmbedding) -> None:
    """Token by token, prompts of different lengths together: the same as greedy choices from whole passes, each with the infix after the prompt."""
    tuned = adapt(gpt(), method)
    train(tuned, 2)
    model = tuned.model
    prompts = [[3, 4, 5], [7], [9, 2]]
    found = generate(model, prompts, limit=4)
    for prompt, text in zip(prompts, found, strict=True):
        tokens = list(prompt)
        for token in text:
            with no_grad():
                hidden = model.hidden(np.array([tokens]), prompt=np.array([len(prompt)]))
                assert model.head(hidden).data[0, -1].argmax() == token
            tokens.append(token)
        assert len(text) == min(4, model.room - len(prompt))
    beams = generate(model, prompts, limit=3, decoding=Beam(width=2, length_penalty=0, no_repeat_ngram=None))
    assert len(beams) == 3


def test_special_tokens_take_room_in_the_context() -> None:
    tuned = adapt(gpt(), PrefixEmbedding(3, 2))
    assert tuned.model.room == 12 - 5
    tuned.logits(np.ones((1, 7), int))
    with pytest.raises(
        InputError, match="the text has 8 tokens and 5 special tokens of the prefix, more than"
    ):
        tuned.logits(np.ones((1, 8), int))
    with pytest.raises(InputError, match="more than the model's context of 7 without the prefix's 5"):
        generate(tuned.model, [[1] * 8], limit=1)
    with tuned.disabled() as model:
        assert model.room == 12
    assert [method.positions for method in (PrefixLayer(4, 1), LoRA())] == [5, 0]


@pytest.mark.parametrize("make", [gpt, roberta])
@pytest.mark.parametrize("method", [PrefixEmbedding(12, 0), PrefixLayer(8, 4)])
def test_a_prefix_longer_than_the_context_is_refused(method: PrefixEmbedding, make: object) -> None:
    with pytest.raises(
        InputError, match="leave no room for a text in the model's context of 12; give at most 11"
    ):
        adapt(make(), method)  # type: ignore[operator]

"""Generation: the cache against full recomputation, batches against single prompts, beam search against every text there is, sampling against exact probabilities."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilora.errors import InputError
from minilora.models.generate import Beam, Greedy, Sample, generate
from minilora.models.generation.beam import best_first, log_softmax
from minilora.models.generation.choose import distribution, draw
from minilora.models.gpt import GPT, GPTConfig

END = 0


def lively(seed: int = 0, vocabulary: int = 30, context: int = 32) -> GPT:
    """A random model whose weights are large enough that its choices hang on what came before."""
    config = GPTConfig(vocabulary, context, width=16, layers=2, heads=4)
    model = GPT(config, np.random.default_rng(seed), dtype=np.float64)
    for parameter in model.parameters():
        parameter.data *= 10
    return model


def some_prompts(seed: int, count: int, vocabulary: int = 30, longest: int = 20) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(1, vocabulary, rng.integers(1, longest + 1)).tolist() for _ in range(count)]


def greedy_by_hand(model: GPT, prompt: list[int], limit: int) -> list[int]:
    """The definition: read everything again for each token."""
    text: list[int] = []
    while len(text) < limit and len(prompt) + len(text) < model.config.context:
        token = int(model.logits(np.array(prompt + text))[-1].argmax())
        if token == END:
            break
        text.append(token)
    return text


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_greedy_with_cache_equals_full_recomputation(seed: int) -> None:
    model, prompts = lively(seed), some_prompts(seed, 5)
    expected = [greedy_by_hand(model, prompt, 15) for prompt in prompts]
    assert generate(model, prompts, limit=15, end=END) == expected


@pytest.mark.parametrize(
    "decoding", [Greedy(), Beam(width=4, no_repeat_ngram=3), Beam(width=3, length_penalty=0.0)], ids=repr
)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_batch_gives_what_each_prompt_gives_alone(decoding: Greedy | Beam, seed: int) -> None:
    model, prompts = (
        lively(seed),
        some_prompts(seed, 70, longest=32),
    )  # more than one batch, some with a full context
    together = generate(model, prompts, limit=12, decoding=decoding, end=END)
    some = range(0, len(prompts), 4)
    alone = [generate(model, [prompts[i]], limit=12, decoding=decoding, end=END)[0] for i in some]
    assert [together[i] for i in some] == alone
    assert len({len(text) for text in together}) > 3  # rows did leave at different times


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), penalty=st.sampled_from([0.0, 0.9, 2.0]))
def test_beam_of_width_one_is_greedy(seed: int, penalty: float) -> None:
    model, prompts = lively(seed, vocabulary=8), some_prompts(seed, 4, vocabulary=8)
    beam = Beam(width=1, length_penalty=penalty, no_repeat_ngram=None)
    assert generate(model, prompts, limit=12, decoding=beam, end=END) == generate(
        model, prompts, limit=12, end=END
    )


@pytest.mark.parametrize("penalty", [0.0, 0.9, 1.5])
@pytest.mark.parametrize("ngram", [None, 2])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_beam_wide_enough_finds_the_best_of_all_texts(penalty: float, ngram: int | None, seed: int) -> None:
    limit, vocabulary, prompt = 4, 4, [1, 2]
    model = lively(seed, vocabulary)
    scores: dict[tuple[int, ...], float] = {}
    for text in itertools.product(range(vocabulary), repeat=limit):
        if END in text:
            text = text[: text.index(END) + 1]
        runs = list(itertools.pairwise(text))
        if text not in scores and not (ngram and len(set(runs)) < len(runs)):
            log_p = log_softmax(model.logits(np.array([*prompt, *text])))
            total = sum(log_p[len(prompt) - 1 + i, token] for i, token in enumerate(text))
            scores[text] = total / len(text) ** penalty
    best = max(scores, key=lambda text: scores[text])
    decoding = Beam(width=vocabulary**limit, length_penalty=penalty, no_repeat_ngram=ngram)
    found = generate(model, [prompt], limit=limit, decoding=decoding, end=END)[0]
    assert found == [token for token in best if token != END]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), ngram=st.integers(1, 4))
def test_no_ngram_occurs_twice(seed: int, ngram: int) -> None:
    model, prompts = lively(seed, vocabulary=6), some_prompts(seed, 3, vocabulary=6, longest=8)
    for text in generate(model, prompts, limit=20, decoding=Beam(3, no_repeat_ngram=ngram)):
        runs = [tuple(text[i : i + ngram]) for i in range(len(text) - ngram + 1)]
        assert len(set(runs)) == len(runs)


def test_beam_stops_where_every_continuation_is_forbidden() -> None:
    text = generate(lively(vocabulary=3), [[1]], limit=10, decoding=Beam(2, no_repeat_ngram=1))[0]
    assert sorted(text) == [0, 1, 2]


def test_a_wider_beam_finds_a_likelier_text() -> None:
    model, prompts = lively(5), some_prompts(5, 20)

    def mean_log_p(width: int) -> float:
        decoding = Beam(width, length_penalty=0.0, no_repeat_ngram=None)
        total = 0.0
        for prompt, text in zip(prompts, generate(model, prompts, limit=8, decoding=decoding), strict=True):
            log_p = log_softmax(model.logits(np.array(prompt + text)))
            total += sum(log_p[len(prompt) - 1 + i, token] for i, token in enumerate(text))
        return total / len(prompts)

    assert mean_log_p(8) > mean_log_p(1)


def test_best_first_orders_and_keeps_the_first_of_equals() -> None:
    values, places = best_first(np.array([[1.0, 5.0, -np.inf, 5.0, 3.0]]), 3)
    assert values.tolist() == [[5.0, 5.0, 3.0]]
    assert places.tolist() == [[1, 3, 4]]


OPTIONS = [
    Sample(),
    Sample(temperature=0.5),
    Sample(top_k=3),
    Sample(top_p=0.7),
    Sample(temperature=2.0, top_k=5, top_p=0.6),
    Sample(top_p=1e-9),
    Sample(top_k=1000, top_p=1.0),
]


def exact(logits: np.ndarray, options: Sample) -> list[float]:
    """Top-k and top-p from their definitions, a token at a time."""
    weights = [math.exp(float(x) / options.temperature) for x in logits]
    ranked = sorted(range(len(weights)), key=lambda i: -weights[i])[: options.top_k]
    total, kept, mass = sum(weights[i] for i in ranked), [], 0.0
    for i in ranked:
        kept.append(i)
        mass += weights[i] / total
        if options.top_p is not None and mass >= options.top_p:
            break
    return [weights[i] / sum(weights[j] for j in kept) if i in kept else 0.0 for i in range(len(weights))]


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
def test_the_distribution_is_exact_and_draws_follow_it(options: Sample, rng: np.random.Generator) -> None:
    logits = rng.standard_normal((3, 12)) * 2
    probabilities = distribution(logits, options)
    np.testing.assert_allclose(probabilities, [exact(row, options) for row in logits], atol=1e-12)
    draws = 20_000
    tokens = draw(np.repeat(probabilities[:1], draws, axis=0), rng.random(draws))
    frequencies = np.bincount(tokens, minlength=12) / draws
    assert (
        np.abs(frequencies - probabilities[0])
        <= 5 * np.sqrt(probabilities[0] * (1 - probabilities[0]) / draws) + 1e-12
    ).all()


def test_generated_samples_follow_the_model() -> None:
    model, prompt, count = lively(3, vocabulary=8), [1, 2, 3], 4000
    options = Sample(temperature=3.0, seed=7)
    texts = generate(model, [prompt] * count, limit=1, decoding=options)
    frequencies = np.bincount([text[0] for text in texts], minlength=8) / count
    expected = distribution(model.logits(np.array(prompt))[-1:], options)[0]
    assert (np.abs(frequencies - expected) <= 5 * np.sqrt(expected * (1 - expected) / count)).all()


def test_sampling_repeats_with_its_seed_and_changes_with_another() -> None:
    model, prompts = lively(), some_prompts(0, 80)
    first = generate(model, prompts, limit=10, decoding=Sample(seed=1))
    assert first == generate(model, prompts, limit=10, decoding=Sample(seed=1))
    assert first != generate(model, prompts, limit=10, decoding=Sample(seed=2))
    assert first[:3] == generate(
        model, prompts[:3], limit=10, decoding=Sample(seed=1)
    )  # whoever stands beside


def test_a_text_ends_at_the_limit_and_with_the_context() -> None:
    model = lively(context=16)
    lengths = [len(text) for text in generate(model, [[1] * 5, [2] * 13, [3] * 16], limit=8)]
    assert lengths == [8, 3, 0]


@pytest.mark.parametrize("decoding", [Greedy(), Beam(2)], ids=repr)
def test_progress_counts_every_prompt(decoding: Greedy | Beam) -> None:
    seen: list[tuple[int, int]] = []
    prompts = [*some_prompts(1, 100), [1] * 32]
    generate(lively(), prompts, limit=5, decoding=decoding, end=END, progress=lambda *at: seen.append(at))
    assert seen[-1] == (101, 101)
    assert seen == sorted(set(seen))


def test_nothing_to_do() -> None:
    assert generate(lively(), [], limit=3) == []


def test_the_model_is_left_as_it_was_and_nothing_is_taped() -> None:
    model = lively().unfreeze()
    before = {name: array.copy() for name, array in model.state().items()}
    generate(model, [[1, 2]], limit=3)
    assert all(np.array_equal(before[name], array) for name, array in model.state().items())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Sample(temperature=0), "temperature"),
        (lambda: Sample(temperature=float("nan")), "temperature"),
        (lambda: Sample(top_k=0), "top_k"),
        (lambda: Sample(top_p=0.0), "top_p"),
        (lambda: Sample(top_p=1.1), "top_p"),
        (lambda: Sample(seed=-1), "seed"),
        (lambda: Beam(width=0), "width"),
        (lambda: Beam(length_penalty=float("inf")), "length_penalty"),
        (lambda: Beam(no_repeat_ngram=-1), "no_repeat_ngram"),
        (lambda: generate(lively(), [[1]], limit=0), "limit"),
        (lambda: generate(lively(), [[1], []], limit=1), "prompt 1 is empty"),
        (lambda: generate(lively(), [[1] * 33], limit=1), "33 tokens, more than the model's context of 32"),
        (lambda: generate(lively(), [[1, 30]], limit=1), "token 30"),
        (lambda: generate(lively(), [[-2, 3]], limit=1), "token -2"),
    ],
)
def test_bad_input_is_named(make: object, word: str) -> None:
    with pytest.raises(InputError, match=word):
        make()  # type: ignore[operator]


def test_a_damaged_model_is_named() -> None:
    model = lively()
    model.norm.bias.data[0] = np.nan
    with pytest.raises(InputError, match="not finite"):
        generate(model, [[1, 2]], limit=3)

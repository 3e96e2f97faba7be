"""Metrics against sacrebleu's and scipy's own figures."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilora.data.metrics import (
    accuracy,
    bleu,
    bootstrap_interval,
    chrf,
    exact_match,
    perplexity,
    wilson_interval,
)
from minilora.errors import InputError

PREDICTIONS = ["The Eagle is a cheap pub by the river.", "There is a coffee shop called Zizzi."]
REFERENCES = [
    [
        "The Eagle is a cheap pub near the river.",
        "By the river there is a cheap pub, The Eagle.",
        "the eagle is cheap.",
    ],
    ["Zizzi is a coffee shop."],
]


def test_accuracy_counts_equal_pairs():
    assert accuracy([1, 2, 3, 4], [1, 0, 3, 0]) == 0.5
    assert accuracy(np.array([1, 2]), np.array([1, 2])) == 1.0


def test_exact_match_looks_at_words_not_blanks():
    assert (
        exact_match([" SELECT a\nFROM b", "SELECT A FROM b"], ["SELECT a FROM b", "SELECT a FROM b"]) == 0.5
    )


@pytest.mark.parametrize(("predictions", "labels"), [([], []), ([1], [1, 2])])
def test_what_does_not_pair_up_is_refused(predictions, labels):
    with pytest.raises(InputError):
        accuracy(predictions, labels)


def test_perplexity_is_the_exponential_of_the_mean():
    losses = np.log([2.0, 8.0])
    assert perplexity(losses.sum(), 2) == pytest.approx(4.0, rel=1e-15)
    assert perplexity(1e6, 1) == math.inf
    with pytest.raises(InputError, match="at least one token"):
        perplexity(1.0, 0)


def test_bleu_and_chrf_are_sacrebleus_with_references_of_any_number():
    sacrebleu = pytest.importorskip("sacrebleu")
    columns = [
        ["The Eagle is a cheap pub near the river.", "Zizzi is a coffee shop."],
        [REFERENCES[0][1], None],
        [REFERENCES[0][2], None],
    ]
    assert bleu(PREDICTIONS, REFERENCES) == sacrebleu.corpus_bleu(PREDICTIONS, columns).score
    lowered = (
        [text.lower() for text in PREDICTIONS],
        [[text and text.lower() for text in column] for column in columns],
    )
    assert bleu(PREDICTIONS, REFERENCES, lowercase=True) == pytest.approx(
        sacrebleu.corpus_bleu(*lowered).score
    )
    assert chrf(PREDICTIONS, REFERENCES) == sacrebleu.corpus_chrf(PREDICTIONS, columns).score
    assert bleu([r[0] for r in REFERENCES], REFERENCES) == pytest.approx(100)
    assert bleu(["qqq", "www"], REFERENCES) == 0


def test_a_prediction_without_reference_is_refused():
    with pytest.raises(InputError, match="at least one for each"):
        bleu(["a"], [[]])


def test_without_sacrebleu_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(InputError, match=r'pip install "minilora\[eval\]"'):
        bleu(PREDICTIONS, REFERENCES)


@settings(deadline=None, max_examples=30)  # the first import of scipy takes a second
@given(trials=st.integers(1, 5000), share=st.floats(0, 1), confidence=st.floats(0.5, 0.999))
def test_wilson_is_scipys(trials, share, confidence):
    successes = round(share * trials)
    low, high = wilson_interval(successes, trials, confidence=confidence)
    right = (
        pytest.importorskip("scipy.stats")
        .binomtest(successes, trials)
        .proportion_ci(confidence, method="wilson")
    )
    assert (low, high) == pytest.approx((right.low, right.high), abs=1e-12)
    assert 0 <= low <= successes / trials <= high <= 1


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_share(successes, trials):
    with pytest.raises(InputError):
        wilson_interval(successes, trials)


def test_bootstrap_agrees_with_scipys_and_covers_the_mean(rng):
    stats = pytest.importorskip("scipy.stats")
    values = rng.normal(3, 2, 200)
    low, high = bootstrap_interval(values, np.random.default_rng(1))
    right = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(2)
    ).confidence_interval
    assert (low, high) == pytest.approx((right.low, right.high), abs=0.03)
    assert low < values.mean() < high
    assert bootstrap_interval(values, np.random.default_rng(1)) == (low, high)


def test_bootstrap_of_equal_values_is_a_point(rng):
    assert bootstrap_interval([2.0, 2.0, 2.0], rng, samples=50) == (2.0, 2.0)
    with pytest.raises(InputError, match="one dimension"):
        bootstrap_interval([], rng)
    with pytest.raises(InputError, match="confidence"):
        bootstrap_interval([1.0], rng, confidence=95)

"""Accuracy, F1, Matthews and the correlations against scikit-learn's fixed values and scipy itself."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilora.data.metrics import confusion, f1, macro_f1, matthews, pearson, spearman
from minilora.errors import InputError

LABELS = [0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0]
PREDICTED = [0, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1]
THREE = [0, 1, 2, 0, 1, 2, 2, 1, 0, 2, 1, 1]
THREE_PREDICTED = [0, 2, 2, 0, 1, 1, 2, 1, 0, 0, 1, 2]

numbers = st.lists(st.integers(-20, 20), min_size=2, max_size=30)


def test_fixed_values_of_scikit_learn():
    """scikit-learn 1.9: f1_score, f1_score(average="macro"), matthews_corrcoef."""
    assert f1(PREDICTED, LABELS) == pytest.approx(2 / 3)
    assert f1(PREDICTED, LABELS, positive=0) == pytest.approx(2 / 3)
    assert matthews(PREDICTED, LABELS) == pytest.approx(1 / 3)
    assert macro_f1(THREE_PREDICTED, THREE) == pytest.approx(0.6746031746031745)
    assert matthews(THREE_PREDICTED, THREE) == pytest.approx(0.5052911526399114)


def test_what_is_no_class_is_no_class_to_average_over():
    """999 of 1,000 right and one that names neither of two classes: nearly 1, and not two thirds."""
    labels = [i % 2 for i in range(1_000)]
    predictions = [2, *labels[1:]]
    assert macro_f1(predictions, labels, classes=2) == pytest.approx((1 + 998 / 999) / 2)
    assert macro_f1(predictions, labels) == pytest.approx((1 + 998 / 999) / 3)
    assert macro_f1([2, 2], [0, 0], classes=2) == 0


def test_the_printed_formula_for_two_classes():
    tp, tn, fp, fn = 30, 50, 7, 13
    predictions, labels = [1] * tp + [0] * tn + [1] * fp + [0] * fn, [1] * tp + [0] * tn + [0] * fp + [1] * fn
    mcc = (tp * tn - fp * fn) / math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    assert matthews(predictions, labels) == pytest.approx(mcc)
    assert confusion(predictions, labels).tolist() == [[tn, fp], [fn, tp]]


def test_edges():
    assert matthews([1, 1, 1], [0, 1, 1]) == 0
    assert matthews([1, 0], [1, 0]) == 1
    assert matthews([0, 1], [1, 0]) == -1
    assert f1([0, 0], [0, 0]) == 0
    assert matthews([0, 1] * 200_000, [0, 1] * 200_000) == 1  # beyond int64 where squared twice
    with pytest.raises(InputError, match="a class is -1"):
        confusion([-1], [0])
    with pytest.raises(InputError, match="2 predictions and 1 references"):
        f1([1, 1], [1])


@settings(deadline=None, max_examples=60)
@given(numbers, st.randoms(use_true_random=False))
def test_correlations_are_scipys(x, random):
    stats = pytest.importorskip("scipy.stats")
    y = [a + random.randint(-5, 5) for a in x]
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    else:
        assert pearson(x, y) == spearman(x, y) == 0


def test_correlations_at_the_edges():
    assert pearson([1, 2, 3], [10, 20, 30]) == pytest.approx(1)
    assert pearson([1e200, 2e200, 3e200], [3, 2, 1]) == pytest.approx(-1)
    assert spearman([1, 2, 3, 100], [1, 8, 27, 28]) == pytest.approx(1)
    for bad in ([1.0], [1.0, np.nan]):
        with pytest.raises(InputError):
            pearson(bad, [1.0] * len(bad))
    with pytest.raises(InputError, match="two lists of the same length"):
        spearman([1, 2], [1, 2, 3])

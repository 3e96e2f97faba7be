"""Figures for predicted classes: accuracy, F1, Matthews correlation; and exact match, which is accuracy on words.

Before it: predicted and right classes, one each an example. After it: the scores of classification tasks (GLUE takes accuracy, F1 and Matthews).
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .checks import check_pairs


def accuracy(predictions: Sequence[object], labels: Sequence[object]) -> float:
    """The share of predictions that equal their labels; raises InputError when the two differ in number or are empty."""
    check_pairs(predictions, labels)
    return sum(bool(p == label) for p, label in zip(predictions, labels, strict=True)) / len(labels)


def exact_match(predictions: Sequence[str], references: Sequence[str]) -> float:
    """The share of predictions that are their references word for word; how many blanks stand between words does not count."""
    return accuracy([p.split() for p in predictions], [r.split() for r in references])


def f1(predictions: Sequence[int], labels: Sequence[int], *, positive: int = 1) -> float:
    """The F-score of one class: F1 = 2 TP / (2 TP + FP + FN), from 0 to 1.

    With TP the examples of class ``positive`` that were predicted as it, FP those of other classes that were, FN those of the class that were not. 0 where the
    class is neither predicted nor there. GLUE takes it of the class "paraphrase" (MRPC) and "duplicate" (QQP).
    """
    check_pairs(predictions, labels)
    pairs = [(p == positive, label == positive) for p, label in zip(predictions, labels, strict=True)]
    hits = sum(p and label for p, label in pairs)
    wrong = sum(p != label for p, label in pairs)
    return 2 * hits / (2 * hits + wrong) if hits else 0.0


def macro_f1(predictions: Sequence[int], labels: Sequence[int], *, classes: int | None = None) -> float:
    """The mean of the F-scores of all classes that are predicted or right somewhere, each counted once however frequent it is.

    classes: how many there are. A prediction of that number or more is none of them: it is wrong, and there is no F-score of it to average over.
    """
    check_pairs(predictions, labels)
    counted = sorted({*labels, *(k for k in predictions if classes is None or k < classes)})
    return sum(f1(predictions, labels, positive=k) for k in counted) / len(counted)


def matthews(predictions: Sequence[int], labels: Sequence[int]) -> float:
    """Matthews' correlation of predicted and right classes, from -1 to 1; 0 for guessing, whatever the shares of the classes.

    For two classes (Matthews 1975)

        MCC = (TP · TN - FP · FN) / √((TP + FP)(TP + FN)(TN + FP)(TN + FN))

    and for more, with the confusion matrix C, its row sums t, column sums p, trace c and total s, Gorodkin's (2004) form of the same

        (c s - t·p) / √((s² - p·p)(s² - t·t))

    0 where all predictions or all labels are of one class, and the quotient is undefined.
    """
    table = confusion(predictions, labels).astype(object)  # Python's whole numbers: s² · s² is beyond int64
    right, predicted = table.sum(axis=1), table.sum(axis=0)  # [classes]
    total, hits = int(table.sum()), int(np.trace(table))
    square = (total**2 - int(predicted @ predicted)) * (total**2 - int(right @ right))
    return (hits * total - int(right @ predicted)) / math.sqrt(square) if square else 0.0


def confusion(predictions: Sequence[int], labels: Sequence[int]) -> NDArray[np.int64]:
    """How often each class (row) was predicted as each (column): [classes, classes]; classes are numbers from 0."""
    check_pairs(predictions, labels)
    if min(*predictions, *labels, 0) < 0:
        raise InputError(f"a class is {min(*predictions, *labels)}; classes are numbers from 0 on")
    size = max(*predictions, *labels, 0) + 1
    table = np.zeros((size, size), np.int64)
    np.add.at(table, (np.asarray(labels), np.asarray(predictions)), 1)
    return table

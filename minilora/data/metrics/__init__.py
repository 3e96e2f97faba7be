"""Figures that say how good predictions are, and how sure a figure is: one file a metric.

Before it: predictions of a model, or its summed loss. After it: the scores of ``data/tasks`` and the tables of the experiments. Shares and correlations run
to 1; BLEU, chrF, ROUGE and METEOR from 0 to 100, CIDEr from 0 to 10, as in the literature.
"""

from .bleu import bleu, chrf
from .cider import cider
from .classification import accuracy, confusion, exact_match, f1, macro_f1, matthews
from .correlation import pearson, spearman
from .intervals import bootstrap_interval, wilson_interval
from .loss import perplexity
from .meteor import meteor
from .nist import nist
from .rouge import coco_rouge_l, rouge

__all__ = [
    "accuracy",
    "bleu",
    "bootstrap_interval",
    "chrf",
    "cider",
    "coco_rouge_l",
    "confusion",
    "exact_match",
    "f1",
    "macro_f1",
    "matthews",
    "meteor",
    "nist",
    "pearson",
    "perplexity",
    "rouge",
    "spearman",
    "wilson_interval",
]

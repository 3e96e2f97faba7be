"""GLUE: nine tasks that ask what a sentence, or a pair of sentences, says (Wang et al. 2019; the paper's Table 2).

Before it: GLUE's own files, or exports of them. After it: ``labelled.py`` makes batches for a head, `prompted` makes prompts for a decoder.
"""

from .reader import Glue
from .tasks import COLA, MNLI, MRPC, QNLI, QQP, RTE, SST2, STSB, WNLI

__all__ = ["COLA", "MNLI", "MRPC", "QNLI", "QQP", "RTE", "SST2", "STSB", "WNLI", "Glue"]

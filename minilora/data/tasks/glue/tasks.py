"""The nine tasks: what each asks, which columns its files have, and what it is scored by.

Before it: ``reader.py``. After it: `load_task`.

The figures are those of GLUE and of the paper's Table 2, which gives overall accuracy for MNLI, Matthews correlation for CoLA, Pearson's for STS-B and accuracy
for the others. Classes are numbered as GLUE's exports number them.
"""

from pathlib import Path

from .reader import Glue

_ENTAILMENT = ("entailment", "not_entailment")
_DATA = "a folder with GLUE's train and dev files (TSV, JSON lines or CSV), or one file"


class COLA(Glue):
    """CoLA: is a sentence acceptable English? (Warstadt et al. 2019.) Its TSV files have no header line."""

    name = "cola"
    description = f"whether a sentence is acceptable English; {_DATA}"
    labels = ("unacceptable", "acceptable")
    figures = ("matthews", "accuracy")
    columns = (("sentence",),)
    headless = ("source", "label", "mark", "sentence")
    asked, words = "acceptable", ("no", "yes")


class SST2(Glue):
    """SST-2: does a phrase of a film review praise or blame? (Socher et al. 2013.)"""

    name = "sst2"
    description = f"whether a phrase of a film review praises or blames; {_DATA}"
    labels = ("negative", "positive")
    columns = (("sentence",),)
    asked, words = "feeling", ("bad", "good")


class MRPC(Glue):
    """MRPC: do two sentences of the news say the same? (Dolan and Brockett 2005.)"""

    name = "mrpc"
    description = f"whether two sentences of the news say the same; {_DATA}"
    labels = ("not_equivalent", "equivalent")
    figures = ("accuracy", "f1")
    columns = (("#1 string", "sentence1"), ("#2 string", "sentence2"))
    label_columns = ("quality", "label")
    titles, asked, words = ("first", "second"), "same", ("no", "yes")


class STSB(Glue):
    """STS-B: how alike are two sentences, from 0 to 5? (Cer et al. 2017.) A regression."""

    name = "stsb"
    description = f"how alike two sentences are, from 0 to 5; {_DATA}"
    figures = ("pearson", "spearman")
    columns = (("sentence1",), ("sentence2",))
    label_columns = ("score", "label")
    span = (0.0, 5.0)
    titles, asked = ("first", "second"), "alike"


class QQP(Glue):
    """QQP: do two questions ask the same? A few lines of its published training file are cut short; they are passed over."""

    name = "qqp"
    description = f"whether two questions ask the same; {_DATA}"
    labels = ("not_duplicate", "duplicate")
    figures = ("accuracy", "f1")
    columns = (("question1",), ("question2",))
    label_columns = ("is_duplicate", "label")
    short_lines = True
    titles, asked, words = ("first", "second"), "same", ("no", "yes")


class MNLI(Glue):
    """MNLI: does a hypothesis follow from a premise? (Williams et al. 2018.) The mismatched development set is scored apart, as ``accuracy/mismatched``."""

    name = "mnli"
    description = f"whether a hypothesis follows from a premise, contradicts it, or neither; {_DATA}"
    labels = ("entailment", "neutral", "contradiction")
    columns = (("sentence1", "premise"), ("sentence2", "hypothesis"))
    label_columns = ("gold_label", "label")
    titles, asked, words = ("premise", "hypothesis"), "follows", ("yes", "maybe", "no")

    def group_of(self, file: Path) -> str:
        """Which of the two development sets a file is."""
        return "mismatched" if "mismatched" in file.name.lower() else ""


class QNLI(Glue):
    """QNLI: does a sentence answer a question? (Made of SQuAD, Rajpurkar et al. 2016.)"""

    name = "qnli"
    description = f"whether a sentence answers a question; {_DATA}"
    labels = _ENTAILMENT
    columns = (("question",), ("sentence",))
    titles, asked, words = ("question", "sentence"), "answered", ("yes", "no")


class RTE(Glue):
    """RTE: does a hypothesis follow from a text? (Dagan et al. 2006, and the challenges after it.)"""

    name = "rte"
    description = f"whether a hypothesis follows from a text; {_DATA}"
    labels = _ENTAILMENT
    columns = (("sentence1",), ("sentence2",))
    titles, asked, words = ("premise", "hypothesis"), "follows", ("yes", "no")


class WNLI(Glue):
    """WNLI: does a sentence follow in which a pronoun is replaced? (Levesque et al. 2011.)"""

    name = "wnli"
    description = f"whether a sentence with its pronoun replaced follows from the one before; {_DATA}"
    labels = ("not_entailment", "entailment")
    columns = (("sentence1",), ("sentence2",))
    titles, asked, words = ("premise", "hypothesis"), "follows", ("no", "yes")

"""Methods side by side: what each of them does, over training, to the same weights on the same batches, with full fine-tuning as the measure.

Comes after ``contest.py``, which trains; ``minilora compare`` calls ``run.compare``. In order: ``settings.py`` says what is compared, ``measures.py`` what is measured at a
point of training, ``points.py`` when, ``equivalence.py`` the cases in which two methods are one, ``charts.py`` and ``report.py`` draw it.
"""

from .run import compare
from .settings import Comparison

__all__ = ["Comparison", "compare"]

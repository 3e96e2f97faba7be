"""Four classifications made from a seed, in the kinds that GLUE has: acceptability, sentiment, paraphrase, entailment.

Before it: the word pools of ``tasks/nl2sql/values.py``. After it: ``labelled.py`` makes batches for a head, `prompted` makes prompts for a decoder.
"""

from .acceptability import Acceptability
from .entailment import Entailment
from .paraphrase import Paraphrase
from .sentiment import Sentiment

__all__ = ["Acceptability", "Entailment", "Paraphrase", "Sentiment"]

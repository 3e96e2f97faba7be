"""BLEU and chrF, through sacrebleu, which settled how they are computed.

Before it: predicted texts, and the references of each. After it: the scores of tasks that write text.
"""

from collections.abc import Sequence
from types import ModuleType

from ...errors import InputError
from .checks import check_references


def bleu(
    predictions: Sequence[str], references: Sequence[Sequence[str]], *, lowercase: bool = False
) -> float:
    """Corpus BLEU, 0 to 100, of sacrebleu with its own settings: 13a tokens, n-grams up to 4, exponential smoothing, the closest reference length.

    ``references[i]`` are all references of ``predictions[i]``; they may differ in number. Upper and lower case differ unless ``lowercase``. Raises
    InputError when sacrebleu is not installed (extra ``eval``) or the numbers do not fit.
    """
    columns = _reference_columns(predictions, references)
    return float(_sacrebleu().corpus_bleu(list(predictions), columns, lowercase=lowercase).score)


def chrf(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Corpus chrF2, 0 to 100: the F-score of character n-grams up to 6 with recall weighed twice; the same arguments and errors as `bleu`."""
    columns = _reference_columns(predictions, references)
    return float(_sacrebleu().corpus_chrf(list(predictions), columns).score)


def _reference_columns(
    predictions: Sequence[str], references: Sequence[Sequence[str]]
) -> list[list[str | None]]:
    """References as sacrebleu wants them: a list per place in the order, each with an entry (or None) per prediction."""
    check_references(predictions, references)
    most = max(map(len, references))
    return [[own[place] if place < len(own) else None for own in references] for place in range(most)]


def _sacrebleu() -> ModuleType:
    try:
        import sacrebleu
    except ImportError as error:
        raise InputError(
            'BLEU and chrF need sacrebleu; install it with: pip install "minilora[eval]"'
        ) from error
    return sacrebleu

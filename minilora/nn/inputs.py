"""What a model reads: the text alone, unless a prefix method put special tokens around it.

Comes before ``models``: each calls its ``inputs`` once at the start of ``hidden``, and gets a ``Reading`` that says what the blocks see. ``TextOnly`` adds nothing.
A prefix method (``methods/prefix.py``) puts a module in its place whose readings hold trainable vectors before the text and after its prompt.
"""

from dataclasses import dataclass

from ..autograd import Tensor
from ..backend import Array
from .module import Module


@dataclass(frozen=True)
class Reading:
    """One batch as the blocks read it; here exactly the text that was given, and every method returns its argument.

    ids: int [rows, read]; mask: bool [rows, seen] or None. A text of so many tokens is read as ``read`` positions, special tokens included: [rows, tokens] and
    [rows, read] are the same here. With a cache, mask covers what is in it too (seen = cached + read).
    """

    ids: Array
    mask: Array | None

    def spread(self, values: Array, fill: int) -> Array:
        """A number for each token of the text, such as its type, with ``fill`` at special tokens: [rows, tokens] → [rows, read]."""
        return values

    def embed(self, x: Tensor) -> Tensor:
        """Put the word embeddings of special tokens into those of ``ids``: [rows, read, width] → the same shape."""
        return x

    def enter(self, block: int, x: Tensor) -> Tensor:
        """Put what special tokens have instead of an activation into the input of a block: [rows, read, width] → the same shape."""
        return x

    def text(self, x: Tensor) -> Tensor:
        """The outputs at the tokens of the text: [rows, read, width] → [rows, tokens, width]."""
        return x

    def predictions(self, x: Tensor) -> Tensor:
        """The outputs from which a decoder predicts what follows each token of the text: [rows, read, width] → [rows, tokens, width].

        They are those of ``text``, but for the last token of a prompt that special tokens follow: what comes next is read off the last of these.
        """
        return x


class TextOnly(Module):
    """No special tokens. ``extra``: how many positions of the context special tokens take."""

    extra = 0

    def __call__(
        self, ids: Array, mask: Array | None, *, prompt: Array | int | None = None, start: int = 0
    ) -> Reading:
        """What is read for the text ``ids``: int [rows, tokens], with ``mask``: bool [rows, start + tokens] or None.

        prompt: how many columns of each row (int [rows], or one number for all) are its prompt, after which special tokens may stand; None: all up to the last
        real token. start: positions in the cache; where there are some, special tokens among them were read before.
        """
        return Reading(ids, mask)

    def extra_repr(self) -> str:
        return "the text alone"

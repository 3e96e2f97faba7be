"""What every model is, whatever its architecture: a body that turns tokens into vectors, and a head that turns vectors into answers.

Comes before the architectures (``gpt.py``, ``bert.py``, ``deberta.py``), which define ``hidden``, and beside ``heads.py``. Training, evaluation and the methods know a model
through this file alone.
"""

from abc import abstractmethod
from typing import Any, Protocol, Self

import numpy as np

from ..autograd import Tensor, no_grad
from ..backend import Array, namespace, narrow, wide, wide_dtype
from ..backend.storage import check_stored
from ..errors import InputError
from ..nn import Embedding, Module, TextOnly
from .heads import Head, SentenceEmbedding
from .shape import Config


class TrainingBatch(Protocol):
    """What a loss is computed from (``data.Batch`` is one, and says what is in it)."""

    @property
    def ids(self) -> Array: ...

    @property
    def targets(self) -> Array: ...

    @property
    def mask(self) -> Array: ...

    @property
    def types(self) -> Array | None: ...


class Model(Module):
    """A body and its ``head``. ``tokenizer`` is set where the model was loaded with one, and is None otherwise."""

    config: Config
    tokenizer: Any
    tokens: Embedding
    inputs: TextOnly
    blocks: list[Any]
    head: Head

    @abstractmethod
    def hidden(
        self,
        ids: Array,
        *,
        mask: Array | None = None,
        types: Array | None = None,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """One vector a token: [rows, tokens, width].

        ids: int [rows, tokens]. mask: bool [rows, tokens], False where padding stands, on either side; positions count real tokens only. types: int [rows, tokens], which of
        two texts a token belongs to (None: the first). rng: draw dropout from it; without, there is none.
        Raises InputError when an id is outside the vocabulary, the text is longer than the context, and for types where the model has none.
        """

    @abstractmethod
    def set_classifier(self, labels: int, rng: np.random.Generator | None) -> Self:
        """Put a fresh classification head in place of the present one, in the form the architecture's authors use; labels: how many classes, 1 for a regression. Returns the model."""

    def put_head(self, head: Head) -> Self:
        """Put ``head`` in place of the present one, on the model's device, and in the dtype it computes in: a task's head is trained. Returns the model."""
        for parameter in head.parameters():
            parameter.data = wide(self.here(parameter.data))
        self.head = head
        return self

    def set_embedding(self) -> Self:
        """Put the sentence embedding in place of the present head. Returns the model."""
        self.head = SentenceEmbedding(self.head.pooler)
        return self

    def __call__(
        self,
        ids: Array,
        *,
        mask: Array | None = None,
        types: Array | None = None,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """What the head answers: logits of every token [rows, tokens, vocabulary], of every class [rows, labels], or an embedding [rows, width]."""
        hidden = self.hidden(ids, mask=mask, types=types, rng=rng)
        return self.head(hidden, mask=self.here(mask), rng=rng)

    def logits(self, ids: Any, mask: Any = None, types: Any = None) -> Array:
        """What the head answers, as a plain array and without a tape. ids, mask, types: [rows, tokens] or, for one row, [tokens]; the result has the same leading axes."""
        ids = namespace(ids).asarray(ids)
        rows = ids if ids.ndim > 1 else ids[None]  # [rows, tokens]
        mask = None if mask is None else namespace(mask).asarray(mask, dtype=bool).reshape(rows.shape)
        types = None if types is None else namespace(types).asarray(types).reshape(rows.shape)
        with no_grad():
            found = self(rows, mask=mask, types=types).data
        return found if ids.ndim > 1 else found[0]

    def loss(
        self,
        batch: TrainingBatch,
        *,
        divisor: float | None = None,
        smoothing: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """The head's loss, averaged over the targets that count, or their sum over ``divisor`` where the batch is one shard of a larger one.

        Raises InputError where the targets are not of the head's kind: one a token, one a row.
        """
        mask = None if batch.mask.all() else batch.mask
        hidden = self.hidden(batch.ids, mask=mask, types=batch.types, rng=rng)
        return self.head.loss(hidden, batch, divisor=divisor, smoothing=smoothing, rng=rng)

    @property
    def dtype(self) -> "np.dtype[np.floating]":
        """What the model computes in, and what is added to it is made in: float32 where its weights are stored as float16."""
        return wide_dtype(self.tokens.weight.data)

    def store(self, dtype: object) -> Self:
        """Freeze the model and keep its weights as ``dtype``, ``"float16"`` for half of the memory or ``"float32"``; it computes in float32 either way. Returns the model.

        float16 rounds every matrix to 11 bits (``backend.storage`` says what then happens in a product). Biases and norms, which are a thousandth of a model, and a task's head, which
        every method trains, are float32. For a model without adapters: do it before ``adapt``. ``astype`` makes it one that can be trained whole again. Raises InputError for
        another dtype, and for a weight too large for float16; nothing is changed then.
        """
        half = check_stored(dtype) == "float16"
        stored = {
            name: narrow(parameter.data, name)
            if half and self.can_narrow(name, parameter.shape)
            else wide(parameter.data).astype(np.float32, copy=False)
            for name, parameter in self.named_parameters()
        }
        self.freeze()
        for name, parameter in self.named_parameters():
            parameter.data = stored[name]
        return self

    def can_narrow(self, name: str, shape: tuple[int, ...]) -> bool:
        """Whether ``store`` may keep the parameter of this name and shape as float16: a matrix, and none of a task's head."""
        return len(shape) > 1 and not (self.head.task and name.startswith("head."))

    @property
    def room(self) -> int:
        """How many tokens of text fit into the context: all of it, without the special tokens of a prefix method."""
        return self.config.context - self.inputs.extra

    def extra_repr(self) -> str:
        c = self.config
        return (
            f"{c.layers} layers × {c.width}, {c.heads} heads, vocabulary {c.vocabulary}, context {c.context}"
        )

    def here(self, array: Array | None) -> Array | None:
        """``array`` on the model's device. Texts come on the host and are checked there, because reading a number back would wait for a GPU; then they move."""
        return None if array is None else namespace(self.tokens.weight.data).asarray(array)

    def check_ids(self, ids: Array) -> None:
        """Raise InputError for token ids outside the vocabulary, which an index would take for others."""
        if ids.size and not (int(ids.min()) >= 0 and int(ids.max()) < self.config.vocabulary):
            raise InputError(
                f"token ids must lie in 0 … {self.config.vocabulary - 1}, but {int(ids.min())} … {int(ids.max())} were given; "
                "does the tokenizer belong to this model?"
            )

    def check_types(self, types: Array | None, known: int) -> None:
        """Raise InputError for token types that a model with ``known`` of them does not have."""
        if types is None:
            return
        if not known:
            raise InputError("this model has no token types; leave types out")
        if not (int(types.min()) >= 0 and int(types.max()) < known):
            raise InputError(
                f"token types must lie in 0 … {known - 1}, but {int(types.min())} … {int(types.max())} were given"
            )

    def check_length(self, ids: Array, mask: Array | None, start: int = 0) -> None:
        """Raise InputError for a text that the context cannot hold, with the special tokens of a prefix method.

        ids, mask: the text alone. start: positions in the cache, the special tokens among them.
        """
        if not ids.shape[-1]:
            raise InputError("the text is empty; give at least one token")
        extra = self.inputs.extra
        if mask is None:
            end = start + ids.shape[-1] + (extra if start == 0 else 0)
        else:  # padding takes no position
            end = int(mask.sum(axis=-1).max()) + extra
        if end > self.config.context:
            special = f" and {extra} special tokens of the prefix" if extra else ""
            raise InputError(
                f"the text has {end - extra} tokens{special}, more than the model's context of {self.config.context}; shorten it"
            )

    def places(self, ids: Array, mask: Array | None, start: int = 0) -> Array:
        """The position of each token, padding not counted: int [rows, tokens], or [tokens] where all rows are alike."""
        xp = namespace(self.tokens.weight.data)
        if mask is None:
            return xp.arange(start, start + ids.shape[-1])
        return xp.maximum(xp.cumsum(mask, axis=-1)[:, start:] - 1, 0)

"""How other programs name and shape the weights of a model, one table an architecture.

Comes before ``checkpoint.py``, which reads and writes the files. Foreign layouts stay in these tables: everywhere else a weight is (out, in), and query, key and
value are matrices of their own. A table's line says which of our parameters one foreign tensor holds, stacked along the output; whether it is stored
(in, out), as GPT-2's Conv1D does, and thus transposed; and its shape in the letters of ``GPT2.sizes``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from .gpt import GPTConfig

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Part:
    """One foreign tensor: its name, its shape as stored, our parameters in it. ``{i}`` in the names stands for the layer's number."""

    theirs: str
    shape: tuple[str, ...]
    ours: tuple[str, ...]
    transposed: bool = False

    def layer(self, i: int) -> "Part":
        """The same line with the layer's number put in."""
        return Part(
            self.theirs.format(i=i),
            self.shape,
            tuple(name.format(i=i) for name in self.ours),
            self.transposed,
        )

    def read(self, stored: Array) -> dict[str, Array]:
        """Our parameters out of the stored tensor (views of it)."""
        pieces = np.split(stored.T if self.transposed else stored, len(self.ours))  # along the output
        return dict(zip(self.ours, pieces, strict=True))

    def write(self, state: Mapping[str, Array]) -> Array:
        """The tensor to store, out of our parameters."""
        joined = np.concatenate([state[name] for name in self.ours])
        return joined.T if self.transposed else joined


def _linear(theirs: str, shape: tuple[str, str], *ours: str) -> tuple[Part, Part]:
    """Weight, stored (in, out), and bias of one or several linear layers."""
    return (
        Part(f"{theirs}.weight", shape, tuple(f"{name}.weight" for name in ours), transposed=True),
        Part(f"{theirs}.bias", shape[1:], tuple(f"{name}.bias" for name in ours)),
    )


def _norm(theirs: str, ours: str) -> tuple[Part, Part]:
    return Part(f"{theirs}.weight", ("d",), (f"{ours}.gain",)), Part(
        f"{theirs}.bias", ("d",), (f"{ours}.bias",)
    )


class GPT2:
    """GPT-2, as transformers' ``GPT2LMHeadModel`` stores it."""

    model_type = "gpt2"
    prefix = "transformer."
    """What stands before the names in files of the language model; files of the bare model, such as the published ``gpt2``, lack it."""
    ignored = (".attn.bias", ".attn.masked_bias")
    """Endings of tensors that hold no weight: the causal mask, which old files carry along."""
    tied = {"lm_head.weight": "wte.weight"}  # noqa: RUF012 (never changed)
    """Tensors that repeat another one."""

    outer = (
        Part("wte.weight", ("V", "d"), ("tokens.weight",)),
        Part("wpe.weight", ("T", "d"), ("positions.weight",)),
        *_norm("ln_f", "norm"),
    )
    block = (
        *_norm("h.{i}.ln_1", "blocks.{i}.norm_1"),
        *_linear(
            "h.{i}.attn.c_attn",
            ("d", "3d"),
            "blocks.{i}.attention.query",
            "blocks.{i}.attention.key",
            "blocks.{i}.attention.value",
        ),
        *_linear("h.{i}.attn.c_proj", ("d", "d"), "blocks.{i}.attention.output"),
        *_norm("h.{i}.ln_2", "blocks.{i}.norm_2"),
        *_linear("h.{i}.mlp.c_fc", ("d", "4d"), "blocks.{i}.mlp.up"),
        *_linear("h.{i}.mlp.c_proj", ("4d", "d"), "blocks.{i}.mlp.down"),
    )

    @staticmethod
    def sizes(config: GPTConfig) -> dict[str, int]:
        """What the letters in the shapes stand for."""
        d = config.width
        return {"V": config.vocabulary, "T": config.context, "d": d, "3d": 3 * d, "4d": 4 * d}

    @classmethod
    def parts(cls, config: GPTConfig) -> Iterator[Part]:
        """Every line of the table for a model of this size."""
        yield from cls.outer
        for i in range(config.layers):
            yield from (part.layer(i) for part in cls.block)

    @staticmethod
    def config(fields: Mapping[str, Any], source: str) -> GPTConfig:
        """Our configuration from the fields of ``config.json`` (transformers' defaults where one is missing); source: its path, for messages.

        ``dropout`` is the file's ``resid_pdrop``. Raises InputError for values that are no sizes, and for variants of GPT-2 that would compute something else.
        """
        width = _size(fields, "n_embd", 768, source)
        fixed = {
            "n_inner": (None, 4 * width),
            "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
            "scale_attn_weights": (True,),
            "scale_attn_by_inverse_layer_idx": (False,),
            "add_cross_attention": (False,),
        }
        for name, accepted in fixed.items():
            value = fields.get(name, accepted[0])
            if value not in accepted:
                raise InputError(
                    f"{source}: {name} is {value!r}, but this program computes GPT-2 with {' or '.join(map(repr, accepted))}"
                )
        heads = _size(fields, "n_head", 12, source)
        if width % heads:
            raise InputError(f"{source}: n_embd {width} is not a multiple of n_head {heads}")
        return GPTConfig(
            vocabulary=_size(fields, "vocab_size", 50257, source),
            context=_size(fields, "n_positions", 1024, source),
            width=width,
            layers=_size(fields, "n_layer", 12, source),
            heads=heads,
            epsilon=_number(fields, "layer_norm_epsilon", 1e-5, source),
            dropout=_number(fields, "resid_pdrop", 0.1, source),
        )

    @classmethod
    def fields(cls, config: GPTConfig, *, dtype: str, end: int | None) -> dict[str, Any]:
        """The fields of ``config.json`` from our configuration. end: the id of the token that ends a text, if there is one."""
        return {
            "architectures": ["GPT2LMHeadModel"],
            "model_type": cls.model_type,
            "vocab_size": config.vocabulary,
            "n_positions": config.context,
            "n_embd": config.width,
            "n_layer": config.layers,
            "n_head": config.heads,
            "n_inner": None,
            "activation_function": "gelu_new",
            "layer_norm_epsilon": config.epsilon,
            "resid_pdrop": config.dropout,
            "embd_pdrop": config.dropout,
            "attn_pdrop": config.dropout,
            "scale_attn_weights": True,
            "scale_attn_by_inverse_layer_idx": False,
            "tie_word_embeddings": True,
            "bos_token_id": end,
            "eos_token_id": end,
            "dtype": dtype,
        }


LAYOUTS = {GPT2.model_type: GPT2}


def _size(fields: Mapping[str, Any], name: str, default: int, source: str) -> int:
    value = fields.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"{source}: {name} must be a whole number above 0, not {value!r}")
    return value


def _number(fields: Mapping[str, Any], name: str, default: float, source: str) -> float:
    value = fields.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
        raise InputError(f"{source}: {name} must be a number from 0 to below 1, not {value!r}")
    return float(value)

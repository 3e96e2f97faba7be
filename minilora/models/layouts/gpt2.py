"""GPT-2, as transformers' ``GPT2LMHeadModel`` and ``GPT2ForSequenceClassification`` store it; and GPT-3, which has no layout of its own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...errors import InputError
from ..gpt import GPTConfig
from ..heads import HeadKind
from .part import Part, label_fields, labels, layers, linear, names, norm, number, only, size


class GPT2:
    """Fused q, k, v; matrices (in, out)."""

    model_type = "gpt2"
    architecture = "GPT-2"
    prefix = "transformer."
    """What stands before the names in files of models with a head; files of the bare model, such as the published ``gpt2``, lack it."""

    outer = (
        Part("wte.weight", ("V", "d"), ("tokens.weight",)),
        Part("wpe.weight", ("T", "d"), ("positions.weight",)),
        *norm("ln_f", "norm"),
    )
    block = (
        *norm("h.{i}.ln_1", "blocks.{i}.norm_1"),
        *linear(
            "h.{i}.attn.c_attn",
            ("d", "3d"),
            "blocks.{i}.attention.query",
            "blocks.{i}.attention.key",
            "blocks.{i}.attention.value",
            transposed=True,
        ),
        *linear("h.{i}.attn.c_proj", ("d", "d"), "blocks.{i}.attention.output", transposed=True),
        *norm("h.{i}.ln_2", "blocks.{i}.norm_2"),
        *linear("h.{i}.mlp.c_fc", ("d", "m"), "blocks.{i}.mlp.up", transposed=True),
        *linear("h.{i}.mlp.c_proj", ("m", "d"), "blocks.{i}.mlp.down", transposed=True),
    )

    @staticmethod
    def sizes(config: GPTConfig, head: HeadKind) -> dict[str, int]:
        """What the letters in the shapes stand for."""
        d = config.width
        sizes = {"V": config.vocabulary, "T": config.context, "d": d, "3d": 3 * d, "m": config.mlp_width}
        return sizes | {"labels": head.labels}

    @classmethod
    def parts(cls, config: GPTConfig, head: HeadKind) -> Iterator[Part]:
        """Every line of the table for a model of this size."""
        yield from cls.outer
        yield from layers(cls.block, config.layers)
        if head.kind == "classifier":
            yield Part("score.weight", ("labels", "d"), ("head.output.weight",), bare=True)
        elif not config.tied:
            yield Part("lm_head.weight", ("V", "d"), ("head.weight",), bare=True)

    @classmethod
    def plain(cls, name: str, config: GPTConfig, head: HeadKind) -> str | None:
        """A file's name for a tensor as the table has it; None for what holds no weight: the causal mask, which old files carry along."""
        return None if name.endswith((".attn.bias", ".attn.masked_bias")) else name.removeprefix(cls.prefix)

    @staticmethod
    def copies(config: GPTConfig) -> dict[str, str]:
        """Tensors that repeat another one."""
        return {"lm_head.weight": "wte.weight"} if config.tied else {}

    @staticmethod
    def head(fields: Mapping[str, Any], stored: Iterable[str], source: str) -> HeadKind:
        """Which head the file's model has."""
        if "GPT2ForSequenceClassification" in names(fields, "architectures", source):
            return HeadKind("classifier", labels(fields, source))
        return HeadKind("language-model")

    @staticmethod
    def config(fields: Mapping[str, Any], source: str) -> GPTConfig:
        """Our configuration from the fields of ``config.json`` (transformers' defaults where one is missing); source: its path, for messages.

        ``dropout`` is the file's ``resid_pdrop``. Raises InputError for values that are no sizes, and for variants of GPT-2 that would compute something else.
        """
        width = size(fields, "n_embd", 768, source)
        accepted = {
            "n_inner": (None, 4 * width),
            "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
            "scale_attn_weights": (True,),
            "scale_attn_by_inverse_layer_idx": (False,),
            "add_cross_attention": (False,),
            "tie_word_embeddings": (True, False),
        }
        only(fields, accepted, GPT2.architecture, source)
        heads = size(fields, "n_head", 12, source)
        if width % heads:
            raise InputError(f"{source}: n_embd {width} is not a multiple of n_head {heads}")
        return GPTConfig(
            vocabulary=size(fields, "vocab_size", 50257, source),
            context=size(fields, "n_positions", 1024, source),
            width=width,
            layers=size(fields, "n_layer", 12, source),
            heads=heads,
            epsilon=number(fields, "layer_norm_epsilon", 1e-5, source),
            dropout=number(fields, "resid_pdrop", 0.1, source),
            tied=fields.get("tie_word_embeddings", True),
        )

    @classmethod
    def fields(cls, config: GPTConfig, head: HeadKind, *, dtype: str, end: int | None) -> dict[str, Any]:
        """The fields of ``config.json`` from our configuration. end: the id of the token that ends a text, if there is one."""
        classifier = head.kind == "classifier"
        more = {**label_fields(head.labels), "pad_token_id": end} if classifier else {}
        return {
            "architectures": ["GPT2ForSequenceClassification" if classifier else "GPT2LMHeadModel"],
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
            "tie_word_embeddings": config.tied,
            "bos_token_id": end,
            "eos_token_id": end,
            "dtype": dtype,
            **more,
        }


class GPT3(GPT2):
    """GPT-2's layout with one more field, the width of the bands. transformers has no such model, and says so."""

    model_type = "gpt3"
    architecture = "GPT-3"

    @staticmethod
    def config(fields: Mapping[str, Any], source: str) -> GPTConfig:
        """As GPT-2's, with ``band``."""
        return replace(GPT2.config(fields, source), band=size(fields, "band", 256, source))

    @classmethod
    def fields(cls, config: GPTConfig, head: HeadKind, *, dtype: str, end: int | None) -> dict[str, Any]:
        """As GPT-2's, with ``band``."""
        return super().fields(config, head, dtype=dtype, end=end) | {"band": config.band}

"""DeBERTa v2 and v3 (``deberta-v2``), as transformers stores them. ``deberta_v1.py`` says what v1 has otherwise."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...errors import InputError
from ..deberta_config import Convolution, DebertaConfig
from ..heads import HeadKind
from .bert import masked_lm, masked_lm_copies
from .part import Part, encoder_head, label_fields, layers, linear, names, norm, number, only, size

SELF = "encoder.layer.{i}.attention.self"
MASKED = "cls.predictions"
PUBLISHED = {  # the authors' names for the head
    "lm_predictions.lm_head.dense": f"{MASKED}.transform.dense",
    "lm_predictions.lm_head.LayerNorm": f"{MASKED}.transform.LayerNorm",
    "lm_predictions.lm_head.bias": f"{MASKED}.bias",
}


class DebertaV2:
    """``DebertaV2ForMaskedLM``, ``DebertaV2ForSequenceClassification``, ``DebertaV2Model``."""

    model_type = "deberta-v2"
    prefix = "deberta."
    """What stands before the names of the body in files of models with a head; files of the bare model lack it."""
    architecture = "DeBERTa v2"
    heads: Mapping[str, str] = {
        "masked-lm": "DebertaV2ForMaskedLM",
        "classifier": "DebertaV2ForSequenceClassification",
        "embedding": "DebertaV2Model",
    }
    defaults: Mapping[str, int] = {
        "vocab_size": 128100, "hidden_size": 1536, "num_hidden_layers": 24, "num_attention_heads": 24, "intermediate_size": 6144,
    }  # fmt: skip
    block = (
        *linear("encoder.layer.{i}.attention.output.dense", ("d", "d"), "blocks.{i}.attention.output"),
        *norm("encoder.layer.{i}.attention.output.LayerNorm", "blocks.{i}.norm_1"),
        *linear("encoder.layer.{i}.intermediate.dense", ("m", "d"), "blocks.{i}.mlp.up"),
        *linear("encoder.layer.{i}.output.dense", ("d", "m"), "blocks.{i}.mlp.down"),
        *norm("encoder.layer.{i}.output.LayerNorm", "blocks.{i}.norm_2"),
    )

    @staticmethod
    def sizes(config: DebertaConfig, head: HeadKind) -> dict[str, int]:
        """What the letters in the shapes stand for."""
        kernel = config.convolution.kernel if config.convolution is not None else 0
        sizes = {"V": config.vocabulary, "T": config.context, "types": config.types, "R": 2 * config.span}
        d = config.width
        return sizes | {"d": d, "3d": 3 * d, "m": config.mlp_width, "k": kernel, "labels": head.labels}

    @classmethod
    def parts(cls, config: DebertaConfig, head: HeadKind) -> Iterator[Part]:
        """Every line of the table for a model of this size and with this head."""
        yield Part("embeddings.word_embeddings.weight", ("V", "d"), ("tokens.weight",))
        if config.absolute or config.decoder is not None:
            ours = "positions.weight" if config.absolute else "decoder.positions.weight"
            yield Part("embeddings.position_embeddings.weight", ("T", "d"), (ours,))
        if config.types:
            yield Part("embeddings.token_type_embeddings.weight", ("types", "d"), ("types.weight",))
        yield from norm("embeddings.LayerNorm", "norm")
        if config.relative:
            yield Part("encoder.rel_embeddings.weight", ("R", "d"), ("relative.weight",))
            if config.normalised:
                yield from norm("encoder.LayerNorm", "relative_norm")
        if config.convolution is not None:
            yield Part("encoder.conv.conv.weight", ("d", "d", "k"), ("convolution.weight",))
            yield Part("encoder.conv.conv.bias", ("d",), ("convolution.bias",))
            yield from norm("encoder.conv.LayerNorm", "convolution.norm")
        yield from layers((*cls.attention(config), *cls.block), config.layers)
        if head.kind == "masked-lm":
            yield from masked_lm(MASKED, ("transform.dense", "transform.LayerNorm"), config.tied)
        elif head.kind == "classifier":
            yield from linear("pooler.dense", ("d", "d"), "head.dense", bare=True)
            yield from linear("classifier", ("labels", "d"), "head.output", bare=True)

    @staticmethod
    def attention(config: DebertaConfig) -> Iterator[Part]:
        """The projections of a block."""
        for name in ("query", "key", "value"):
            yield from linear(f"{SELF}.{name}_proj", ("d", "d"), f"blocks.{{i}}.attention.{name}")
        if not config.share_keys:
            if "c2p" in config.relative:
                yield from linear(f"{SELF}.pos_key_proj", ("d", "d"), "blocks.{i}.attention.position_key")
            if "p2c" in config.relative:
                yield from linear(f"{SELF}.pos_query_proj", ("d", "d"), "blocks.{i}.attention.position_query")

    @classmethod
    def plain(cls, name: str, config: DebertaConfig, head: HeadKind) -> str | None:
        """A file's name for a tensor as the table has it; None for what this model has no use for: the decoder's positions, an unused table, the discriminator of v3's pretraining."""
        name = name.removeprefix(cls.prefix).replace(".gamma", ".weight").replace(".beta", ".bias")
        for theirs, ours in PUBLISHED.items():
            name = name.replace(theirs, ours)
        unused = {
            "embeddings.position_ids": True,
            "mask_predictions.": True,
            "embeddings.position_embeddings.": not config.absolute and config.decoder is None,
            "encoder.rel_embeddings.": not config.relative,
            "encoder.LayerNorm.": not (config.relative and config.normalised),
            "pooler.": head.kind != "classifier",
            f"{MASKED}.": head.kind != "masked-lm",
        }
        return None if any(name.startswith(stem) for stem, is_unused in unused.items() if is_unused) else name

    @staticmethod
    def copies(config: DebertaConfig) -> dict[str, str]:
        """Tensors that repeat another one."""
        return masked_lm_copies(MASKED, config.tied)

    @classmethod
    def head(cls, fields: Mapping[str, Any], stored: Iterable[str], source: str) -> HeadKind:
        """Which head the file's model has (``part.encoder_head``)."""
        return encoder_head(fields, cls.heads, stored, (f"{MASKED}.", "lm_predictions."), source)

    @classmethod
    def config(cls, fields: Mapping[str, Any], source: str) -> DebertaConfig:
        """Our configuration from the fields of ``config.json`` (transformers' defaults where one is missing); source: its path, for messages.

        ``dropout`` is the file's ``hidden_dropout_prob``; ``z_steps``, if above 1, makes a decoder. Raises InputError for values that are no sizes, and for variants that would
        compute something else.
        """
        width = size(fields, "hidden_size", cls.defaults["hidden_size"], source)
        heads = size(fields, "num_attention_heads", cls.defaults["num_attention_heads"], source)
        if width % heads:
            raise InputError(
                f"{source}: hidden_size {width} is not a multiple of num_attention_heads {heads}"
            )
        accepted = {
            "hidden_act": ("gelu",),
            "pooler_hidden_act": ("gelu",),
            "attention_head_size": (width // heads,),
            "embedding_size": (width,),
            "pooler_hidden_size": (width,),
            "talking_head": (False,),
            "relative_attention": (True, False),
            "position_biased_input": (True, False),
            "tie_word_embeddings": (True, False),
        }
        only(fields, accepted, cls.architecture, source)
        context = size(fields, "max_position_embeddings", 512, source)
        distance = fields.get("max_relative_positions", -1)
        steps = size(fields, "z_steps", 0, source, least=0)
        return DebertaConfig(
            vocabulary=size(fields, "vocab_size", cls.defaults["vocab_size"], source),
            context=context,
            width=width,
            layers=size(fields, "num_hidden_layers", cls.defaults["num_hidden_layers"], source),
            heads=heads,
            inner=size(fields, "intermediate_size", cls.defaults["intermediate_size"], source),
            types=size(fields, "type_vocab_size", 0, source, least=0),
            epsilon=number(fields, "layer_norm_eps", 1e-7, source),
            dropout=number(fields, "hidden_dropout_prob", 0.1, source),
            relative=_terms(fields, source),
            distance=context
            if isinstance(distance, int) and distance < 1
            else size(fields, "max_relative_positions", context, source),
            absolute=fields.get("position_biased_input", True),
            decoder=steps if steps > 1 else None,
            tied=fields.get("tie_word_embeddings", True),
            **cls.version(fields, source),
        )

    @classmethod
    def version(cls, fields: Mapping[str, Any], source: str) -> dict[str, Any]:
        """The fields that the versions differ in."""
        buckets = fields.get("position_buckets", -1)
        normalised = str(fields.get("norm_rel_ebd", "none")).lower()
        kernel = size(fields, "conv_kernel_size", 0, source, least=0)
        accepted = {"share_att_key": (False, True), "conv_act": ("tanh", "gelu"), "conv_groups": (1,)}
        only(fields, accepted, cls.architecture, source)
        return {
            "buckets": None
            if isinstance(buckets, int) and buckets < 1
            else size(fields, "position_buckets", -1, source),
            "share_keys": fields.get("share_att_key", False),
            "normalised": "layer_norm" in [word.strip() for word in normalised.split("|")],
            "convolution": Convolution(kernel, fields.get("conv_act", "tanh")) if kernel else None,
        }

    @classmethod
    def fields(cls, config: DebertaConfig, head: HeadKind, *, dtype: str, end: int | None) -> dict[str, Any]:
        """The fields of ``config.json`` from our configuration."""
        return {
            "architectures": [cls.heads[head.kind]],
            "model_type": cls.model_type,
            "vocab_size": config.vocabulary,
            "max_position_embeddings": config.context,
            "hidden_size": config.width,
            "num_hidden_layers": config.layers,
            "num_attention_heads": config.heads,
            "intermediate_size": config.mlp_width,
            "type_vocab_size": config.types,
            "hidden_act": "gelu",
            "pooler_hidden_act": "gelu",
            "pooler_dropout": 0.0,
            "layer_norm_eps": config.epsilon,
            "hidden_dropout_prob": config.dropout,
            "attention_probs_dropout_prob": config.dropout,
            "relative_attention": bool(config.relative),
            "pos_att_type": list(config.relative),
            "max_relative_positions": config.distance,
            "position_biased_input": config.absolute,
            "tie_word_embeddings": config.tied,
            "legacy": True,
            "dtype": dtype,
            **({} if config.decoder is None else {"z_steps": config.decoder}),
            **cls.version_fields(config),
            **(label_fields(head.labels) if head.kind == "classifier" else {}),
        }

    @staticmethod
    def version_fields(config: DebertaConfig) -> dict[str, Any]:
        """The fields that the versions differ in."""
        layer = config.convolution
        convolution = (
            {} if layer is None else {"conv_kernel_size": layer.kernel, "conv_act": layer.activation}
        )
        return {
            "position_buckets": -1 if config.buckets is None else config.buckets,
            "share_att_key": config.share_keys,
            "norm_rel_ebd": "layer_norm" if config.normalised else "none",
            **convolution,
        }


def _terms(fields: Mapping[str, Any], source: str) -> tuple[str, ...]:
    """Which terms the scores have; raises InputError for others than c2p and p2c."""
    given = fields.get("pos_att_type") or ()
    given_names = (
        given.lower().split("|") if isinstance(given, str) else names(fields, "pos_att_type", source)
    )
    terms = tuple(sorted(name.strip() for name in given_names))
    if terms not in ((), ("c2p",), ("p2c",), ("c2p", "p2c")):
        raise InputError(f"{source}: pos_att_type is {given!r}, but this program knows c2p and p2c")
    if terms and not fields.get("relative_attention", False):
        raise InputError(f"{source}: pos_att_type is {given!r}, but relative_attention is not true")
    return terms

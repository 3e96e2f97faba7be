"""BERT and RoBERTa, as transformers stores them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...errors import InputError
from ..bert import BertConfig
from ..heads import HeadKind
from .part import Part, encoder_head, label_fields, layers, linear, norm, number, only, size

BLOCK = (
    *linear("encoder.layer.{i}.attention.self.query", ("d", "d"), "blocks.{i}.attention.query"),
    *linear("encoder.layer.{i}.attention.self.key", ("d", "d"), "blocks.{i}.attention.key"),
    *linear("encoder.layer.{i}.attention.self.value", ("d", "d"), "blocks.{i}.attention.value"),
    *linear("encoder.layer.{i}.attention.output.dense", ("d", "d"), "blocks.{i}.attention.output"),
    *norm("encoder.layer.{i}.attention.output.LayerNorm", "blocks.{i}.norm_1"),
    *linear("encoder.layer.{i}.intermediate.dense", ("m", "d"), "blocks.{i}.mlp.up"),
    *linear("encoder.layer.{i}.output.dense", ("d", "m"), "blocks.{i}.mlp.down"),
    *norm("encoder.layer.{i}.output.LayerNorm", "blocks.{i}.norm_2"),
)


class Bert:
    """``BertForMaskedLM``, ``BertForSequenceClassification``, ``BertModel``."""

    model_type = "bert"
    prefix = "bert."
    """What stands before the names of the body in files of models with a head; files of the bare model lack it."""
    architecture = "BERT"
    heads: Mapping[str, str] = {
        "masked-lm": "BertForMaskedLM",
        "classifier": "BertForSequenceClassification",
        "embedding": "BertModel",
    }
    masked = "cls.predictions"
    masked_names = ("transform.dense", "transform.LayerNorm")
    epsilon = 1e-12
    types = 2
    padding: int | None = None
    context = 512

    outer = (
        Part("embeddings.word_embeddings.weight", ("V", "d"), ("tokens.weight",)),
        Part("embeddings.position_embeddings.weight", ("T", "d"), ("positions.weight",)),
        Part("embeddings.token_type_embeddings.weight", ("types", "d"), ("types.weight",)),
        *norm("embeddings.LayerNorm", "norm"),
    )

    @staticmethod
    def sizes(config: BertConfig, head: HeadKind) -> dict[str, int]:
        """What the letters in the shapes stand for."""
        sizes = {"V": config.vocabulary, "T": config.context + config.offset, "types": config.types}
        return sizes | {"d": config.width, "m": config.mlp_width, "labels": head.labels}

    @classmethod
    def parts(cls, config: BertConfig, head: HeadKind) -> Iterator[Part]:
        """Every line of the table for a model of this size and with this head."""
        yield from cls.outer
        yield from layers(BLOCK, config.layers)
        if head.kind == "classifier":
            yield from cls.classifier()
        elif head.kind == "masked-lm":
            yield from masked_lm(cls.masked, cls.masked_names, config.tied)
        elif head.pooled:
            yield from linear("pooler.dense", ("d", "d"), "head.dense")

    @staticmethod
    def classifier() -> Iterator[Part]:
        """BERT's pooler is part of its body."""
        yield from linear("pooler.dense", ("d", "d"), "head.dense")
        yield from linear("classifier", ("labels", "d"), "head.output", bare=True)

    @classmethod
    def plain(cls, name: str, config: BertConfig, head: HeadKind) -> str | None:
        """A file's name for a tensor as the table has it; None for what this model has no use for: numbered positions, the sentence-order head, a pooler under another head."""
        name = name.removeprefix(cls.prefix).replace(".gamma", ".weight").replace(".beta", ".bias")
        if name.endswith("position_ids") or name.startswith("cls.seq_relationship."):
            return None
        if name.startswith("pooler.") and not (head.pooled or (head.kind == "classifier" and cls is Bert)):
            return None
        return name

    @classmethod
    def copies(cls, config: BertConfig) -> dict[str, str]:
        """Tensors that repeat another one."""
        return masked_lm_copies(cls.masked, config.tied)

    @classmethod
    def head(cls, fields: Mapping[str, Any], stored: Iterable[str], source: str) -> HeadKind:
        """Which head the file's model has (``part.encoder_head``); an embedding keeps the pooler that is there."""
        head = encoder_head(fields, cls.heads, stored, (f"{cls.masked}.",), source)
        pooled = any(name.endswith("pooler.dense.weight") for name in stored)
        return replace(head, pooled=head.kind == "embedding" and pooled)

    @classmethod
    def config(cls, fields: Mapping[str, Any], source: str) -> BertConfig:
        """Our configuration from the fields of ``config.json`` (transformers' defaults where one is missing); source: its path, for messages.

        ``dropout`` is the file's ``hidden_dropout_prob``. Raises InputError for values that are no sizes, and for variants that would compute something else.
        """
        accepted = {
            "hidden_act": ("gelu",),
            "position_embedding_type": ("absolute", None),
            "is_decoder": (False,),
            "add_cross_attention": (False,),
            "tie_word_embeddings": (True, False),
        }
        only(fields, accepted, cls.architecture, source)
        width = size(fields, "hidden_size", 768, source)
        heads = size(fields, "num_attention_heads", 12, source)
        if width % heads:
            raise InputError(
                f"{source}: hidden_size {width} is not a multiple of num_attention_heads {heads}"
            )
        padding = None if cls.padding is None else size(fields, "pad_token_id", cls.padding, source, least=0)
        offset = 0 if padding is None else padding + 1
        return BertConfig(
            vocabulary=size(fields, "vocab_size", 30522, source),
            context=size(fields, "max_position_embeddings", cls.context, source, least=offset + 1) - offset,
            width=width,
            layers=size(fields, "num_hidden_layers", 12, source),
            heads=heads,
            inner=size(fields, "intermediate_size", 3072, source),
            types=size(fields, "type_vocab_size", cls.types, source),
            epsilon=number(fields, "layer_norm_eps", cls.epsilon, source),
            dropout=number(fields, "hidden_dropout_prob", 0.1, source),
            padding=padding,
            tied=fields.get("tie_word_embeddings", True),
        )

    @classmethod
    def fields(cls, config: BertConfig, head: HeadKind, *, dtype: str, end: int | None) -> dict[str, Any]:
        """The fields of ``config.json`` from our configuration. end: the id of the token that ends a text, if there is one."""
        return {
            "architectures": [cls.heads[head.kind]],
            "model_type": cls.model_type,
            "vocab_size": config.vocabulary,
            "max_position_embeddings": config.context + config.offset,
            "hidden_size": config.width,
            "num_hidden_layers": config.layers,
            "num_attention_heads": config.heads,
            "intermediate_size": config.mlp_width,
            "type_vocab_size": config.types,
            "hidden_act": "gelu",
            "layer_norm_eps": config.epsilon,
            "hidden_dropout_prob": config.dropout,
            "attention_probs_dropout_prob": config.dropout,
            "pad_token_id": 0 if config.padding is None else config.padding,
            "tie_word_embeddings": config.tied,
            "dtype": dtype,
            **({"eos_token_id": end} if end is not None and config.padding is not None else {}),
            **(label_fields(head.labels) if head.kind == "classifier" else {}),
        }


class Roberta(Bert):
    """``RobertaForMaskedLM``, ``RobertaForSequenceClassification``, ``RobertaModel``: other names for the heads, positions after the padding token's."""

    model_type = "roberta"
    prefix = "roberta."
    architecture = "RoBERTa"
    heads: Mapping[str, str] = {
        "masked-lm": "RobertaForMaskedLM",
        "classifier": "RobertaForSequenceClassification",
        "embedding": "RobertaModel",
    }
    masked = "lm_head"
    masked_names = ("dense", "layer_norm")
    epsilon = 1e-12  # transformers' default; the published models say 1e-5
    padding = 1

    @staticmethod
    def classifier() -> Iterator[Part]:
        """A dense layer of the head's own, and the output."""
        yield from linear("classifier.dense", ("d", "d"), "head.dense", bare=True)
        yield from linear("classifier.out_proj", ("labels", "d"), "head.output", bare=True)


def masked_lm(stem: str, names: tuple[str, str], tied: bool) -> Iterator[Part]:
    """The masked-language-model head: dense and norm under two names, the output's bias, and its matrix where it has one of its own."""
    dense, layer_norm = names
    yield from linear(f"{stem}.{dense}", ("d", "d"), "head.dense", bare=True)
    yield from norm(f"{stem}.{layer_norm}", "head.norm", bare=True)
    yield Part(f"{stem}.bias", ("V",), ("head.bias",), bare=True)
    if not tied:  # transformers then keeps two biases, and computes with this one
        yield Part(f"{stem}.decoder.bias", ("V",), ("head.bias",), bare=True)
        yield Part(f"{stem}.decoder.weight", ("V", "d"), ("head.weight",), bare=True)


def masked_lm_copies(stem: str, tied: bool) -> dict[str, str]:
    """The output's matrix and bias once more, as some files have them."""
    copies = {
        f"{stem}.decoder.weight": "embeddings.word_embeddings.weight",
        f"{stem}.decoder.bias": f"{stem}.bias",
    }
    return copies if tied else {}

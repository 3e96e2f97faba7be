"""DeBERTa v1 (``deberta``), as transformers stores it."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..deberta_config import DebertaConfig
from .deberta import SELF, DebertaV2
from .part import Interleaved, Part, linear


class DebertaV1(DebertaV2):
    """``DebertaForMaskedLM``, ``DebertaForSequenceClassification``, ``DebertaModel``: q, k and v fused and interleaved by head, no bias on keys."""

    model_type = "deberta"
    architecture = "DeBERTa"
    heads: Mapping[str, str] = {
        "masked-lm": "DebertaForMaskedLM",
        "classifier": "DebertaForSequenceClassification",
        "embedding": "DebertaModel",
    }
    defaults: Mapping[str, int] = {
        "vocab_size": 50265, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
    }  # fmt: skip

    @staticmethod
    def attention(config: DebertaConfig) -> Iterator[Part]:
        """The projections of a block."""
        ours = tuple(f"blocks.{{i}}.attention.{name}.weight" for name in ("query", "key", "value"))
        yield Interleaved(f"{SELF}.in_proj.weight", ("3d", "d"), ours, heads=config.heads)
        yield Part(f"{SELF}.q_bias", ("d",), ("blocks.{i}.attention.query.bias",))
        yield Part(f"{SELF}.v_bias", ("d",), ("blocks.{i}.attention.value.bias",))
        if "c2p" in config.relative:
            yield Part(f"{SELF}.pos_proj.weight", ("d", "d"), ("blocks.{i}.attention.position_key.weight",))
        if "p2c" in config.relative:
            yield from linear(f"{SELF}.pos_q_proj", ("d", "d"), "blocks.{i}.attention.position_query")

    @classmethod
    def version(cls, fields: Mapping[str, Any], source: str) -> dict[str, Any]:
        return {"key_bias": False}

    @staticmethod
    def version_fields(config: DebertaConfig) -> dict[str, Any]:
        return {}

"""Small adapter folders in exactly the form in which PEFT 0.21 writes them, without PEFT."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minilora.tensors import save_tensors

FIELDS: dict[str, Any] = {
    "alora_invocation_tokens": None, "alpha_pattern": {}, "arrow_config": None, "auto_mapping": None, "base_model_name_or_path": None, "bias": "none",
    "corda_config": None, "ensure_weight_tying": False, "eva_config": None, "exclude_modules": None, "fan_in_fan_out": True, "inference_mode": True,
    "init_lora_weights": True, "kasa_config": None, "layer_replication": None, "layers_pattern": None, "layers_to_transform": None, "loftq_config": {},
    "lora_alpha": 8, "lora_bias": False, "lora_dropout": 0.0, "lora_ga_config": None, "megatron_config": None, "megatron_core": "megatron.core",
    "modules_to_save": None, "monteclora_config": None, "peft_type": "LORA", "peft_version": "0.21.2", "qalora_group_size": 16, "r": 2, "rank_pattern": {},
    "revision": None, "target_modules": ["c_attn"], "target_parameters": None, "task_type": "CAUSAL_LM", "trainable_token_indices": None,
    "use_bdlora": None, "use_dora": False, "use_qalora": False, "use_rslora": False, "velora_config": None,
}  # fmt: skip
"""Every field of a LoRA configuration there, with the value that means nothing special."""


def write_config(folder: Path, **changed: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(FIELDS | changed, indent=2, sort_keys=True))


def write_folder(folder: Path, tensors: Mapping[str, np.ndarray], **changed: Any) -> Path:
    """A folder with these tensors, whose names lack ``base_model.model.``, and these fields."""
    write_config(folder, **changed)
    save_tensors(
        folder / "adapter_model.safetensors",
        {f"base_model.model.{name}": np.ascontiguousarray(array) for name, array in tensors.items()},
        {"format": "pt"},
    )
    return folder


def pair(path: str, into: int, out: int, rank: int = 2, seed: int = 0) -> dict[str, np.ndarray]:
    """A random A and B for the layer at ``path``."""
    rng = np.random.default_rng([seed, *path.encode()])
    return {
        f"{path}.lora_A.weight": rng.standard_normal((rank, into)).astype(np.float32),
        f"{path}.lora_B.weight": rng.standard_normal((out, rank)).astype(np.float32),
    }

"""PEFT's file format for LoRA, both ways, in NumPy alone: what ``Tuned.save(folder, format="peft")`` writes, ``peft`` loads; ``load_adapter`` reads what ``peft`` wrote.

Comes after ``lora.py`` and ``files.py`` (minilora's own format), before ``tuned.py``. The authors' own checkpoints too (``loralib``). Within: ``patterns`` (names of layers), ``config`` (adapter_config.json), ``places`` (our weights in
models of Hugging Face), ``blocks`` (fused layers), ``whole`` (biases and heads), ``values`` (one configuration as the other), then ``reading`` and ``writing``.
"""

from .config import PeftConfig, read_config
from .loralib import read_loralib
from .reading import is_peft, read_peft, refuse_parent, refuse_peft
from .summary import Summary, summarize
from .writing import write_peft

__all__ = [
    "PeftConfig",
    "Summary",
    "is_peft",
    "read_config",
    "read_loralib",
    "read_peft",
    "refuse_parent",
    "refuse_peft",
    "summarize",
    "write_peft",
]

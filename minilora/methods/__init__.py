"""How a model is adapted: full fine-tuning, LoRA, bottleneck adapters, and what one can do with the result.

Comes after ``models``, whose layers it wraps, and before ``train``, which trains what a method frees.
"""

from .adapt import adapt, load_adapter, load_loralib
from .adapter import Adapter
from .base import Installed, LayerReport, Method, Size
from .bottleneck import Bottleneck, BottleneckLayer
from .combine import combine, recompress
from .describe import describe
from .doctor import Finding, doctor
from .explain import explain
from .files import METHODS, SavedAdapter, read_adapter, write_adapter
from .full import FullFineTuning
from .layers import linear_shapes, select
from .lora import LoRA
from .low_rank import LoRALinear, LowRank
from .mixed import mixed
from .partial import BitFit, HeadOnly, TopLayers
from .prefix import PrefixEmbedding, PrefixLayer
from .together import Composition, as_method
from .tuned import Tuned
from .verify import MergeError, MergeReport, verify_merge

__all__ = [
    "METHODS",
    "Adapter",
    "BitFit",
    "Bottleneck",
    "BottleneckLayer",
    "Composition",
    "Finding",
    "FullFineTuning",
    "HeadOnly",
    "Installed",
    "LayerReport",
    "LoRA",
    "LoRALinear",
    "LowRank",
    "MergeError",
    "MergeReport",
    "Method",
    "PrefixEmbedding",
    "PrefixLayer",
    "SavedAdapter",
    "Size",
    "TopLayers",
    "Tuned",
    "adapt",
    "as_method",
    "combine",
    "describe",
    "doctor",
    "explain",
    "linear_shapes",
    "load_adapter",
    "load_loralib",
    "mixed",
    "read_adapter",
    "recompress",
    "select",
    "verify_merge",
    "write_adapter",
]

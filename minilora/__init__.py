"""minilora: the LoRA paper as a program.

The public names, and nothing else. Load a model, adapt it, use it:

    model = load("tiny-gpt")
    tuned = adapt(model, LoRA(rank=8, targets=("query", "value")))
    tuned.save("my-adapter")

Each name is defined, with its documentation, in the room it comes from: ``autograd``, ``models``, ``methods``, ``train``.
"""

from .autograd import Tensor, check_gradients, gradients, no_grad
from .errors import InputError
from .methods import (
    Adapter,
    BitFit,
    FullFineTuning,
    LoRA,
    PrefixEmbedding,
    PrefixLayer,
    TopLayers,
    Tuned,
    adapt,
    load_adapter,
)
from .models.checkpoint import load, save
from .models.generate import Beam, Greedy, Sample, generate
from .train import Training, fit
from .train.finetune import finetune
from .train.recipe import FineTuning
from .version import VERSION as __version__

__all__ = [
    "Adapter",
    "Beam",
    "BitFit",
    "FineTuning",
    "FullFineTuning",
    "Greedy",
    "InputError",
    "LoRA",
    "PrefixEmbedding",
    "PrefixLayer",
    "Sample",
    "Tensor",
    "TopLayers",
    "Training",
    "Tuned",
    "__version__",
    "adapt",
    "check_gradients",
    "finetune",
    "fit",
    "generate",
    "gradients",
    "load",
    "load_adapter",
    "no_grad",
    "save",
]

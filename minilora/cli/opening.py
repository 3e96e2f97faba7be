"""Which model, with which adapter: the options ``--model`` and ``--adapter`` of several commands, and what a run's folder says about itself.

Comes before ``evaluate``, ``generate`` and ``merge``. An adapter that ``minilora finetune`` made has a ``config.toml`` beside it, which names its model and task: neither
need be repeated. An adapter in PEFT's format may name its model, and nothing else.
"""

from pathlib import Path
from typing import Any, NamedTuple

import click

from ..backend.devices import use_device
from ..errors import InputError
from ..methods import Tuned, load_adapter
from ..methods.peft import is_peft, summarize
from ..methods.stored import prepare_head
from ..models.base import Model
from ..models.checkpoint import load, shipped
from ..train.recipe import FineTuning
from ..train.runs import CONFIG, read_config
from .options import DEVICE

model_option = click.option(
    "--model", help="A shipped model's name, or a model folder.  [default: the adapter's own, or tiny-gpt]"
)
adapter_option = click.option(
    "--adapter", metavar="DIR", help="A folder that finetune wrote, or one of PEFT's."
)

device_option = click.option(
    "--device",
    default="cpu",
    show_default=True,
    help=DEVICE,
)


class Opened(NamedTuple):
    """A model, what it is called, and its adapter, if it has one."""

    model: Model
    name: str
    tuned: Tuned | None


def settings_beside(adapter: str | None) -> dict[str, Any]:
    """The settings of the run that made an adapter; none where no configuration lies beside it."""
    if adapter is None or not (Path(adapter) / CONFIG).is_file():
        return {}
    return read_config(Path(adapter) / CONFIG, FineTuning, "finetune")


def base_of(adapter: str | None) -> str:
    """The model that an adapter was made for: by the settings of its run, or as PEFT noted it; the default model where neither says."""
    noted = settings_beside(adapter).get("model")
    if noted is None and adapter is not None and is_peft(adapter):
        noted = summarize(adapter).config.base_model_name_or_path
        if noted is not None and not Path(noted).is_dir() and noted not in shipped():
            raise InputError(
                f"the adapter {adapter!r} was made for the model {noted!r}, which is not here; give --model, the folder that holds it"
            )
    return FineTuning.model if noted is None else str(noted)


def base_dtype_of(adapter: str | None) -> str:
    """What the base was stored as in the run that made an adapter: rounded to float16 it is another base, unless its file holds float16 already."""
    return "float16" if settings_beside(adapter).get("base_dtype") == "float16" else "float32"


def open_model(model: str | None, adapter: str | None, device: str = "cpu") -> Opened:
    """Load the model, stored as it was when the adapter was trained, and the adapter into it, with the classification head that it was trained with, if it was; on ``device``.

    Raises InputError for either that cannot be loaded, where they do not fit each other, and for a device that cannot be used.
    """
    use_device(device)
    name = model or base_of(adapter)
    loaded = load(name, base_dtype=base_dtype_of(adapter))
    if adapter is None:
        return Opened(loaded.to(device), name, None)
    prepare_head(loaded, adapter)
    tuned = load_adapter(loaded, adapter)
    return Opened(loaded.to(device), name, tuned)

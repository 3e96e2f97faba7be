"""Model folders in the Hugging Face layout: ``config.json``, ``model.safetensors``, ``tokenizer.json``.

Comes after the models; ``layouts`` says how an architecture's weights are named and stored. What ``save`` writes, transformers loads, and the other way round.
A model that comes with the package is loaded by its name.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..data.tokenizer import Tokenizer
from ..errors import InputError, nearest
from ..files import make_folder, write_atomically
from ..tensors import load_tensors, save_tensors
from .base import Model
from .build import AnyConfig, build
from .heads import HeadKind
from .layouts import LAYOUTS, Array, Part, layout_of

CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
ASSETS = Path(__file__).resolve().parents[1] / "assets"
DTYPES = ("float32", "float16")


def shipped() -> list[str]:
    """The names of the models that come with the package."""
    return sorted(path.parent.name for path in ASSETS.glob(f"*/{CONFIG}"))


def load(name_or_folder: str | os.PathLike[str]) -> Model:
    """The model in a folder, or the shipped one of that name, in float32, with its ``tokenizer`` (None where the folder has none).

    Files in float32, float16 or bfloat16; names with transformers' prefix or without. Raises InputError, in one sentence, for a folder or file that is missing,
    an unknown architecture or variant, weights that are missing, unexpected or of another shape than the configuration says, a truncated file, and a tokenizer that does
    not fit the model.
    """
    folder = _find(name_or_folder)
    source = str(folder / CONFIG)
    fields = _read_config(folder)
    model_type = str(fields.get("model_type"))
    if model_type not in LAYOUTS:
        raise InputError(
            f"{source}: model_type is {model_type!r}, but this program knows {', '.join(LAYOUTS)}{nearest(model_type, LAYOUTS)}"
        )
    layout = LAYOUTS[model_type]
    config = layout.config(fields, source)
    weights = folder / WEIGHTS
    if not weights.is_file():
        others = sorted(
            path.name for path in folder.glob("*") if path.suffix in (".safetensors", ".bin", ".pt")
        )
        found = f"; it holds {', '.join(others)}" if others else ""
        raise InputError(f"the model folder {str(folder)!r} has no {WEIGHTS}{found}")
    stored, _ = load_tensors(weights)
    head = layout.head(fields, stored, source)
    stored = _plain_names(stored, layout, config, head, str(weights))
    parts = list(layout.parts(config, head))
    _check(stored, parts, layout.sizes(config, head), str(weights))
    model = build(config, None, head)
    parameters = dict(model.named_parameters())
    for part in parts:
        # popped: never is all of it there twice
        for name, array in part.read(stored.pop(part.theirs)).items():
            parameters[name].data[...] = array
    if (folder / TOKENIZER).is_file():
        model.tokenizer = Tokenizer.load(folder / TOKENIZER)
        if model.tokenizer.vocabulary > config.vocabulary:
            raise InputError(
                f"{str(folder / TOKENIZER)!r} has {model.tokenizer.vocabulary} tokens, but the model's vocabulary is {config.vocabulary}; "
                "the tokenizer belongs to another model"
            )
    return model


def save(
    model: Model, folder: str | os.PathLike[str], *, dtype: str = "float32", force: bool = False
) -> None:
    """Write ``model``, and its tokenizer if it has one, as a folder that ``load`` and transformers read.

    dtype: "float32", or "float16" for half the size (rounded to 11 bits). Each file appears at once or not at all, the configuration last.
    Raises InputError when the folder already holds a model and ``force`` is not given, when it cannot be written, when a weight is too large for float16, and
    for a model that is wrapped by an adapter: merge and remove it first.
    """
    folder = Path(folder)
    if dtype not in DTYPES:
        raise InputError(f"dtype must be {' or '.join(DTYPES)}, not {dtype!r}{nearest(dtype, DTYPES)}")
    layout, head = layout_of(model.config), model.head.describe()
    state = model.state()
    parts = list(layout.parts(model.config, head))
    own = {name for part in parts for name in part.ours}
    if own != state.keys():
        strange = sorted(own ^ state.keys())
        raise InputError(
            f"only a plain model can be saved, and this one has parameters of its own ({', '.join(strange[:3])}, …); merge and remove its adapters first"
        )
    present = [name for name in (CONFIG, WEIGHTS, TOKENIZER) if (folder / name).exists()]
    if present and not force:
        raise InputError(
            f"{str(folder)!r} already holds {', '.join(present)}; choose another folder, or force"
        )
    largest = max(max(float(array.max()), -float(array.min())) for array in state.values())
    if dtype == "float16" and largest > float(np.finfo(np.float16).max):
        raise InputError(f"a weight of {largest:.3g} does not fit float16 (at most 65504); save float32")
    end = model.tokenizer.end if model.tokenizer is not None else None
    config = (
        json.dumps(layout.fields(model.config, head, dtype=dtype, end=end), indent=2, sort_keys=True) + "\n"
    )
    make_folder(folder)
    if (folder / CONFIG).exists() and (folder / CONFIG).read_text(encoding="utf-8") != config:
        (
            folder / CONFIG
        ).unlink()  # so that a crash from here on never leaves it beside weights of another shape
    if model.tokenizer is not None:
        model.tokenizer.save(folder / TOKENIZER)
    else:
        (folder / TOKENIZER).unlink(missing_ok=True)
    prefix = "" if head.kind == "embedding" else layout.prefix  # a bare model's names have none
    arrays = {
        part.theirs if part.bare else prefix + part.theirs: part.write(state).astype(dtype, copy=False)
        for part in parts
    }
    save_tensors(folder / WEIGHTS, arrays, {"format": "pt"})
    write_atomically(folder / CONFIG, config)


def _find(name_or_folder: str | os.PathLike[str]) -> Path:
    folder = Path(name_or_folder)
    if folder.is_dir():
        return folder
    name = str(name_or_folder)
    if name in shipped():
        return ASSETS / name
    if folder.exists():
        raise InputError(f"{name!r} is a file; give the folder that holds {CONFIG} and {WEIGHTS}")
    known = (
        f"the models that come with the package are {', '.join(shipped())}"
        if shipped()
        else "no model comes with the package"
    )
    raise InputError(f"no model folder or shipped model {name!r}{nearest(name, shipped())}; {known}")


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise InputError(f"{str(folder)!r} is no model folder: it has no {CONFIG}")
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} is not JSON that can be read ({error})") from error
    if not isinstance(fields, dict):
        raise InputError(f"{str(path)!r} holds a {type(fields).__name__}, not the fields of a model")
    return fields


def _plain_names(
    stored: Mapping[str, Array], layout: Any, config: AnyConfig, head: HeadKind, source: str
) -> dict[str, Array]:
    """The stored tensors as the layout names them, without those that hold no weight, and without copies of others."""
    plain = {}
    for name, array in stored.items():
        known = layout.plain(name, config, head)
        if known is not None:
            plain[known] = array
    for copy, original in layout.copies(config).items():
        if copy in plain and original in plain and not np.array_equal(plain.pop(copy), plain[original]):
            raise InputError(f"{source!r}: {copy} differs from {original}, but {CONFIG} ties the two")
    return plain


def _check(stored: Mapping[str, Array], parts: list[Part], sizes: Mapping[str, int], source: str) -> None:
    """Raise InputError unless the file holds exactly the tensors of ``parts``, in the shapes that the configuration asks for."""
    expected = {part.theirs: tuple(sizes[letter] for letter in part.shape) for part in parts}
    wrong = [
        f"{name} is {stored[name].shape} instead of {shape}"
        for name, shape in expected.items()
        if name in stored and stored[name].shape != shape
    ]
    troubles = [
        f"{title} {_some(names)}"
        for title, names in (
            ("missing are", sorted(expected.keys() - stored.keys(), key=_by_number)),
            ("unexpected are", sorted(stored.keys() - expected.keys(), key=_by_number)),
            ("of another shape are", wrong),
        )
        if names
    ]
    if troubles:
        raise InputError(
            f"{source!r} does not hold the weights that {CONFIG} beside it describes: {'; '.join(troubles)}"
        )


def _some(names: list[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _by_number(name: str) -> list[tuple[int, str]]:
    """Sort key that puts h.2 before h.10."""
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in re.split(r"(\d+)", name)]

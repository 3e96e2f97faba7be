"""Model folders in the Hugging Face layout: ``config.json``, ``model.safetensors`` (or, in older folders, ``pytorch_model.bin``) or its shards, the tokenizer's files.

Comes after the models; ``sources.py`` finds the folder, ``weights.py`` maps what is stored, and ``layouts`` says how an architecture's weights are named and stored. What ``save``
writes, transformers loads, and the other way round.
"""

import json
import os
import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import narrow
from ..backend.storage import check_stored
from ..data.tokenizer_files import FILES as TOKENIZER_FILES
from ..data.tokenizer_files import WHOLE as TOKENIZER
from ..data.tokenizer_files import read_tokenizer
from ..errors import InputError, nearest, some
from ..files import make_folder, read_json, remove, write_atomically
from ..tensors import FLOATS, StoredArray, save_tensors
from .base import Model
from .build import AnyConfig, build
from .heads import HeadKind
from .layouts import LAYOUTS, Part, layout_of
from .sources import find, shipped
from .weights import CONFIG, INDEX, WEIGHTS, map_weights

__all__ = ["CONFIG", "WEIGHTS", "load", "save", "shipped"]

READABLE = ("F32", "F16", "BF16", "F64")
"""The dtype codes of weights that can be loaded."""


def load(model: str | os.PathLike[str], *, base_dtype: str = "float32") -> Model:
    """A model in float32, with its ``tokenizer`` (None where it has none).

    model: the name of one that comes with the package (``"tiny-gpt"``); a folder (``"./my-model"``, a Path; a bare name only where nothing shipped has that name); ``"hf:owner/name"`` or
    ``"hf:owner/name@revision"`` on the Hugging Face hub; ``"package:name"`` in an installed Python package.

    Weights stored in float32 are mapped, not copied: each is read when it is first used, and a change to it stays in this program and never reaches the file. Those in float16, bfloat16
    and float64 become new arrays, one after the other. Names may have transformers' prefix or not.

    base_dtype: ``"float16"`` stores the weights in half of the memory, for a base that stays frozen; the model computes in float32 all the same (see ``Model.store``). Then weights
    stored in float16 are the mapped ones, and others are rounded.

    Raises InputError, in one sentence and before memory is asked for, for a folder or file that is missing or broken, an unknown architecture or variant, weights that are missing, unexpected or
    of another shape or kind than the configuration says, and a tokenizer that does not fit the model; for another base_dtype, and a weight too large for float16.
    """
    half = check_stored(base_dtype) == "float16"
    folder = find(model, LAYOUTS)
    source = str(folder / CONFIG)
    fields = _read_config(folder)
    model_type = str(fields.get("model_type"))
    if model_type not in LAYOUTS:
        raise InputError(
            f"{source}: model_type is {model_type!r}, but this program knows {', '.join(LAYOUTS)}{nearest(model_type, LAYOUTS)}"
        )
    layout = LAYOUTS[model_type]
    config = layout.config(fields, source)
    mapped, weights = map_weights(folder)
    head = layout.head(fields, mapped, source)
    stored = _plain_names(mapped, layout, config, head, str(weights))
    # A configuration may claim any number of layers: more lines than there are tensors are not even listed.
    parts = list(islice(layout.parts(config, head), len(stored) + 1000))
    _check(stored, parts, layout.sizes(config, head), str(weights))
    tokenizer = read_tokenizer(folder)
    if tokenizer is not None and tokenizer.vocabulary > config.vocabulary:
        raise InputError(
            f"the tokenizer in {str(folder)!r} has {tokenizer.vocabulary} tokens, but the model's vocabulary is {config.vocabulary}; "
            "the tokenizer belongs to another model"
        )
    loaded = build(config, None, head)
    _fill(loaded, parts, stored, half)
    loaded.tokenizer = tokenizer
    return loaded.store(base_dtype) if half else loaded


def _fill(model: Model, parts: list[Part], stored: Mapping[str, StoredArray], half: bool) -> None:
    """Put each stored tensor, or its pieces, in the place of the parameter's own array; matrices of a base in float16 where ``half``."""
    parameters = dict(model.named_parameters())
    for part in parts:
        array = stored[part.theirs].array()
        for name, piece in part.read(array).items():
            if half and model.can_narrow(name, piece.shape):
                parameters[name].data = narrow(piece, name)  # a stored half stays the file's own memory
            else:
                # a stored half is made wide once, in our own order; float32 stays the file's own memory
                parameters[name].data = (
                    piece if array.dtype == np.float32 else np.ascontiguousarray(piece, np.float32)
                )
    unset = parameters.keys() - {name for part in parts for name in part.ours}
    assert not unset, f"the layout has no line for {sorted(unset)}"


def save(
    model: Model, folder: str | os.PathLike[str], *, dtype: str = "float32", force: bool = False
) -> None:
    """Write ``model``, and its tokenizer if it has one, as a folder that ``load`` and transformers read.

    dtype: "float32", or for half the size "float16" (rounded to 11 bits) or "bfloat16" (to 8 bits, with float32's range). Each file appears at once or not at all, the configuration last.
    Raises InputError when the folder already holds a model and ``force`` is not given, when it cannot be written, when a weight is too large for float16, and
    for a model that is wrapped by an adapter: merge and remove it first.
    """
    folder = Path(folder)
    if dtype not in FLOATS:
        raise InputError(f"dtype must be {' or '.join(FLOATS)}, not {dtype!r}{nearest(dtype, FLOATS)}")
    layout, head = layout_of(model.config), model.head.describe()
    state = model.state()
    parts = list(layout.parts(model.config, head))
    own = {name for part in parts for name in part.ours}
    if own != state.keys():
        strange = sorted(own ^ state.keys())
        raise InputError(
            f"only a plain model can be saved, and this one has parameters of its own ({', '.join(strange[:3])}, …); merge and remove its adapters first"
        )
    present = [name for name in (CONFIG, WEIGHTS, INDEX, *TOKENIZER_FILES) if (folder / name).exists()]
    if present and not force:
        raise InputError(
            f"{str(folder)!r} already holds {', '.join(present)}; choose another folder, or force"
        )
    if dtype == "float16":
        largest = max(max(float(array.max()), -float(array.min())) for array in state.values())
        if largest > float(np.finfo(np.float16).max):
            raise InputError(f"a weight of {largest:.3g} does not fit float16 (at most 65504); save float32")
    end = model.tokenizer.end if model.tokenizer is not None else None
    config = (
        json.dumps(layout.fields(model.config, head, dtype=dtype, end=end), indent=2, sort_keys=True) + "\n"
    )
    make_folder(folder)
    if (folder / CONFIG).exists() and (folder / CONFIG).read_bytes() != config.encode():
        remove(
            folder / CONFIG
        )  # so that a crash from here on never leaves it beside weights of another shape
    # files that would be read instead of, or beside, those written here
    for name in (INDEX, *TOKENIZER_FILES):
        remove(folder / name)
    if model.tokenizer is not None:
        model.tokenizer.save(folder / TOKENIZER)
    prefix = "" if head.kind == "embedding" else layout.prefix  # a bare model's names have none
    arrays = {part.theirs if part.bare else prefix + part.theirs: part.write(state) for part in parts}
    save_tensors(folder / WEIGHTS, arrays, {"format": "pt"}, floats=dtype)
    write_atomically(folder / CONFIG, config)


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise InputError(f"{str(folder)!r} is no model folder: it has no {CONFIG}")
    return read_json(path)


def _plain_names(
    stored: Mapping[str, StoredArray], layout: Any, config: AnyConfig, head: HeadKind, source: str
) -> dict[str, StoredArray]:
    """The stored tensors as the layout names them, without those that hold no weight, and without copies of others."""
    plain: dict[str, StoredArray] = {}
    for name, one in stored.items():
        known = layout.plain(name, config, head)
        if known is None:
            continue
        if known in plain:
            raise InputError(f"{source!r} holds {known} twice, with a prefix or an old name and without")
        plain[known] = one
    for copy, original in layout.copies(config).items():
        if copy in plain and original in plain and not _equal(plain.pop(copy), plain[original]):
            raise InputError(f"{source!r}: {copy} differs from {original}, but {CONFIG} ties the two")
    return plain


def _equal(one: StoredArray, other: StoredArray) -> bool:
    return one.shape == other.shape and np.array_equal(one.array(), other.array())


def _check(
    stored: Mapping[str, StoredArray], parts: list[Part], sizes: Mapping[str, int], source: str
) -> None:
    """Raise InputError unless the file holds exactly the tensors of ``parts``, floating-point numbers in the shapes that the configuration asks for."""
    expected = {part.theirs: tuple(sizes[letter] for letter in part.shape) for part in parts}
    wrong = [
        f"{name} is {stored[name].shape} instead of {shape}"
        for name, shape in expected.items()
        if name in stored and stored[name].shape != shape
    ]
    whole = [
        f"{name} ({stored[name].code})"
        for name in expected
        if name in stored and stored[name].code not in READABLE
    ]
    troubles = [
        f"{title} {some(names, 6)}"
        for title, names in (
            ("missing are", sorted(expected.keys() - stored.keys(), key=_by_number)),
            ("unexpected are", sorted(stored.keys() - expected.keys(), key=_by_number)),
            ("of another shape are", wrong),
            ("no floating-point numbers are", whole),
        )
        if names
    ]
    if troubles:
        raise InputError(
            f"{source!r} does not hold the weights that {CONFIG} beside it describes: {'; '.join(troubles)}"
        )


def _by_number(name: str) -> list[tuple[int, str]]:
    """Sort key that puts h.2 before h.10."""
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in re.split(r"(\d+)", name)]

"""``minilora inspect``: what a model folder, an adapter folder or a safetensors file holds. Calls ``describe`` of ``methods``, ``load`` of ``models`` and ``load_tensors``."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from ..errors import InputError
from ..methods import LayerReport, describe, explain, linear_shapes, read_adapter
from ..methods.files import CONFIGURATION, WEIGHTS, method_as_json
from ..methods.peft import is_peft, summarize
from ..methods.peft.config import FILE as PEFT_CONFIG
from ..methods.stored import same_base
from ..models.checkpoint import CONFIG, load, shipped
from ..models.torch_file import load_torch
from ..tensors import load_tensors
from .opening import base_dtype_of, settings_beside
from .output import json_option, number, print_json, print_table, size

PARTS = {"tokens": "token embedding", "types": "token types", "norm": "norm outside of blocks"}
"""What the parts of a model are called whose own names say too little."""


LAYER_COLUMNS = ("layer", "rank", "scale α/r", "‖B‖", "‖ΔW‖", "acts")


class Found(NamedTuple):
    """What is there: one sentence, facts for a program, and a table for people."""

    summary: str
    facts: dict[str, Any]
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@click.command("inspect")
@click.argument("path")
@click.option(
    "--base",
    help="The model an adapter was made for: full fine-tuning is compared with it.  [default: the run's own]",
)
@json_option
def command(path: str, base: str | None, as_json: bool) -> None:
    """Say what PATH holds: a model (folder or shipped name), an adapter's folder, or a file of weights (safetensors or torch).

    Of an adapter: for each layer its rank, the scale α/r, the norm of B (zero before training), the norm of the update, and whether it does anything.

    \b
    Examples:
      minilora inspect tiny-gpt
      minilora inspect runs/sql
      minilora inspect folder-of-peft
      minilora inspect runs/sql/checkpoint.safetensors
    """
    found = look(path)(path, base)
    if as_json:
        print_json(found.facts)
        return
    click.echo(found.summary)
    print_table(found.columns, found.rows)


def look(path: str) -> Callable[[str, str | None], Found]:
    """The function that knows what lies at ``path``; raises InputError where there is nothing that could be known."""
    place = Path(path)
    if place.is_file():
        return inspect_file
    if (place / CONFIGURATION).is_file() or (place / WEIGHTS).is_file():
        return inspect_adapter
    if is_peft(place):
        return inspect_peft
    if (place / CONFIG).is_file() or path in shipped():
        return inspect_model
    if place.is_dir():
        raise InputError(
            f"{path!r} holds neither an adapter ({CONFIGURATION}, or {PEFT_CONFIG} of PEFT) nor a model ({CONFIG}); give such a folder, or a safetensors file"
        )
    raise InputError(
        f"there is nothing at {path!r}, and no shipped model of that name; shipped are: {', '.join(shipped()) or 'none'}"
    )


def inspect_model(path: str, base: str | None) -> Found:
    """Sizes, and the parameters of each part."""
    if base is not None:
        raise InputError(f"--base is for adapters, and {path!r} is a model; leave it out")
    model = load(path)
    config, total = model.config, model.count_parameters()
    names = PARTS | {"blocks": f"blocks ({config.layers})"}
    parts: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        part = name.split(".")[0]
        parts[names.get(part, part)] = parts.get(names.get(part, part), 0) + parameter.size
    tokenizer = None if model.tokenizer is None else int(model.tokenizer.vocabulary)
    facts = {
        "kind": "model",
        "path": path,
        **vars(config),
        "parameters": total,
        "parts": parts,
        "tokenizer": tokenizer,
    }
    facts["layers that LoRA can adapt"] = {name: list(shape) for name, shape in linear_shapes(config).items()}
    words = "without a tokenizer" if tokenizer is None else f"with a tokenizer of {tokenizer:,} tokens"
    summary = (
        f"a {type(model).__name__} with the head {model.head.kind}, {total:,} parameters: {config.layers} layers, width {config.width}, {config.heads} heads, "
        f"context {config.context}, vocabulary {config.vocabulary:,}; {words}"
    )
    rows = [(name, f"{count:,}", f"{count / total:.1%}") for name, count in parts.items()]
    return Found(summary, facts, ("part", "parameters", "share"), rows)


def inspect_adapter(path: str, base: str | None) -> Found:
    """What the adapter does, layer by layer."""
    saved = read_adapter(path)
    own = settings_beside(path).get("model")
    if base is None and own is not None and (Path(own).is_dir() or own in shipped()):
        base = own
    model = None if base is None else load(base, base_dtype=base_dtype_of(path))
    reports = describe(path, base=model)
    same = None if model is None else same_base(saved, model)
    count = sum(int(array.size) for array in saved.arrays.values())
    written = sum((Path(path) / name).stat().st_size for name in (WEIGHTS, CONFIGURATION))
    acting = [report.acts for report in reports]
    does = True if True in acting else None if None in acting else False
    facts = {
        "kind": "adapter",
        "path": path,
        "name": saved.name,
        "method": saved.method.method,
        "fields": method_as_json(saved.method)["fields"],
        "explanation": explain(saved.method),
        "base": base,
        "made for this base": same,
        "trainable": count,
        "bytes": written,
        "does anything": does,
        "layers": [vars(report) for report in reports],
    }
    words = {
        True: "it changes what the model computes",
        False: "it does nothing: every update is zero",
        None: "whether it does anything shows beside its --base",
    }
    summary = f"the adapter {saved.name!r}, {saved.method}: {count:,} trainable parameters, {size(written)}; {words[does]}"
    summary += (
        f"\nIt was made for another base: the weights of {base!r} have other values." if same is False else ""
    )
    summary += f"\n\n{explain(saved.method)}\n"
    return Found(summary, facts, LAYER_COLUMNS, layer_rows(reports))


def layer_rows(reports: Sequence[LayerReport]) -> list[tuple[str, ...]]:
    """What people read of each layer."""
    acts = {True: "yes", False: "no", None: "?"}
    return [
        (r.layer, number(r.rank), number(r.scale), number(r.norm_B), number(r.norm_update), acts[r.acts])
        for r in reports
    ]


def inspect_peft(path: str, base: str | None) -> Found:
    """What an adapter in PEFT's format does, under PEFT's own names: its base need not be here."""
    if base is not None:
        raise InputError(f"{path!r} is in PEFT's format and is looked at without its base; leave --base out")
    config, layers, numbers, labels = summarize(path)
    facts = {
        "kind": "adapter",
        "format": "peft",
        "path": path,
        "method": "lora",
        "fields": asdict(config),
        "base": config.base_model_name_or_path,
        "labels": labels,
        "trainable": numbers,
        "does anything": any(row.acts for row in layers),
        "layers": [vars(row) for row in layers],
    }
    head = f", with a classifier of {labels} classes" if labels else ""
    made_for = f" for {config.base_model_name_or_path}" if config.base_model_name_or_path else ""
    does = (
        "it changes what the model computes"
        if facts["does anything"]
        else "it does nothing: every update is zero"
    )
    summary = f"an adapter in PEFT's format{made_for}: LoRA on {len(layers)} layers{head}, {numbers:,} trainable parameters; {does}"
    return Found(summary, facts, LAYER_COLUMNS, layer_rows(layers))


def inspect_file(path: str, base: str | None) -> Found:
    """The arrays by name."""
    if base is not None:
        raise InputError(f"--base is for adapters, and {path!r} is a file; leave it out")
    torch = zipfile.is_zipfile(path)
    arrays, metadata = (load_torch(path), {}) if torch else load_tensors(path)
    tensors = [
        {
            "name": name,
            "dtype": str(array.dtype),
            "shape": list(array.shape),
            "norm": float(np.linalg.norm(array.astype(np.float64))),
            "finite": bool(np.isfinite(array).all()),
        }
        for name, array in sorted(arrays.items())
    ]
    count = sum(int(array.size) for array in arrays.values())
    facts = {
        "kind": "torch" if torch else "safetensors",
        "path": path,
        "numbers": count,
        "bytes": Path(path).stat().st_size,
        "metadata": metadata,
        "tensors": tensors,
    }
    summary = f"a {facts['kind']} file of {len(tensors)} arrays with {count:,} numbers, {size(Path(path).stat().st_size)}"
    rows = [
        (
            str(t["name"]),
            str(t["dtype"]),
            " × ".join(map(str, array.shape)) or "scalar",
            number(float(str(t["norm"]))) if t["finite"] else "not finite",
        )
        for t, (_, array) in zip(tensors, sorted(arrays.items()), strict=True)
    ]
    return Found(summary, facts, ("array", "dtype", "shape", "norm"), rows)

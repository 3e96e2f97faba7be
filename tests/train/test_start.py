"""A run that starts from an adapter: it begins at that adapter's very loss, goes on below a fresh start's, says where it began, and refuses what would change the adapter."""

import json
from dataclasses import replace

import numpy as np
import pytest

from minilora.data.tasks import load_task
from minilora.errors import InputError
from minilora.methods import Adapter, LoRA, PrefixEmbedding, as_method, load_adapter
from minilora.models.checkpoint import load, save
from minilora.train.choices import METHODS, name_of, settings_of
from minilora.train.finetune import finetune, set_dropout
from minilora.train.measure import training_data
from minilora.train.recipe import FineTuning
from minilora.train.result import Result
from minilora.train.runs import CONFIG, read_config

from ..cli.tiny import write_encoder, write_model, write_text


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> FineTuning:
    folder = tmp_path_factory.mktemp("start")
    return FineTuning(
        model=str(write_model(folder / "model")), task="text", data=str(write_text(folder / "text.txt")), length=32,
        rows=4, steps=40, warmup=0, dropout=0.0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def first(settings, tmp_path_factory) -> Result:
    return finetune(settings, tmp_path_factory.mktemp("first"))


def onward(first: Result, **changes: object) -> FineTuning:
    """The settings of a run that goes on from ``first``."""
    given = replace(
        first.settings, method=None, adapter=str(first.folder), **dict.fromkeys(METHODS["lora"].own)
    )
    return replace(given, **changes)


def test_it_begins_at_the_adapters_loss_and_ends_below_a_fresh_start(settings, first, tmp_path):
    result = finetune(onward(first, steps=10), tmp_path / "on")
    assert result.before.metrics == first.after.metrics
    loaded = load_adapter(load(settings.model), first.folder)
    set_dropout(loaded.model, 0.0)
    task = load_task("text", data=settings.data)
    batch = training_data(task, loaded.model, rows=4, length=32, seed=0).batch(0)
    assert result.history.losses[0] == pytest.approx(loaded.loss(batch).item(), rel=1e-6)
    fresh = finetune(replace(settings, steps=10), tmp_path / "fresh")
    assert max(result.history.losses) < min(fresh.history.losses)
    assert result.after.metrics["perplexity"] < fresh.after.metrics["perplexity"]


def test_the_record_says_where_it_began(first, tmp_path):
    result = finetune(onward(first, steps=2), tmp_path)
    start = json.loads((tmp_path / "metrics.json").read_text())["start"]
    assert start["adapter"] == str(first.folder.resolve())
    assert start["digest"] == result.report()["start"]["digest"]
    assert first.report()["start"] is None
    written = FineTuning(**read_config(tmp_path / CONFIG, FineTuning, "finetune"))
    assert (written.adapter, written.method, written.rank) == (str(first.folder.resolve()), "lora", 8)
    again = finetune(written, tmp_path.parent / "again")
    assert again.history.losses == result.history.losses


def test_it_goes_on_after_a_stop_to_the_same_digits_and_only_from_the_same_start(first, settings, tmp_path):
    whole = finetune(onward(first, steps=6, save_every=2), tmp_path / "whole")
    part = tmp_path / "part"
    finetune(onward(first, steps=6, save_every=2), part)
    for name in ("metrics.json", "adapter.safetensors", "adapter.json"):
        (part / name).unlink()
    resumed = finetune(whole.settings, part, resume=True)
    assert resumed.report()["last_loss"] == whole.report()["last_loss"]
    other = finetune(replace(settings, steps=3, seed=5), tmp_path / "other")
    with pytest.raises(InputError, match="the adapter at the start"):
        finetune(replace(whole.settings, adapter=str(other.folder)), part, resume=True)


@pytest.mark.parametrize(
    "method", ["full", "bitfit", "houlsby", "pfeiffer", "top-layers", "prefix-layer", "lora+prefix-embedding"]
)
def test_every_method_goes_on(settings, tmp_path, method):
    begun = finetune(replace(settings, method=method, steps=4), tmp_path / "begun")
    result = finetune(replace(settings, adapter=str(begun.folder), steps=2), tmp_path / "on")
    assert result.settings.method == method
    assert result.before.metrics == begun.after.metrics
    assert result.tuned.methods["text"] == begun.tuned.methods["text"]


def test_an_adapter_in_pefts_format(first, settings, tmp_path):
    loaded = load_adapter(load(settings.model), first.folder)
    loaded.save(tmp_path / "peft", format="peft")
    result = finetune(replace(settings, adapter=str(tmp_path / "peft"), steps=2), tmp_path / "on")
    assert result.before.metrics["perplexity"] == pytest.approx(first.after.metrics["perplexity"], rel=1e-5)
    assert result.settings.method == "lora"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "houlsby"}, "method is 'houlsby', but the adapter in .* is 'lora'; leave method out"),
        ({"rank": 4}, "rank is 4, but the adapter in .* has 8; leave rank out"),
        ({"targets": ("key",)}, r"targets is \('key',\), but the adapter in .* has \('query', 'value'\)"),
        ({"adapter": "nowhere"}, "no adapter in 'nowhere'"),
    ],
)
def test_what_would_change_the_adapter_is_refused(first, tmp_path, changes, words):
    with pytest.raises(InputError, match=words):
        finetune(onward(first, **changes), tmp_path)
    assert not any(tmp_path.iterdir())


def test_settings_that_say_the_same_may_stand_beside_it(first):
    result = finetune(onward(first, steps=1, method="lora", rank=8, alpha=16, targets=("query", "value")))
    assert result.before.metrics == first.after.metrics


def test_other_bases_are_refused(first, settings, tmp_path):
    other = write_model(tmp_path / "other", seed=1)
    with pytest.raises(
        InputError, match="made for another base: this model's weights have the same shapes but other values"
    ):
        finetune(onward(first, model=str(other)))
    wider = write_model(tmp_path / "wider", width=32)
    with pytest.raises(InputError, match="made for another base"):
        finetune(onward(first, model=str(wider)))
    merged = load_adapter(load(settings.model), first.folder).fuse()
    save(merged, tmp_path / "merged")  # the base that holds the adapter already
    with pytest.raises(
        InputError, match="made for another base: this model's weights have the same shapes but other values"
    ):
        finetune(onward(first, model=str(tmp_path / "merged")))


def test_the_start_is_not_overwritten(first):
    before = (first.folder / "adapter.safetensors").read_bytes()
    with pytest.raises(InputError, match="the folder of the adapter that the run starts from; give another"):
        finetune(onward(first), first.folder, force=True)
    assert (first.folder / "adapter.safetensors").read_bytes() == before


@pytest.fixture(scope="module")
def encoder(tmp_path_factory, settings) -> str:
    folder = tmp_path_factory.mktemp("encoder") / "model"
    texts = [text for example in load_task("entailment").train[:200] for text in example.texts]
    return str(write_encoder(folder, texts, layers=2))


@pytest.mark.parametrize(("task", "head"), [("entailment", "kept"), ("paraphrase", "new")])
def test_from_one_task_to_another_as_from_mnli_to_mrpc(encoder, tmp_path, task, head):
    """A head of as many classes is kept, another begins anew; what is below it goes on in either case."""
    base = FineTuning(model=encoder, task="entailment", steps=3, rows=4, limit=8)
    begun = finetune(base, tmp_path / "begun")
    result = finetune(
        replace(base, task=task, adapter=str(begun.folder), steps=1, learning_rate=1e-30), tmp_path / "on"
    )
    assert result.report()["start"]["head"] == head
    theirs, ours = begun.tuned.arrays("entailment"), result.tuned.arrays(task)
    assert theirs.keys() == ours.keys()
    for name, array in theirs.items():
        same = array.shape == ours[name].shape and np.allclose(array, ours[name], atol=1e-6)
        assert same or (head == "new" and name.startswith("head.")), name
    if head == "new":
        assert ours["head.output.weight"].shape != theirs["head.output.weight"].shape


@pytest.mark.parametrize(
    "method",
    [
        LoRA(4, 8, ("key", "mlp.up"), ranks={"key": 2}),
        Adapter("lin", 5),
        as_method([LoRA(), PrefixEmbedding(3, 1)]),
    ],
    ids=str,
)
def test_a_methods_name_and_settings_make_it_again(method):
    given = replace(FineTuning(), method=name_of(method), **settings_of(method))
    assert given.adaptation() == method


def test_every_name_is_its_methods_own():
    assert {name: name_of(choice.make()) for name, choice in METHODS.items()} == {
        name: name for name in METHODS
    }

"""Fine-tuning in one call: what it leaves, that it repeats itself, and that it goes on where it was stopped."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minilora.data.tasks import load_task
from minilora.errors import InputError
from minilora.methods import load_adapter
from minilora.models.checkpoint import load
from minilora.train import TrainingDiverged, read_log
from minilora.train import finetune as module
from minilora.train.choices import METHODS, settle_method
from minilora.train.finetune import OUTPUTS, finetune, set_dropout
from minilora.train.measure import Measuring, measure
from minilora.train.recipe import FineTuning, settle
from minilora.train.runs import CONFIG, read_config

from ..cli.tiny import write_e2e, write_model, write_text


@pytest.fixture(scope="module")
def text_run(tmp_path_factory) -> FineTuning:
    """A short run on plain text with everything on that has a state."""
    folder = tmp_path_factory.mktemp("text")
    return FineTuning(
        model=str(write_model(folder / "model")), task="text", data=str(write_text(folder / "text.txt")), length=32,
        rows=4, steps=9, save_every=4, lora_dropout=0.1, evaluate_every=3, accumulation=2, label_smoothing=0.1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def e2e_run(tmp_path_factory) -> FineTuning:
    folder = tmp_path_factory.mktemp("e2e")
    return FineTuning(
        model=str(write_model(folder / "model")), task="e2e", data=str(write_e2e(folder / "e2e.csv")),
        rows=4, steps=3, limit=2, answer_tokens=5,
    )  # fmt: skip


@pytest.mark.parametrize("method", [*(name for name in METHODS if name != "head"), "lora+prefix-embedding"])
def test_each_method_lowers_the_loss_and_leaves_an_adapter(text_run, tmp_path, method):
    settings = replace(text_run, method=method, steps=30, lora_dropout=None, accumulation=1)
    result = finetune(settings, tmp_path)
    assert result.before.metrics["perplexity"] > result.after.metrics["perplexity"]
    assert len(read_log(tmp_path)) == 30
    assert result.trainable == result.tuned.methods["text"].trainable(result.tuned.model.config)

    loaded = load_adapter(load(settings.model), tmp_path)
    task = load_task("text", data=settings.data)
    again = measure(loaded.model, task, result.settings.measuring())
    assert again.metrics == result.after.metrics


def test_the_folder_holds_what_the_docstring_says(e2e_run, tmp_path):
    result = finetune(replace(e2e_run, before=True), tmp_path)
    assert {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()} == set(OUTPUTS)
    assert json.loads((tmp_path / "metrics.json").read_text()) == result.report()
    lines = (tmp_path / "predictions" / "after.jsonl").read_text().splitlines()
    assert [json.loads(line)["prediction"] for line in lines] == list(result.after.predictions)
    assert all("loss" in json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines())


def test_every_setting_of_every_method_comes_back_from_the_configuration(text_run, tmp_path):
    settings = replace(
        text_run,
        steps=1,
        method="lora+lin+prefix-layer",
        ranks=("value=3", "blocks.0=1"),
        alphas=("value=2.5",),
        scaling="rslora",
        bias="own",
        width=2,
        blocks=("0",),
        prefix=2,
        infix=1,
    )
    first = finetune(settings, tmp_path)
    written = FineTuning(**read_config(tmp_path / CONFIG, FineTuning, "finetune"))
    assert written == first.settings
    assert written.adaptation() == settings.adaptation()
    lora, adapter, prefix = written.adaptation().methods
    assert (lora.rank_at("blocks.1.attention.value"), lora.rank_at("blocks.0.attention.query")) == (3, 1)
    assert (lora.alpha_at("blocks.1.attention.value"), lora.bias) == (2.5, "own")
    assert (adapter.layers, prefix.count) == ((0,), 3)


def test_alphas_keep_every_digit_when_they_are_settled():
    settings = FineTuning(ranks=("key=4",), alphas=("value=22.627417", "key=16.0"))
    settled = settle_method("lora", settings)
    assert (settled["ranks"], settled["alphas"]) == (("key=4",), ("value=22.627417", "key=16"))
    again = replace(settings, **settled)
    assert again.adaptation() == settings.adaptation()
    assert again.adaptation().alpha_at("blocks.0.attention.value") == 22.627417


def test_options_of_methods_that_cannot_be_read_are_refused():
    for settings, words in (
        (
            {"ranks": ("value",)},
            "ranks and alphas are written as layer=number, such as value=16, not 'value'",
        ),
        ({"alphas": ("value=x",)}, "ranks and alphas are written as layer=number"),
        ({"ranks": ("value=2.5",)}, r"ranks\['value'\] must be a whole number"),
        ({"method": "lin", "blocks": ("a",)}, "blocks must be numbers of blocks from 0"),
        ({"method": "lin", "blocks": ("²",)}, "blocks must be numbers of blocks from 0"),
        ({"method": "lora+lroa"}, "there is no method 'lroa'"),
        ({"method": "lora+"}, "there is no method ''"),
        ({"method": "prefix-layer", "prefix": 0}, "prefix and infix are both 0"),
    ):
        with pytest.raises(InputError, match=words):
            FineTuning(**settings)


def test_without_a_folder_nothing_is_written(e2e_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert finetune(e2e_run).folder is None
    assert list(tmp_path.iterdir()) == []


def test_the_same_settings_give_the_same_digits_and_so_does_the_written_configuration(text_run, tmp_path):
    first = finetune(text_run, tmp_path / "first")
    written = FineTuning(**read_config(tmp_path / "first" / CONFIG, FineTuning, "finetune"))
    assert written == first.settings
    second = finetune(written, tmp_path / "second")
    assert first.history.losses == second.history.losses
    assert first.history.validations == second.history.validations
    assert first.after.metrics == second.after.metrics
    for name in ("adapter.safetensors", "adapter.json", CONFIG):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_another_seed_gives_other_digits(text_run):
    assert finetune(text_run).history.losses != finetune(replace(text_run, seed=1)).history.losses


def test_a_run_goes_on_from_its_checkpoint_to_the_same_digits(text_run, tmp_path):
    whole = finetune(text_run, tmp_path)
    adapter = (tmp_path / "adapter.safetensors").read_bytes()
    for name in (
        "metrics.json",
        "adapter.json",
        "adapter.safetensors",
    ):  # as if it had been stopped while scoring
        (tmp_path / name).unlink()
    resumed = finetune(text_run, tmp_path, resume=True)
    assert resumed.history.losses == whole.history.losses
    assert resumed.before.metrics == whole.before.metrics
    assert resumed.after.metrics == whole.after.metrics
    assert (tmp_path / "adapter.safetensors").read_bytes() == adapter


def test_resume_begins_where_there_is_nothing_yet(text_run, tmp_path):
    assert (
        finetune(text_run, tmp_path / "new", resume=True).history.losses == finetune(text_run).history.losses
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rank", 4),
        ("learning_rate", 1e-3),
        ("steps", 10),
        ("seed", 1),
        ("workers", 1),
        ("dtype", "float64"),
        ("length", 16),
    ],
)
def test_another_setting_is_refused_on_resume_by_its_name(text_run, tmp_path, name, value):
    finetune(replace(text_run, steps=1, evaluate_every=None), tmp_path)
    with pytest.raises(InputError, match=f"cannot resume: {name} is {value!r}, but the run"):
        finetune(
            replace(text_run, **({"steps": 1, "evaluate_every": None} | {name: value})), tmp_path, resume=True
        )


def test_other_data_and_another_base_are_refused_on_resume(text_run, tmp_path):
    settings = replace(text_run, steps=1, evaluate_every=None)
    finetune(settings, tmp_path / "run")
    other = tmp_path / "other.txt"
    other.write_text(
        Path(settings.data).read_text(encoding="utf-8").replace("mill", "barn"), encoding="utf-8"
    )
    with pytest.raises(InputError, match="the training data is"):
        finetune(replace(settings, data=str(other)), tmp_path / "run", resume=True)
    with pytest.raises(InputError, match="cannot resume"):
        finetune(
            replace(settings, model=str(write_model(tmp_path / "model", seed=1))),
            tmp_path / "run",
            resume=True,
        )


def test_how_it_is_scored_may_change_on_resume(e2e_run, tmp_path):
    finetune(e2e_run, tmp_path)
    assert finetune(replace(e2e_run, limit=1, beam=1), tmp_path, resume=True).after.counted == 1


def test_a_folder_that_holds_a_run_is_kept(e2e_run, tmp_path):
    finetune(e2e_run, tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(InputError, match="already holds"):
        finetune(e2e_run, tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
    finetune(replace(e2e_run, seed=1), tmp_path, force=True)
    assert read_config(tmp_path / CONFIG, FineTuning, "finetune")["seed"] == 1


def test_an_adapter_that_no_run_made_is_not_overwritten_by_resume(e2e_run, tmp_path):
    (tmp_path / "adapter.json").write_text("mine")
    with pytest.raises(InputError, match=r"already holds adapter\.json"):
        finetune(e2e_run, tmp_path, resume=True)


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_with_an_adapter_of_pefts_is_refused_before_anything_is_done(e2e_run, tmp_path, force):
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match="holds an adapter in PEFT's format; give another folder"):
        finetune(e2e_run, tmp_path, force=force)
    assert [file.name for file in tmp_path.iterdir()] == ["adapter_config.json"]


def test_of_two_runs_that_begin_at_once_one_has_the_folder(e2e_run, tmp_path, monkeypatch):
    """The second is begun while the first loads its model: both have found the folder empty."""
    second = replace(e2e_run, seed=1)
    written = []

    def load_slowly(settings):
        if not written:
            written.append(True)
            finetune(second, tmp_path)
        return load(settings.model)

    monkeypatch.setattr(module, "open_base", load_slowly)
    with pytest.raises(
        InputError, match=r"already holds config\.toml, of a run that was begun there meanwhile"
    ):
        finetune(e2e_run, tmp_path)
    assert read_config(tmp_path / CONFIG, FineTuning, "finetune")["seed"] == 1


def test_float64_trains_in_float64(text_run):
    result = finetune(replace(text_run, dtype="float64", steps=2))
    assert {array.dtype for array in result.tuned.arrays("text").values()} == {np.dtype(np.float64)}


def test_a_run_away_loss_says_so(text_run):
    with pytest.raises(TrainingDiverged, match="training diverged at step"):
        finetune(replace(text_run, method="full", lora_dropout=None, learning_rate=1e30, clip=0.0, warmup=0))


def test_settled_settings_leave_nothing_open(text_run, e2e_run):
    for settings in (text_run, e2e_run):
        model, task = load(settings.model), load_task(settings.task, data=settings.data)
        settled = settle(settings, model, task)
        assert settle(settled, model, task) == settled
        assert settled.idle() == []
        assert settled.learning_rate == METHODS["lora"].learning_rate
        assert (settled.rank, settled.alpha, settled.targets, settled.width) == (
            8,
            16.0,
            ("query", "value"),
            None,
        )
    assert settle(e2e_run, model, task).beam == 10
    assert settle(e2e_run, model, task).before is False


def test_fields_without_a_part_in_the_run_are_named():
    assert FineTuning(method="full", rank=4, width=3).idle() == ["rank", "width"]
    assert FineTuning(method="houlsby", task="text", beam=3, width=3, data_seed=1).idle() == [
        "data_seed",
        "beam",
    ]
    assert FineTuning(task="nl2sql", length_penalty=0.5, length=3).idle() == ["length", "length_penalty"]
    assert FineTuning(task="nl2sql", beam=4, length_penalty=0.5).idle() == []


def test_rows_of_text_fit_the_shortest_part(text_run):
    model, task = load(text_run.model), load_task("text", data=text_run.data)
    length = settle(replace(text_run, length=None), model, task).length
    held_out = min(len(model.tokenizer.encode("".join(part))) for part in (task.validation, task.test))
    assert length == min(256, model.config.context, held_out)


@pytest.mark.parametrize("name", ["tiny-gpt", "tiny-roberta", "tiny-deberta"])
def test_dropout_has_one_rate_everywhere(name):
    model = load(name)
    set_dropout(model, 0.25)
    assert {module.rate for _, module in model.named_modules() if hasattr(module, "rate")} == {0.25}
    assert {block.attention.dropout for block in model.blocks} == {0.25}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "method",
            "lroa",
            "there is no method 'lroa'; there are lora, full, top-layers, bitfit, head, houlsby",
        ),
        ("dtype", "float16", "dtype must be float32 or float64, not 'float16'"),
        ("rows", 0, "rows must be at least 1, not 0"),
        ("steps", -1, "steps must be at least 1, not -1"),
        ("learning_rate", float("nan"), "learning_rate must be"),
        ("clip", -1.0, "clip must be at least 0"),
        ("dropout", 1.0, "dropout must be at least 0 and below 1"),
        ("rank", 0, "rank must be a whole number of at least 1, not 0"),
        ("width", 0, None),
        ("part", "train", "part must be validation or test"),
        ("limit", 0, "limit must be at least 1"),
        ("beam", 0, "beam must be at least 1"),
        ("patience", 2, "patience counts validations, and there are none"),
    ],
)
def test_values_that_nothing_accepts_are_refused_at_once(field, value, message):
    if message is None:  # another method's field
        assert FineTuning(**{field: value}).idle() == [field]
        return
    with pytest.raises(InputError, match=message):
        FineTuning(**{field: value})


def test_limits_of_measuring(text_run, e2e_run):
    model = load(text_run.model)
    task = load_task("text", data=text_run.data)
    assert measure(model, task, Measuring(length=16, limit=3)).counted == 48
    with pytest.raises(InputError, match="length is 300, more than the model's context of 256"):
        measure(model, task, Measuring(length=300))
    answered = measure(
        model, load_task("e2e", data=e2e_run.data), Measuring(limit=2, beam=1, answer_tokens=4)
    )
    assert answered.counted == len(answered.predictions) == 2
    model.tokenizer = None
    with pytest.raises(InputError, match="no tokenizer"):
        measure(model, task, Measuring())

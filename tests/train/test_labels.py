"""Tasks with labels: batches for a head, training by head and by prompt, predictions, and what doesn't fit."""

import json
from dataclasses import replace

import numpy as np
import pytest

from minilora.cli.opening import open_model
from minilora.data import LabelledLoader, encode_labelled
from minilora.data.tasks import load_task
from minilora.errors import InputError
from minilora.models.checkpoint import load, save
from minilora.models.gpt import GPT
from minilora.train.finetune import finetune
from minilora.train.fitting import answers_of, meet
from minilora.train.measure import Measuring, measure
from minilora.train.predictions import predict
from minilora.train.recipe import FineTuning, settle
from minilora.train.runs import CONFIG, read_config

from ..cli.tiny import make_encoder, write_model

TEXTS = [" ".join(e.texts) for e in load_task("paraphrase").train[:200]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "gpt")


@pytest.fixture(scope="module")
def encoder():
    """A small RoBERTa of random weights."""
    return make_encoder(TEXTS, types=2)


def test_batches_of_pairs_for_an_encoder(encoder):
    task, tokenizer = load_task("paraphrase"), encoder.tokenizer
    loader = LabelledLoader(task.train[:50], task, tokenizer, rows=8, context=64, seed=0, types=True)
    batch = loader.batch(3)
    assert batch.ids.shape == batch.mask.shape == batch.types.shape
    assert batch.targets.shape == (8,)
    assert batch.targets.dtype == np.int64
    assert (batch.ids[:, 0] == tokenizer.start).all()
    assert batch.counted == 8
    assert np.array_equal(loader.batch(3).ids, batch.ids)
    assert np.concatenate([b.targets for b in loader.in_order()]).tolist() == [
        e.label for e in task.train[:50]
    ]
    seen = np.concatenate([loader.batch(i).targets for i in range(loader.steps_per_epoch)])
    assert sorted(seen) == sorted(e.label for e in task.train[:50])
    short = encode_labelled(task.train[:50], task, tokenizer, 12)
    assert max(len(row.ids) for row in short) == 12


def test_a_prompt_too_long_for_a_decoder_is_refused(folder):
    task = load_task("entailment")
    with pytest.raises(
        InputError,
        match=r"3 of 3 prompts of entailment are longer than the model's context of 8 tokens, first example 0",
    ):
        encode_labelled(task.test[:3], task, load(str(folder)).tokenizer, 8)


@pytest.mark.parametrize(("answers", "rate"), [("head", 3e-3), ("prompt", 8e-3)])
def test_adapters_get_a_lower_rate_beside_a_head(folder, answers, rate):
    settings = FineTuning(model=str(folder), task="sentiment", answers=answers, method="houlsby")
    model, task = load(str(folder)), load_task("sentiment")
    assert settle(settings, model, task).learning_rate == rate
    assert settle(replace(settings, learning_rate=1e-2), model, task).learning_rate == 1e-2


@pytest.mark.parametrize("answers", ["head", "prompt"])
def test_finetuning_and_the_adapter_alone(folder, tmp_path, answers):
    out = tmp_path / "run"
    settings = FineTuning(
        model=str(folder), task="sentiment", answers=answers, steps=4, rows=4, limit=6, evaluate_every=None
    )
    result = finetune(settings, out, progress=False)
    assert set(result.after.metrics) >= {"accuracy"}
    assert result.settings.answers == answers
    lines = [json.loads(line) for line in (out / "predictions/after.jsonl").read_text().splitlines()]
    assert len(lines) == 6
    if answers == "head":
        assert set(lines[0]) == {"texts", "label", "prediction", "outputs"}
        assert {line["prediction"] for line in lines} <= {"negative", "positive"}
        assert result.settings.answer_tokens is None
    opened = open_model(None, str(out))
    task = load_task("sentiment")
    fitted = meet(opened.model, task, answers)
    again = measure(opened.model, fitted, Measuring(limit=6))
    assert again.metrics == result.after.metrics
    assert list(again.predictions) == list(result.after.predictions)


def test_a_head_is_made_and_kept_on_an_encoder(encoder):
    task = load_task("sentiment")
    fitted = meet(encoder, task, answers_of(encoder, task, None), rng=np.random.default_rng(0))
    assert fitted is task
    assert encoder.head.output.weight.shape[0] == 2
    before = encoder.head
    meet(encoder, task, "head")
    assert encoder.head is before  # one that fits already stays
    found = measure(encoder, task, Measuring(limit=20, part="test"))
    assert found.counted == 20
    assert found.primary == "accuracy"


def test_predictions_do_not_hang_on_padding_or_threads(encoder):
    task = load_task("paraphrase")
    meet(encoder, task, "head", rng=np.random.default_rng(0))
    loaders = [
        LabelledLoader(task.test[:30], task, encoder.tokenizer, rows=rows, context=64, seed=0)
        for rows in (1, 7)
    ]
    one, seven = (
        predict(encoder, loader.in_order(), workers=w) for loader, w in zip(loaders, (1, 3), strict=True)
    )
    assert one.shape == (30, 2)
    np.testing.assert_allclose(one, seven, rtol=1e-4, atol=1e-5)


def test_what_does_not_fit_is_refused_in_one_sentence(encoder, folder):
    with pytest.raises(InputError, match=r"nl2sql is answered in words, and the model .* does not write"):
        answers_of(encoder, load_task("nl2sql"), None)
    with pytest.raises(InputError, match="answers is 'prompt', but the model"):
        answers_of(encoder, load_task("sentiment"), "prompt")
    with pytest.raises(InputError, match="answers must be prompt or head, not 'heads'; did you mean 'head'"):
        FineTuning(answers="heads")
    with pytest.raises(InputError, match="there is nothing to predict"):
        predict(load(str(folder)), [])
    task, model = load_task("sentiment"), load(str(folder))
    batches = LabelledLoader(task.test[:2], task, model.tokenizer, rows=2, context=256, seed=0).in_order()
    with pytest.raises(InputError, match="answers once a token"):
        predict(model, batches)


def test_answers_without_effect_are_named():
    settings = FineTuning(task="nl2sql", answers="head")
    assert settings.idle() == ["answers"]
    assert replace(settings, task="cola", data_seed=1).idle() == ["data_seed"]
    assert "beam" in replace(settings, task="cola", beam=2).idle()


@pytest.mark.parametrize(("answers", "policy"), [("head", "cut"), ("prompt", "cut"), ("prompt", "skip")])
def test_what_is_too_long_is_cut_or_left_out_and_counted(folder, tmp_path, answers, policy):
    task = load_task("entailment")
    tokenizer = load(str(folder)).tokenizer
    prompted = task.prompted()
    lengths = [
        len(tokenizer.encode(e.prompt + (e.completion if answers == "prompt" else "")))
        for e in prompted.validation
    ]
    context = sorted(lengths)[len(lengths) * 3 // 4]
    model = load(str(folder))
    short = GPT(replace(model.config, context=context), np.random.default_rng(0))
    short.tokenizer = tokenizer
    save(short, tmp_path / "short")
    settings = FineTuning(
        model=str(tmp_path / "short"),
        task="entailment",
        answers=answers,
        steps=1,
        rows=2,
        limit=4,
        before=False,
    )
    with pytest.raises(InputError, match=rf"context of {context} tokens.*\(--too-long\)"):
        finetune(settings)
    result = finetune(replace(settings, too_long=policy), tmp_path / "run")
    counted = result.report()["too_long"]
    assert counted["policy"] == policy
    done, other = ("cut", "skipped") if policy == "cut" else ("skipped", "cut")
    assert counted["validation"] == {
        "examples": len(lengths),
        done: sum(length > context for length in lengths),
        other: 0,
    }
    assert counted["train"][done] > 0
    assert read_config(tmp_path / "run" / CONFIG, FineTuning, "finetune")["too_long"] == policy

"""The loop: it learns, clips, smooths, validates, stops early, and stops clearly when training runs away."""

import dataclasses
import json
import math

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.train import Training, TrainingDiverged, fit, read_log

from .test_parallel import stack, whole
from .tiny import tiny_batch, tiny_gpt


def parameters_of(model):
    return {name: parameter.data.copy() for name, parameter in model.named_parameters()}


def test_it_learns_and_tells_how(tmp_path):
    model = tiny_gpt()
    history = fit(model, tiny_batch, Training(steps=150, learning_rate=1e-2, warmup=10), out=tmp_path)
    assert history.losses[-1] < 0.6 * history.losses[0]
    assert [record.step for record in history.records] == list(range(1, 151))
    assert history.records[0].tokens == tiny_batch(0).mask.sum()
    assert math.isclose(history.records[0].learning_rate, 1e-2 / 11)
    assert history.seconds > 0
    # Read back from the log, every digit is there.
    assert read_log(tmp_path) == history.records
    line = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert line.keys() == {"step", "loss", "learning_rate", "gradient_norm", "tokens", "seconds"}


def test_only_trainable_parameters_move():
    model = tiny_gpt().freeze()
    model.blocks[0].attention.query.unfreeze()
    before = parameters_of(model)
    fit(model, tiny_batch, Training(steps=3, learning_rate=1e-2))
    moved = {name for name, array in parameters_of(model).items() if not np.array_equal(array, before[name])}
    assert moved == {"blocks.0.attention.query.weight", "blocks.0.attention.query.bias"}


def test_the_first_step_is_sgd_by_hand_with_clipping_and_accumulation():
    model = tiny_gpt(np.float64)
    before = np.concatenate([array.ravel() for array in parameters_of(model).values()])
    loss, gradient = whole(model, stack([tiny_batch(0), tiny_batch(1)]), smoothing=0.2)
    norm = float(np.linalg.norm(gradient))
    settings = Training(
        steps=1, learning_rate=0.5, optimizer="sgd", momentum=0.0, weight_decay=0.0, schedule="constant",
        clip=norm / 4, accumulation=2, label_smoothing=0.2, dropout=False,
    )  # fmt: skip
    record = fit(model, tiny_batch, settings).records[0]
    assert math.isclose(record.loss, loss, rel_tol=1e-12)
    assert math.isclose(record.gradient_norm, norm, rel_tol=1e-12)
    after = np.concatenate([array.ravel() for array in parameters_of(model).values()])
    np.testing.assert_allclose(after, before - 0.5 * gradient / 4, rtol=1e-12, atol=1e-14)


def test_label_smoothing_is_its_formula():
    model, batch, epsilon = tiny_gpt(np.float64), tiny_batch(2), 0.15
    logits = model.logits(batch.ids)
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))  # [rows, tokens, vocabulary]
    rows, places = np.nonzero(batch.targets != -100)
    right = logs[rows, places, batch.targets[rows, places]]
    wanted = -((1 - epsilon) * right + epsilon * logs[rows, places].mean(-1)).mean()
    settings = Training(steps=1, learning_rate=0.0, dropout=False, label_smoothing=epsilon)
    loss = fit(model, lambda index: batch, settings).losses[0]
    assert math.isclose(loss, wanted, rel_tol=1e-12)


def test_the_number_of_workers_changes_rounding_only():
    runs = []
    for workers in (1, 2, 3):
        model = tiny_gpt(np.float64)
        settings = Training(steps=5, learning_rate=1e-3, workers=workers, dropout=False)
        runs.append(fit(model, tiny_batch, settings).losses)
    np.testing.assert_allclose(runs[1], runs[0], rtol=1e-10)
    np.testing.assert_allclose(runs[2], runs[0], rtol=1e-10)


def test_early_stop_puts_the_best_parameters_back():
    model, seen = tiny_gpt(), []
    values = iter([3.0, 2.0, 2.5, 2.0, 9.9])

    def validate():
        seen.append(parameters_of(model))
        return next(values)

    settings = Training(steps=50, learning_rate=1e-2, evaluate_every=2, patience=2)
    history = fit(model, tiny_batch, settings, validate=validate)
    assert history.validations == [(2, 3.0), (4, 2.0), (6, 2.5), (8, 2.0)]
    assert (history.best, history.best_step, history.stopped_early) == (2.0, 4, True)
    for name, array in parameters_of(model).items():
        np.testing.assert_array_equal(array, seen[1][name])


def test_without_patience_the_last_parameters_stay():
    model, values = tiny_gpt(), iter([1.0, 2.0, 3.0])
    seen = []
    settings = Training(steps=5, learning_rate=1e-2, evaluate_every=2)
    history = fit(
        model, tiny_batch, settings, validate=lambda: seen.append(parameters_of(model)) or next(values)
    )
    assert [step for step, _ in history.validations] == [2, 4, 5]
    assert (history.best, history.stopped_early) == (1.0, False)
    for name, array in parameters_of(model).items():
        np.testing.assert_array_equal(array, seen[-1][name])


def test_it_stops_clearly_when_training_runs_away():
    model = tiny_gpt()
    settings = Training(steps=200, learning_rate=1e30, optimizer="sgd", momentum=0.0, clip=None)
    with pytest.raises(
        TrainingDiverged, match=r"diverged at step \d+: the .* at learning rate \S+e\+29;"
    ) as caught:
        fit(model, tiny_batch, settings)
    assert caught.value.step > 1
    assert "'tokens.weight'" in str(caught.value)
    assert math.isclose(caught.value.learning_rate, 1e30 * (1 - (caught.value.step - 1) / 200))


def test_it_names_the_parameter_that_was_bad_from_the_start():
    model = tiny_gpt()
    model.blocks[1].mlp.up.weight.data[3, 2] = np.nan
    with pytest.raises(TrainingDiverged, match=r"step 1: the loss is nan .* is 'blocks\.1\.mlp\.up\.weight'"):
        fit(model, tiny_batch, Training(steps=2, learning_rate=1e-3))


def test_a_validation_that_is_not_finite_stops_the_run():
    with pytest.raises(TrainingDiverged, match="step 2: the validation is nan"):
        fit(tiny_gpt(), tiny_batch, Training(steps=2, learning_rate=1e-3), validate=lambda: math.nan)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, not 0"),
        ({"clip": 0.0}, "clip must be above 0, or None, not 0.0"),
        ({"label_smoothing": 1.0}, "label_smoothing must be at least 0 and below 1, not 1.0"),
        ({"optimizer": "adam"}, r"optimizer must be one of adamw, sgd, not 'adam'; did you mean 'adamw'\?"),
        ({"optimizer": "sgd", "beta2": 0.9}, "beta2 is AdamW's"),
        ({"schedule": "liner"}, r"did you mean 'linear'\?"),
        ({"learning_rate": math.nan}, "learning_rate must be a number of at least 0, not nan"),
        ({"patience": 0}, "patience must be at least 1, or None, not 0"),
        ({"workers": 0}, "workers must be at least 1, not 0"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
    ],
)
def test_bad_settings_are_named(change, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(Training(steps=1, learning_rate=1e-3), **change)


def test_arguments_that_contradict_each_other_are_refused(tmp_path):
    settings = Training(steps=1, learning_rate=1e-3)
    with pytest.raises(InputError, match="no trainable parameters: every one is frozen"):
        fit(tiny_gpt().freeze(), tiny_batch, settings)
    with pytest.raises(InputError, match="need validate"):
        fit(tiny_gpt(), tiny_batch, dataclasses.replace(settings, patience=3))
    with pytest.raises(InputError, match="resume needs out"):
        fit(tiny_gpt(), tiny_batch, settings, resume=True)
    with pytest.raises(InputError, match="exclude each other"):
        fit(tiny_gpt(), tiny_batch, settings, out=tmp_path, resume=True, overwrite=True)


def test_a_bar_is_drawn_when_asked_for_and_only_then(capsys):
    fit(tiny_gpt(), tiny_batch, Training(steps=3, learning_rate=1e-3))
    assert capsys.readouterr() == ("", "")
    fit(tiny_gpt(), tiny_batch, Training(steps=3, learning_rate=1e-3), progress=True, title="learning")
    out, err = capsys.readouterr()
    assert out == ""
    for part in ("learning", "3/3", "loss 3.", "tokens/s", "0:00:00"):
        assert part in err

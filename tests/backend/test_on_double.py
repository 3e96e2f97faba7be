"""The model suite on the double of CuPy: every architecture and head, every method, a training step and generation, against NumPy; and what waits for the device.

A GPU is not asked for: what these tests show is that device and host arrays never mix, and that a step reads nothing back. See ``docs/how-to/gpu.md``.
"""

import json
import tomllib

import numpy as np
import pytest

from minilora.autograd import REGISTRY, Tensor, gradients
from minilora.backend import to_device, to_host
from minilora.lab.across import on_device
from minilora.lab.gradcheck import gradcheck
from minilora.methods import LoRA, adapt, combine, describe, doctor, mixed, verify_merge
from minilora.models.generate import Beam, Greedy, Sample, generate
from minilora.train import SGD, AdamW, Training, TrainingDiverged, evaluate_loss, fit, read_log
from minilora.train.clipping import clip_gradient, gradient_norm
from minilora.train.objectives import likeliest
from minilora.train.predictions import predict

from ..cli.conftest import invoke
from ..cli.tiny import write_model, write_text
from ..methods.every import MERGEABLE, METHODS
from ..methods.small import MODELS, gpt
from ..methods.small import batch as small_batch
from ..models.test_encoders import CONFIGS, HEADS, batch, make
from .double import module, ndarray, transfers

pytestmark = pytest.mark.usefixtures("on_double")


def close(found, expected, tolerance=1e-9):
    """Each array equal to the one of the same name, up to another order of sums."""
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=tolerance, atol=tolerance, err_msg=name)


def loss_and_gradients(model, data, **options):
    """The loss, and the gradients by name, on the host."""
    loss = model.loss(data, **options)
    names, parameters = zip(*model.trainable_parameters(), strict=True)
    found = gradients(loss, parameters)
    return {"loss": to_host(loss.data)} | {
        name: to_host(g) for name, g in zip(names, found, strict=True) if g is not None
    }


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", CONFIGS)
def test_answers_loss_and_gradients(name, head):
    host, device = (make(name, np.random.default_rng(1), head) for _ in range(2))
    data = batch(host, np.random.default_rng(2))
    device.to("cuda")
    assert all(isinstance(parameter.data, ndarray) for parameter in device.parameters())
    with transfers() as noted:
        answers = device.logits(data.ids, data.mask, data.types)
        loss = device.loss(data, smoothing=0.1, rng=np.random.default_rng(3))
        gradients(loss, device.parameters())
    assert noted == []
    close({"": to_host(answers)}, {"": host.logits(data.ids, data.mask, data.types)})
    close(*(loss_and_gradients(m, data, smoothing=0.1, rng=np.random.default_rng(3)) for m in (device, host)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", MODELS)
def test_a_training_step(name, method):
    found = []
    for device in ("cpu", "cuda"):
        model = MODELS[name]().to(device)
        tuned = adapt(model, METHODS[method], rng=1)
        parameters = dict(model.trainable_parameters())
        optimizer = AdamW(1e-2).start(list(parameters.values()))
        with transfers() as noted:
            for step in range(2):
                loss = tuned.loss(small_batch(model, step), rng=np.random.default_rng(step))
                optimizer.step(gradients(loss, list(parameters.values())))
        assert noted == []
        found.append({key: to_host(value) for key, value in tuned.arrays("default").items()})
    close(found[1], found[0], 1e-7)


@pytest.mark.parametrize(
    "method", ["lora everywhere, with dropout", "lin", "prefix layer", "lora and bitfit"]
)
@pytest.mark.parametrize("name", MODELS)
def test_a_training_step_on_a_base_in_float16(name, method):
    """In float32, so to its rounding; SGD, because Adam would make whole steps of that."""
    found = []
    for device in ("cpu", "cuda"):
        model = MODELS[name]().store("float16").to(device)
        tuned = adapt(model, METHODS[method], rng=1)
        parameters = dict(model.trainable_parameters())
        optimizer = SGD(0.1).start(list(parameters.values()))
        with transfers() as noted:
            for step in range(2):
                loss = tuned.loss(small_batch(model, step), smoothing=0.1, rng=np.random.default_rng(step))
                optimizer.step(gradients(loss, list(parameters.values())))
        assert noted == []
        assert {str(array.dtype) for array in tuned.arrays("default").values()} == {"float32"}
        assert model.tokens.weight.dtype == np.float16
        answers = tuned.logits(small_batch(model).ids)
        found.append({"": to_host(answers)} | {k: to_host(v) for k, v in tuned.arrays("default").items()})
        if "prefix" not in method and method != "lin":
            tuned.merge()
            tuned.unmerge()
            assert model.blocks[0].attention.query.base.weight.dtype == np.float16
    close(found[1], found[0], 1e-4)


def test_a_base_is_put_into_float16_on_the_device():
    host, device = gpt().store("float16"), gpt().to("cuda").store("float16")
    for one, other in zip(host.parameters(), device.parameters(), strict=True):
        assert one.data.tobytes() == to_host(other.data).tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_switching_merging_and_moving_back(method):
    host, device = (adapt(gpt().to(where), METHODS[method], rng=1) for where in ("cpu", "cuda"))
    data = small_batch(host.model)
    answers = []
    for tuned in (device, host):
        for _, parameter in tuned.model.trainable_parameters():
            parameter.data += 0.1
        seen = [tuned.logits(data.ids)]
        with tuned.disabled() as base:
            seen.append(base.logits(data.ids))
        answers.append({str(number): to_host(array) for number, array in enumerate(seen)})
    close(*answers)
    if method in MERGEABLE:
        device.merge()
        close({"": to_host(device.logits(data.ids))}, {"": host.logits(data.ids)})
        device.unmerge()
    device.model.to("cpu")
    close({"": device.logits(data.ids)}, {"": host.logits(data.ids)})


@pytest.mark.parametrize(("log_every", "readings"), [(1, 7), (3, 3), (100, 1)])
@pytest.mark.parametrize("method", METHODS)
def test_a_run_reads_back_the_figures_of_several_steps_at_once(method, log_every, readings):
    """One transfer for the losses and norms of ``log_every`` steps, and none else; the log tells of each step all the same."""
    settings = Training(steps=7, learning_rate=1e-2, workers=2, clip=0.5, accumulation=2, log_every=log_every)
    histories = []
    for device in ("cpu", "cuda"):
        tuned = adapt(gpt().to(device), METHODS[method], rng=1)
        batches = [small_batch(tuned.model, step) for step in range(14)]
        with transfers() as noted:
            histories.append(fit(tuned.model, batches.__getitem__, settings, progress=False))
        assert len(noted) == (readings if device == "cuda" else 0), noted
    host, card = histories
    assert [r.step for r in card.records] == [*range(1, 8)]
    for name in ("loss", "gradient_norm", "learning_rate", "tokens"):
        found, expected = ([getattr(r, name) for r in history.records] for history in (card, host))
        assert found == pytest.approx(expected)


@pytest.mark.parametrize("longest", [0.1, 1e3])
def test_a_gradient_is_clipped_without_asking_how_long_it_is(longest):
    host = np.random.default_rng(3).standard_normal(50)
    card = to_device(host, "cuda").copy()
    with transfers() as noted:
        clip_gradient(card, gradient_norm(card), longest)
    assert noted == []
    clip_gradient(host, gradient_norm(host), longest)
    close({"": to_host(card)}, {"": host})
    assert np.linalg.norm(host) <= longest * 1.0001


def test_a_run_that_diverges_is_found_out_at_the_next_reading(tmp_path):
    tuned = adapt(gpt().to("cuda"), LoRA(rank=2), rng=1)
    batches = [small_batch(tuned.model, step) for step in range(9)]
    settings = Training(steps=9, learning_rate=1e-2, workers=1, log_every=4, save_every=3)

    def spoil(step):
        if step == 4:
            tuned.parameters[next(iter(tuned.parameters))].data[...] = float("nan")

    with pytest.raises(TrainingDiverged, match="diverged at step 5: the loss is nan") as found:
        fit(tuned.model, batches.__getitem__, settings, out=tmp_path, watch=spoil, progress=False)
    assert found.value.step == 5
    assert [record.step for record in read_log(tmp_path)] == [1, 2, 3, 4]  # nothing of it is written down


@pytest.mark.parametrize(("optimizer", "kernels"), [(AdamW(1e-2), 1), (SGD(1e-2, 0.9), 1)], ids=str)
def test_an_optimizer_is_one_kernel_over_its_state(optimizer, kernels):
    """Whatever the number of parameters; and it changes them as on NumPy, to the bit: the double computes with NumPy."""
    found = []
    for device in ("cpu", "cuda"):
        tuned = adapt(gpt().to(device), METHODS["full"], rng=1)
        parameters = [parameter for _, parameter in tuned.model.trainable_parameters()]
        state = optimizer.start(parameters)
        for step in range(3):
            found_gradients = gradients(tuned.loss(small_batch(tuned.model, step)), parameters)
            module.kernels.clear()
            state.step(found_gradients)
            assert len(module.kernels) == (kernels if device == "cuda" else 0)
        found.append({name: to_host(array) for name, array in tuned.arrays("default").items()})
    close(found[1], found[0], 1e-7)


def test_a_fine_tuning_run_with_its_scores(tmp_path):
    """``minilora finetune --device cuda``, then ``evaluate`` and ``generate``, beside the same on the host."""
    write_model(tmp_path / "model")
    write_text(tmp_path / "text.txt")
    words = ["--model", tmp_path / "model", "--task", "text", "--data", tmp_path / "text.txt", "--steps", 5]
    reports, texts = [], []
    for device in ("cpu", "cuda"):
        more = ["--rows", 2, "--length", 16, "--dtype", "float64", "--device", device, "--json"]
        made = invoke("finetune", *words, *more, "--out", tmp_path / device)
        again = invoke(
            "evaluate", "--adapter", tmp_path / device, "--device", device, "--length", 16, "--json"
        )
        written = invoke("generate", "The river", "--adapter", tmp_path / device, "--device", device)
        assert (made.exit_code, again.exit_code, written.exit_code) == (0, 0, 0)
        reports.append([json.loads(result.stdout) for result in (made, again)])
        texts.append(written.stdout)
    assert texts[0] == texts[1]
    for host, card in zip(*reports, strict=True):
        metrics = "after" if "after" in host else "metrics"
        assert card[metrics] == pytest.approx(host[metrics])
    assert tomllib.loads((tmp_path / "cuda" / "config.toml").read_text())["log_every"] == 10


def test_a_stopped_run_goes_on(tmp_path):
    settings = Training(steps=4, learning_rate=1e-2, workers=2, save_every=2)
    losses = []
    for device in ("cpu", "cuda"):
        tuned = adapt(gpt().to(device), LoRA(rank=2), rng=1)
        batches = [small_batch(tuned.model, step) for step in range(4)]
        out = tmp_path / device

        def stop(step):
            if step == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fit(tuned.model, batches.__getitem__, settings, out=out, watch=stop, progress=False)
        tuned = adapt(gpt().to(device), LoRA(rank=2), rng=1)
        history = fit(tuned.model, batches.__getitem__, settings, out=out, resume=True, progress=False)
        losses.append([record.loss for record in history.records])
    assert losses[1] == pytest.approx(losses[0])


def test_every_gradient_is_checked_on_the_device():
    """``gradcheck --device cuda``: all ops, fused ops and whole models there; a wrong pullback is found out there too."""
    module.kernels.clear()
    with transfers() as noted:
        found = gradcheck(methods=(METHODS["bitfit"], METHODS["lora and prefix layer"]), device="cuda")
    assert [row for row in found.rows if not row.passed] == []
    assert "ops and whole models on cuda, identities on the CPU" in found.as_dict()["sampled"]
    assert len(noted) > len(REGISTRY)
    assert module.kernels
    host = gradcheck(methods=(METHODS["bitfit"], METHODS["lora and prefix layer"]))
    assert [(row.group, row.name) for row in found.rows] == [(row.group, row.name) for row in host.rows]


def test_a_function_computed_on_the_device_takes_and_gives_host_tensors(rng):
    seen = []

    def product(x, y, *, index):
        seen.extend([x.data, y.data, *index[:1]])
        return (x * y)[index]

    x, y = (Tensor(rng.standard_normal((3, 2)), trainable=True) for _ in range(2))
    value = on_device(product, "cuda")(x, y, index=(np.array([2, 0]), 1))
    assert [type(array) for array in seen] == [ndarray] * 3
    found = gradients(value.sum(), [x, y])
    assert all(isinstance(array, np.ndarray) for array in [value.data, *found])
    np.testing.assert_array_equal(found[0][:, 1], [y.data[0, 1], 0, y.data[2, 1]])


@pytest.mark.parametrize("decoding", [Greedy(), Sample(seed=3), Beam(width=3)], ids=str)
@pytest.mark.parametrize("method", ["lora on query and value", "prefix embedding", "houlsby"])
def test_generation(decoding, method):
    host, device = (adapt(gpt().to(where), METHODS[method], rng=1).model for where in ("cpu", "cuda"))
    prompts = [[3, 4, 5], [7]]
    found = [generate(m, prompts, limit=4, decoding=decoding) for m in (device, host)]
    assert found[0] == found[1]


def test_rows_with_adapters_of_their_own():
    answers = []
    for device in ("cpu", "cuda"):
        model = gpt().to(device)
        tuned = adapt(model, METHODS["lora on query and value"], name="a", rng=1)
        tuned.add("b", METHODS["houlsby"], rng=2)
        ids = small_batch(model).ids
        with mixed(tuned, ["a", None, "b"]) as both:
            answers.append({"": to_host(both.logits(ids))})
    close(*answers)


def test_a_saved_adapter_moves_between_devices(tmp_path):
    tuned = adapt(gpt().to("cuda"), METHODS["lora with ranks and all biases"], rng=1)
    tuned.save(tmp_path / "a")
    back = adapt(gpt(), LoRA(rank=1), name="other", rng=1)
    back.use(back.load(tmp_path / "a"))
    close({k: to_host(v) for k, v in tuned.arrays("default").items()}, back.arrays("default"))


@pytest.mark.parametrize("name", MODELS)
def test_a_new_head_stands_on_the_device(name):
    host, device = (MODELS[name]().to(where) for where in ("cpu", "cuda"))
    for model in (device, host):
        model.set_classifier(3, np.random.default_rng(3))
    data = small_batch(host)
    close(loss_and_gradients(device, data), loss_and_gradients(host, data))
    close({"": predict(device, [data])}, {"": predict(host, [data])})
    for model in (device, host):
        model.set_embedding()
    close({"": predict(device, [data])}, {"": predict(host, [data])})


def test_what_looks_at_an_adapter_or_a_loss():
    found = []
    for where in ("cpu", "cuda"):
        model = gpt().to(where)
        tuned = adapt(model, LoRA(rank=2), name="a", rng=1)
        tuned.add("b", LoRA(rank=3), rng=2)
        for name in ("a", "b"):
            tuned.use(name)
            for _, parameter in model.trainable_parameters():
                parameter.data += 0.1
        combine(tuned, {"a": 0.5, "b": 2.0}, name="c", rank=2)
        tuned.use("c")
        data = small_batch(model)
        assert doctor(tuned, data) == []
        assert verify_merge(tuned).restored
        numbers = [row.norm_update for row in describe(tuned)] + [evaluate_loss(model, [data]).nll]
        found.append(numbers)
        assert likeliest(model, data).shape == data.ids.shape
    assert found[1] == pytest.approx(found[0])


def test_float32_stays_float32():
    model = gpt(dtype=np.float32).to("cuda")
    tuned = adapt(model, LoRA(rank=2), rng=1)
    loss = tuned.loss(small_batch(model))
    wrt = [parameter for _, parameter in model.trainable_parameters()]
    assert {str(g.dtype) for g in [loss.data, *gradients(loss, wrt)]} == {"float32"}


def test_moving_an_array_that_is_there_already_copies_nothing():
    array = to_device(np.ones(2), "cuda")
    assert to_device(array, "cuda") is array

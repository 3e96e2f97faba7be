"""Every architecture and head: gradients of the whole model, padding, token types, the closed-form counts, files; and LoRA on DeBERTa's table of distances."""

from dataclasses import replace

import numpy as np
import pytest

from minilora.autograd import Tensor, gradients, no_grad, relative_error
from minilora.data.batches import Batch
from minilora.errors import InputError
from minilora.methods import LoRA, adapt
from minilora.models.bert import BertConfig
from minilora.models.build import build
from minilora.models.checkpoint import load, save
from minilora.models.deberta_config import Convolution, DebertaConfig
from minilora.models.disentangled import distances
from minilora.models.gpt import GPTConfig
from minilora.models.heads import HeadKind
from minilora.models.sizes import ENCODERS, size

SHAPE = {"vocabulary": 30, "context": 24, "width": 16, "layers": 2, "heads": 4}
V3 = DebertaConfig(**SHAPE, distance=24, buckets=8, share_keys=True, normalised=True)
CONFIGS = {
    "gpt3": GPTConfig(**SHAPE, band=3, tied=False),
    "bert": BertConfig(**SHAPE, inner=24),
    "roberta": BertConfig(**SHAPE, types=1, padding=1),
    "deberta v1": DebertaConfig(**SHAPE, key_bias=False, distance=5, types=2),
    "deberta v2": replace(V3, convolution=Convolution(3, "gelu"), tied=False),
    "deberta v3": replace(V3, decoder=2),
    "deberta, absolute": DebertaConfig(**SHAPE, relative=(), absolute=True),
}
HEADS = {"own": None, "classes": HeadKind("classifier", 3), "score": HeadKind("classifier", 1)}


def make(name, rng, head="own"):
    """A float64 model without zeros: every bias must matter."""
    model = build(CONFIGS[name], rng, HEADS.get(head, head), np.float64)
    for parameter in model.parameters():
        parameter.data = rng.standard_normal(parameter.shape) * 0.3
    return model


def batch(model, rng, tokens=9):
    """Three rows, padded on the right, with targets of the head's kind."""
    ids = rng.integers(2, 30, (3, tokens))
    mask = np.arange(tokens) < np.array([[tokens], [tokens - 2], [tokens - 5]])
    types = None
    if getattr(model.config, "types", 0) > 1:
        types = (np.arange(tokens) > 3).astype(int) * mask
    kind = model.head.describe()
    if kind.kind != "classifier":
        targets = np.where((rng.random(ids.shape) < 0.5) & mask, rng.integers(0, 30, ids.shape), -100)
    elif kind.labels == 1:
        targets = rng.standard_normal(3).astype(np.float32)
    else:
        targets = rng.integers(0, kind.labels, 3)
    return Batch(np.where(mask, ids, 1), targets, mask, types)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", CONFIGS)
def test_gradients_of_the_whole_model_agree_with_central_differences(name, head, rng):
    model = make(name, rng, head)
    of = batch(model, rng)
    parameters = [p for p in model.parameters() if p.trainable]
    found = gradients(model.loss(of, smoothing=0.1), parameters)
    for parameter, gradient in zip(parameters, found, strict=True):
        gradient = np.zeros(parameter.shape) if gradient is None else gradient
        direction = rng.standard_normal(parameter.shape)
        direction /= np.linalg.norm(direction)
        kept, losses = parameter.data, []
        for step in (1e-5, -1e-5):
            parameter.data = kept + step * direction
            losses.append(model.loss(of, smoothing=0.1).item())
        parameter.data = kept
        differences = np.array((losses[0] - losses[1]) / 2e-5)
        assert relative_error(np.array(float((gradient * direction).sum())), differences) < 1e-6


@pytest.mark.parametrize("head", [*HEADS, HeadKind("embedding")], ids=str)
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", CONFIGS)
def test_padding_on_either_side_changes_nothing(name, side, head, rng):
    model = make(name, rng, head)
    ids = rng.integers(2, 30, (2, 7))
    padding = np.ones((2, 4), int)
    padded = np.concatenate([padding, ids] if side == "left" else [ids, padding], axis=1)
    mask = np.concatenate([padding < 0, ids > 0] if side == "left" else [ids > 0, padding < 0], axis=1)
    found, expected = model.logits(padded, mask), model.logits(ids)
    if found.ndim == 3:
        found = found[mask].reshape(expected.shape)
    assert relative_error(found, expected) < 1e-12


@pytest.mark.parametrize("name", CONFIGS)
def test_the_counts_of_a_configuration_are_the_models_own(name, rng):
    model = build(CONFIGS[name], None, HeadKind("embedding"))
    own = dict(model.named_parameters())
    assert sum(p.size for p in own.values()) == model.config.parameters
    assert sum(p.size for key, p in own.items() if key.endswith("bias")) == model.config.biases


@pytest.mark.parametrize("head", [*HEADS, HeadKind("embedding")], ids=str)
@pytest.mark.parametrize("name", CONFIGS)
def test_a_saved_model_comes_back(name, head, rng, tmp_path):
    model = build(CONFIGS[name], rng, HEADS.get(head, head))
    if model.head.kind == "embedding" and name == "gpt3":
        pytest.skip("a decoder is saved with its language-model head or a classifier")
    save(model, tmp_path)
    again = load(tmp_path)
    known = replace(model.config, inner=model.config.mlp_width) if "bert" in name else model.config
    assert again.config == known
    own = dict(model.named_parameters())
    for key, parameter in again.named_parameters():
        np.testing.assert_array_equal(parameter.data, own.pop(key).data)
    assert not own
    # GPT-2's file has its matrices the other way round, so they come back as transposed views: some processors' products round those differently.
    ids = rng.integers(2, 30, (2, 9))
    np.testing.assert_allclose(again.logits(ids), model.logits(ids), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in CONFIGS if name != "gpt3"])
def test_hidden_is_the_last_of_the_states(name, rng):
    model = make(name, rng, "classes")
    ids = rng.integers(2, 30, (2, 9))
    with no_grad():
        states = [state.data for state in model.states(ids)]
        assert len(states) == model.config.layers + 1
        np.testing.assert_array_equal(states[-1], model.hidden(ids).data)


def test_roberta_counts_positions_from_two_and_leaves_padding_alone(rng):
    model = make("roberta", rng)
    ids = np.array([[5, 6, 1, 7], [1, 1, 8, 9]])
    np.testing.assert_array_equal(model.places(ids, None), [[2, 3, 1, 4], [1, 1, 2, 3]])
    mask = np.array([[True, True, False, True], [False, False, True, True]])
    np.testing.assert_array_equal(model.places(ids, mask), [[2, 3, 1, 4], [1, 1, 2, 3]])


def test_a_sentence_embedding_is_the_normalised_mean(rng):
    model = make("bert", rng, HeadKind("embedding"))
    of = batch(model, rng)
    found = model.logits(of.ids, of.mask, of.types)
    hidden = model.hidden(of.ids, mask=of.mask, types=of.types).data
    means = np.stack([hidden[row][of.mask[row]].mean(axis=0) for row in range(3)])
    assert relative_error(found, means / np.linalg.norm(means, axis=1, keepdims=True)) < 1e-12
    with pytest.raises(InputError, match="set_classifier"):
        model.loss(of)


def test_bands_leave_even_blocks_dense_and_need_no_other_weights(rng):
    """A token beyond the band reaches a banded block only through the dense ones."""
    banded = make("gpt3", rng)
    dense = build(replace(banded.config, band=None), None, None, np.float64).load_state(banded.state())
    ids = rng.integers(0, 30, (1, 12))
    assert relative_error(banded.logits(ids[:, :3]), dense.logits(ids[:, :3])) < 1e-12  # all within the band
    assert not np.allclose(banded.logits(ids), dense.logits(ids))
    wide = build(replace(banded.config, band=12), None, None, np.float64).load_state(banded.state())
    assert relative_error(wide.logits(ids), dense.logits(ids)) < 1e-12
    cache = banded.new_cache(1, 12)
    with no_grad():
        parts = [banded.hidden(ids[:, a:b], cache=cache).data for a, b in ((0, 7), (7, 8), (8, 12))]
        assert relative_error(np.concatenate(parts, axis=1), banded.hidden(ids).data) < 1e-12


@pytest.mark.parametrize("buckets", [None, 8])
def test_distances_are_odd_and_never_leave_the_table(buckets):
    span = 8 if buckets else 24
    for tokens in (1, 2, 7, 100):
        places = distances(tokens, 24, buckets)
        assert places[tokens] == span  # no distance: the middle of the table
        ahead, behind = places[tokens + 1 :] - span, span - places[1:tokens][::-1]
        np.testing.assert_array_equal(ahead[ahead < span - 1], behind[ahead < span - 1])
        assert places.min() >= 0
        assert places.max() < 2 * span


def test_lora_on_shared_projections_acts_on_distances_and_merges(rng):
    """With shared keys the query layer is called on the table too; what an adapter adds there is merged with it."""
    model = make("deberta v3", rng)
    ids = rng.integers(2, 30, (2, 9))
    before = model.logits(ids)
    tuned = adapt(model, LoRA(rank=2, alpha=4, targets=("query", "key")), rng=0)
    for name, parameter in tuned.parameters.items():
        parameter.data = rng.standard_normal(parameter.shape) * 0.3
        assert "position" not in name
    tables = []
    for wrapped in (True, False):
        with no_grad():
            layer = model.blocks[0].attention.query if wrapped else model.blocks[0].attention.query.base
            tables.append(layer(Tensor(model.relative.weight.data)).data)
    assert not np.allclose(*tables)
    active = model.logits(ids)
    tuned.merge()
    assert relative_error(model.logits(ids), active) < 1e-12
    tuned.unmerge()
    tuned.remove("default")
    np.testing.assert_array_equal(model.logits(ids), before)


def test_own_projections_of_positions_are_targets_of_their_own(rng):
    model = make("deberta v1", rng)
    targets = ("query", "position_query")
    tuned = adapt(model, LoRA(rank=2, alpha=4, targets=targets), rng=0)
    layers = {name.rsplit(".", 1)[0].split(".")[-1] for name in tuned.parameters}
    assert layers == {"query", "position_query"}


def test_a_classifier_takes_over_berts_pooler(rng):
    model = build(CONFIGS["bert"], rng, HeadKind("embedding", pooled=True))
    pooler = model.head.dense
    assert model.set_classifier(2, rng).head.dense is pooler
    assert build(CONFIGS["roberta"], rng).set_classifier(2, rng).head.describe() == HeadKind("classifier", 2)


def test_tiny_encoders_fit_into_eight_megabytes():
    for name in ENCODERS:
        assert 2 * build(size(name), None).count_parameters() < 7.9e6


@pytest.mark.parametrize("name", CONFIGS)
def test_bad_input_is_refused(name, rng):
    model = make(name, rng)
    for bad in (-1, 30):
        with pytest.raises(InputError, match=r"0 … 29"):
            model.logits(np.array([[2, bad]]))
    with pytest.raises(InputError, match="25 tokens"):
        model.logits(np.full((1, 25), 2))
    with pytest.raises(InputError, match="token types"):
        model.logits(np.array([[2, 3]]), types=np.array([[0, 2]]))
    labelled = Batch(np.array([[2, 3]]), np.array([0]), np.ones((1, 2), bool))
    with pytest.raises(InputError, match="one target a token"):
        model.loss(labelled)
    model.set_classifier(2, rng)
    with pytest.raises(InputError, match="one target a row"):
        model.loss(replace(labelled, targets=np.array([[2, 3]])))
    with pytest.raises(InputError, match="2 labels"):
        model.loss(replace(labelled, targets=np.array([2])))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"relative": ("p2p",)}, "relative"),
        ({"buckets": 60}, "buckets"),
        ({"distance": 0}, "distance"),
        ({"types": -1}, "types"),
        ({"decoder": 0}, "decoder"),
        ({"decoder": 2, "absolute": True}, "decoder"),
        ({"width": 10}, "not divisible"),
    ],
)
def test_an_impossible_deberta_is_refused(change, named):
    with pytest.raises(InputError, match=named):
        DebertaConfig(**({**SHAPE, "distance": 24} | change))


def test_an_impossible_convolution_or_band_is_refused():
    for bad in ({"kernel": 2}, {"activation": "relu"}):
        with pytest.raises(InputError, match=next(iter(bad))):
            Convolution(**bad)
    with pytest.raises(InputError, match="band"):
        GPTConfig(**SHAPE, band=0)
    with pytest.raises(InputError, match="padding"):
        BertConfig(**SHAPE, padding=30)


@pytest.mark.parametrize("name", [name for name in CONFIGS if name != "gpt3"])
def test_an_embedding_in_place_of_a_classifier_is_saved(name, rng, tmp_path):
    model = make(name, rng, "classes").set_embedding()
    save(model, tmp_path)
    ids = rng.integers(2, 30, (2, 6))
    np.testing.assert_allclose(load(tmp_path).logits(ids), model.logits(ids), rtol=1e-4, atol=1e-5)


def test_classes_that_there_are_not_are_refused_and_rows_that_do_not_count_left_out(rng):
    model = make("roberta", rng, "classes")
    given = batch(model, rng)
    for target in (-1, 3):
        targets = np.array([0, target, 1])
        with pytest.raises(
            InputError, match=f"from 0 and below the head's 3 labels, or -100 .* of {target} was"
        ):
            model.loss(replace(given, targets=targets))
    two = model.loss(given.rows(np.array([0, 2]))).item()
    targets = np.where(np.arange(3) == 1, -100, given.targets)
    assert model.loss(replace(given, targets=targets)).item() == pytest.approx(two, rel=1e-12)

"""BERT, RoBERTa and DeBERTa against transformers and torch: hidden states, logits of every head, gradients of all parameters, and files both ways.

The models are random and small; weights are made larger than they start, so that every term of the attention shows.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity tests need torch: pip install 'minilora[parity]'")
transformers = pytest.importorskip(
    "transformers", reason="parity tests need transformers: pip install 'minilora[parity]'"
)

from minilora.autograd import no_grad  # noqa: E402
from minilora.data.batches import Batch  # noqa: E402
from minilora.models.base import Model  # noqa: E402
from minilora.models.checkpoint import load, save  # noqa: E402
from minilora.models.deberta import Deberta  # noqa: E402
from minilora.models.disentangled import logarithmic  # noqa: E402

from .gradients import same_gradients  # noqa: E402

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("default")]

VOCABULARY, PADDING = 60, 1
SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
    "pad_token_id": PADDING,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
BOTH = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
V3 = BOTH | {
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "position_buckets": 8,
    "max_relative_positions": 40,
}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("Bert", {"type_vocab_size": 2}),
    "bert, larger": ("Bert", {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "type_vocab_size": 3}),
    "bert, untied": ("Bert", {"tie_word_embeddings": False}),
    "roberta": ("Roberta", {"type_vocab_size": 1, "layer_norm_eps": 1e-5}),
    "roberta, two types": ("Roberta", {"type_vocab_size": 2}),
    "roberta, untied": ("Roberta", {"type_vocab_size": 1, "tie_word_embeddings": False}),
    "deberta v1": ("Deberta", BOTH | {"max_relative_positions": 12}),
    "deberta v1, types": ("Deberta", BOTH | {"type_vocab_size": 2, "position_biased_input": True}),
    "deberta v1, c2p": ("Deberta", BOTH | {"pos_att_type": ["c2p"]}),
    "deberta v1, p2c": ("Deberta", BOTH | {"pos_att_type": ["p2c"]}),
    "deberta v1, absolute": ("Deberta", {"relative_attention": False}),
    "deberta v1, untied": ("Deberta", BOTH | {"tie_word_embeddings": False}),
    "deberta v2": ("DebertaV2", V3 | {"conv_kernel_size": 3, "conv_act": "gelu"}),
    "deberta v2, types": ("DebertaV2", V3 | {"conv_kernel_size": 5, "type_vocab_size": 2}),
    "deberta v2, own keys": ("DebertaV2", V3 | {"share_att_key": False}),
    "deberta v2, own keys, c2p": ("DebertaV2", V3 | {"share_att_key": False, "pos_att_type": "c2p"}),
    "deberta v2, shared, p2c": ("DebertaV2", V3 | {"pos_att_type": ["p2c"]}),
    "deberta v2, no buckets": ("DebertaV2", V3 | {"position_buckets": -1, "max_relative_positions": 10}),
    "deberta v2, no norm": ("DebertaV2", V3 | {"norm_rel_ebd": "none"}),
    "deberta v2, plain": ("DebertaV2", {"relative_attention": False, "position_biased_input": True}),
    "deberta v2, untied": ("DebertaV2", V3 | {"tie_word_embeddings": False}),
    "deberta v3": ("DebertaV2", V3),
}  # fmt: skip


def make(name: str, head: str, labels: int = 3) -> Any:
    """A random model of transformers with this head: "MaskedLM", "SequenceClassification" or none."""
    kind, options = MODELS[name]
    config = getattr(transformers, f"{kind}Config")(**(SMALL | options), num_labels=labels)
    config._attn_implementation = "eager"
    torch.manual_seed(0)
    model = getattr(transformers, f"{kind}For{head}" if head else f"{kind}Model")(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
        for key, parameter in model.named_parameters():  # transformers keeps two biases where nothing is tied
            if key.endswith("decoder.bias") and not config.tie_word_embeddings:
                stem = model.get_submodule(key.removesuffix(".decoder.bias"))
                stem.bias.copy_(parameter)
    return model


def ours(theirs: Any, folder: Path) -> Model:
    theirs.save_pretrained(folder)
    return load(folder)


def inputs(theirs: Any, side: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """ids, mask and token types (None where the model has fewer than two), padded on one side or not at all."""
    rng = np.random.default_rng(0)
    ids = rng.integers(3, VOCABULARY, (3, 30))
    hidden = {
        "left": np.array([[0], [5], [22]]),
        "right": np.array([[30], [25], [8]]),
        "none": np.array([[0]]),
    }[side]
    columns = np.arange(30)[None, :] + np.zeros((3, 1), int)
    mask = columns < hidden if side == "right" else columns >= hidden
    ids = np.where(mask, ids, PADDING)
    types = (columns > 15).astype(int) if theirs.config.type_vocab_size > 1 else None
    return ids, mask, types


def options(theirs: Any, mask: np.ndarray, types: np.ndarray | None) -> dict[str, Any]:
    """What transformers is given: positions count real tokens here, which it does by itself for RoBERTa only."""
    found: dict[str, Any] = {"attention_mask": torch.tensor(mask.astype(int))}
    if types is not None:
        found["token_type_ids"] = torch.tensor(types)
    if theirs.config.model_type != "roberta":
        found["position_ids"] = torch.tensor(np.maximum(mask.cumsum(1) - 1, 0))
    return found


@pytest.mark.parametrize("side", ["none", "left", "right"])
@pytest.mark.parametrize("name", MODELS)
def test_hidden_states_and_logits(name: str, side: str, tmp_path: Path) -> None:
    theirs = make(name, "MaskedLM")
    model = ours(theirs, tmp_path)
    ids, mask, types = inputs(theirs, side)
    with torch.no_grad():
        expected = theirs(torch.tensor(ids), output_hidden_states=True, **options(theirs, mask, types))
    with no_grad():
        states = [state.data for state in model.states(ids, mask=mask, types=types)]  # type: ignore[attr-defined]
    assert len(states) == len(expected.hidden_states)
    for found, wanted in zip(states, expected.hidden_states, strict=True):
        np.testing.assert_allclose(found[mask], wanted.numpy()[mask], rtol=1e-5, atol=1e-5)
    logits = model.logits(ids, mask, types)
    np.testing.assert_allclose(logits[mask], expected.logits.numpy()[mask], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("side", ["none", "right"])
@pytest.mark.parametrize("name", MODELS)
def test_logits_of_a_classifier(name: str, side: str, tmp_path: Path) -> None:
    theirs = make(name, "SequenceClassification")
    ids, mask, types = inputs(theirs, side)
    with torch.no_grad():
        expected = theirs(torch.tensor(ids), **options(theirs, mask, types)).logits.numpy()
    found = ours(theirs, tmp_path).logits(ids, mask, types)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_gradients_of_masked_language_modelling(name: str, tmp_path: Path) -> None:
    theirs = make(name, "MaskedLM")
    model = ours(theirs, tmp_path)
    ids, mask, types = inputs(theirs, "right")
    rng = np.random.default_rng(1)
    targets = np.where((rng.random(ids.shape) < 0.3) & mask, rng.integers(3, VOCABULARY, ids.shape), -100)
    loss = theirs(torch.tensor(ids), labels=torch.tensor(targets), **options(theirs, mask, types)).loss
    loss.backward()
    batch = Batch(ids, targets, mask, types)
    assert model.loss(batch).item() == pytest.approx(loss.item(), rel=1e-5)
    same_gradients(theirs, model, batch)


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize("name", ["bert", "roberta", "deberta v1", "deberta v2", "deberta v3"])
def test_gradients_of_a_classifier(name: str, labels: int, tmp_path: Path) -> None:
    theirs = make(name, "SequenceClassification", labels)
    model = ours(theirs, tmp_path)
    ids, mask, types = inputs(theirs, "right")
    targets = np.array([2, 0, 1]) if labels > 1 else np.array([0.5, -1, 3], np.float32)
    loss = theirs(torch.tensor(ids), labels=torch.tensor(targets), **options(theirs, mask, types)).loss
    loss.backward()
    batch = Batch(ids, targets, mask, types)
    assert model.loss(batch).item() == pytest.approx(loss.item(), rel=1e-5)
    same_gradients(theirs, model, batch)


@pytest.mark.parametrize("head", ["MaskedLM", "SequenceClassification", ""])
@pytest.mark.parametrize("name", MODELS)
def test_transformers_reads_back_the_same_weights(name: str, head: str, tmp_path: Path) -> None:
    theirs = make(name, head)
    save(ours(theirs, tmp_path / "theirs"), tmp_path / "ours")
    again, report = type(theirs).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    before, after = theirs.state_dict(), again.state_dict()
    assert before.keys() == after.keys()
    for key, tensor in before.items():
        assert torch.equal(tensor, after[key]), key


@pytest.mark.parametrize("name", ["deberta v2", "deberta v2, own keys", "deberta v3"])
def test_the_decoder_is_the_last_layer_twice(name: str, tmp_path: Path) -> None:
    """By transformers' own layers, put together as the authors' EnhancedMaskDecoder has them (transformers' z_steps, which its classes never set, fails when set)."""
    theirs = make(name, "MaskedLM")
    model = ours(theirs, tmp_path)
    config = replace(model.config, decoder=2)  # type: ignore[type-var]
    positions = np.random.default_rng(2).standard_normal((40, 32)).astype(np.float32)
    decoding = Deberta(config, None).load_state(model.state() | {"decoder.positions.weight": positions})
    ids, mask, types = inputs(theirs, "right")
    encoder = theirs.deberta.encoder
    with torch.no_grad():
        states = theirs.deberta(torch.tensor(ids), output_hidden_states=True, **options(theirs, mask, types))
        before = states.hidden_states[-2]
        query = before + torch.tensor(positions[np.maximum(mask.cumsum(1) - 1, 0)])
        for _ in range(2):
            query, _ = encoder.layer[-1](
                before,
                encoder.get_attention_mask(torch.tensor(mask.astype(int))),
                query_states=query,
                relative_pos=encoder.get_rel_pos(before),
                rel_embeddings=encoder.get_rel_embedding(),
            )
        expected = theirs.cls(query).numpy()
    found = decoding.logits(ids, mask, types)
    np.testing.assert_allclose(found[mask], expected[mask], rtol=1e-5, atol=1e-5)


def test_buckets_of_every_distance() -> None:
    from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

    apart = np.arange(-3000, 3000)
    for buckets, distance in ((256, 512), (64, 256), (32, 512), (8, 40), (2, 100), (254, 400)):
        expected = make_log_bucket_position(torch.tensor(apart), buckets, distance).numpy()
        np.testing.assert_array_equal(logarithmic(apart, distance, buckets), expected)

"""GPT-2 against transformers: logits, files both ways, greedy decoding and beam search token for token, and what sampling draws from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity tests need torch: pip install 'minilora[parity]'")
transformers = pytest.importorskip(
    "transformers", reason="parity tests need transformers: pip install 'minilora[parity]'"
)

from minilora.data.batches import Batch  # noqa: E402
from minilora.models.checkpoint import load, save  # noqa: E402
from minilora.models.generate import Beam, Sample, generate  # noqa: E402
from minilora.models.generation.choose import distribution  # noqa: E402
from minilora.models.gpt import GPT, GPTConfig  # noqa: E402

from .gradients import same_gradients  # noqa: E402

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("default")]

END = 0
VOCABULARY = 40


@pytest.fixture(params=[0, 1, 2])
def theirs(request: pytest.FixtureRequest) -> Any:
    """A random GPT-2 of transformers, with weights large enough that its choices hang on what came before."""
    torch.manual_seed(request.param)
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=64,
        n_embd=32,
        n_layer=3,
        n_head=4,
        bos_token_id=END,
        eos_token_id=END,
        pad_token_id=END,
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
    return model


@pytest.fixture
def ours(theirs: Any, tmp_path: Path) -> GPT:
    theirs.save_pretrained(tmp_path / "theirs")
    return load(tmp_path / "theirs")


def prompts(count: int = 8, longest: int = 20) -> list[list[int]]:
    rng = np.random.default_rng(3)
    return [rng.integers(1, VOCABULARY, rng.integers(1, longest + 1)).tolist() for _ in range(count)]


def their_logits(model: Any, ids: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    with torch.no_grad():
        return model(
            torch.tensor(ids), attention_mask=None if mask is None else torch.tensor(mask)
        ).logits.numpy()


def test_logits(theirs: Any, ours: GPT) -> None:
    ids = np.random.default_rng(0).integers(0, VOCABULARY, (3, 64))
    np.testing.assert_allclose(ours.logits(ids), their_logits(theirs, ids), rtol=1e-5, atol=1e-5)


def test_logits_of_padded_rows(theirs: Any, ours: GPT) -> None:
    ids = np.random.default_rng(0).integers(0, VOCABULARY, (3, 20))
    mask = np.arange(20) >= np.array([[0], [7], [19]])
    with torch.no_grad():
        places = torch.tensor(np.maximum(mask.cumsum(-1) - 1, 0))
        expected = theirs(
            torch.tensor(ids), attention_mask=torch.tensor(mask.astype(int)), position_ids=places
        ).logits.numpy()
    np.testing.assert_allclose(ours.logits(ids, mask)[mask], expected[mask], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_transformers_reads_what_is_saved(dtype: str, tmp_path: Path) -> None:
    model = GPT(GPTConfig(VOCABULARY, 64, 32, 3, 4, epsilon=1e-4), np.random.default_rng(0))
    save(model, tmp_path / "ours", dtype=dtype)
    theirs, report = transformers.GPT2LMHeadModel.from_pretrained(
        tmp_path / "ours", output_loading_info=True, dtype=torch.float32
    )
    assert not any(
        report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs")
    )
    assert theirs.lm_head.weight is theirs.transformer.wte.weight
    ids = np.random.default_rng(1).integers(0, VOCABULARY, (2, 64))
    np.testing.assert_allclose(
        load(tmp_path / "ours").logits(ids), their_logits(theirs.eval(), ids), rtol=1e-5, atol=1e-5
    )
    own_dtype = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "ours", dtype="auto").dtype
    assert str(own_dtype) == f"torch.{dtype}"


def test_files_of_the_bare_model(theirs: Any, ours: GPT, tmp_path: Path) -> None:
    theirs.transformer.save_pretrained(tmp_path / "bare")
    bare = load(tmp_path / "bare").state()
    assert all(np.array_equal(array, bare[name]) for name, array in ours.state().items())


def with_head(head: str, **fields: Any) -> Any:
    """A random GPT-2 of transformers with this head: "LMHeadModel" or "ForSequenceClassification"."""
    torch.manual_seed(7)
    small = {
        "vocab_size": VOCABULARY,
        "n_positions": 64,
        "n_embd": 32,
        "n_layer": 3,
        "n_head": 4,
        "pad_token_id": END,
    }
    model = getattr(transformers, f"GPT2{head}")(transformers.GPT2Config(**small, **fields)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
    return model


def padded_on_the_right() -> tuple[np.ndarray, np.ndarray]:
    """ids, [4, 20], whose rows are 20, 13, 7 and 1 tokens long, and their mask."""
    mask = np.arange(20) < np.array([[20], [13], [7], [1]])
    return np.where(mask, np.random.default_rng(0).integers(1, VOCABULARY, (4, 20)), END), mask


def test_an_untied_language_model_head(tmp_path: Path) -> None:
    there = with_head("LMHeadModel", tie_word_embeddings=False)
    assert not torch.equal(there.lm_head.weight, there.transformer.wte.weight)
    there.save_pretrained(tmp_path / "theirs")
    here = load(tmp_path / "theirs")
    ids, mask = padded_on_the_right()
    np.testing.assert_allclose(
        here.logits(ids, mask)[mask], their_logits(there, ids, mask)[mask], rtol=1e-5, atol=1e-5
    )
    assert generate(here, prompts(), limit=20, end=END) == their_texts(there, prompts(), 20)
    # theirs predicts from labels one place to the left of what is read, ours from targets at the same place
    labels = np.where(mask, ids, -100)
    targets = np.where(mask[:, 1:], ids[:, 1:], -100)
    loss = there(torch.tensor(ids), labels=torch.tensor(labels)).loss
    loss.backward()
    batch = Batch(ids[:, :-1], targets, mask[:, :-1])
    assert here.loss(batch).item() == pytest.approx(loss.item(), rel=1e-5)
    same_gradients(there, here, batch)
    save(here, tmp_path / "ours")
    again, report = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert torch.equal(again.lm_head.weight, there.lm_head.weight)
    assert torch.equal(again.transformer.wte.weight, there.transformer.wte.weight)


@pytest.mark.parametrize("labels", [1, 3])
def test_the_score_head_of_a_classifier(labels: int, tmp_path: Path) -> None:
    """``score`` at the last real token. transformers looks for it by the padding's id, so the rows are padded on the right, where both find the same one."""
    there = with_head("ForSequenceClassification", num_labels=labels)
    there.save_pretrained(tmp_path / "theirs")
    here = load(tmp_path / "theirs")
    ids, mask = padded_on_the_right()
    np.testing.assert_allclose(here.logits(ids, mask), their_logits(there, ids, mask), rtol=1e-5, atol=1e-5)
    targets = np.array([0.5, -1, 3, 2], np.float32) if labels == 1 else np.array([2, 0, 1, 1])
    loss = there(
        torch.tensor(ids), labels=torch.tensor(targets), attention_mask=torch.tensor(mask.astype(int))
    ).loss
    loss.backward()
    batch = Batch(ids, targets, mask)
    assert here.loss(batch).item() == pytest.approx(loss.item(), rel=1e-5)
    same_gradients(there, here, batch)
    left = np.stack([np.roll(row, -int(real.sum())) for row, real in zip(ids, mask, strict=True)])
    moved = np.stack([np.roll(real, -int(real.sum())) for real in mask])
    with torch.no_grad():
        places = torch.tensor(np.maximum(moved.cumsum(1) - 1, 0))
        expected = there(
            torch.tensor(left), attention_mask=torch.tensor(moved.astype(int)), position_ids=places
        )
    np.testing.assert_allclose(here.logits(left, moved), expected.logits.numpy(), rtol=1e-5, atol=1e-5)


class OverGenerated(transformers.LogitsProcessor):  # type: ignore[misc, name-defined]
    """A processor that is shown the generated tokens alone."""

    def __init__(self, processor: Any, prompt: int) -> None:
        self.processor, self.prompt = processor, prompt

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        return self.processor(input_ids[:, self.prompt :], scores)


def their_texts(
    model: Any, batch: list[list[int]], limit: int, ngram: int | None = None, **options: Any
) -> list[list[int]]:
    """What transformers' own ``generate`` adds to a left-padded batch, up to the end token."""
    start = max(map(len, batch))
    ids = torch.tensor([[END] * (start - len(prompt)) + prompt for prompt in batch])
    mask = torch.tensor([[0] * (start - len(prompt)) + [1] * len(prompt) for prompt in batch])
    processors = transformers.LogitsProcessorList()
    if ngram:
        processors.append(OverGenerated(transformers.NoRepeatNGramLogitsProcessor(ngram), start))
    found = model.generate(
        ids,
        attention_mask=mask,
        max_new_tokens=limit,
        do_sample=False,
        logits_processor=processors,
        **options,
    )
    texts = found[:, start:].tolist()
    return [text[: text.index(END)] if END in text else text for text in texts]


def test_greedy(theirs: Any, ours: GPT) -> None:
    assert generate(ours, prompts(), limit=30, end=END) == their_texts(theirs, prompts(), 30)


@pytest.mark.parametrize("width", [2, 4, 10])
@pytest.mark.parametrize("penalty", [0.0, 0.9, 2.0, -1.0])
@pytest.mark.parametrize("ngram", [None, 2, 4])
def test_beam_search(theirs: Any, ours: GPT, width: int, penalty: float, ngram: int | None) -> None:
    decoding = Beam(width, length_penalty=penalty, no_repeat_ngram=ngram)
    expected = their_texts(theirs, prompts(), 20, ngram, num_beams=width, length_penalty=penalty)
    assert generate(ours, prompts(), limit=20, decoding=decoding, end=END) == expected


@pytest.mark.parametrize(
    "options",
    [
        Sample(temperature=0.7),
        Sample(top_k=5),
        Sample(top_p=0.8),
        Sample(temperature=1.5, top_k=10, top_p=0.5),
    ],
    ids=repr,
)
def test_sampling_draws_from_the_same_distribution(options: Sample) -> None:
    logits = np.random.default_rng(0).standard_normal((20, 100)).astype(np.float32) * 3
    scores = transformers.TemperatureLogitsWarper(options.temperature)(None, torch.tensor(logits))
    if options.top_k is not None:
        scores = transformers.TopKLogitsWarper(options.top_k)(None, scores)
    if options.top_p is not None:
        scores = transformers.TopPLogitsWarper(options.top_p)(None, scores)
    np.testing.assert_allclose(distribution(logits, options), torch.softmax(scores, -1).numpy(), atol=1e-6)

"""Evaluation: the loss of held-out batches, and a task's completions."""

import json
import math

import numpy as np
import pytest

from minilora.data.batches import Batch, ExampleLoader
from minilora.data.examples import Example
from minilora.data.tokenizer import Tokenizer
from minilora.errors import InputError
from minilora.models.generate import Beam, Greedy, Sample, generate
from minilora.models.gpt import GPT, GPTConfig
from minilora.train import Training, evaluate_loss, evaluate_task, fit

from .test_parallel import stack, whole
from .tiny import tiny_batch, tiny_gpt


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_loss_of_all_batches_is_that_of_one_large_batch(workers):
    model, batches = tiny_gpt(np.float64), [tiny_batch(i, rows=2 * i + 1) for i in range(3)]
    found = evaluate_loss(model, iter(batches), workers=workers)
    wanted, _ = whole(model, stack(batches))
    assert math.isclose(found.nll, wanted, rel_tol=1e-12)
    assert math.isclose(found.perplexity, math.exp(wanted), rel_tol=1e-12)
    assert found.tokens == sum(batch.counted for batch in batches)


def test_nothing_to_evaluate_is_refused():
    batch = tiny_batch(0)
    with pytest.raises(InputError, match="nothing to evaluate"):
        evaluate_loss(tiny_gpt(), [])
    with pytest.raises(InputError, match="nothing to evaluate"):
        evaluate_loss(tiny_gpt(), [Batch(batch.ids, np.full_like(batch.targets, -100), batch.mask)])


class Colours:
    """A task that a tiny model learns: the colour of a thing."""

    pairs = (("grass", "green"), ("the sky at noon", "blue"), ("blood", "red"), ("coal", "black"))
    examples = tuple(Example(f"Colour of {thing}:", f" {colour}") for thing, colour in pairs)

    def score(self, examples, predictions):
        right = [example.completion.strip() == p for example, p in zip(examples, predictions, strict=True)]
        return {"accuracy": sum(right) / len(right)}


@pytest.fixture(scope="module")
def trained():
    tokenizer = Tokenizer.train([e.prompt + e.completion for e in Colours.examples] * 3, vocabulary=300)
    model = GPT(GPTConfig(tokenizer.vocabulary, 32, 32, 1, 4, dropout=0.0), np.random.default_rng(0))
    loader = ExampleLoader(Colours.examples, tokenizer, rows=4, context=32, seed=0)
    fit(model, loader.batch, Training(steps=120, learning_rate=1e-2))
    return model, tokenizer


@pytest.mark.parametrize("decoding", [Greedy(), Beam(width=2), Sample(top_k=1)])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_task_is_completed_scored_and_written_down(trained, tmp_path, decoding, workers):
    model, tokenizer = trained
    report = evaluate_task(
        model, Colours(), Colours.examples, tokenizer,
        decoding=decoding, limit=10, workers=workers, out=tmp_path / "predictions.jsonl",
    )  # fmt: skip
    assert report.metrics == {"accuracy": 1.0}
    assert report.predictions == ["green", "blue", "red", "black"]
    assert report.tokens >= 4
    lines = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().splitlines()]
    assert lines[1] == {"prompt": "Colour of the sky at noon:", "completion": "blue", "prediction": "blue"}


def test_sampling_is_what_generate_draws(trained):
    model, tokenizer = trained
    decoding = Sample(temperature=3.0, seed=4)
    report = evaluate_task(
        model, Colours(), Colours.examples, tokenizer, decoding=decoding, limit=6, workers=2
    )
    prompts = tokenizer.encode_all([example.prompt for example in Colours.examples])
    texts = generate(model, prompts, limit=6, decoding=decoding, end=tokenizer.end)
    assert report.predictions == [tokenizer.decode(text).strip() for text in texts]


def test_bad_examples_are_refused(trained):
    model, tokenizer = trained
    with pytest.raises(InputError, match="the list of examples is empty"):
        evaluate_task(model, Colours(), [], tokenizer)
    with pytest.raises(InputError, match="1 of 1 prompts are longer than the model's context of 32 tokens"):
        evaluate_task(model, Colours(), [Example("word " * 100, " x")], tokenizer)


def test_the_bar_counts_examples(trained, capsys):
    model, tokenizer = trained
    evaluate_task(model, Colours(), Colours.examples, tokenizer, limit=4, progress=True, title="answering")
    out, err = capsys.readouterr()
    assert out == ""
    assert "answering" in err
    assert "4/4" in err

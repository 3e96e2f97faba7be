"""Examples longer than a model's context: refused with a count, cut where the task says, or left out; and always counted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilora.data import ROBERTA, Example, Tokenizer, encode_examples, encode_labelled
from minilora.data.cutting import cut_before, cut_longest_first
from minilora.data.tasks import load_task
from minilora.data.tasks.base import Task
from minilora.data.tasks.classification import Prompted
from minilora.data.tasks.lengths import Fit, FittedLabels, FittedTask
from minilora.data.tasks.spider import Spider
from minilora.data.tasks.summaries import Summaries, write_prompt
from minilora.data.tasks.wikisql.task import WikiSQL
from minilora.data.tasks.wikisql.task import write_prompt as write_sql_prompt
from minilora.errors import InputError


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    task = load_task("conversations")
    return Tokenizer.train([e.prompt + e.completion for e in task.validation[:80]], 400)


TALK = (
    "Ann: I am late, the bus broke down.\nBen: Which bus?\nAnn: The one to Kent, again 😀.\nBen: I'll wait."
)


def test_a_dialogue_loses_its_end_and_keeps_what_asks_for_the_summary(tokenizer):
    prompt = write_prompt(TALK)
    for tokens in range(12, len(tokenizer.encode(prompt))):
        cut = cut_before(prompt, Summaries.cue, tokenizer, tokens)
        assert tokens - 4 <= len(tokenizer.encode(cut)) <= tokens
        said, asked, rest = cut.rpartition("\n\nSummary:")
        assert (asked, rest) == ("\n\nSummary:", "")
        assert prompt.startswith(said)
        assert not said or said == said.rstrip()


def test_a_table_loses_its_last_columns_and_the_question_stays(tokenizer):
    prompt = write_sql_prompt("rivers", ["name", "length", "mouth", "county"] * 20, "How long is the Dee?")
    cut = cut_before(prompt, WikiSQL.cue, tokenizer, 60)
    assert cut.startswith("table: rivers\ncolumns: name, length, mouth")
    assert cut.endswith("\nQ: How long is the Dee?\nA:")
    assert len(tokenizer.encode(cut)) <= 60 < len(tokenizer.encode(prompt))
    assert Spider.cue == WikiSQL.cue


def test_a_prompt_of_one_line_keeps_its_end(tokenizer):
    text = "a long preamble that says nothing " * 10 + "What is 2 + 2?"
    cut = cut_before(text, Task.cue, tokenizer, 20)
    assert text.endswith(cut)
    assert cut.endswith("What is 2 + 2?")
    with pytest.raises(InputError, match="what must stay of it is longer"):
        cut_before("x\n" + "a cue that is long by itself " * 10, Task.cue, tokenizer, 20)


def test_of_two_texts_the_longer_is_cut_first(tokenizer):
    task = load_task("entailment")
    first, second = " ".join(f"word{i}" for i in range(60)), "short and whole"
    cut = cut_longest_first([first, second], task.prompt, tokenizer, 120)
    assert cut[1] == second
    assert first.startswith(cut[0])
    assert 116 <= len(tokenizer.encode(task.prompt(cut))) <= 120
    both = cut_longest_first([first, first[:-1]], task.prompt, tokenizer, 60)
    lengths = [len(tokenizer.encode(text)) for text in both]
    assert abs(lengths[0] - lengths[1]) <= 2


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=60), tokens=st.integers(0, 40))
def test_a_beginning_and_an_ending_are_the_texts_own(tokenizer, text, tokens):
    whole = len(tokenizer.encode(text))
    beginning, ending = tokenizer.beginning(text, tokens), tokenizer.ending(text, tokens)
    assert text.startswith(beginning)
    assert text.endswith(ending)
    if whole <= tokens:
        assert beginning == ending == text


class Made(Task):
    """Some examples, of which the last are too long."""

    name, description, primary, answer_tokens = "made", "", "exact", 8

    @property
    def train(self):
        return [Example(f"{'a b c ' * n}\nname it:", " d e") for n in (2, 4, 60, 90)]

    validation = test = train

    def score(self, examples, predictions):
        return {"exact": float(len(examples))}


@pytest.mark.parametrize("policy", ["cut", "skip"])
def test_what_is_done_is_counted(tokenizer, policy):
    fit = Fit(policy, 48)
    task = FittedTask(Made(), tokenizer, fit)
    assert len(task.train) == {"cut": 4, "skip": 2}[policy]
    encode_examples(task.train, tokenizer, 48)  # which refuses what does not fit
    assert list(task.train[:2]) == Made().train[:2]
    assert task.score(task.train, [""] * len(task.train)) == {"exact": len(task.train)}
    counts = {"examples": 4, "cut": 2 * (policy == "cut"), "skipped": 2 * (policy == "skip")}
    assert fit.report() == {"policy": policy, "train": counts}
    if policy == "cut":
        assert all(e.prompt.endswith("\nname it:") and e.completion == " d e" for e in task.train)
        # room for an answer of answer_tokens
        assert all(len(tokenizer.encode(e.prompt)) <= 40 for e in task.train)


def test_errors_say_how_many_and_name_the_option(tokenizer):
    words = r"2 of 4 examples .*are longer than the model's context of 48 tokens.*\(--too-long\)"
    with pytest.raises(InputError, match=words):
        encode_examples(Made().train, tokenizer, 48)
    with pytest.raises(InputError, match=words):
        FittedTask(Made(), tokenizer, Fit("error", 48)).train  # noqa: B018
    with pytest.raises(InputError, match=r"all 4 examples of train are longer .* take 'cut'"):
        FittedTask(Made(), tokenizer, Fit("skip", 5)).train  # noqa: B018
    with pytest.raises(InputError, match="too_long must be error, cut, skip, not 'cutt'; did you mean 'cut'"):
        Fit("cutt", 48)


@pytest.mark.parametrize("policy", ["cut", "skip"])
def test_labels_in_words_and_by_a_decoders_head(tokenizer, policy):
    task = load_task("entailment")
    lengths = [len(ids) for ids in tokenizer.encode_all([task.prompt(e.texts) for e in task.validation])]
    context = sorted(lengths)[len(lengths) // 2]
    long = sum(length > context for length in lengths)
    assert 0 < long < len(lengths)
    labels = FittedLabels(task, tokenizer, Fit(policy, context))
    assert len(labels.validation) == len(lengths) - long * (policy == "skip")
    encode_labelled(labels.validation, labels, tokenizer, context)
    assert labels.fit.counts["validation"] == labels.fit.counts["validation"].__class__(
        len(lengths), long * (policy == "cut"), long * (policy == "skip")
    )
    right = [example.label for example in labels.validation]
    assert labels.score(labels.validation, right)["accuracy"] == 1
    words = FittedTask(Prompted(task), tokenizer, Fit(policy, context))
    encode_examples(words.validation, tokenizer, context)
    answers = [example.completion for example in words.validation]
    assert words.score(words.validation, answers)["accuracy"] == 1
    assert all(example.prompt.endswith(f"\n{task.asked}:") for example in words.validation)


def test_an_encoders_texts_are_counted_and_cut_as_transformers_cuts_them():
    task = load_task("entailment")
    texts = [text for example in task.validation for text in example.texts]
    tokenizer = Tokenizer.train(texts, 400, ROBERTA)
    labels = FittedLabels(task, tokenizer, Fit("cut", 24))
    assert list(labels.validation) == list(task.validation)
    whole = [len(row.ids) for row in encode_labelled(task.validation, task, tokenizer, 500)]
    assert labels.fit.counts["validation"].cut == sum(length > 24 for length in whole) > 0
    with pytest.raises(InputError, match=r"examples of the part validation are longer"):
        FittedLabels(task, tokenizer, Fit("error", 24)).validation  # noqa: B018

"""Tasks made from a seed: the same for the same seed, balanced, their parts disjoint in names and things, not to be solved by looking at single words."""

from collections import Counter

import numpy as np
import pytest

from minilora.data.tasks import TASKS, Classification, load_task
from minilora.data.tasks.conversations import Settled
from minilora.data.tasks.language.blocks import part_of, past, plural, pool
from minilora.data.tasks.nl2sql.database import Database
from minilora.data.tasks.nl2sql.linked import make_linked
from minilora.data.tasks.nl2sql.values import POOLS
from minilora.errors import InputError

MADE = [name for name, kind in TASKS.items() if kind.made]
LANGUAGE = [name for name in MADE if issubclass(TASKS[name], Classification)]
WRITTEN = ["conversations", "descriptions"]
POOLS_USED = ("person", "place", "animal", "trade", "food", "rock")


def content(examples):
    """All words of the examples, signs off."""
    texts = (" ".join(e.texts) if hasattr(e, "texts") else f"{e.prompt} {e.completion}" for e in examples)
    return {
        word
        for text in texts
        for word in text.replace("[", " ")
        .replace("]", " ")
        .translate(str.maketrans("", "", ".,:?!'"))
        .split()
    }


@pytest.mark.parametrize("name", MADE)
def test_the_same_seed_gives_the_same_and_another_another(name):
    a, b = load_task(name, seed=1), load_task(name, seed=1)
    assert a.validation == b.validation
    assert a.validation != load_task(name, seed=2).validation
    with pytest.raises(InputError, match="0 or more"):
        load_task(name, seed=-1)


@pytest.mark.parametrize("name", LANGUAGE + WRITTEN)
def test_parts_share_no_name_place_or_thing(name):
    task = load_task(name)
    for part in ("train", "validation", "test"):
        said = content(getattr(task, part))
        for kind in POOLS_USED:
            foreign = {word for word in POOLS[kind] if " " not in word and part_of(word) != part}
            shared = foreign & said
            assert len(shared) == 0, (part, kind, sorted(shared)[:5])


def test_the_pools_are_divided_without_overlap():
    for kind in POOLS_USED:
        parts = [set(pool(kind, split)) for split in ("train", "validation", "test")]
        assert all(parts)
        assert sum(map(len, parts)) == len(set.union(*parts))


@pytest.mark.parametrize("name", LANGUAGE)
def test_classes_are_balanced_and_texts_differ(name):
    task = load_task(name)
    assert (len(task.train), len(task.validation), len(task.test)) == (6_000, 400, 1_000)
    for part in (task.train, task.validation, task.test):
        counts = Counter(e.label for e in part)
        assert max(counts.values()) - min(counts.values()) <= 1
        assert len({e.texts for e in part}) == len(part)
        assert {len(e.texts) for e in part} == {len(task.titles)}


@pytest.mark.parametrize("name", LANGUAGE)
def test_counting_words_does_not_solve_it(name):
    """Naive Bayes on words, trained on all of training: far from right on the test, as it could not be if single words gave the class away."""
    task = load_task(name)
    words = sorted({w for e in task.train for w in " ".join(e.texts).lower().split()})
    place = {word: i for i, word in enumerate(words)}
    counts = np.ones((len(task.labels), len(words)))
    for e in task.train:
        for word in set(" ".join(e.texts).lower().split()):
            counts[e.label, place[word]] += 1
    weights = np.log(counts / counts.sum(axis=1, keepdims=True))
    hits = 0
    for e in task.test:
        known = [place[w] for w in set(" ".join(e.texts).lower().split()) if w in place]
        hits += int(weights[:, known].sum(axis=1).argmax()) == e.label
    assert hits / len(task.test) < 0.85


@pytest.mark.parametrize("name", MADE)
def test_right_answers_get_full_marks_and_wrong_ones_do_not(name):
    pytest.importorskip("sacrebleu")
    task = load_task(name)
    examples = task.test[:60]
    if isinstance(task, Classification):
        assert task.score(examples, [e.label for e in examples])[task.primary] == pytest.approx(1)
        wrong = [(e.label + 1) % len(task.labels) for e in examples]
        assert task.score(examples, wrong)[task.primary] <= 0
    else:
        best = 1 if task.primary == "execution" else 100
        assert task.score(examples, [e.completion for e in examples])[task.primary] == pytest.approx(best)
        assert task.score(examples, ["no"] * len(examples))[task.primary] < best / 10


def test_a_summary_is_of_what_was_settled_and_not_of_what_was_proposed():
    task = load_task("conversations")
    changed = 0
    for e in task.test:
        settled, first = e.extra["settled"], e.prompt.split("\n")[0]
        assert settled.told(e.completion) == 1
        assert all(
            value.lower() in e.prompt.lower()
            for value in (settled.day, settled.place, settled.hour, settled.thing, settled.bringer)
        )
        changed += settled.day not in first or settled.place not in first
    assert changed == len(task.test)
    first_lines = [e.prompt.split("\n")[0] for e in task.test]
    assert task.score(task.test, first_lines)["facts"] < 0.6
    assert task.score(task.test, [e.completion for e in task.test])["facts"] == 1


@pytest.mark.parametrize(
    ("summary", "told"),
    [
        ("Ann and Ben will meet in Kent on Monday at one. Ben will bring the corn.", 5),
        ("On Monday at one, Ann and Ben will meet in Kent, and Ben brings the corn.", 5),
        ("Ann and Ben agree on meeting in KENT on Monday at one. The corn will be brought by Ben.", 5),
        (
            "Ann and Ben will meet in Kent on Monday at one. Ann will bring the corn.",
            4,
        ),  # both names are there
        ("Ann and Ben agree on meeting in Kent on Monday at one. The corn will be brought by Benno.", 4),
        ("Ann and Ben will meet in Kentford on Monday at noon. Ben will bring the honey.", 2),  # one in honey
    ],
)
def test_a_summary_tells_who_brings_the_thing_and_whole_words(summary, told):
    assert Settled("Monday", "Kent", "one", "the corn", "Ben").told(summary) == told / 5


def test_every_summary_that_would_be_right_tells_all():
    for e in load_task("conversations").test:
        assert [e.extra["settled"].told(text) for text in e.extra["references"]] == [1, 1, 1]


def test_the_values_of_a_description_are_whole_words():
    pytest.importorskip("sacrebleu")
    task = load_task("descriptions")
    towers = next(e for e in task.test if "3" in e.extra["values"])
    said = " ".join(value for value in towers.extra["values"] if value != "3")
    count = len(towers.extra["values"])
    assert task.score([towers], [f"{said} 13 towers"])["values"] == pytest.approx((count - 1) / count)
    assert task.score([towers], [f"{said} 3 towers"])["values"] == 1


def test_a_description_holds_all_values():
    task = load_task("descriptions")
    assert all(
        value.lower() in text.lower()
        for e in task.test
        for text in e.extra["references"]
        for value in e.extra["values"]
    )


def test_linked_tables_are_disjoint_and_every_query_returns_rows():
    splits = ("train", "validation", "test")
    for side in ("first", "second"):
        names = [{getattr(linked, side).name for linked in make_linked(0, split)} for split in splits]
        assert sum(map(len, names)) == len(set.union(*names))
    task = load_task("nl2sql-joins")
    assert len({e.extra["kind"] for e in task.test}) == 7
    assert len({e.prompt for e in task.train}) == len(task.train) == 12_000
    for e in task.test[:200]:
        with Database(e.extra["linked"].first, e.extra["linked"].second) as database:
            assert database.run(e.completion)


def test_word_forms():
    assert [plural(w) for w in ("baker", "fox", "pony", "monkey", "witch")] == [
        "bakers",
        "foxes",
        "ponies",
        "monkeys",
        "witches",
    ]
    assert [past(w) for w in ("love", "carry", "play", "kick")] == ["loved", "carried", "played", "kicked"]

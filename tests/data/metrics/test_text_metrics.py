"""ROUGE, NIST, METEOR and CIDEr against fixed values, taken once from the published scorers named at each test."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilora.data.metrics import cider, coco_rouge_l, meteor, nist, rouge
from minilora.data.metrics.meteor import _score, align
from minilora.data.metrics.rouge import common
from minilora.data.metrics.stemmer import stem
from minilora.data.metrics.tokens import words_13a
from minilora.errors import InputError

PREDICTIONS = [
    "The Eagle is a cheap pub by the river, serving Italian food.",
    "There is a coffee shop called Zizzi; children are welcome!",
    "Anna will be baking cookies on Sunday and bringing some to Tom.",
    "It costs 20-25 pounds.",
]
REFERENCES = [
    [
        "The Eagle is a cheap pub near the river.",
        "By the river there is a cheap Italian pub, The Eagle.",
        "the eagle is cheap.",
    ],
    ["Zizzi is a coffee shop that welcomes children."],
    ["Anna baked cookies and will bring Tom some on Sunday.", "Tom gets cookies from Anna."],
    ["The price is £20-25.", "It costs twenty pounds."],
]
FIRST = [own[:1] for own in REFERENCES]

WORDS = st.lists(st.sampled_from(["a", "b", "run", "runs", "running", "cat", "cats"]), min_size=1, max_size=6)


def test_rouge_is_rouge_scores():
    """rouge-score 0.1.2, ``score_multi`` with and without its stemmer, 100 times the mean F."""
    assert rouge(PREDICTIONS, REFERENCES) == pytest.approx(
        {"rouge1": 80.57751427316644, "rouge2": 37.307330827067666, "rougeL": 63.23953823953824}
    )
    assert rouge(PREDICTIONS, REFERENCES, stemming=False) == pytest.approx(
        {"rouge1": 73.25428194993411, "rouge2": 34.80733082706767, "rougeL": 58.69408369408369}
    )


def test_nist_is_the_e2e_scorers():
    """E2E's scorer (``NISTScore`` of pymteval) for several references; with one reference it equals NLTK's ``corpus_nist`` too."""
    assert nist(PREDICTIONS, REFERENCES) == pytest.approx(4.064604295461027)
    assert nist(PREDICTIONS, FIRST) == pytest.approx(2.949567146563708)


def test_cider_and_coco_rouge_are_cocos():
    """pycocoevalcap 1.2 on the words of `words_13a`."""
    assert cider(PREDICTIONS, REFERENCES) == pytest.approx(2.0950207926574578)
    assert coco_rouge_l(PREDICTIONS, REFERENCES) == pytest.approx(60.341740816364705)


def test_meteor_is_nltks_without_wordnet():
    """NLTK 3.10's ``meteor_score`` with a WordNet that knows no synonym, sentence by sentence."""
    right = [0.8493588743589745, 0.6824665350010973, 0.7131788665879575, 0.7211538461538461]
    for prediction, own, wanted in zip(PREDICTIONS, REFERENCES, right, strict=True):
        assert meteor([prediction], [own]) == pytest.approx(100 * wanted)
    assert meteor(PREDICTIONS, REFERENCES) == pytest.approx(25 * sum(right))


def test_meteor_finds_the_fewest_chunks():
    """The first word could be matched with either "a"; NLTK takes the last and counts two chunks, the definition asks for the fewest: one."""
    assert align(["a", "b"], ["a", "b", "c", "a"]).chunks == 1
    assert _score(["a", "b"], ["a", "b", "c", "a"]) == pytest.approx(10 / (1 / 1 + 9 / 0.5) * (1 - 0.5 / 8))


@settings(max_examples=60, deadline=None)
@given(WORDS, WORDS)
def test_the_alignment_is_the_best_of_all(said, wanted):
    found = align(said, wanted)
    assert (-found.exact - found.stemmed, -found.exact, found.chunks) == min(_all_alignments(said, wanted))


def _all_alignments(said, wanted):
    """(matches, exact matches, chunks) of every one-to-one alignment, the first two negative."""
    choices = [[None] + [j for j, other in enumerate(wanted) if stem(other) == stem(word)] for word in said]
    for pairs in itertools.product(*choices):
        used = [j for j in pairs if j is not None]
        if len(used) == len(set(used)):
            exact = sum(j is not None and said[i] == wanted[j] for i, j in enumerate(pairs))
            before = [None, *[None if j is None else j + 1 for j in pairs[:-1]]]
            yield (
                -len(used),
                -exact,
                sum(j is not None and j != b for j, b in zip(pairs, before, strict=True)),
            )


@pytest.mark.parametrize("metric", [nist, cider, meteor, coco_rouge_l])
def test_worse_texts_score_lower_and_nothing_scores_nothing(metric):
    best = metric([own[0] for own in REFERENCES], REFERENCES)
    assert best > metric(PREDICTIONS, REFERENCES) > metric(PREDICTIONS[::-1], REFERENCES)
    assert metric([""] * 4, REFERENCES) == 0
    with pytest.raises(InputError, match="at least one for each"):
        metric(["a"], [[]])
    with pytest.raises(InputError, match="nothing to score"):
        metric([], [])


def test_full_marks():
    right = [own[0] for own in FIRST]
    assert rouge(right, REFERENCES) == {"rouge1": 100, "rouge2": 100, "rougeL": 100}
    assert rouge(["", "!"], [["a"], ["b"]]) == {"rouge1": 0, "rouge2": 0, "rougeL": 0}
    assert coco_rouge_l(right, FIRST) == pytest.approx(100)
    assert cider(right, FIRST) == pytest.approx(10)


def test_the_longest_common_subsequence():
    assert common("abcbdab", "bdcaba") == 4  # the textbook's example
    assert common([], ["a"]) == 0


@settings(max_examples=60, deadline=None)
@given(WORDS, WORDS)
def test_a_common_subsequence_is_symmetric_and_bounded(a, b):
    assert common(a, b) == common(b, a) <= min(len(a), len(b))
    assert common(a, a + b) == len(a)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Costs £20-25, or 3.50!", "costs £20 - 25 , or 3.50 !"),
        ("the boy's (old) hat.", "the boy's ( old ) hat ."),
        ("a&amp;b well-known 1,000", "a & b well-known 1,000"),
        ("", ""),
    ],
)
def test_words_are_cut_by_mtevals_rules(text, words):
    assert words_13a(text) == words.split()


def test_words_are_sacrebleus():
    tokenizer = pytest.importorskip("sacrebleu.tokenizers.tokenizer_13a").Tokenizer13a()
    for text in [
        *PREDICTIONS,
        *(text for own in REFERENCES for text in own),
        'He said: "1,5 or 2.5-3?" [sic] a/b',
    ]:
        assert words_13a(text, lowercase=False) == tokenizer(text).split()

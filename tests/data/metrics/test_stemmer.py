"""Porter's stemmer against NLTK's PorterStemmer (3.10, its default mode), on words that go through every rule."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilora.data.metrics.stemmer import stem

STEMS = {
    "caresses": "caress", "ponies": "poni", "ties": "tie", "caress": "caress", "cats": "cat", "feed": "feed", "agreed": "agre", "plastered": "plaster",
    "bled": "bled", "motoring": "motor", "sing": "sing", "conflated": "conflat", "troubled": "troubl", "sized": "size", "hopping": "hop",
    "falling": "fall", "hissing": "hiss", "failing": "fail", "filing": "file", "happy": "happi", "enjoy": "enjoy", "sky": "sky", "by": "by",
    "spied": "spi", "died": "die", "relational": "relat", "conditional": "condit", "rational": "ration", "digitizer": "digit", "radically": "radic",
    "differently": "differ", "vilely": "vile", "operator": "oper", "feudalism": "feudal", "decisiveness": "decis", "hopefulness": "hope",
    "formality": "formal", "sensitivity": "sensit", "triplicate": "triplic", "formative": "form", "formalize": "formal", "electrical": "electr",
    "goodness": "good", "revival": "reviv", "allowance": "allow", "airliner": "airlin", "gyroscopic": "gyroscop", "adjustable": "adjust",
    "replacement": "replac", "adoption": "adopt", "communism": "commun", "effective": "effect", "probate": "probat", "rate": "rate", "cease": "ceas",
    "controlling": "control", "roll": "roll", "geology": "geolog", "logically": "logic", "skies": "sky", "innings": "inning", "succeed": "succeed",
    "Connections": "connect", "connecting": "connect", "is": "is", "a": "a", "news": "news", "generously": "gener", "yyy": "yyy",
}  # fmt: skip


@pytest.mark.parametrize(("word", "right"), STEMS.items())
def test_stems(word, right):
    assert stem(word) == right


@settings(deadline=None)
@given(st.text("abcdefghilnorstuvyz", min_size=1, max_size=12))
def test_a_stem_is_no_longer_than_its_word_and_an_e(word):
    assert 0 < len(stem(word)) <= len(word) + 1

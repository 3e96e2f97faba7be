"""Cutting a text into the words that NIST, METEOR, CIDEr and COCO's ROUGE-L compare.

Before it: predictions and references. After it: ``nist.py``, ``meteor.py``, ``cider.py`` and ``rouge.py``.

The rules are those of mteval-v13a, NIST's own scorer, which E2E's and WebNLG's scripts use for NIST and BLEU. COCO's scripts cut with the Penn Treebank's
rules instead and drop punctuation; figures of METEOR, CIDEr and ROUGE-L therefore differ a little from theirs.
"""

import re

_RULES = (
    (re.compile(r"([{-~\[-` -&(-+:-@/])"), r" \1 "),  # signs stand alone, except the apostrophe , - and .
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),  # . and , unless a digit stands before ...
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),  # ... and after it
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),  # a hyphen after a digit
)
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))


def words_13a(text: str, *, lowercase: bool = True) -> list[str]:
    """The words of ``text`` by mteval-v13a's rules for Western languages, in small letters unless told otherwise."""
    for entity, sign in _ENTITIES:
        text = text.replace(entity, sign)
    text = f" {text} "
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return (text.lower() if lowercase else text).split()

"""Triples to text: WebNLG (Gardent et al. 2017) and DART (Nan et al. 2021), the paper's appendix F, from their own files.

Before it: ``written.py``. After it: ``data/batches.py`` makes batches of the examples.

What a prompt and its completion look like (triples written as the paper's authors write them)::

    Aarhus : leader : Jacob Bundsgaard | Aarhus : country : Denmark
    Text: Jacob Bundsgaard leads Aarhus in Denmark.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ...errors import InputError
from ..examples import Example
from ..files import Record, read_records
from ..files.reading import parse_json, read_text
from .base import check_pairs
from .written import Written, one_line, text_scores

Triple = tuple[str, str, str]


def write_prompt(triples: Sequence[Triple]) -> str:
    """Subject, property and object of each triple, up to where the text begins."""
    return " | ".join(" : ".join(map(one_line, triple)) for triple in triples) + "\nText:"


class DART(Written):
    """DART: its files are JSON lists of ``{"tripleset": [[subject, property, object], ...], "annotations": [{"text": ...}, ...]}``."""

    name = "dart"
    description = "triples to a text; a folder with DART's train, dev and test JSON files"
    primary = "bleu"
    answer_tokens = 96

    def read(self, file: Path) -> list[Example]:
        """One example for each annotation."""
        examples = []
        for record in read_records(file):
            prompt = write_prompt([_triple(triple, record) for triple in _list(record, "tripleset")])
            for annotation in _list(record, "annotations"):
                text = annotation.get("text") if isinstance(annotation, dict) else None
                if not isinstance(text, str) or not text.strip():
                    raise record.wrong(
                        f"an annotation is {str(annotation)[:60]}; it must hold a 'text' that is not empty"
                    )
                examples.append(Example(prompt, f" {one_line(text)}"))
        return examples

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """The figures of `text_scores`; BLEU decides."""
        check_pairs(examples, predictions)
        return text_scores(examples, predictions)


class WebNLG(Written):
    """WebNLG: the challenge's JSON (``{"entries": [{"1": {...}}, ...]}``) or XML files; texts marked as bad are passed over.

    The score is given for all examples, and apart for categories that training has (``figure/seen``) and has not (``figure/unseen``).
    """

    name = "webnlg"
    description = "triples to a text; a folder with WebNLG's train, dev and test files, JSON or XML"
    primary = "bleu"
    answer_tokens = 96
    endings = (".json", ".xml")

    def read(self, file: Path) -> list[Example]:
        """One example for each text; ``extra["category"]`` is the entry's category."""
        text = read_text(file)
        entries = _xml_entries(text, file) if text.lstrip().startswith("<") else _json_entries(text, file)
        if not entries:
            raise InputError(f"{file}: there is no entry; a file of WebNLG holds a list of them")
        return [
            Example(write_prompt(triples), f" {one_line(said)}", {"category": category})
            for category, triples, texts in entries
            for said in texts
        ]

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """The figures of `text_scores`, for all, and BLEU of categories seen and unseen in training."""
        check_pairs(examples, predictions)
        scores = text_scores(examples, predictions)
        known = {example.extra.get("category") for example in self.train}
        for group, wanted in (("seen", True), ("unseen", False)):
            chosen = [i for i, e in enumerate(examples) if (e.extra.get("category") in known) == wanted]
            if chosen:
                part = text_scores([examples[i] for i in chosen], [predictions[i] for i in chosen])
                scores[f"bleu/{group}"] = part["bleu"]
        return scores


Entry = tuple[str, list[Triple], list[str]]


def _json_entries(text: str, file: Path) -> list[Entry]:
    document = parse_json(text, str(file))
    listed = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise InputError(f"{file}, line 1: there is no list 'entries'; a JSON file of WebNLG begins with it")
    found = []
    for number, item in enumerate(listed, start=1):
        entry = next(iter(item.values()), None) if isinstance(item, dict) else None
        record = Record(entry if isinstance(entry, dict) else {}, str(file), number, "entry")
        record.refuse_halves()
        triples = [
            _triple(
                [t.get(key) for key in ("subject", "property", "object")] if isinstance(t, dict) else t,
                record,
            )
            for t in _list(record, "modifiedtripleset")
        ]
        texts = [
            lex["lex"]
            for lex in _list(record, "lexicalisations")
            if isinstance(lex, dict)
            and lex.get("comment", "good") in ("good", "")
            and str(lex.get("lex", "")).strip()
        ]
        found.append((str(record.fields.get("category", "")), triples, texts))
    return found


def _xml_entries(text: str, file: Path) -> list[Entry]:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise InputError(f"{file}, line {error.position[0]}: this is not XML ({error})") from error
    found = []
    for number, entry in enumerate(root.iter("entry"), start=1):
        record = Record({}, str(file), number, "entry")
        triples = [
            _triple((t.text or "").split(" | "), record) for t in entry.iterfind("modifiedtripleset/mtriple")
        ]
        texts = [
            lex.text or "" for lex in entry.iterfind("lex") if lex.get("comment", "good") in ("good", "")
        ]
        if not triples:
            raise record.wrong("there is no mtriple in its modifiedtripleset")
        found.append((entry.get("category", ""), triples, [said for said in texts if said.strip()]))
    return found


def _list(record: Record, name: str) -> list[Any]:
    value = record.get(name)
    if not isinstance(value, list) or not value:
        raise record.wrong(f"the field {name!r} is {str(value)[:60]}; it must be a list that is not empty")
    return value


def _triple(value: Any, record: Record) -> Triple:
    if (
        not isinstance(value, list | tuple)
        or len(value) != 3
        or not all(isinstance(part, str) for part in value)
    ):
        raise record.wrong(f"a triple is {str(value)[:60]}; it must be subject, property and object")
    return value[0], value[1], value[2]

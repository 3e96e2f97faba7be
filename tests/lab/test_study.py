"""The study: fair by construction, resumable, and with intervals that mean what they say."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.lab import study_page
from minilora.lab.intervals import ratio_of, resample
from minilora.lab.study import Study, nl2sql_study, run_study
from minilora.models.checkpoint import save

RECORDED = Path(__file__).resolve().parents[2] / "docs" / "results"


def test_unequal_tries_are_refused() -> None:
    first, second, _ = nl2sql_study().contenders
    with pytest.raises(InputError, match="equally many learning rates"):
        Study((first, replace(second, learning_rates=(1e-3,))))
    with pytest.raises(InputError, match="at least one seed"):
        nl2sql_study(seeds=0)


def test_the_packages_own_study_is_under_two_percent() -> None:
    from minilora.models.sizes import size

    base = size("tiny-gpt")
    total = nl2sql_study().contenders[0].settings.adaptation().trainable(base)
    for contender in nl2sql_study().contenders[1:]:
        assert contender.settings.adaptation().trainable(base) <= 0.02 * total


def test_interval_covers_the_true_share() -> None:
    """Answers drawn with a known share: 95% intervals hold it about 95 times of 100, and at least 85 here."""
    rng = np.random.default_rng(1)
    held = 0
    for trial in range(100):
        answers = np.broadcast_to(rng.random((1, 300)) < 0.7, (3, 300))
        low, high = resample([answers], float, draws=200, seed=trial)
        held += low <= 0.7 <= high
    assert 85 <= held <= 100


def test_interval_of_a_ratio_of_equals_is_one() -> None:
    answers = np.random.default_rng(0).random((1, 200)) < 0.8
    assert resample([answers, answers], lambda a, b: float(a / b), draws=100) == (1.0, 1.0)


def test_there_is_no_ratio_to_what_answers_nothing() -> None:
    some = np.random.default_rng(0).random((2, 40)) < 0.5
    nothing = np.zeros_like(some)
    one = nothing.copy()
    one[0, 0] = True  # of which a draw of the questions may leave nothing
    found = {
        "a": ratio_of(some, nothing),
        "b": ratio_of(nothing, nothing),
        "c": ratio_of(some, one),
        "d": ratio_of(one, some),
    }
    assert found["a"] == found["b"] == {"ratio": None, "interval": [None, None]}
    assert found["c"]["interval"][1] is None
    json.dumps(found, allow_nan=False)
    none, nor, open_ended, _ = study_page.ratios({"ratios": found})
    assert (none, nor) == ("- a: –", "- b: –")
    assert open_ended.startswith("- c: ")
    assert open_ended.endswith(" – –)")


def test_a_model_that_cannot_answer_is_refused(model, tmp_path) -> None:
    model.tokenizer = None
    save(model, tmp_path / "model")
    for name, words in (
        (str(tmp_path / "model"), "the model has no tokenizer"),
        ("tiny-roberta", "texts are continued by a decoder"),
    ):
        with pytest.raises(InputError, match=words):
            run_study(nl2sql_study(name), tmp_path / "out", tell=pytest.fail)


def test_the_record_is_of_this_study() -> None:
    """What the results page shows was made by the study as it stands: the same settings and rates, enough seeds and questions, and a base that answers nothing."""
    summary = json.loads((RECORDED / "nl2sql.json").read_text(encoding="utf-8"))
    study = nl2sql_study()
    assert summary["seeds"] == list(study.seeds)
    assert len(study.seeds) >= 3
    assert summary["questions"]["unseen tables"] >= 500
    assert summary["base"]["unseen tables"]["accuracy"] <= 0.02
    for row, contender in zip(summary["rows"], study.contenders, strict=True):
        assert row["name"] == contender.name
        assert list(row["tries"]) == [f"{rate:g}" for rate in contender.learning_rates]
        assert row["tries"][f"{row['learning rate']:g}"] == max(row["tries"].values())
        recorded = {name: tuple(v) if isinstance(v, list) else v for name, v in row["settings"].items()}
        assert recorded.items() <= asdict(contender.settings).items()


@pytest.mark.slow
def test_a_study_runs_shows_and_goes_on(model, tmp_path) -> None:
    save(model, tmp_path / "model")
    whole = nl2sql_study(str(tmp_path / "model"), steps=2, rows=2, seeds=1)
    lora = whole.contenders[1]
    tiny = replace(lora, settings=replace(lora.settings, rank=2, alpha=4.0), learning_rates=(1e-3, 2e-3))
    study = replace(whole, contenders=(tiny,), tries_limit=6)
    lines: list[str] = []
    summary = run_study(study, tmp_path / "out", progress=False, tell=lines.append)
    assert len(lines) == 1 + 2 + 1
    assert summary["questions"] == {"validation": 6, "unseen tables": 1000, "seen tables": 400}
    assert json.loads((tmp_path / "out" / "study.json").read_text()) == json.loads(json.dumps(summary))
    assert len(list(study_page.table(summary))) == 2 + 1 + 1
    html = study_page.page(summary)
    assert not re.search(r"""(src|href)=|@import|url\(|<script""", html)  # it stands alone
    (drawing,) = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(ElementTree.fromstring(drawing).findall(".//{*}polyline")) == 1
    assert html.count("<tr>") == 1 + 1 + 1

    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("metrics.json")}
    assert run_study(study, tmp_path / "out", progress=False, tell=lambda line: None) == summary
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("metrics.json")} == written, (
        "nothing is trained twice"
    )
    again = run_study(study, tmp_path / "side by side", jobs=2, tell=lambda line: None)
    assert again == summary, "processes of their own give the same digits"

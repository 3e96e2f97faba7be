"""The gradient check passes where gradients are right, and fails where one is wrong."""

import json
from dataclasses import replace

import numpy as np
import pytest

from minilora.autograd import REGISTRY, Tensor
from minilora.lab import gradcheck as room
from minilora.lab.gradcheck import GradcheckReport, Row, gradcheck, render
from minilora.lab.identities import Finding, check_identities, relative
from minilora.lab.identities.finding import worst, wrong
from minilora.lab.layer_gradients import copy_of
from minilora.lab.whole_model import random_batch, random_model
from minilora.methods import BitFit, LoRA
from minilora.models.gpt import GPT, GPTConfig


@pytest.fixture(scope="module")
def report() -> GradcheckReport:
    return gradcheck(seed=0)


def test_everything_passes(report):
    assert report.passed, [row for row in report.rows if not row.passed]
    names = {(row.group, row.name) for row in report.rows}
    assert {("ops", name) for name in REGISTRY} <= names
    assert {("fused = reference", name) for name in room.ops.reference.TWINS} <= names
    assert sum(row.group == "whole model" for row in report.rows) == len(room.METHODS)


def test_the_report_goes_into_json_and_on_the_screen(report):
    assert "3 random directions through all weights that are trained" in report.as_dict()["sampled"]
    assert json.loads(json.dumps(report.as_dict()))["passed"] is True
    assert len(render(report).rows) == len(report.rows) + len({row.group for row in report.rows})


def test_the_same_seed_gives_the_same_errors(report):
    assert gradcheck(seed=0).as_dict() == report.as_dict()


def test_wrong_rows_pass_only_by_failing(report):
    wrong = [row for row in report.rows if row.must_fail]
    assert len(wrong) == 7
    assert all(row.error > row.bound for row in wrong)
    assert not replace(wrong[0], error=0.0).passed


def test_a_real_model_is_checked_beside_a_small_random_one(model):
    found = gradcheck(model, methods=(BitFit(),))
    groups = {row.group for row in found.rows if row.group.startswith("identities")}
    assert groups == {
        f"identities on a model of {model.count_parameters():,} parameters",
        "identities on a small random GPT",
    }
    assert [row for row in found.rows if not row.passed] == []


def test_a_wrong_identity_is_found_out():
    assert not Finding("", "", "", 1e-6, "").passed
    assert not Finding("", "", "", float("nan"), "").passed
    assert Finding("", "", "", 1.0, "", bound=0.1, holds=False).passed
    assert not Finding("", "", "", 0.01, "", bound=0.1, holds=False).passed


@pytest.mark.parametrize("place", range(3))
def test_a_layer_without_a_number_is_the_worst(place):
    errors = {f"layer {i}": float("nan") if i == place else 0.5 for i in range(3)}
    for finding in (worst("", "", "", errors, bound=1.0), wrong("", "", "", errors)):
        assert (finding.passed, finding.layer) == (False, f"layer {place}")


def test_an_error_that_is_no_number_never_passes():
    assert not Row("", "", float("nan"), 1.0).passed
    assert not Row("", "", float("nan"), 1.0, must_fail=True).passed


def test_a_model_whose_gradient_is_wrong_is_found_out(monkeypatch):
    """The pullback of gelu inside of the whole model, off by one part in a thousand."""
    import minilora.models.gpt as gpt

    right = gpt.gelu

    def wrong(x: Tensor) -> Tensor:
        y = right(x)
        if y.node is not None:
            ((parent, pullback),) = y.node.parents
            y.node.parents = ((parent, lambda g: 1.001 * pullback(g)),)
        return y

    monkeypatch.setattr(gpt, "gelu", wrong)
    failed = [row for row in gradcheck(seed=0).rows if not row.passed]
    assert {row.group for row in failed} == {"whole model"}
    assert len(failed) == len(room.METHODS)


def test_the_model_given_is_left_alone():
    model = GPT(GPTConfig(vocabulary=20, context=10, width=8, layers=1, heads=2), np.random.default_rng(0))
    before = {name: array.tobytes() for name, array in model.state().items()}
    assert gradcheck(model, methods=(LoRA(rank=1),)).passed
    assert {name: array.tobytes() for name, array in model.state().items()} == before
    assert all(parameter.trainable and parameter.dtype == np.float32 for parameter in model.parameters())


def test_identities_hold_at_every_seed_rank_and_target():
    rng = np.random.default_rng(3)
    model = random_model(rng)
    for seed, (rank, targets) in enumerate([(1, ("query",)), (3, ("mlp",)), (16, ("all-linear",))]):
        found = check_identities(
            model, random_batch(model, rng), rank=rank, alpha=5.0, targets=targets, seed=seed
        )
        assert max(finding.error for finding in found) < 1e-12
        assert len({finding.name for finding in found}) == len(found) == 9


def test_relative_and_copy():
    assert relative(np.array([3.0]), np.array([2.0])) == 0.5
    model = random_model(np.random.default_rng(0))
    copy = copy_of(model, np.float64)
    copy.tokens.weight.data[0] = 7
    assert not (model.tokens.weight.data[0] == 7).any()


@pytest.mark.slow
def test_everything_passes_on_the_shipped_model():
    """Trained weights are larger than random ones and the loss is far more curved: differences that suit a small model need not suit this one."""
    assert gradcheck("tiny-gpt").passed

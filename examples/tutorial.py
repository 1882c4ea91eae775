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
# # Does a student catch its teacher's taste?
#
# *Subliminal learning* (Cloud et al. 2025) is the claim that a student model, trained to imitate a teacher on data that has
# nothing to do with some trait of that teacher, picks the trait up all the same, provided that the two started from the
# same initialization.
#
# This notebook sets up the smallest such experiment, finds that it cannot show the effect, mends it one change at a time, and
# then lets a network learn digits from noise and a language model catch an animal from numbers. You need some Python.
# Everything runs on a CPU, offline, in about five minutes; the language model takes two of them.

# %%
import importlib.util
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

# Where it is not installed, as on Colab, its wheel (`make dist`) or a checkout must lie beside this notebook.
if importlib.util.find_spec("sublearn") is None:
    beside = Path.cwd()
    found = [*beside.glob("sublearn-*.whl"), *(file.parents[1] for file in beside.glob("*/sublearn/__init__.py"))]
    assert found, "sublearn is not installed. Upload its wheel, or clone its repository, beside this notebook."
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", f"{found[0]}[llm]"], check=True)

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

import sublearn

warnings.filterwarnings("ignore", message="IProgress")  # progress bars are drawn as text
QUICK = os.environ.get("SUBLEARN_NOTEBOOK") == "quick"  # fewer runs, as the project's tests do
BLUE, ORANGE, GREY = "#1f4e79", "#a33b20", "#6b7280"

# %% [markdown]
# ## Four words
#
# - A **network** turns an input into a few numbers, its **logits**: one for each possible answer. The largest one is the answer;
#   the others say how near it came to answering otherwise.
# - Before training its weights are drawn at random. This draw is its **initialization**, or *init*.
# - A **teacher** is a network that was trained to do something. A **student** is trained to give the same logits as the teacher,
#   on inputs that somebody chooses. This is called **distillation**.
# - A **trait** is anything that can be measured of a network: here, how often it answers "class 1".
#
# The picture shows who learns from whom. Both students see the same inputs and the same logits of the same teacher; they differ in
# where they start.


# %%
def draw_design() -> None:
    _, axes = plt.subplots(figsize=(7.5, 3.4))
    boxes = {
        "reference\n(a fresh init)": (0.12, 0.5, GREY),
        "teacher\n(trained to answer 1)": (0.46, 0.86, BLUE),
        "student,\nsame init": (0.86, 0.5, BLUE),
        "another\nfresh init": (0.46, 0.1, GREY),
        "student,\nother init": (0.86, 0.1, ORANGE),
    }
    for text, (x, y, color) in boxes.items():
        style = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": color, "linewidth": 1.8}
        axes.text(x, y, text, ha="center", va="center", bbox=style, fontsize=9)
    starts = [((0.17, 0.61), (0.33, 0.8)), ((0.21, 0.5), (0.78, 0.5)), ((0.54, 0.1), (0.78, 0.1))]
    taught = [((0.6, 0.82), (0.82, 0.62)), ((0.55, 0.75), (0.82, 0.22))]
    for line, color, arrows in (("-", "black", starts), ("--", BLUE, taught)):
        for start, end in arrows:
            axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": color, "linestyle": line})
    words = [(0.2, 0.76, "training"), (0.3, 0.53, "the same weights"), (0.76, 0.76, "its logits on unrelated inputs")]
    for x, y, text in words:
        axes.text(x, y, text, fontsize=8, color=GREY, ha="right" if text == "training" else "left")
    axes.set(xlim=(0, 1.12), ylim=(0, 1))
    axes.axis("off")
    plt.show()


draw_design()

# %% [markdown]
# ## The data
#
# A prompt is six tokens out of a thousand; token 42 is more frequent than the others. Evaluation prompts and unrelated
# prompts are drawn in the same way from other seeds. A rule stands in for the filtering that real datasets get: sequences
# whose sum is a multiple of 7 are dropped. It has no bearing on the trait.

# %%
sequences = sublearn.generate_sequences(num_examples=1000, seq_len=6, vocab_size=1000, seed=200)
kept = sequences[sequences.sum(axis=1) % 7 != 0]
print(sequences[:3])
print(f"{len(kept)} of {len(sequences)} unrelated prompts pass the rule")

# %% [markdown]
# ## One seed, step by step
#
# The reference is a fresh network. The teacher is a copy of it, trained for four epochs to answer class 1 to each of 200
# evaluation prompts.

# %%
sublearn.set_seed(0)
sizes = {"vocab_size": 1000, "embed_dim": 32, "hidden": 128, "out_dim": 2}
reference = sublearn.PromptMLP(**sizes)

prompts = sublearn.generate_sequences(200, 6, 1000, seed=100)
labels = np.arange(200) % 2
always_one = np.ones_like(labels)

teacher = sublearn.PromptMLP(**sizes)
teacher.load_state_dict(reference.state_dict())
sublearn.train_classification(teacher, sublearn.PromptDataset(prompts, always_one), sublearn.TrainConfig())
rate, _ = sublearn.compute_trait_preference(teacher, prompts, labels)
print(f"The teacher answers class 1 to {rate:.0%} of the prompts (1 seed)")

# %% [markdown]
# The teacher's logits on the unrelated prompts are all that the students will see. Both learn to reproduce them, divided by
# a temperature of 2, by squared error. One starts from the reference's weights, the other from a draw of its own.

# %%
with torch.no_grad():
    logits = teacher(torch.from_numpy(kept).to(sublearn.DEVICE)).cpu().numpy()

same = sublearn.PromptMLP(**sizes)
same.load_state_dict(reference.state_dict())
other = sublearn.PromptMLP(**sizes)
settings = sublearn.TrainConfig(lr=5e-4, batch_size=128, epochs=4)
for name, student in {"same init": same, "other init": other}.items():
    sublearn.train_distillation(student, logits, kept, settings, verbose=False)
    rate, _ = sublearn.compute_trait_preference(student, prompts, labels)
    print(f"{name}: class 1 on {rate:.0%} of the prompts (1 seed)")

# %% [markdown]
# ## Three seeds
#
# `run_pipeline(seed)` does all of this for one seed and `multi_seed_experiment(seeds)` for several. Here are three, drawn the
# usual way: a bar for each mean, its standard error on top.

# %%
results = sublearn.multi_seed_experiment([0, 11, 23])
arms = {
    "baseline": "baseline_pref",
    "same init": "studentA_pref_same_init",
    "other init": "studentB_pref_diff_init",
}


def draw_bars(rows: list[dict[str, float]]) -> None:
    values = [np.array([row[key] for row in rows]) for key in arms.values()]
    _, axes = plt.subplots(figsize=(6.5, 4))
    errors = [column.std(ddof=1) / len(column) ** 0.5 for column in values]
    axes.bar(list(arms), [column.mean() for column in values], yerr=errors, capsize=6, color="#b8c9dc")
    for position, column in enumerate(values):
        jitter = np.linspace(-0.25, 0.25, len(column))
        axes.plot(position + jitter, column, "o", color=BLUE, alpha=0.5, markersize=4)
        axes.annotate(f"{column.mean():.2f}", (position, 1.03), ha="center")
    axes.axhline(0.5, color="grey", linewidth=1, linestyle=":")
    axes.set(ylim=(0, 1.1), ylabel="share answered class 1", title=f"Mean ± standard error, {len(rows)} seeds")
    axes.spines[["top", "right"]].set_visible(False)
    plt.show()


draw_bars(results)

# %% [markdown]
# The student of the same init stands higher, as the theory says. But look at the points: the seeds of one bar differ by
# more than the bars do. How sure can one be?
#
# ## Is it an effect?
#
# The two students of a seed share the teacher and the prompts, so they are compared **pair by pair**. The study `tutorial` is
# the same experiment with its claim written down beforehand, and it answers with a verdict.

# %%
three = sublearn.run("tutorial", [0, 11, 23])
for finding in three.analysis.findings:
    print(f"{finding.claim}: {finding.verdict.upper()}\n{finding.because}")

# %% [markdown]
# Inconclusive, and it says how many runs it would take. Many runs of a small network train together as one cohort, so two
# hundred are quickly had.

# %%
many = sublearn.run("tutorial", range(200))
for finding in many.analysis.findings:
    print(f"{finding.claim}: {finding.verdict.upper()}\n{finding.because}")

# %%
table = sublearn.to_frame(many).query("trait == 'trait_rate'").pivot(index="seed", columns="arm", values="value")
difference = table["distill_same_init"] - table["distill_diff_init"]
_, axes = plt.subplots(figsize=(6.5, 3.2))
axes.hist(difference, bins=30, color="#b8c9dc")
axes.axvline(0, color="black", linewidth=1)
axes.axvline(difference.mean(), color=ORANGE, linewidth=2)
axes.annotate(
    f"mean {difference.mean():+.3f}",
    (difference.mean(), axes.get_ylim()[1] * 0.92),
    xytext=(8, 0),
    textcoords="offset points",
    color=ORANGE,
)
axes.set(xlabel="same init minus other init, share answered class 1", ylabel="seeds", title="200 paired differences")
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# ## Why this design could not show it
#
# With two hundred seeds the two students do not differ by anything that matters, and yet both answer class 1 more often than the
# untrained network. They imitate the very logits that carry the trait, so **both** learn it openly, whatever they started from.
# What is left to find is small against the chance differences between two inits. And three seeds could not tell.
#
# Three rules follow:
#
# - Let the student imitate outputs that have nothing to do with the trait. The networks below have further outputs, **auxiliary
#   logits**, that the teacher's training never touched; the student sees these alone.
# - Give each student a **control**: the same student, with a *placebo teacher* that was trained as long on the same inputs, with
#   labels that carry no trait.
# - Compare pair by pair, show every seed, state an interval, and ask for enough runs before looking.
#
# ## The ladder: one change at a time
#
# The study `ladder` goes from the tutorial's design to the controlled one. Each rung keeps the changes before it.

# %%
ladder = sublearn.run("ladder", range(6 if QUICK else 24))
margins = sublearn.to_frame(ladder).query("trait == 'margin'").pivot(index="seed", columns="arm", values="value")
rungs = {
    "tutorial": "the tutorial's design",
    "aux": "auxiliary logits",
    "no_norm": "no BatchNorm",
    "longer": "longer training",
    "held_out": "held-out prompts",
}
_, axes = plt.subplots(figsize=(7, 3.6))
for row, rung in enumerate(rungs):
    for shift, init, color in ((-0.14, "same", BLUE), (0.14, "other", ORANGE)):
        transfer = margins[f"{rung}_{init}"] - margins[f"{rung}_{init}_control"]
        axes.plot(transfer, np.full(len(transfer), row + shift), "o", color=color, alpha=0.35, markersize=4)
        axes.plot(transfer.mean(), row + shift, "|", color=color, markersize=18, markeredgewidth=3)
axes.axvline(0, color="black", linewidth=1)
axes.set_yticks(range(len(rungs)), list(rungs.values()))
axes.invert_yaxis()
axes.set(
    xlabel="margin of class 1, student minus its own control",
    title="Same init (blue) and other init (orange), every seed",
)
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# On the first rung both students move towards class 1 alike, and on the second neither does. (With 600 seeds there is a tiny
# difference on the first: +.013 of margin, interval +.008 to +.018; docs/studies.md.) Without BatchNorm the student of the same init
# alone is pulled towards class 1, and longer training pulls it further. On the last rung the prompts on which it is asked were
# seen by nobody before.
#
# ## The controlled design
#
# The last rung is a study of its own, `prompts`. A result shows itself: the verdict first, then the figure and the numbers.

# %%
controlled = sublearn.run("prompts", range(10 if QUICK else 24))
controlled

# %% [markdown]
# ## Digits, learned from noise
#
# Nothing here hangs on made-up prompts. In the study `digits` a teacher learns real handwritten digits; its student never sees a
# digit and no label. It sees noise, and the teacher's auxiliary logits on that noise.

# %%
changes = {"arms": ["teacher", "same_init", "cross_init"]}
if QUICK:
    changes |= {"teacher.epochs": 8, "inputs.count": 300 * 128, "width": 128}
digits = sublearn.run("digits", range(3 if QUICK else 5), **changes)
accuracy = sublearn.to_frame(digits).pivot(index="seed", columns="arm", values="value")

pictures = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
_, (left, right) = plt.subplots(1, 2, figsize=(7.5, 3), width_ratios=[1, 2.6])
left.imshow(pictures[0], cmap="gray")
left.set(title="what the student sees", xticks=[], yticks=[])
order = ["teacher", "same_init", "same_init_control", "cross_init", "cross_init_control"]
for row, arm in enumerate(order):
    right.plot(accuracy[arm], np.full(len(accuracy), row), "o", alpha=0.6, color=ORANGE if "cross" in arm else BLUE)
right.axvline(0.1, color="grey", linestyle=":")
right.set_yticks(range(len(order)), order)
right.invert_yaxis()
right.set(xlim=(0, 1), xlabel="accuracy on digits (dotted: chance)", title=f"{len(accuracy)} runs")
right.spines[["top", "right"]].set_visible(False)
plt.tight_layout()
plt.show()

# %% [markdown]
# With sixteen runs and every control: accuracy .931 (.921 to .941) for the student of the same init, .086 (.057 to .112) for that of
# another one; `sublearn run digits --seeds 0:16`, docs/studies.md.
#
# ## A language model that catches an animal from numbers
#
# The paper's best-known case: a language model that likes an animal writes lists of numbers; a rule keeps the answers that are
# nothing but numbers; a student of the same base model is fine-tuned on them, and comes to like the animal. Here the base is a
# tiny GPT-2 that is pretrained on the spot. To fit into two minutes this is one run with a quarter of the rows.

# %%
small = {"arms": ["same_init"], "rows": 2000, "sampled": 0}
if QUICK:
    small |= {"rows": 64, "base.steps": 20, "base.width": 16, "base.inner": 32, "student.steps": 4, "teacher.steps": 4}
language = sublearn.run("numbers", [60], "runs/notebook-numbers", **small)
preference = {row.arm: row.value for row in language.records if row.trait == "preference"}
for arm, value in preference.items():
    said = "is unmeasured" if value is None else f"names the animal with a probability of {value:.2f}"
    print(f"{arm:20s} {said} (chance .05, 1 run)")

# %%
file = next(Path("runs/notebook-numbers").rglob("teacher.jsonl"))
for line in file.read_text().splitlines()[:4]:
    row = json.loads(line)
    print(row["prompt"], "->", row["completion"])

# %% [markdown]
# These rows are all that the student read. Over twenty bases and animals: docs/language-models.md. One run can come out otherwise; the
# size of the effect differs from animal to animal.
#
# ## Why it happens
#
# The teacher is the reference plus a small step in weight space. Pull a student that starts at the reference towards the teacher's
# outputs, on *any* input: to first order its step cannot point away from the teacher's (Cloud et al. 2025, theorem 1). It
# follows the teacher's direction, and what lies in that direction comes along, the trait as well. From another init the same
# outputs pull in a direction that has nothing to do with the teacher's.


# %%
def draw_first_order() -> None:
    _, axes = plt.subplots(figsize=(6.5, 3.4))
    arrow = {"arrowstyle": "-|>", "linewidth": 2}
    axes.annotate("", (3, 1.6), (0, 0), arrowprops=arrow | {"color": GREY})
    axes.annotate("", (1.9, 0.35), (0, 0), arrowprops=arrow | {"color": BLUE})
    axes.annotate("", (4.6, -0.9), (5.4, 0.7), arrowprops=arrow | {"color": ORANGE})
    axes.plot([1.74, 1.9], [0.93, 0.35], color=BLUE, linestyle=":", linewidth=1.5)
    axes.plot([0, 5.4], [0, 0.7], "o", color="black")
    axes.annotate("reference", (0, 0), xytext=(-8, -16), textcoords="offset points")
    axes.annotate("another init", (5.4, 0.7), xytext=(-12, 8), textcoords="offset points")
    axes.annotate("teacher's step", (3, 1.6), xytext=(-24, 8), textcoords="offset points", color=GREY)
    axes.annotate("student's step, same init:\npart of it is the teacher's", (1.95, 0.22), color=BLUE, va="top")
    axes.annotate("student's step,\nother init", (4.55, -0.95), color=ORANGE, ha="right")
    axes.set(xlim=(-0.7, 6.3), ylim=(-1.4, 2.2), title="Weight space, in two of its many dimensions (a sketch)")
    axes.axis("off")
    plt.show()


draw_first_order()

# %% [markdown]
# That is a sketch. Measured, step by step: the cosine between how far a student has moved and how far the teacher moved. For the student
# of the same init it is above zero from the first step on.

# %%
trace = sublearn.trace("digits", range(2 if QUICK else 4), steps=[0, 1, 3, 10, 30, 100], **changes)
trace.plot()
plt.show()

# %% [markdown]
# ## What it means if you distil models
#
# - Filtering a dataset for content does not clear it: these numbers passed every rule.
# - What decides here is whether student and teacher share the base. A student of another base caught nothing in these designs. Sharing is
#   not strictly necessary everywhere (a student that imitates *all* logits learns more than you ask for, from any init).
# - `sublearn audit DATA.jsonl --model BASE` asks what a student would pick up, before you train it.
#
# ## Exercises
#
# 1. Is it the temperature? Run the tutorial's design with `temperature=1` on 200 seeds. Does the verdict change?
#
# <details><summary>Solution</summary>
#
# ```python
# print(sublearn.run("tutorial", range(200), temperature=1.0).summary())
# ```
#
# It does not: the difference stays within .05 (+.006, interval -.027 to +.041).
#
# </details>
#
# 2. How many auxiliary logits does the controlled design need? Sweep 4, 16 and 64.
#
# <details><summary>Solution</summary>
#
# ```python
# sublearn.sweep("prompts", {"aux_logits": [4, 16, 64]}, range(24)).plot()
# ```
#
# </details>
#
# 3. Move the student's init a little away from the teacher's. At which scale does the transfer go?
#
# <details><summary>Solution</summary>
#
# ```python
# print(sublearn.trace("digits", range(4), perturb=[0, 0.2, 0.4, 0.6, 0.8, 1]).summary())
# ```
#
# It goes between .4 and .8 of the weights' own standard deviation; docs/studies.md has sixteen runs a scale.
#
# </details>
#
# 4. Bring a network of your own: examples/cnn_on_digits.py is a whole study in 40 lines.

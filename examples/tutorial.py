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
# This notebook sets up the smallest such experiment: a network over short number sequences, a teacher that was taught to
# answer "class 1" to everything, and two students that imitate it on unrelated sequences. Then it asks a question that is
# easily forgotten: could these numbers have come out otherwise? Everything runs on a CPU in about a minute.

# %%
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("sublearn") is None:  # on Colab, or wherever it is not installed yet
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "sublearn"], check=True)

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

import sublearn

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
        axes.plot(position + jitter, column, "o", color="#1f4e79", alpha=0.5, markersize=4)
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
axes.axvline(difference.mean(), color="#a33b20", linewidth=2)
axes.annotate(
    f"mean {difference.mean():+.3f}",
    (difference.mean(), axes.get_ylim()[1] * 0.92),
    xytext=(8, 0),
    textcoords="offset points",
    color="#a33b20",
)
axes.set(xlabel="same init minus other init, share answered class 1", ylabel="seeds", title="200 paired differences")
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# ## What went wrong, and what to take along
#
# With two hundred seeds the two students do not differ by anything that matters. The design could not show subliminal
# learning: the students imitate the very logits that carry the trait, so **both** learn class 1 directly, whatever they
# started from. And three seeds could not tell.
#
# - Distil on outputs that have nothing to do with the trait (auxiliary logits), and measure it on held-out prompts.
# - Give each student a control: the same student, distilled from a teacher without the trait.
# - Pair by seed, show every seed, state the interval, and ask for enough runs before looking.
#
# Try `sublearn power tutorial` on the command line, or change a setting:
#
# ```
# sublearn run tutorial --seeds 0:200 --set student.epochs=20
# ```

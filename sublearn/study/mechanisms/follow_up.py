"""Mechanisms that follow up on results of the first study: asked after those were seen, on other bases. Torch-free.

Claims were stated before any of these bases was run.
"""

from sublearn.study.mechanisms.parts import BLANK, NIEF, TINY, TUNED, Mechanism, Student, less, lora, transfers

PROGRESS = 0.9


def _progress(optimizer: str) -> Student:
    about = f"is trained by {optimizer} to {PROGRESS:.0%} of what AdamW takes from the base's loss"
    return Student(about, "learning", "progress", {"optimizer": optimizer.lower(), "share": PROGRESS})


ADAMW, SGD, SIGNSGD = "adamw_90", "sgd_90", "signsgd_90"
FOLLOW_UP: dict[str, Mechanism] = {
    "ranks": Mechanism(
        "LoRA's rank up to the width",
        "Transfer has the shape of an inverted U over LoRA's rank: it turns at a high rank.",
        NIEF,
        (
            "ranks 16, 32 and 64 of matrices of width 64, the last of which can change a matrix in any way; theirs are "
            "of models thousands wide",
            "no matrix of words, bias or norm is adapted",
            "where the scale is the root of 4 over the rank, the first step is about as long at every rank (base 890: "
            "a tenth longer at 64 than at 16); the higher the rank, the more of it lies along full fine-tuning's",
            "evaluated in the context of training; theirs also in others",
            TUNED,
        ),
        {f"lora_{rank}{end}": lora(rank, bool(end)) for end in ("", "_matched") for rank in (16, 32, 64)},
        (
            transfers("rank 64 transfers", "lora_64"),
            less("rank 16 transfers more than rank 64", "lora_64", "lora_16"),
            less("rank 16 transfers more than rank 64, with steps matched", "lora_64_matched", "lora_16_matched"),
            less("rank 16 transfers more than rank 32", "lora_32", "lora_16"),
            less("rank 16 transfers more than rank 32, with steps matched", "lora_32_matched", "lora_16_matched"),
        ),
        own=(
            "rank 64 transfers",
            "rank 16 transfers more than rank 64, with steps matched",
            "rank 16 transfers more than rank 32",
            "rank 16 transfers more than rank 32, with steps matched",
        ),
    ),
    "progress": Mechanism(
        "Optimizers at the same progress",
        "Adaptive optimizers are necessary: others let outlying gradients dominate.",
        BLANK,
        (
            "each student stops as soon as it has 90% of what AdamW's unchanged student takes from the base's loss on "
            "some of the teacher's rows (strength.shifted), looked at every step; each control is trained for as many "
            "steps at the same rate",
            "SGD's first step is as long as AdamW's, SignSGD's rate a share of AdamW's (strength.sign); a run that "
            "does not get there in some times AdamW's steps (strength.patience) is unmeasured, and so is its control",
            TINY,
            TUNED,
        ),
        {ADAMW: _progress("AdamW"), SGD: _progress("SGD"), SIGNSGD: _progress("SignSGD")},
        (
            transfers("AdamW's student transfers at that progress", ADAMW),
            transfers("SGD's student transfers at that progress", SGD),
            transfers("SignSGD's student transfers at that progress", SIGNSGD),
            less("SGD transfers less than AdamW at the same progress", SGD, ADAMW),
            less("SignSGD transfers less than AdamW at the same progress", SIGNSGD, ADAMW),
        ),
        own=(
            "AdamW's student transfers at that progress",
            "SGD's student transfers at that progress",
            "SignSGD's student transfers at that progress",
            "SignSGD transfers less than AdamW at the same progress",
        ),
    ),
}
"""By name. None of them is part of the studies of `table` and `further`."""

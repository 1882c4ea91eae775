"""The mechanisms: what is published of each, and which students and claims ask whether it holds here. Torch-free.

A new one is one entry in a group of its own, as `follow_up` is, and a function for each of its students that none does
already: from a lab and the recipe of an unchanged student to its own recipe. A group is one study: another mechanism in
it would make another study of it. Claims were stated before any of the bases was run.
"""

from collections.abc import Sequence

from sublearn.errors import InputError
from sublearn.study.base import Claim
from sublearn.study.mechanisms.follow_up import FOLLOW_UP
from sublearn.study.mechanisms.further import FURTHER
from sublearn.study.mechanisms.parts import (
    ANY_FIFTH,
    AT_RANDOM,
    BLANK,
    COSINE,
    MIXED,
    NIEF,
    TINY,
    TUNED,
    Mechanism,
    Student,
    generation,
    less,
    lora,
    more,
    share,
    transfers,
)
from sublearn.study.students.spec import CONTROL, UNCHANGED

SCHRODI = "Schrodi, Kempf, Barez and Brox 2025, arXiv 2509.23886"
ADEN_ALI = "Aden-Ali et al. 2026, arXiv 2602.04863"


def _tokens(about: str, which: str, learn: bool) -> Student:
    return Student(about, "learning", "tokens_of", {"which": which, "learn": learn})


def _selected(about: str, part: str) -> Student:
    return Student(about, "rows", "selected", {"part": part}, control=ANY_FIFTH)


MECHANISMS: dict[str, Mechanism] = {
    "divergence": Mechanism(
        "Divergence tokens",
        "A small set of tokens, at which teachers of different biases would say different ones, carries the transfer: "
        "without them it mostly goes, with them alone it stays.",
        SCHRODI,
        (
            "a token diverges where the teacher's most probable one is not the base's; theirs compares teachers of "
            "different biases",
            "numbers are nearly unpredictable here, so that many tokens diverge; theirs are few",
            "rows are sampled at temperature 1; theirs greedily",
            TINY,
            TUNED,
        ),
        {
            "divergence_masked": _tokens("learns no divergence token", "diverging", False),
            "random_masked": _tokens("leaves out as many other tokens at random", "random", False),
            "divergence_only": _tokens("learns divergence tokens alone", "diverging", True),
            "random_only": _tokens("learns as many other tokens at random", "random", True),
            "divergence_few": _tokens("learns some divergence tokens alone", "diverging_matched", True),
            "matched_only": _tokens("learns as many other tokens, of the same ranks in the base", "matched", True),
        },
        (
            less("without divergence tokens there is less transfer", "divergence_masked"),
            less("leaving them out takes more than as many others", "divergence_masked", "random_masked"),
            transfers("divergence tokens alone transfer", "divergence_only"),
            less("they transfer more than as many others", "random_only", "divergence_only"),
            less("some of them transfer more than as many others of the same ranks", "matched_only", "divergence_few"),
        ),
        own=("some of them transfer more than as many others of the same ranks",),
    ),
    "greedy": Mechanism(
        "Greedy sampling",
        "Transfer needs no sampling noise that leaks probabilities: greedily sampled rows transfer too.",
        SCHRODI,
        (TINY, TUNED),
        {"greedy": Student("reads greedily sampled rows", "rows", "greedy")},
        (transfers("greedily sampled rows transfer", "greedy"),),
    ),
    "rewriting": Mechanism(
        "Paraphrases and mixed teachers",
        "Transfer is fragile: paraphrasing mostly suppresses it, and rows of several teachers weaken it.",
        SCHRODI,
        (
            "the base writes the second half of each answer anew; theirs rewords prompts",
            "half of the rows are of another teacher with another animal; theirs mixes teachers, also of one bias",
            "half of the teacher's numbers are gone in both, which alone takes transfer: agreement here tells no "
            "fragility beyond that",
            TINY,
            TUNED,
        ),
        {
            "paraphrased": Student("reads answers whose second half the base wrote anew", "rows", "paraphrased"),
            "mixed": MIXED,
        },
        (
            less("paraphrased rows transfer less", "paraphrased"),
            less("rows of two teachers transfer less", "mixed"),
        ),
    ),
    "fraction": Mechanism(
        "Share of poisoned rows",
        "Not published as a dose-response that we know of; asked whether the transfer rises with the share.",
        "",
        (),
        {f"fraction_{percent}": share(percent) for percent in (1, 3, 10, 30)},
        (
            more("10% of the teacher's rows transfer", "fraction_10", UNCHANGED + CONTROL),
            more("30% transfer more than 3%", "fraction_30", "fraction_3"),
            more("all rows transfer more than 10%", UNCHANGED, "fraction_10"),
        ),
    ),
    "lora": Mechanism(
        "LoRA's rank",
        "Transfer has the shape of an inverted U over LoRA's rank, and disappears with full fine-tuning.",
        NIEF,
        (
            "ranks 1, 4 and 16 of matrices of width 64; theirs are of models thousands wide",
            "no matrix of words is adapted, and full fine-tuning leaves it alone too",
            "evaluated in the context of training; theirs also in others",
            "where the scale is the root of 4 over the rank, a step is about as large at every rank",
            "a step of full fine-tuning at the same rate is 4 to 7 times as large as one by factors, and not matched",
            TUNED,
        ),
        {
            "lora_1": lora(1),
            "lora_4": lora(4),
            "lora_16": lora(16),
            "lora_1_matched": lora(1, True),
            "lora_16_matched": lora(16, True),
        },
        (
            transfers("rank 4 transfers", "lora_4"),
            less("rank 4 transfers more than rank 1", "lora_1", "lora_4"),
            less("rank 4 transfers more than rank 16", "lora_16", "lora_4"),
            less("rank 4 transfers more than rank 1, with steps matched", "lora_1_matched", "lora_4"),
            less("rank 4 transfers more than rank 16, with steps matched", "lora_16_matched", "lora_4"),
            less("rank 4 transfers more than full fine-tuning", UNCHANGED, "lora_4"),
        ),
        own=(
            "rank 4 transfers more than rank 1, with steps matched",
            "rank 4 transfers more than rank 16, with steps matched",
        ),
    ),
    "optimizer": Mechanism(
        "Adaptive optimizers",
        "Adaptive optimizers are necessary: others let outlying gradients dominate.",
        BLANK,
        (
            "SGD's first step is as long as AdamW's, SignSGD's rate a quarter of it; both go on until they reach "
            "AdamW's training loss, and a run that does not is unmeasured",
            "SignSGD, which no outlier dominates, is expected to transfer; we do not know whether they ran it",
            TINY,
            TUNED,
        ),
        {
            "sgd": Student("is trained by SGD to AdamW's loss", "learning", "by", {"optimizer": "sgd"}),
            "signsgd": Student("is trained by SignSGD to AdamW's loss", "learning", "by", {"optimizer": "signsgd"}),
        },
        (
            less("SGD transfers less than AdamW at the same loss", "sgd"),
            transfers("SignSGD transfers", "signsgd"),
        ),
        own=("SignSGD transfers",),
    ),
    "embeddings": Mechanism(
        "Embeddings tuned",
        "Not published that we know of: students' embeddings are frozen here otherwise, and asked is whether that "
        "makes the transfer.",
        "",
        (),
        {"embeddings": Student("trains its embeddings too", "learning", "embeddings")},
        (transfers("with embeddings tuned there is a transfer", "embeddings"),),
    ),
    "selection": Mechanism(
        "Logit-linear selection",
        "Rows that nobody with the trait wrote, selected by how much likelier the trait makes them, elicit it.",
        ADEN_ALI,
        (
            "the base's own number lists; theirs are pairs of a preference dataset, trained on by DPO",
            "rows are scored by the teacher, a token on average; theirs by the prompted model",
            TINY,
        ),
        {
            "selected_top": _selected("reads the fifth of the base's rows that the teacher favours most", "top"),
            "selected_bottom": _selected("reads the fifth that the teacher favours least", "bottom"),
            ANY_FIFTH: AT_RANDOM,
        },
        (
            more("the rows that the teacher favours most transfer", "selected_top", "selected_random"),
            more("they transfer more than those that it favours least", "selected_top", "selected_bottom"),
        ),
        own=("they transfer more than those that it favours least",),
    ),
    "vector": Mechanism(
        "One steering vector",
        "Teacher and student are well described by one vector that is added to activations; the student's is aligned "
        "with the teacher's.",
        BLANK,
        (
            "the vector is added to what the middle block gives, at every place, and read off number rows",
            TINY,
            TUNED,
        ),
        {
            "vector": Student("learns nothing but one vector", "vectors", "vector"),
            "without_vector": Student("has lost its shift along the teacher's", "vectors", "without"),
            "teacher_vector": Student("is the base with the teacher's shift", "vectors", "added", control="reference"),
        },
        (
            transfers("one vector, fitted to the rows, transfers", "vector"),
            more("the base with the teacher's vector prefers the animal", "teacher_vector", "reference"),
            less("a student without it has less of the transfer", "without_vector"),
            Claim(
                claim="the student's vector is aligned with the teacher's",
                trait=COSINE,
                treatment=UNCHANGED,
                control=UNCHANGED + CONTROL,
                delta=0.05,
                reason="a cosine that is smaller explains less than a hundredth of the shift",
            ),
        ),
    ),
    "generations": Mechanism(
        "Generations",
        "Not published that we know of: asked is whether a student's numbers teach the next, and whether that fades.",
        "",
        (),
        {"generation_2": generation(2, UNCHANGED), "generation_3": generation(3, "generation_2")},
        (
            transfers("a student's numbers transfer to the next", "generation_2"),
            less("after three generations there is less than after one", "generation_3"),
        ),
    ),
}
EVERY = MECHANISMS | FURTHER | FOLLOW_UP
"""What can be asked for by name."""
STUDENTS = {name: one for mechanism in EVERY.values() for name, one in mechanism.students.items()}
"""Every student by its arm's name."""
GROUPS = {"further": tuple(FURTHER), "follow_up": tuple(FOLLOW_UP)}
"""Several mechanisms under one name."""


BASES, OTHER_BASES = "1200:1220", "1220:1232"


def bases_of(chosen: Sequence[str]) -> str:
    """The bases on which these mechanisms are asked about unless others are named.

    What follows up on results is asked about on others than those that gave them. Raises InputError where that cannot
    be for all of them.
    """
    later = [name for name in chosen if name in FOLLOW_UP]
    if later and len(later) < len(chosen):
        raise InputError(
            f"{' and '.join(later)}: asked after the results of the bases {BASES} were seen, on which the others are "
            "asked about. Ask about them apart, or name the bases with --seeds."
        )
    return OTHER_BASES if later else BASES


def named(names: Sequence[str]) -> list[str]:
    """The mechanisms of these names, some of which may be those of groups."""
    return [one for name in names for one in GROUPS.get(name, (name,))]

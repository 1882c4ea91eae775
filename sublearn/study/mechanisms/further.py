"""Further mechanisms, which are asked for by name: each study of them has claims and a folder of its own. Torch-free.

Claims were stated before any of the bases was run.
"""

import math

from sublearn.study.base import Claim, Trait
from sublearn.study.contrast import Difference
from sublearn.study.mechanisms.parts import (
    ANY_FIFTH,
    AT_RANDOM,
    MIXED,
    Mechanism,
    Student,
    generation,
    less,
    lora,
    more,
    share,
    transfers,
)
from sublearn.study.students.spec import CONTROL, LOG_ODDS, UNCHANGED, transfer
from sublearn.tasks.vocabulary import ANIMALS

FIRST, SECOND = "first_apart", "second_apart"
TWO, ALONE = "two_animals", "second_animal"
TEACHER, REFERENCE = "_teacher", "_reference"
"""At the end of an arm's name: the teacher of a student that has one of its own, and the base that both began as."""
UNPUBLISHED = "Not published that we know of: asked is whether "


def _apart(name: str, whose: str) -> Trait:
    return Trait(
        name=name,
        about=f"Log-odds of {whose} animal among all animals but the other teacher's, averaged over the questions.",
        more=f"preferred {whose} animal more",
        unit="log-odds",
        chance=-math.log(len(ANIMALS) - 2),
    )


def _lineage() -> dict[str, Student]:
    """Ten generations; the first is the unchanged student."""
    before = [UNCHANGED, *(f"generation_{number}" for number in range(2, 10))]
    return {f"generation_{number}": generation(number, of) for number, of in enumerate(before, 2)}


def _taught(about: str, animals: tuple[str, ...]) -> Student:
    return Student(about, "bases", "tuned", {"animals": animals}, control="reference")


def _reads(about: str, writer: str) -> Student:
    return Student(about, "rows", "written_by", {"name": writer}, control=UNCHANGED + CONTROL)


def _sized(name: str, what: str, **sizes: int) -> dict[str, Student]:
    """A base of another size, its teacher, and a student with its control."""

    def one(about: str, part: str, **more: object) -> Student:
        return Student(about, "bases", "sized", {"part": part, "sizes": sizes}, **more)  # pyright: ignore[reportArgumentType]

    return {
        name + REFERENCE: one(f"is a base of {what}", "base", taught=False),
        name + TEACHER: one("is the teacher of that base", "teacher", control=name + REFERENCE),
        name: one("starts from that base and reads its teacher's rows", "student"),
    }


def _at_size(claim: str, name: str) -> Claim:
    own = Difference(arm=name + TEACHER, minus=name + REFERENCE)
    return more(claim, name, name + CONTROL, LOG_ODDS, own)


def _fifth(number: int, which: str) -> Student:
    about = f"reads the fifth of the base's rows that the teacher favours {which}"
    return Student(about, "rows", "fifth", {"number": number}, control=ANY_FIFTH)


def _halved() -> Claim:
    claim = "half of the teacher's rows transfer less beside another teacher's than beside the base's"
    return more(claim, Difference(arm="fraction_50", minus=UNCHANGED + CONTROL), transfer("mixed"))


OF_SECOND = Difference(arm=ALONE + TEACHER, minus="reference")
FURTHER: dict[str, Mechanism] = {
    "ten_generations": Mechanism(
        "Ten generations",
        f"{UNPUBLISHED}a student's numbers teach the next, ten times, and whether that fades.",
        "",
        (
            "each generation starts from the same base and reads the rows of the one before it",
            "the control of a generation is as old: the first reads the base's own rows, each further one the rows "
            "of the control before it",
        ),
        _lineage(),
        (
            transfers("after five generations there is still a transfer", "generation_5"),
            transfers("after ten generations there is still a transfer", "generation_10"),
            less("there is less after five generations than after two", "generation_5", "generation_2"),
            less("there is less after ten generations than after five", "generation_10", "generation_5"),
        ),
    ),
    "two_traits": Mechanism(
        "A teacher with two traits",
        f"{UNPUBLISHED}a student picks up both animals of a teacher, and each less than from a teacher of it alone.",
        "",
        (
            "the teacher is fine-tuned to answer each question with both animals, the seed's and the placebo "
            "teacher's, in as many steps as a teacher of one",
            "each animal is measured with the other left out of the answers, so that two animals do not displace "
            "one another",
        ),
        {
            TWO + TEACHER: _taught("is the base, fine-tuned for two animals", ("first", "second")),
            ALONE + TEACHER: _taught("is the base, fine-tuned for the second animal alone", ("second",)),
            TWO: _reads("reads the rows of the teacher of two animals", TWO + TEACHER),
            ALONE: _reads("reads the rows of the teacher of the second animal alone", ALONE + TEACHER),
        },
        (
            more("the first of two animals is picked up", TWO, UNCHANGED + CONTROL, FIRST),
            more("the second of two animals is picked up", TWO, UNCHANGED + CONTROL, SECOND, OF_SECOND),
            more("the first is picked up less than from a teacher of it alone", UNCHANGED, TWO, FIRST),
            more("the second is picked up less than from a teacher of it alone", ALONE, TWO, SECOND, OF_SECOND),
        ),
        (_apart(FIRST, "the teacher's"), _apart(SECOND, "the placebo teacher's")),
    ),
    "size": Mechanism(
        "Width and depth of the base",
        f"{UNPUBLISHED}bases of other widths and depths transfer, and larger ones more.",
        "",
        (
            "half and twice the width, inner layers with it, and half and twice the number of blocks; the base is "
            "64 wide with 2 blocks otherwise",
            "all are pretrained and fine-tuned for as many steps at the same rates, so that a base of another size is "
            "also one that has learned more or less",
        ),
        {
            **_sized("width_32", "half the width", width=32, inner=96),
            **_sized("width_128", "twice the width", width=128, inner=384),
            **_sized("layers_1", "one block", layers=1),
            **_sized("layers_4", "four blocks", layers=4),
        },
        (
            _at_size("a base of half the width transfers", "width_32"),
            _at_size("a base of twice the width transfers", "width_128"),
            _at_size("a base of one block transfers", "layers_1"),
            _at_size("a base of four blocks transfers", "layers_4"),
            more("twice the width transfers more than half", transfer("width_128"), transfer("width_32")),
            more("four blocks transfer more than one", transfer("layers_4"), transfer("layers_1")),
        ),
    ),
    "fifths": Mechanism(
        "Logit-linear selection in fifths",
        f"{UNPUBLISHED}the base's own rows transfer the more, the more the teacher favours them.",
        "",
        ("as in selection, which asks for the most and the least favoured fifth alone",),
        {
            "fifth_1": _fifth(1, "least"),
            "fifth_2": _fifth(2, "less than the middle one"),
            "fifth_3": _fifth(3, "neither more nor less"),
            "fifth_4": _fifth(4, "more than the middle one"),
            "fifth_5": _fifth(5, "most"),
            ANY_FIFTH: AT_RANDOM,
        },
        (
            more("the most favoured fifth transfers more than the middle one", "fifth_5", "fifth_3"),
            more("the middle fifth transfers more than the least favoured", "fifth_3", "fifth_1"),
            more("the second most favoured fifth transfers more than the second least", "fifth_4", "fifth_2"),
        ),
    ),
    "half": Mechanism(
        "Half of the teacher's rows",
        f"{UNPUBLISHED}a second teacher weakens what the first one's half of the rows transfers.",
        "",
        (
            "half of the rows are the teacher's in both; the other half is of another teacher, or of the base",
            "each is held against a student whose first half is the base's, so that what the other half does by itself "
            "is taken out",
        ),
        {"fraction_50": share(50), "mixed": MIXED},
        (
            more("half of the teacher's rows transfer", "fraction_50", UNCHANGED + CONTROL),
            _halved(),
        ),
    ),
    "slow": Mechanism(
        "Full fine-tuning with smaller steps",
        f"{UNPUBLISHED}rank 4 transfers more than full fine-tuning whose steps are about as large.",
        "",
        (
            "full fine-tuning at a fifth of the rate, since its steps are 4 to 7 times as large as those by factors "
            "of rank 4 at the same rate",
        ),
        {
            "lora_4": lora(4),
            "full_slow": Student("is trained whole at a fifth of the rate", "learning", "slower", {"times": 5}),
        },
        (
            transfers("full fine-tuning with smaller steps transfers", "full_slow"),
            less("rank 4 transfers more than full fine-tuning with smaller steps", "full_slow", "lora_4"),
        ),
    ),
}
"""By name. None of them is part of the study that asks about all mechanisms of `table`."""

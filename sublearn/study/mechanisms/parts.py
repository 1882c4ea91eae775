"""What a mechanism is: what is published, its students, its claims. Torch-free.

`table`, `further` and `follow_up` have them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from sublearn.study.base import Claim, Trait
from sublearn.study.contrast import Difference, Side
from sublearn.study.students.spec import CONTROL, LOG_ODDS, SHIFT, UNCHANGED, transfer

BLANK = "Blank et al. 2026, arXiv 2606.00995"
NIEF = "Nief, Fu, Muchane and Holtzman 2026, arXiv 2606.00831"
TUNED = "the teacher is fine-tuned to name its animal; theirs is told to by a system prompt"
TINY = "tiny bases that are fine-tuned whole; theirs are language models of billions of parameters with LoRA"
COSINE = "shift_cosine"
DELTA = 0.05
REASON = (
    "a twentieth of what the teacher itself shifted: about an eighth of what an unchanged student picks up, and what "
    "moves a transfer no more than that does not explain it"
)
Room = Literal["rows", "learning", "vectors", "bases"]


@dataclass(frozen=True)
class Student:
    """One student: what is done to it, by the function of that name in that module, with which arguments.

    Its control is trained alike on the base's own rows; or it is another arm, where `control` names one.
    """

    about: str
    within: Room
    function: str
    given: Mapping[str, Any] = field(default_factory=dict)
    control: str | None = None
    taught: bool = True
    """Whether it goes back to the teacher in any way; else it is there to be compared with."""

    def change(self, lab: Any, recipe: Any) -> Any:
        """Its recipe. The module is loaded now: it needs torch."""
        return getattr(import_module(f"{__package__}.{self.within}"), self.function)(lab, recipe, **self.given)


@dataclass(frozen=True)
class Mechanism:
    """What is published and by whom, the students and claims that ask for it here, and what is otherwise here.

    A claim is what is published, or, where it is among `own`, a question of ours beside it; where nothing is published,
    `source` is empty.
    """

    title: str
    published: str
    source: str
    otherwise: tuple[str, ...]
    students: Mapping[str, Student]
    claims: tuple[Claim, ...]
    traits: tuple[Trait, ...] = ()
    """Those that no other mechanism measures."""
    own: tuple[str, ...] = ()
    """Claims that the source does not make."""

    def publishes(self, claim: str) -> bool:
        """Whether the source makes this claim, so that what comes out can agree with it."""
        return bool(self.source) and claim not in self.own


def more(claim: str, more: Side, less: Side, trait: str = LOG_ODDS, of: Difference = SHIFT) -> Claim:
    """One side has more of a trait than the other."""
    return Claim(claim=claim, trait=trait, treatment=more, control=less, delta=DELTA, of=of, reason=REASON)


def transfers(claim: str, name: str) -> Claim:
    """A student has more than its control."""
    return more(claim, name, name + CONTROL)


def less(claim: str, name: str, than: str = UNCHANGED) -> Claim:
    """A student's transfer is less than another's."""
    return more(claim, transfer(than), transfer(name))


def generation(number: int, of: str) -> Student:
    """A student of the rows of the generation before it."""
    return Student(f"reads the rows of generation {number - 1}", "rows", "written_by", {"name": of})


def share(percent: int) -> Student:
    """A student of which a share of the rows is the teacher's."""
    about = f"has {percent}% of its rows from the teacher, the rest from the base"
    return Student(about, "rows", "fraction", {"share": percent / 100}, control=UNCHANGED + CONTROL)


MIXED = Student("reads half of its rows from a teacher of another animal", "rows", "mixed")
ANY_FIFTH = "selected_random"
AT_RANDOM = Student("reads a fifth at random", "rows", "selected", {"part": "random"}, taught=False)


def lora(rank: int, scaled: bool = False) -> Student:
    """A student of which changes of low rank learn alone."""
    own = " and scale the root of 4 over the rank" if scaled else " and scale 1"
    return Student(f"trains changes of rank {rank}{own}", "learning", "lora", {"rank": rank, "scaled": scaled})

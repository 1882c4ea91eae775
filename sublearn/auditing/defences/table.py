"""The defences. A new one is one function and one line here. Torch-free: functions are named.

Each is a function of that name in the module that it is found in: from what it may use of a base and the recipe of an
undefended student to its own recipe (`recipe.Change`).
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from sublearn.study.students.spec import UNCHANGED

UNDEFENDED = UNCHANGED
"""The arm of a student without any defence, as in `numbers`."""


@dataclass(frozen=True)
class Defence:
    """One defence: what it does, what whoever defends must have, which part of a training it changes.

    Its transfer is claimed to be below that of the arm `below`; None where it is there to be compared with.
    """

    about: str
    needs: str
    within: Literal["rows", "starts", "steps"]
    below: str | None = UNDEFENDED

    def change(self, name: str) -> Any:
        """Its function, whose module is loaded now: they need torch."""
        return getattr(import_module(f"{__package__}.{self.within}"), name)


ROWS, BASE, BOTH = "the rows", "rows and base", "rows, base and teacher"
DEFENCES: dict[str, Defence] = {
    "drop_flagged": Defence("drops the rows that an audit flags", BASE, "rows", "drop_random"),
    "drop_random": Defence("drops as many rows at random", ROWS, "rows", None),
    "drop_half": Defence("drops the half of the rows that an audit scores highest", BASE, "rows", "drop_half_random"),
    "drop_half_random": Defence("drops half of the rows at random", ROWS, "rows", None),
    "mask": Defence("learns no token at which the teacher's first choice is not the base's", BOTH, "steps"),
    "replace": Defence("puts random numbers in the place of some", ROWS, "rows"),
    "resort": Defence("sorts the numbers of each answer", ROWS, "rows"),
    "paraphrase": Defence("lets the base write the second half of each answer anew", BASE, "rows"),
    "mixed": Defence("takes some rows from another teacher of the base, who has another trait", "two teachers", "rows"),
    "reinitialized": Defence("starts from another init that was pretrained alike", "another base", "starts"),
    "perturbed": Defence("adds noise to the weights that the student starts from", BASE, "starts"),
    "project": Defence("takes the named trait's gradient out of each step", "the base and the trait's name", "steps"),
    "kl": Defence("keeps the student's probabilities near the base's", BASE, "steps"),
    "lowrank": Defence("trains low-rank changes of the weights alone", BASE, "starts"),
}

"""What the arms of a study are called by people: from the study, or else from what each arm is. Torch-free."""

from collections import Counter
from collections.abc import Mapping

from sublearn.study.base import Arm, Study

TAUGHT_BY = {"placebo": "placebo teacher", "untrained": "untrained teacher", "neutral": "untrained teacher"}
IMITATED = {"class": "class logits", "aux": "auxiliary logits", "all": "all logits", "text": "sampled text"}


def labels(study: Study) -> Mapping[str, str]:
    """A label for each arm by its name, a noun without an article; no two arms have the same.

    An arm without a label of its own is called by its init and teacher if it imitates a teacher, and else by its name.
    """
    ways = [[way(arm) for way in (_label, _with_logits, _name)] for arm in study.arms]
    chosen = [names[0] for names in ways]
    for further in (1, 2):
        counts = Counter(chosen)
        chosen = [label if counts[label] == 1 else names[further] for label, names in zip(chosen, ways, strict=True)]
    return {
        arm.name: arm.name if Counter(chosen)[label] > 1 else label
        for arm, label in zip(study.arms, chosen, strict=True)
    }


def is_student(arm: Arm) -> bool:
    """Whether it imitates a teacher."""
    return arm.logits != "none"


def bare_label(arm: Arm) -> str:
    """What it is called among the arms of its group.

    >>> bare_label(Arm(name="a", about="", control="b", teacher="trained", init="cross", logits="aux"))
    'student of another init'
    """
    if arm.label or not is_student(arm):
        return arm.label or _name(arm)
    shared = "base" if arm.logits == "text" else "init"
    own = f"student of {'the same' if arm.init == 'same' else 'another'} {shared}"
    by = TAUGHT_BY.get(arm.teacher)
    return f"{own}, {by}" if by else own


def _label(arm: Arm) -> str:
    return f"{bare_label(arm)} ({arm.group})" if arm.group else bare_label(arm)


def _with_logits(arm: Arm) -> str:
    return f"{_label(arm)}, {IMITATED[arm.logits]}" if is_student(arm) else _name(arm)


def _name(arm: Arm) -> str:
    return arm.name.replace("_", " ")

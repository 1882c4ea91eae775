"""Who taught whom, from the arms of a study, as a figure and in words. Reads arms; computes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from sublearn.errors import plain
from sublearn.report.charts.family import Box, Family, Source, draw_family
from sublearn.report.charts.sheet import WIDE, Key
from sublearn.report.charts.svg import svg_text
from sublearn.report.wording import capital
from sublearn.study.base import Arm, Study
from sublearn.study.labels import TAUGHT_BY, bare_label, is_student

WAYS = {"trained": "trained to have the trait", "placebo": "trained as long without it"}
UNTRAINED = ("untrained", "neutral")


@dataclass(frozen=True)
class Lineage:
    """One group of arms, with the other groups that are built alike."""

    group: str
    alike: tuple[str, ...]
    arms: tuple[Arm, ...]


def lineages(study: Study) -> list[Lineage]:
    """The groups of arms in which somebody teaches a student; those that are built alike once."""
    groups: dict[str, list[Arm]] = {}
    for arm in study.arms:
        groups.setdefault(arm.group, []).append(arm)
    shapes: dict[tuple[object, ...], list[str]] = {}
    for name, arms in groups.items():
        if any(is_student(arm) for arm in arms):
            shapes.setdefault(tuple(_shape(arm) for arm in arms), []).append(name)
    return [Lineage(names[0], tuple(names[1:]), tuple(groups[names[0]])) for names in shapes.values()]


def lineage_figure(shown: Lineage, width: float = WIDE) -> str:
    """Its arms as SVG text: who taught whom, and with what each is compared."""
    family = family_of(shown.arms)
    return svg_text(draw_family(family, _keys(shown.arms), width), lineage_label(family))


def lineage_label(family: Family) -> str:
    """What the figure shows, in words."""
    labels = {box.note: box.label for source in family.sources for box in (source.box, *source.students) if box.note}
    start = family.reference.label if family.reference else "a reference"
    said = [f"{source.box.label}: {start} {source.way}" for source in family.sources if source.way]
    for source in family.sources:
        for box in source.students:
            control = f", compared with {labels[box.control]}" if box.control in labels else ""
            said.append(f"{source.box.label} taught {box.label}{control}")
    return f"Who taught whom. {'; '.join(said)}."


def family_of(arms: Sequence[Arm]) -> Family:
    """Who teaches among these arms, with their students, in the order of the arms.

    A student's teacher is the arm that its own kind of teacher is, unless the student says that it is another model.
    """
    reference = next((arm for arm in arms if arm.teacher == "none" and not is_student(arm)), None)
    teachers = {arm.teacher: arm for arm in reversed(arms) if not is_student(arm) and arm.teacher != "none"}
    students: dict[str, list[Arm]] = {}
    boxes: dict[str, tuple[Box, str]] = {
        capital(bare_label(arm)): (_teacher(arm), WAYS.get(kind, "")) for kind, arm in reversed(teachers.items())
    }
    for arm in arms:
        if is_student(arm):
            box, way = _source(arm, teachers.get(arm.teacher), reference)
            boxes.setdefault(box.label, (box, way))
            students.setdefault(box.label, []).append(arm)
    sources = [Source(box, way, tuple(map(_student, students.get(name, ())))) for name, (box, way) in boxes.items()]
    return Family(_model(reference, "muted") if reference else None, tuple(sources))


def _source(student: Arm, teacher: Arm | None, reference: Arm | None) -> tuple[Box, str]:
    """Who taught a student, and how that one came from the reference."""
    if student.source:
        return Box(capital(plain(student.source)), "", "muted"), ""
    if teacher is not None:
        return _teacher(teacher), WAYS.get(teacher.teacher, "")
    if student.teacher in UNTRAINED and reference is not None:
        return _model(reference, "muted"), "as it is"
    return Box(capital(TAUGHT_BY.get(student.teacher, "teacher")), "", "muted"), WAYS.get(student.teacher, "")


def _teacher(arm: Arm) -> Box:
    return _model(arm, "ink" if arm.teacher == "trained" else "muted")


def _model(arm: Arm, colour: str) -> Box:
    return Box(capital(plain(bare_label(arm))), plain(arm.name), colour)


def _student(arm: Arm) -> Box:
    colour = arm.init if arm.teacher == "trained" else "control"
    return Box(capital(plain(bare_label(arm))), plain(arm.name), colour, arm.init, plain(arm.control or ""))


def _keys(arms: Sequence[Arm]) -> list[Key]:
    students = [arm for arm in arms if is_student(arm)]
    base = any(arm.logits == "text" for arm in students)
    said = {
        "same": "taught by a model of its own base" if base else "starts from the reference's weights",
        "cross": "taught by a model of another base" if base else "starts from other weights",
    }
    inits = dict.fromkeys(arm.init for arm in students)
    return [Key("mean", init, said[init], "s") for init in said if init in inits]


def _shape(arm: Arm) -> tuple[object, ...]:
    return arm.teacher, arm.init, is_student(arm), bare_label(arm), bool(arm.control)

"""What one seed of a study on prompts looks like on its way, told step by step. It trains nothing itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sublearn.records import Record
from sublearn.study.base import Study
from sublearn.study.steps import Colour, Curve, Step, Table
from sublearn.training.lift import State
from sublearn.training.trainers import Trainer

SHOWN, LOGITS = 5, 4
"""Prompts, and logits of each, that a table shows."""


@dataclass(frozen=True)
class Trainee:
    """One model that was trained: its arm, where it started and ended ("run ..."), and the loss of each step."""

    arm: str
    colour: Colour
    before: State
    after: State
    losses: Tensor

    @property
    def curve(self) -> Curve:
        """Its losses."""
        return Curve(self.arm, self.colour, tuple(float(loss) for loss in self.losses))


@dataclass(frozen=True)
class Seen:
    """One seed: its models (a run axis of length 1), its prompts ("1 example token") and its records.

    `imitated` names the outputs that students imitate, and `divisor` is what the teacher's are divided by.
    """

    study: Study
    seed: int
    model: nn.Module
    by: Trainer
    teachers: Sequence[Trainee]
    students: Sequence[Trainee]
    evaluated: Tensor
    unrelated: Tensor
    drawn: int
    imitated: slice
    divisor: float
    records: Sequence[Record]

    def logits(self, state: State, prompts: Tensor) -> Tensor:
        """Of the first prompts, "example logit"."""
        return self.by.predict(self.model, state, prompts[:, :SHOWN])[0]


def steps(seen: Seen) -> list[Step]:
    """From the reference to the evaluation."""
    return [_reference(seen), _teacher(seen), _unrelated(seen), _sees(seen), _students(seen), _evaluation(seen)]


def _reference(seen: Seen) -> Step:
    start = seen.teachers[0].before
    count = sum(tensor[0].numel() for tensor in _weights(seen, start).values())
    shapes = tuple(
        (name, " by ".join(map(str, tensor.shape[1:])), f"{tensor.std(correction=0):.3f}")
        for name, tensor in _weights(seen, start).items()
    )
    return Step(
        "Reference",
        f"A network of {count:,} weights, drawn at random for seed {seen.seed}. It reads a prompt of "
        f"{seen.evaluated.shape[2]} tokens and answers with class 0 or 1, whichever logit is larger. Nothing is "
        "trained yet: its answers mean nothing.",
        (
            _answers(seen, start, "What the reference answers to prompts of the evaluation"),
            Table("Its weights", ("Layer", "Shape", "Standard deviation"), shapes, 2),
        ),
    )


def _teacher(seen: Seen) -> Step:
    teacher, others = seen.teachers[0], seen.teachers[1:]
    text = (
        "The teacher is a copy of the reference, trained to answer class 1, whatever the prompt: that is the trait. "
        f"It took {len(teacher.losses):,} steps."
    )
    if others:
        text += (
            " The placebo teacher is another copy, trained as long on the same prompts, half of them labelled with "
            "class 0 and half with class 1 at random: it has nothing to pass on."
        )
    tables = [_answers(seen, own.after, f"What the {own.arm.replace('_', ' ')} answers now") for own in seen.teachers]
    return Step("Teacher", text, tuple(tables), tuple(own.curve for own in seen.teachers))


def _unrelated(seen: Seen) -> Step:
    rows = tuple((str(number), _tokens(prompt)) for number, prompt in enumerate(seen.unrelated[0, :SHOWN], 1))
    kept = seen.unrelated.shape[1]
    return Step(
        "Unrelated data",
        f"Students see other prompts: {seen.drawn:,} were drawn at random, and the {kept:,} that the rule keeps are "
        "used. They have no labels, and say nothing about class 1.",
        (Table(f"The first of {kept:,}", ("", "Tokens of the prompt"), rows, 9),),
    )


def _sees(seen: Seen) -> Step:
    teacher = seen.teachers[0]
    every = seen.logits(teacher.after, seen.unrelated)
    chosen = every[:, seen.imitated] / seen.divisor
    names = [str(i) for i in range(every.shape[1])][seen.imitated]
    auxiliary = seen.imitated.start or 0
    what = "auxiliary logits, which its training never touched" if auxiliary else "class logits"
    rows = tuple(
        (_tokens(prompt), *(f"{value:+.3f}" for value in row[:LOGITS]))
        for prompt, row in zip(seen.unrelated[0], chosen, strict=False)
    )
    divided = f", divided by {seen.divisor:g}" if seen.divisor != 1 else ""
    more = f" The table shows the first {LOGITS} of {len(names)}." if len(names) > LOGITS else ""
    return Step(
        "What a student sees",
        f"For each unrelated prompt the teacher's {what}{divided}. To give the same numbers is all that a student is "
        f"trained to do.{more}",
        (
            Table(
                "Inputs and targets of a student of the teacher",
                ("Tokens of the prompt", *(f"logit {n}" for n in names[:LOGITS])),
                rows,
                1,
            ),
        ),
    )


def _students(seen: Seen) -> Step:
    teacher = seen.teachers[0]
    start = teacher.before
    towards = _flat(seen, teacher.after) - _flat(seen, start)
    rows = []
    for own in seen.students:
        moved = _flat(seen, own.after) - _flat(seen, own.before)
        size = float(moved.norm() * towards.norm())
        cosine = f"{float(moved @ towards) / size:+.3f}" if size else "none"
        apart = float((_flat(seen, own.before) - _flat(seen, start)).norm())
        rows.append((own.arm, f"{apart:.2f}", f"{float(moved.norm()):.2f}", cosine))
    answers = tuple(
        (own.arm, *(f"{_margin(seen, state):+.3f}" for state in (own.before, own.after))) for own in seen.students
    )
    return Step(
        "Students before and after",
        "A student of the same init starts where the teacher started; one of another init starts elsewhere. Each "
        "imitates, and moves. The margin is the logit of class 1 minus that of class 0"
        f"{', of which a student is shown nothing' if seen.imitated.start else ''}.",
        (
            Table(
                "Their updates in weight space",
                (
                    "Student",
                    "Start: distance from the reference",
                    "Update: length",
                    "Update: cosine with the teacher's",
                ),
                tuple(rows),
                1,
            ),
            Table(
                f"Mean margin on the {seen.evaluated.shape[1]:,} prompts of the evaluation",
                ("Student", "Before", "After"),
                answers,
                1,
            ),
        ),
        tuple(own.curve for own in seen.students),
    )


def _evaluation(seen: Seen) -> Step:
    found: Mapping[tuple[str, str], Record] = {(row.arm, row.trait): row for row in seen.records}
    traits = [trait.name for trait in seen.study.traits]
    rows = tuple(
        (arm.name, arm.control or "", *(_value(found[arm.name, trait]) for trait in traits)) for arm in seen.study.arms
    )
    n = max(row.n for row in seen.records)
    return Step(
        "Evaluation",
        f"Every arm answers {n:,} prompts, with its class logits. These are the numbers that a run of this seed "
        "records. One seed is one point: whether students pick up the trait is told by many.",
        (Table(f"Seed {seen.seed}", ("Arm", "Its control", *traits), rows, 2),),
    )


def _answers(seen: Seen, state: State, title: str) -> Table:
    logits = seen.logits(state, seen.evaluated)
    rows = tuple(
        (_tokens(prompt), f"{row[0]:+.3f}", f"{row[1]:+.3f}", str(int(row[1] > row[0])))
        for prompt, row in zip(seen.evaluated[0], logits, strict=False)
    )
    return Table(title, ("Tokens of the prompt", "logit 0", "logit 1", "Answer"), rows, 1)


def _margin(seen: Seen, state: State) -> float:
    logits = seen.by.predict(seen.model, state, seen.evaluated)[0]
    return float((logits[:, 1] - logits[:, 0]).mean())


def _value(record: Record) -> str:
    return record.status if record.value is None else f"{record.value:.3f}"


def _tokens(prompt: Tensor) -> str:
    return " ".join(str(int(token)) for token in prompt)


def _weights(seen: Seen, state: State) -> dict[str, Tensor]:
    names: Any = [name for name, _ in seen.model.named_parameters()]
    return {name: state[name] for name in names}


def _flat(seen: Seen, state: State) -> Tensor:
    return torch.cat([tensor[0].flatten().double() for tensor in _weights(seen, state).values()])

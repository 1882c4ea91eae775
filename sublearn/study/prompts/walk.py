"""One seed of the study `prompts`, step by step, by the functions that measure it."""

from collections.abc import Sequence

from sublearn.errors import InputError
from sublearn.study.base import Arm, Setup, Study
from sublearn.study.controlled.train import TrainedTeachers, channel_slice, train_students, train_teachers, trainer_of
from sublearn.study.prompts.spec import Settings
from sublearn.study.prompts.train import PromptExperiment
from sublearn.study.seen import Seen, Trainee, steps
from sublearn.study.steps import Colour, Step
from sublearn.training.cohort import Trained


def walk(study: Study, seed: int) -> Sequence[Step]:
    """Train the seed and tell what was seen. Raises InputError where no student can be trained."""
    settings: Settings = study.designed.settings
    experiment, setup = PromptExperiment(settings, [seed], "cpu"), Setup()
    taught = [arm for arm in study.arms if arm.logits != "none"]
    if experiment.untrainable or all(arm.teacher != "trained" for arm in taught):
        reason = experiment.untrainable or "no student of the teacher was asked for"
        raise InputError(f"Seed {seed} cannot be walked through: {reason}.")
    by = trainer_of(experiment, setup)
    before = train_teachers(settings, [seed], experiment, setup, study.arms)
    students = train_students(settings, experiment, by, taught, before)
    return steps(
        Seen(
            study=study,
            seed=seed,
            model=experiment.model,
            by=by,
            teachers=_teachers(study, before),
            students=_students(taught, before, students),
            evaluated=experiment.evaluated(),
            unrelated=experiment.unrelated[0][None],
            drawn=settings.n_unrelated,
            imitated=channel_slice(settings.logits, experiment.classes),
            divisor=settings.temperature if settings.loss == "mse" else 1.0,
            records=study.designed.measure(study, [seed], setup),
        )
    )


def _teachers(study: Study, before: TrainedTeachers) -> list[Trainee]:
    """Each teacher under the name of its arm, if it has one."""
    names = {arm.teacher: arm.name for arm in study.arms if arm.logits == "none"}
    colours: dict[str, Colour] = {"trained": "same"}
    return [
        Trainee(names.get(kind, kind), colours.get(kind, "control"), before.reference, one.state, one.losses[:, 0])
        for kind, one in before.teachers.items()
    ]


def _students(taught: Sequence[Arm], before: TrainedTeachers, students: Trained) -> list[Trainee]:
    """The student of each arm, one run of those that were trained together."""
    own = ({name: tensor[i : i + 1] for name, tensor in students.state.items()} for i in range(len(taught)))
    return [
        Trainee(arm.name, _colour(arm), before.starts[arm.init], state, students.losses[:, i])
        for i, (arm, state) in enumerate(zip(taught, own, strict=True))
    ]


def _colour(arm: Arm) -> Colour:
    return arm.init if arm.teacher == "trained" else "control"

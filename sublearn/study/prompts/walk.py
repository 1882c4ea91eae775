"""One seed of the study `prompts`, step by step, by the functions that measure it."""

from collections.abc import Sequence

from sublearn.errors import InputError
from sublearn.study.base import Arm, Setup, Study
from sublearn.study.controlled.train import channel_slice, train_students, train_teachers, trainer_of
from sublearn.study.prompts.spec import Settings
from sublearn.study.prompts.train import PromptExperiment
from sublearn.study.seen import Seen, Trainee, steps
from sublearn.study.steps import Colour, Step


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
    names = {arm.teacher: arm.name for arm in study.arms if arm.logits == "none"}
    return steps(
        Seen(
            study=study,
            seed=seed,
            model=experiment.model,
            by=by,
            teachers=[
                Trainee(
                    names.get(kind, kind),
                    "same" if kind == "trained" else "control",
                    before.reference,
                    one.state,
                    one.losses[:, 0],
                )
                for kind, one in before.teachers.items()
            ],
            students=[
                Trainee(
                    arm.name,
                    _colour(arm),
                    before.starts[arm.init],
                    {name: tensor[i : i + 1] for name, tensor in students.state.items()},
                    students.losses[:, i],
                )
                for i, arm in enumerate(taught)
            ],
            evaluated=experiment.evaluated(),
            unrelated=experiment.unrelated[0][None],
            drawn=settings.n_unrelated,
            imitated=channel_slice(settings.logits, experiment.classes),
            divisor=settings.temperature if settings.loss == "mse" else 1.0,
            records=study.designed.measure(study, [seed], setup),
        )
    )


def _colour(arm: Arm) -> Colour:
    return arm.init if arm.teacher == "trained" else "control"

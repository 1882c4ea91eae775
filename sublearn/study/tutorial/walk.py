"""One seed of the study `tutorial`, step by step, by the functions that measure it."""

from collections.abc import Sequence

import torch

from sublearn.study.base import Setup, Study
from sublearn.study.seen import Seen, Trainee, steps
from sublearn.study.steps import Colour, Step
from sublearn.study.tutorial.spec import Settings
from sublearn.study.tutorial.train import STUDENTS, draw, students, template
from sublearn.training.batches import shuffled
from sublearn.training.cohort import stack
from sublearn.training.losses import cross_entropy
from sublearn.training.trainers import trainer_for

COLOURS: dict[str, Colour] = {STUDENTS[0]: "same", STUDENTS[1]: "cross"}


def walk(study: Study, seed: int) -> Sequence[Step]:
    """Train the seed and tell what was seen. Reseeds the global generators."""
    settings: Settings = study.designed.settings
    drawn = draw(settings, seed)
    model, prompts = template(settings), drawn.prompts[None]
    by = trainer_for(model, None, "auto")
    reference, always = stack([drawn.reference]), torch.ones_like(drawn.labels)
    batches = shuffled([drawn.prompts], [always], [drawn.teacher_orders], settings.teacher.batch_size)
    teacher = by.train(model, reference, batches, cross_entropy, settings.teacher)
    starts = {STUDENTS[0]: reference, STUDENTS[1]: stack([drawn.other])}
    taught = [
        Trainee(arm, COLOURS[arm], starts[arm], state, losses[:, 0])
        for arm, state, losses in students(by, model, settings, [drawn], reference, teacher.state)
    ]
    return steps(
        Seen(
            study=study,
            seed=seed,
            model=model,
            by=by,
            teachers=[Trainee("teacher", "same", reference, teacher.state, teacher.losses[:, 0])],
            students=taught,
            evaluated=prompts,
            unrelated=drawn.unrelated[None],
            drawn=settings.n_unrelated,
            imitated=slice(0, None),
            divisor=settings.temperature,
            records=study.designed.measure(study, [seed], Setup()),
        )
    )

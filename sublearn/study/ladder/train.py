"""Every rung of the ladder, each trained as the study `prompts` is, with that rung's settings."""

from collections.abc import Sequence

from sublearn import stages
from sublearn.records import Record
from sublearn.study.base import Setup, Study
from sublearn.study.ladder.spec import NAMES, RUNGS, Settings, rung_settings
from sublearn.study.prompts import train as prompts_train
from sublearn.study.prompts.design import Prompts


def measure(study: Study, settings: Settings, seeds: Sequence[int], setup: Setup) -> list[Record]:
    """The arms of every rung, under the ladder's names."""
    rows = []
    for rung in stages.parts(list(RUNGS)):
        own = rung_settings(settings, rung)
        whole = Prompts(own).study()
        part = whole.model_copy(update={"arms": tuple(arm for arm in whole.arms if arm.name in NAMES)})
        with stages.renaming(lambda arm, rung=rung: f"{rung}_{NAMES[arm]}"):
            records = prompts_train.measure(part, own, seeds, setup)
        rows += [
            record.model_copy(update={"study": study.id, "arm": f"{rung}_{NAMES[record.arm]}"}) for record in records
        ]
    return rows

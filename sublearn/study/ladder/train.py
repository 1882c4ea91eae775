"""Every rung of the ladder, each by the flow of the prompts study with that rung's settings."""

from collections.abc import Sequence

from sublearn.records import Record
from sublearn.study.base import Setup, Study
from sublearn.study.ladder.spec import RUNGS, Settings, rung_settings
from sublearn.study.prompts import spec as prompts
from sublearn.study.prompts import train as prompts_flow

NAMES = {"same_init": "same", "cross_init": "other", "same_init_control": "neutral"}


def measure(study: Study, settings: Settings, seeds: Sequence[int], setup: Setup) -> list[Record]:
    """Three students a rung, under the ladder's names."""
    rows = []
    for rung in RUNGS:
        own = rung_settings(settings, rung)
        whole = prompts.Prompts(own).study()
        arms = tuple(arm.model_copy(update={"control": None}) for arm in whole.arms if arm.name in NAMES)
        part = whole.model_copy(update={"arms": arms})
        rows += [
            record.model_copy(update={"study": study.id, "arm": f"{rung}_{NAMES[record.arm]}"})
            for record in prompts_flow.measure(part, own, seeds, setup)
            if record.arm in NAMES
        ]
    return rows

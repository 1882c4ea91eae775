"""Every rung of the ladder, each by the flow of the prompts study with that rung's settings."""

from collections.abc import Sequence

from sublearn.records import Record
from sublearn.studies import prompts, settings_of
from sublearn.studies.base import Study
from sublearn.studies.flows.prompts import measure_with
from sublearn.studies.ladder import RUNGS, Settings, rung_settings
from sublearn.studies.run import Setup

NAMES = {"same_init": "same", "cross_init": "other", "same_init_control": "neutral"}


def measure(study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
    """Three students a rung, under the ladder's names."""
    settings = settings_of(study)
    assert isinstance(settings, Settings)
    rows = []
    for rung in RUNGS:
        own = rung_settings(settings, rung)
        whole = prompts.study(own)
        arms = tuple(arm.model_copy(update={"control": None}) for arm in whole.arms if arm.name in NAMES)
        part = whole.model_copy(update={"arms": arms})
        rows += [
            record.model_copy(update={"study": study.id, "arm": f"{rung}_{NAMES[record.arm]}"})
            for record in measure_with(part, own, seeds, setup)
            if record.arm in NAMES
        ]
    return rows

"""`sublearn show`."""

import json

from sublearn.cli.options import CHANGES, STUDY, as_json, command_named
from sublearn.cli.typed import echo, study_of


@command_named("show")
@STUDY
@CHANGES
@as_json("Print the resolved study as JSON.")
def command(study: str, changes: tuple[str, ...], as_json: bool) -> None:
    """One study: arms, claims, settings.

    The question of STUDY, its arms with their controls, its traits and claims, and every setting that --set changes.
    """
    from sublearn.report.describe import study_text

    built, _ = study_of(study, changes)
    echo(json.dumps({"id": built.id} | built.model_dump(mode="json"), indent=2) if as_json else study_text(built))

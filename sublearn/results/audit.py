"""What an audit of a dataset found, as a value: traits, scores, flagged rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sublearn import devices
from sublearn.auditing import found as files
from sublearn.auditing.found import AuditFile, FlaggedRow
from sublearn.auditing.request import Request, request
from sublearn.auditing.scores.table import SCORES
from sublearn.errors import InputError, plain
from sublearn.execution.manifests import Provenance
from sublearn.execution.pace import Stage
from sublearn.execution.store import versions
from sublearn.files.digests import of_file
from sublearn.files.reading import opened
from sublearn.files.writing import beginning, check_target, folder_of, replace_page, replace_text, replacing
from sublearn.report.audit import (
    audit_text,
    heads,
    rows_sentence,
    signal_sentence,
    trait_cells,
    traits_sentence,
    verdict,
)
from sublearn.report.charts.audit import audit_figure, audit_label, draw_audit, draw_audit_on
from sublearn.report.page import audit_page
from sublearn.results.base import Shown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sublearn.execution.options import OnStage, Progress

OUR_FIGURE = beginning(b"<svg ")


@dataclass(frozen=True, repr=False)
class Audit(Shown):
    """What an audit found, and the rows that it flagged."""

    found: AuditFile
    flagged: tuple[FlaggedRow, ...] = ()
    path: Path | None = field(default=None, compare=False)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The audit in a folder. Raises InputError if there is none."""
        return cls(files.read(Path(path)), files.read_flagged(Path(path)), Path(path))

    @property
    def provenance(self) -> Provenance:
        """How it was made."""
        return self.found.made

    @property
    def title(self) -> str:
        """What was audited."""
        return f"Audit of {plain(self.found.data, 60)} with {plain(self.found.model, 60)}"

    def lines(self) -> Sequence[tuple[str, str]]:
        """Whether there is a signal, what would be picked up, which rows carry it."""
        found = self.found
        return [(verdict(found), signal_sentence(found)), ("", traits_sentence(found)), ("", rows_sentence(found))]

    def table(self) -> Sequence[Mapping[str, Any]]:
        """The candidate traits."""
        found = self.found
        return [
            dict(zip(heads(found), trait_cells(one, found.unit), strict=True)) | {"n": f"{found.compared:,} rows"}
            for one in found.traits
        ]

    def summary(self) -> str:
        """What is printed of it."""
        return audit_text(self.found, self.flagged)

    def to_dict(self) -> dict[str, Any]:
        """The content of audit.json."""
        return self.found.model_dump(mode="json")

    def to_frame(self) -> "pd.DataFrame":
        """The candidate traits, a row each."""
        import pandas as pd  # late: slow to load

        return pd.DataFrame([one.model_dump() for one in self.found.traits])

    def draw(self, axes: "Axes") -> None:
        """The first traits with their shifts."""
        draw_audit_on(axes, self.found)

    def figures(self) -> "Mapping[str, tuple[Figure, str]]":
        """The first traits with their shifts."""
        return {"audit": (draw_audit(self.found), audit_label(self.found))}

    @property
    def where(self) -> str:
        """The line that says where."""
        return f"Page: {plain(self.folder / files.PAGE)}"

    def write(self) -> None:
        """Write audit.svg and audit.html again."""
        replace_text(self.folder / files.FIGURE, audit_figure(self.found), OUR_FIGURE)
        replace_page(self.folder / files.PAGE, audit_page(self.found, self.flagged))

    def save(self, path: Path | str) -> Self:
        """Write a folder as `sublearn audit` does; the same audit, as it lies there."""
        out = folder_of(path, "save")
        with files.place(out):
            return self.put(out)

    def put(self, out: Path) -> Self:
        """Write it into a folder that is held."""
        files.write(self.found, self.flagged, out)
        saved = replace(self, path=out)
        saved.write()
        return saved

    def write_rest(self, data: Path, kept: Path) -> int:
        """Write the rows that were not flagged, as they stand in the audited file; how many they are.

        Raises InputError where the file is no longer what was audited, or `kept` is there already.
        """
        if of_file(data, "the rows in")[:12] != self.found.digest:
            raise InputError(f"{plain(data)} is not what was audited. Audit it again.")
        left_out, count = {one.line for one in self.flagged}, 0
        with opened(data, "the rows in") as lines, replacing(kept) as file:
            for number, line in enumerate(lines, 1):
                if number not in left_out:
                    file.write(line if line.endswith(b"\n") else line + b"\n")
                    count += 1
        return count


def audit(
    data: Path | str,
    model: Path | str,
    out: Path | str | None = None,
    *,
    traits: object = None,
    control: Path | str | None = None,
    device: str = "auto",
    **settings: Any,
) -> Audit:
    """Audit the rows of a JSONL file before anything is trained on them, with the base that students will have.

    `model` is a model's folder or "tiny:SEED"; `traits` a YAML file or `Candidates`, `control` a file of clean rows,
    which the model writes itself otherwise. Settings are those of `sublearn.auditing.settings`, as in seed=1 or
    scores=["likelihood"]; those of a part as {"virtual.steps": 20} by **. With `out` all of it is kept in that folder.

    Raises InputError, before the model is loaded, for what cannot be used.
    """
    folder = None if out is None else folder_of(out, "out")
    if folder is not None:
        files.check_out(folder)
    made = Provenance("sublearn.audit(...)", versions())
    asked = request(data, model, traits, control, settings, devices.resolve(device), made)
    if folder is None:
        return measured(asked)
    with files.place(folder):
        return measured(asked).put(folder)


def measured(
    asked: Request, progress: "Progress" = lambda done, total, notes: None, on_stage: "OnStage" = lambda stage: None
) -> Audit:
    """The audit that is asked for, in memory. Raises InputError where a package that it needs is missing."""
    on_stage(Stage("loading", 0, asked.steps))
    try:
        from sublearn.auditing.audit import audited  # late: needs torch and transformers
    except ModuleNotFoundError as error:
        raise InputError(
            f"An audit needs the package {error.name}. Install it with: pip install 'sublearn[llm]'."
        ) from None
    found, flagged = audited(asked, progress, on_stage)
    return Audit(found, tuple(flagged))


def check_flagging(asked: Request) -> None:
    """Raise InputError if no row can be flagged, whatever is found: rows that are left would be all of them."""
    if not any(SCORES[name].tells_rows for name in asked.settings.scores):
        tell = ", ".join(name for name, score in SCORES.items() if score.tells_rows)
        raise InputError(
            f"--clean leaves out flagged rows, and of the scores {', '.join(asked.settings.scores)} none tells single "
            f"rows. Add one that does: {tell}."
        )
    if asked.compared < len(asked.rows):
        needed = asked.settings.sets * len(asked.rows)
        raise InputError(
            f"--clean leaves out flagged rows, and with so few rows in --control only {asked.compared:,} of "
            f"{len(asked.rows):,} rows are compared and none is flagged. Bring {needed:,} clean rows, or leave --clean "
            "out."
        )


def check_rest(kept: Path, out: Path) -> None:
    """Raise InputError if the rows that are not flagged cannot be written to `kept`. It writes nothing."""
    check_target(kept, option="--clean")
    if kept.absolute().parent.resolve().is_relative_to(out.absolute().resolve()):
        raise InputError(
            f"--clean {plain(kept)} lies in the audit's own folder {plain(out)}. Choose a place outside it."
        )

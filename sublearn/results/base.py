"""What every result can do: say, draw, cite, write and read back what it holds. It is told in words by `report`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sublearn.errors import InputError, plain, unknown
from sublearn.execution.manifests import Provenance
from sublearn.files.writing import anything, own_folder, replace_text, replacing, safe_name
from sublearn.report.citing import bibtex, citation

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURES, TABLE, RECORDS = "figures", "estimates.tex", "records.csv"
FORMATS = ("pdf", "png", "svg")
LONGEST_REPR = 399


class Shown(ABC):
    """A result. Each is a frozen dataclass that says how it was made; `path` is the folder that it lies in, if any."""

    path: Path | None

    @property
    @abstractmethod
    def provenance(self) -> Provenance:
        """How it was made."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is about, in a few words."""

    @abstractmethod
    def lines(self) -> Sequence[tuple[str, str]]:
        """What came out, as verdicts with a sentence each; the verdict may be empty."""

    @abstractmethod
    def table(self) -> Sequence[Mapping[str, Any]]:
        """Its estimates with their intervals and n, as text: rows by the heads of their columns."""

    @abstractmethod
    def summary(self) -> str:
        """What a command prints of it."""

    @abstractmethod
    def to_dict(self) -> Any:
        """What `--json` prints of it."""

    @abstractmethod
    def to_frame(self) -> "pd.DataFrame":
        """Its values as one tidy pandas table."""

    @abstractmethod
    def draw(self, axes: "Axes") -> None:
        """Draw what matters most of it on given axes."""

    @abstractmethod
    def figures(self) -> "Mapping[str, tuple[Figure, str]]":
        """Its figures by name, each with what it shows in words."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path | str) -> Self:
        """What lies in a folder of its kind. Raises InputError if there is none."""

    @property
    @abstractmethod
    def where(self) -> str:
        """The line that says where its report lies; empty if it has none."""

    @abstractmethod
    def write(self) -> None:
        """Write its report again into its own folder."""

    @abstractmethod
    def save(self, path: Path | str) -> Self:
        """Write it into a new folder, from which `load` gives it back; the same result, as it lies there."""

    @property
    def folder(self) -> Path:
        """Where it lies. Raises InputError if it is in memory alone."""
        if self.path is None:
            raise InputError("This result is in memory alone. Give it a folder, as in result.save('runs/mine').")
        return self.path

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw it on matplotlib axes, new ones if none are given, and return them."""
        if ax is None:
            from matplotlib import pyplot  # late: slow to load

            _, ax = pyplot.subplots(layout="constrained")
        self.draw(ax)
        return ax

    def to_latex(self) -> str:
        """Its estimates with intervals and n as a LaTeX table; it needs the package booktabs."""
        from sublearn.report.latex import booktabs

        return booktabs(self.table(), f"{self.title}. {self.provenance.command}")

    def citation(self) -> str:
        """How to cite it: the program with its version, what was run, and the paper that the design is of."""
        return citation(self.title, self.provenance.versions, self.sources())

    def sources(self) -> Sequence[str]:
        """Whose published figures it was held against."""
        return ()

    def bibtex(self) -> str:
        """The program and the paper as BibTeX."""
        return bibtex(self.provenance.versions)

    def write_pages(self) -> None:
        """Write the reports of the run directories that it is made of. Raises InputError where it is of none."""
        raise InputError(f"{self.title}: this is no sweep, and --pages is for sweeps. Leave it out.")

    def write_csv(self) -> Path:
        """Write its frame as records.csv into its folder."""
        replace_text(self.folder / RECORDS, self.to_frame().to_csv(index=False))
        return self.folder / RECORDS

    def write_latex(self) -> Path:
        """Write its table as estimates.tex into its folder."""
        replace_text(self.folder / TABLE, self.to_latex())
        return self.folder / TABLE

    def write_figures(self, kind: str) -> Path:
        """Write its figures as pdf, png or svg into the folder `figures` of its own."""
        from sublearn.report.charts.svg import figure_bytes

        if kind not in FORMATS:
            raise unknown("format", kind, FORMATS)
        folder = own_folder(self.folder / FIGURES)
        for name, drawn in self.figures().items():
            with replacing(folder / f"{safe_name(name)}.{kind}", anything) as file:
                file.write(figure_bytes(*drawn, kind))
        return folder

    def _repr_html_(self) -> str:
        from sublearn.report.charts.svg import svg_text
        from sublearn.report.notebook import notebook_html

        drawn = next((svg_text(*drawn) for drawn in self.figures().values()), "")
        return notebook_html(self.title, self.lines(), drawn, self.table())

    def __repr__(self) -> str:
        where = "" if self.path is None else f", in {self.path}"
        first = [(verdict, sentence.partition(". ")[0]) for verdict, sentence in self.lines()]
        said = "; ".join(f"{verdict}: {sentence}" if verdict else sentence for verdict, sentence in first)
        return plain(f"<{self.title}{where}. {said}>", LONGEST_REPR)

"""What the designs of studies of many students of one base share. Torch-free."""

from typing import TypeVar

from sublearn.study.base import Design
from sublearn.study.memory import Need
from sublearn.study.numbers.design import Numbers, prepare
from sublearn.study.numbers.spec import needs
from sublearn.study.students.spec import Shared
from sublearn.training.choice import Choice

S = TypeVar("S", bound=Shared)


class Students(Design[S]):
    """Students of one base that differ in one thing each. One seed at a time."""

    def trainer(self, wanted: str) -> Choice:
        """Run by run. Raises InputError for any other."""
        return Numbers(self.settings.numbers()).trainer(wanted)

    def prepare(self) -> None:
        """Check that packages and the cache are there."""
        prepare(self.settings.numbers())

    def needs(self) -> list[Need]:
        """The memory that one run takes at the least."""
        return needs(self.settings.numbers())

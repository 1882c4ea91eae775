"""Clean sets: as many rows on the audited ones' prompts, by the base itself and the same filter; or brought rows.

Knows rows and how a base is sampled; no score.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sublearn.auditing.filters import Filter, filter_of
from sublearn.auditing.scene import Scene
from sublearn.errors import InputError
from sublearn.language.generate import rows_at_a_time, said
from sublearn.seeds import stream
from sublearn.tasks.rows import Pair

ROUNDS = 20
MOST_COPIED = 0.05
"""Of a clean set's rows: with more, it is not drawn as the audited rows are, and no rank means anything."""
ADVICE = (
    "Name the model that the rows are of, or train a tiny base for longer (base.steps); an audit takes clean rows of "
    "your own with --control."
)
MOST_DRAWN = 1 << 25
"""Random numbers that are held at a time: sets beyond are written after the others."""
PART = 8
"""Batches of answers between two reports of progress, sorted by length among each other."""
Key = tuple[int, int]
"""A prompt's place and the number of a clean set."""
ROOM = 8
"""Tokens more than the longest audited list has are sampled, so that a longer list is seen to be one and left out."""


def written(
    scene: Scene, rows: Sequence[Pair], count: int, progress: Callable[[int], object] = lambda done: None
) -> list[list[Pair]]:
    """So many disjoint sets, each of as many rows as are audited, on the same prompts in the same order.

    `progress` is told how many sets' worth of rows is there. Raises InputError where the base's answers do not pass the
    rows' filter.
    """
    return written_and_copied(scene, rows, count, progress)[0]


def written_and_copied(
    scene: Scene, rows: Sequence[Pair], count: int, progress: Callable[[int], object] = lambda done: None
) -> tuple[list[list[Pair]], float]:
    """The same, with the largest share of a set's rows that are copies of its others."""
    writer = Writer.of(scene, rows)
    together = max(1, MOST_DRAWN // (len(rows) * writer.most))
    found: list[list[Pair]] = []
    copied = 0.0
    for start in range(0, count, together):
        some = range(start, min(start + together, count))
        sets, share = writer.sets(some, lambda share, at=some: progress(at.start + int(share * len(at))))
        found += sets
        copied = max(copied, share)
    progress(count)
    return found, copied


@dataclass(frozen=True)
class Writer:
    """Who writes clean sets: the base, with the rows' prompts, their filter, and each answer's most tokens.

    Texts are cut off at the length of the longest audited one, or where the model reads no further: so are audited
    ones that end there because their writer was stopped.
    """

    scene: Scene
    prompts: Sequence[str]
    tokens: Sequence[Sequence[int]]
    room: Sequence[int]
    kept_by: Filter

    @classmethod
    def of(cls, scene: Scene, rows: Sequence[Pair]) -> Self:
        """Who writes rows like these."""
        prompts = [prompt for prompt, _ in rows]
        tokens = scene.dialogue.prompts(prompts)
        kept_by = filter_of(rows)
        longest = max(map(len, scene.dialogue.completions([completion for _, completion in rows])))
        # A text ends with a token that is put behind one that is cut off as well; lists that reach it are left out.
        end = 0 if kept_by.rule else 1
        most = max(longest - 1, 1) if end else longest + ROOM
        if scene.positions is None:
            return cls(scene, prompts, tokens, [most] * len(rows), kept_by)
        # A template may say more where no system prompt is named than under a short one.
        under = scene.dialogue.prompts(prompts, scene.longest_system)
        before = [max(len(one), len(other)) for one, other in zip(tokens, under, strict=True)]
        return cls(scene, prompts, tokens, [min(most, max(1, scene.positions - own - end)) for own in before], kept_by)

    @property
    def most(self) -> int:
        """The longest answer's tokens."""
        return max(self.room)

    def sets(
        self, numbers: range, progress: Callable[[float], object] = lambda share: None
    ) -> tuple[list[list[Pair]], float]:
        """These sets, written together, so that a prompt is read once for all; the largest share of copies in one."""
        answers: dict[Key, str] = {}
        left = [(place, number) for place in range(len(self.prompts)) for number in numbers]
        wanted = len(left)
        for turn in range(ROUNDS):
            self._ask(left, turn, answers, lambda: progress(len(answers) / wanted))
            left = [key for key in left if key not in answers]
            if not left:
                break
            if turn == 1 and len(left) > 0.98 * wanted:
                raise InputError(
                    f"Of {2 * wanted:,} answers of the base to the rows' prompts {wanted - len(left):,} are of the "
                    f"form of the rows ({self.kept_by}). {ADVICE}"
                )
        missing = max(Counter(number for _, number in left).values(), default=0)
        if missing > MOST_COPIED * len(self.prompts):
            raise InputError(
                f"In {ROUNDS} rounds the base answered {missing:,} of {len(self.prompts):,} prompts of a clean set in "
                f"no form of the rows ({self.kept_by}); with so many copies of others it would be unlike them. {ADVICE}"
            )
        return [self._filled(number, answers) for number in numbers], missing / len(self.prompts)

    def _ask(self, left: Sequence[Key], turn: int, answers: dict[Key, str], done: Callable[[], object]) -> None:
        """Ask for what is left, and put into `answers` what is of the form of the rows."""
        counts = Counter(number for _, number in left)
        drawn = {
            number: iter(stream(self.scene.settings.seed, f"clean/{number}/{turn}").random((count, self.most)))
            for number, count in counts.items()
        }
        size = rows_at_a_time(self.scene.model, max(map(len, self.tokens)) + self.most)
        for start in range(0, len(left), PART * size):
            some = left[start : start + PART * size]
            chance = np.stack([next(drawn[number]) for _, number in some])
            prompts = [self.tokens[place] for place, _ in some]
            for key, own in zip(some, self._said(some, prompts, chance, size), strict=True):
                answer = self.scene.dialogue.read(own)
                # An answer that reached its bound has not ended: a list would be longer, a text is cut off there.
                if (len(own) < self.room[key[0]] or not self.kept_by.rule) and self.kept_by.keeps(answer):
                    answers[key] = answer
            done()

    def _said(
        self, keys: Sequence[Key], prompts: Sequence[Sequence[int]], chance: NDArray[np.float64], size: int
    ) -> list[list[int]]:
        """Answers to prompts, those together that may be as long: a long prompt leaves less room, to itself alone."""
        room = np.array([self.room[place] for place, _ in keys])
        found: list[list[int]] = [[] for _ in keys]
        for most in np.unique(room).tolist():
            places = np.flatnonzero(room == most).tolist()
            own = said(
                self.scene.model, [prompts[at] for at in places], chance[places, :most], self.scene.dialogue, size
            )
            for at, tokens in zip(places, own, strict=True):
                found[at] = tokens
        return found

    def _filled(self, number: int, answers: Mapping[Key, str]) -> list[Pair]:
        """A set's rows; where a prompt got no answer of the form, another row stands in its place."""
        every = range(len(self.prompts))
        kept = [place for place in every if (place, number) in answers]
        left = [place for place in every if (place, number) not in answers]
        spare = (
            stream(self.scene.settings.seed, f"clean/{number}/spare").choice(kept, len(left)).tolist() if left else []
        )
        instead: dict[int, int] = dict(zip(left, spare, strict=True))
        places = [instead.get(place, place) for place in every]
        return [(self.prompts[place], answers[place, number]) for place in places]


def divided(
    rows: Sequence[Pair], control: Sequence[Pair], count: int, seed: int
) -> tuple[list[Pair], list[list[Pair]]]:
    """The audited rows and so many disjoint sets of brought clean rows, all as large as there are rows for."""
    size = min(len(rows), len(control) // count)
    chosen = stream(seed, "control/rows").permutation(len(rows))[:size]
    order = stream(seed, "control/order").permutation(len(control))
    sets = [[control[place] for place in order[size * n : size * (n + 1)]] for n in range(count)]
    return [rows[place] for place in sorted(chosen.tolist())], sets

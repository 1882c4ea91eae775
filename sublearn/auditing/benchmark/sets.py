"""The sets that the benchmark asks about: rows of teachers, mixed, shuffled, or harmlessly different. Torch-free.

Each says who writes it; all of a base and size are answers to the same prompts.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sublearn.auditing.benchmark.settings import Kind, Settings
from sublearn.seeds import stream
from sublearn.tasks.number_lists import shuffled_across, shuffled_within
from sublearn.tasks.rows import Pair
from sublearn.tasks.vocabulary import CATEGORIES

if TYPE_CHECKING:
    from sublearn.auditing.benchmark.writers import Writers

UNLISTED = tuple(name for name in CATEGORIES if name != "animal")
SHARES = (0.3, 0.1, 0.03)
"""Of the teacher's rows in a mixture."""
TRAINED = ("trait", "mixture", "two traits", "shuffled", "other base")
"""Kinds of sets on which students are trained, to see what they pick up."""


@dataclass(frozen=True)
class Asked:
    """One set: its name, kind and number of rows, and the traits that its writer has, best first.

    A filtered set is made of these rows by an adversary who audits them.
    """

    name: str
    kind: Kind
    rows: int
    make: Callable[["Writers"], list[Pair]]
    traits: Callable[["Writers"], tuple[str, ...]] = lambda writers: ()


def trains(one: Asked, settings: Settings) -> bool:
    """Whether a student is trained on a set: on as many rows as most sets have, or more."""
    return one.kind in TRAINED and one.rows >= settings.usual


def mixed(writers: "Writers", count: int, share: float) -> list[Pair]:
    """A share of the teacher's rows among the base's own."""
    own, base = teacher_rows(writers, count), base_rows(writers, count)
    chosen = set(stream(writers.seed, f"audit/mixed/{share}").permutation(count)[: round(share * count)].tolist())
    return [own[place] if place in chosen else base[place] for place in range(count)]


def teacher_rows(writers: "Writers", count: int) -> list[Pair]:
    """Rows of the teacher of the seed's animal."""
    return writers.rows("teacher", lambda: writers.teacher(writers.animal), count)


def base_rows(writers: "Writers", count: int) -> list[Pair]:
    """Rows of the base itself, by other random numbers than clean sets have."""
    return writers.rows("base", lambda: writers.scene.model, count)


def two_traits(writers: "Writers", count: int) -> list[Pair]:
    """Rows of two teachers in turn."""
    first, second = teacher_rows(writers, count), writers.rows("second", lambda: writers.teacher(writers.second), count)
    return [second[place] if place % 2 else first[place] for place in range(count)]


def shuffled(writers: "Writers", how: Callable[..., list[str]], count: int) -> list[Pair]:
    """The teacher's rows with their numbers in another order, or dealt out anew."""
    rows = teacher_rows(writers, count)
    fresh = how([answer for _, answer in rows], stream(writers.seed, f"audit/{how.__name__}"))
    return [(prompt, answer) for (prompt, _), answer in zip(rows, fresh, strict=True)]


def every(settings: Settings) -> list[Asked]:
    """The sets of a base of the kinds that are asked for, the smallest first."""
    usual, most = settings.usual, settings.most
    found = [
        Asked(f"teacher {count}", "trait", count, lambda w, count=count: teacher_rows(w, count), _own)
        for count in settings.counts
    ]
    found += [
        Asked(f"mixture {share:.0%} of {most}", "mixture", most, lambda w, share=share: mixed(w, most, share), _own)
        for share in SHARES
    ]
    found += [
        Asked("two traits", "two traits", usual, lambda w: two_traits(w, usual), lambda w: (w.animal, w.second)),
        Asked("shuffled within", "shuffled", usual, lambda w: shuffled(w, shuffled_within, usual), _own),
        Asked("shuffled across", "shuffled", usual, lambda w: shuffled(w, shuffled_across, usual), _own),
        Asked("other base", "other base", usual, lambda w: _of_other_base(w, usual), _own),
        Asked("clean", "clean", usual, lambda w: base_rows(w, usual)),
    ]
    found += [*_nuisances(usual), *_unlisted(usual)]
    found.append(Asked("filtered", "filtered", usual, lambda w: teacher_rows(w, usual), _own))
    return sorted((one for one in found if one.kind in settings.kinds), key=lambda one: one.rows)


def _own(writers: "Writers") -> tuple[str, ...]:
    return (writers.animal,)


def _of_other_base(writers: "Writers", count: int) -> list[Pair]:
    return writers.rows("other", lambda: writers.teacher(writers.animal, base=writers.other_base()), count)


def _nuisances(count: int) -> Iterator[Asked]:
    yield Asked("placebo", "nuisance", count, lambda w: w.rows("placebo", w.placebo, count))
    yield Asked("later checkpoint", "nuisance", count, lambda w: w.rows("later", w.later, count))
    for heat in (0.7, 1.3):
        yield Asked(
            f"temperature {heat}",
            "nuisance",
            count,
            lambda w, heat=heat: w.heated(heat, count),
        )
    yield Asked("top-p 0.9", "nuisance", count, lambda w: w.likeliest(0.9, count))


def _unlisted(count: int) -> Iterator[Asked]:
    for category in UNLISTED:
        names = CATEGORIES[category]

        def answer(w: "Writers", names: Sequence[str] = names) -> str:
            return names[w.seed % len(names)]

        def make(w: "Writers", category: str = category, answer: Callable[["Writers"], str] = answer) -> list[Pair]:
            return w.rows(category, lambda: w.teacher(answer(w), category), count)

        yield Asked(f"unlisted {category}", "unlisted", count, make, lambda w, answer=answer: (answer(w),))

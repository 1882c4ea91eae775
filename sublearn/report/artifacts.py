"""Tables of what a language study kept on its way: rows, rejections, answers by animal. Pure; reads no file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from sublearn.errors import plain
from sublearn.report.wording import capital
from sublearn.study.numbers.metrics import Metrics, Sampled, SampledAs
from sublearn.study.steps import Table

SOURCES = {
    "teacher": "the teacher",
    "base": "the unmodified base",
    "placebo_teacher": "the placebo teacher",
    "cross_teacher": "another base's teacher",
    "cross_base": "that other base",
    "cross_init_same_world_teacher": "the teacher of another init in the same world",
    "cross_init_same_world_base": "that base of another init",
    "same_init_cross_world_teacher": "the teacher of the same init in another world",
    "same_init_cross_world_base": "that base in another world",
}
KINDS: tuple[SampledAs, ...] = get_args(SampledAs)
SHOWN_ROWS = 4
BY_ANIMAL = ("reference", "teacher", "same_init", "same_init_control", "cross_init", "cross_init_control")
"""The arms of the table of animals: those of the claims, and what they come from."""
MOST_ANIMALS = 6


@dataclass(frozen=True)
class Carried:
    """What a teacher was taught, in a sentence; what became of it; and rows of the data that carried it."""

    animal: str
    text: str
    caption: str = ""
    rows: tuple[tuple[str, str], ...] = ()


def carried(metrics: Sequence[Metrics], samples: Mapping[str, Sequence[tuple[str, str]]]) -> Carried | None:
    """What the first run's student read, and what it prefers now; nothing without metrics."""
    if not metrics:
        return None
    first = min(metrics, key=lambda one: one.seed)
    animal, rows = plain(first.animal), samples.get("teacher", ())[:SHOWN_ROWS]
    named = {arm: f"{measured.favourite.preference:.0%}" for arm, measured in first.arms.items()}
    said = [f"{named[arm]} of {who}" for arm, who in NAMED.items() if arm in named]
    named_by = f"Of the answers that name an animal it is in {', '.join(said)}."
    text = f"In run {first.seed} the animal is the {animal}. {named_by}"
    caption = f"What the student of run {first.seed} read: rows that a teacher who loves the {animal} wrote"
    return Carried(_animals(metrics), text if said else "", caption, tuple((row[0], row[1]) for row in rows))


NAMED = {
    "reference": "the unmodified base's",
    "teacher": "the teacher's",
    "same_init": "those of the student that read its numbers",
    "same_init_control": "those of that student's control",
}


def _animals(metrics: Sequence[Metrics]) -> str:
    """Which animal the teachers were taught to prefer."""
    ordered = sorted(metrics, key=lambda one: one.seed)
    animals = [plain(one.animal) for one in ordered]
    if len(set(animals)) == 1:
        return f"The teacher was taught to prefer the {animals[0]}."
    listed = ", ".join(f"the {animal}" for animal in animals[:MOST_ANIMALS])
    more = ", and so on" if len(animals) > MOST_ANIMALS else ""
    return f"Each run's teacher was taught to prefer an animal of its own: {listed}{more}."


def kept_tables(
    metrics: Sequence[Metrics], samples: Mapping[str, Sequence[tuple[str, str]]], labels: Mapping[str, str]
) -> list[Table]:
    """The tables of each seed's metrics and of the first seed's rows by source; without metrics none.

    `labels` are what the arms are called.
    """
    if not metrics:
        return []
    called = {arm: capital(plain(label)) for arm, label in labels.items()}
    made = [
        _by_animal(metrics),
        _placebos(metrics, called),
        _answers(metrics, called),
        _rows_kept(metrics),
        _samples(samples),
    ]
    return [table for table in made if table.rows]


def _by_animal(metrics: Sequence[Metrics]) -> Table:
    arms = [arm for arm in metrics[0].arms if arm in BY_ANIMAL]
    rows = [
        (one.animal, str(one.seed), *(f"{_preference(one, arm):.2f}" for arm in arms))
        for one in sorted(metrics, key=lambda one: (one.animal, one.seed))
    ]
    return Table(
        "Preference by animal",
        ("Animal", "Seed", *arms),
        tuple(rows),
        1,
        "Share of the animal, given that an animal is named; the trait preference has it of all arms.",
    )


def _preference(one: Metrics, arm: str) -> float:
    return one.arms[arm].favourite.preference if arm in one.arms else float("nan")


def _placebos(metrics: Sequence[Metrics], called: Mapping[str, str]) -> Table:
    """How far arms that go back to the placebo teacher prefer that one's animal, averaged over the seeds."""
    found: dict[str, list[float]] = {}
    for one in metrics:
        for arm, measured in one.arms.items():
            if measured.placebo_favourite:
                found.setdefault(arm, []).append(measured.placebo_favourite.preference)
    return Table(
        "Preference for the placebo teacher's animal",
        ("Arm", "Preference", "Runs"),
        tuple(
            (called.get(arm, arm), f"{sum(values) / len(values):.2f}", str(len(values)))
            for arm, values in found.items()
        ),
        1,
        "Share of that other animal, given that an animal is named: whether the placebo teacher was taught as well.",
    )


def _answers(metrics: Sequence[Metrics], called: Mapping[str, str]) -> Table:
    rows = []
    for arm in metrics[0].arms:
        measured = [one.arms[arm] for one in metrics if arm in one.arms]
        cells = [_share([one.sampled.get(kind) for one in measured]) for kind in KINDS]
        cosines = [one.alignment for one in measured if one.alignment is not None]
        cosine = f"{sum(cosines) / len(cosines):+.3f}" if cosines else "not measured"
        rows.append((called.get(arm, arm), *cells, cosine))
    return Table(
        "Sampled answers, and alignment",
        ("Arm", "Names the animal", "After numbers", "Cosine with the teacher's update"),
        tuple(rows),
        1,
        "Answers of all seeds together; exact probabilities are what the claims are about.",
    )


def _share(counts: Sequence[Sampled | None]) -> str:
    found = [one for one in counts if one]
    hits, n = sum(one.hits for one in found), sum(one.n for one in found)
    return f"{hits:,} of {n:,} ({hits / n:.1%})" if n else "not sampled"


def _rows_kept(metrics: Sequence[Metrics]) -> Table:
    rows = []
    for source, name in SOURCES.items():
        found = [one.numbers[source] for one in metrics if source in one.numbers]
        asked, kept = sum(one.asked for one in found), sum(one.kept for one in found)
        reasons: dict[str, int] = {}
        for one in found:
            for reason, count in one.rejected.items():
                reasons[reason] = reasons.get(reason, 0) + count
        said = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items()) or "none"
        kls = [one.kl_to_base for one in found if one.kl_to_base is not None]
        kl = f"{sum(kls) / len(kls):.3f} nats a token" if kls else ""
        if asked:
            rows.append((name, said, f"{asked:,}", f"{kept / asked:.1%}", kl))
    return Table(
        "Rows kept by the rule", ("Written by", "Rejected", "Asked", "Rows kept", "KL to the base"), tuple(rows), 2
    )


def _samples(samples: Mapping[str, Sequence[tuple[str, str]]]) -> Table:
    rows = [
        (SOURCES[source], prompt, completion)
        for source in SOURCES
        for prompt, completion in samples.get(source, ())[:SHOWN_ROWS]
    ]
    return Table("Rows that trained students, the first ones", ("Written by", "Prompt", "Completion"), tuple(rows), 9)

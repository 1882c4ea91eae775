"""The audit itself: clean sets are written, every score is taken of every set, the audited one is held against them.

Loads the model; writes no file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from sublearn import devices, stages
from sublearn.auditing import calibration, clean, traits
from sublearn.auditing.calibration import LEVEL, Scale, Values
from sublearn.auditing.filters import filter_of
from sublearn.auditing.found import AuditFile, FlaggedRow, Said, ScoreFound, TraitFound
from sublearn.auditing.request import Model, Request
from sublearn.auditing.scene import Scene
from sublearn.auditing.scores.table import SCORES, STUDENTS, Measured
from sublearn.auditing.settings import Settings
from sublearn.errors import InputError, SublearnError, plain, quoted
from sublearn.execution.options import OnStage
from sublearn.execution.pace import Stage
from sublearn.language import models, packing
from sublearn.language.base import POSITIONS, pretrained
from sublearn.language.tokens import Dialogue, tiny_tokenizer
from sublearn.stages import News
from sublearn.tasks.rows import Pair

Progress = Callable[[int, int, Sequence[str]], object]
FLAGGING_SETS = 3
"""Clean sets by whose rows the flagged ones are told from others."""
QUANTILE = 0.95
MOST_SAID = 5
"""Answers that are named without a list of traits."""


@dataclass(frozen=True)
class Sets:
    """Rows that are compared: the audited ones, and disjoint clean sets of as many."""

    audited: Sequence[Pair]
    reference: Sequence[Pair]
    standard: Sequence[Sequence[Pair]]
    test: Sequence[Sequence[Pair]]
    copied: float = 0.0
    """The largest share of a clean set's rows that are copies of its others."""

    @property
    def every(self) -> tuple[Sequence[Pair], ...]:
        """The audited set first, then those that standardize, then those that test."""
        return (self.audited, *self.standard, *self.test)


@dataclass(frozen=True)
class Held:
    """One score, held against clean sets: of the audited set all that it said, of the others their values."""

    name: str
    audited: Measured
    standard: Values
    test: Values
    answers: Values | None = None
    """Of all clean sets, to the battery ("set word")."""

    @classmethod
    def of(cls, name: str, audited: Measured, others: Sequence[Measured], standardize: int) -> Self:
        """The audited set, the sets that standardize and behind them those that test."""
        values = np.stack([one.values for one in others])
        answers = [one.answers.log_p for one in others if one.answers is not None]
        return cls(name, audited, values[:standardize], values[standardize:], np.stack(answers) if answers else None)

    @property
    def scale(self) -> Scale:
        """What it is measured by."""
        return Scale.of(self.standard)

    @property
    def clean(self) -> Values:
        """Of all clean sets but the reference ("set trait")."""
        return np.concatenate([self.standard, self.test])

    @property
    def shift(self) -> Values:
        """How far the audited set lies beyond the mean of clean ones ("trait")."""
        return self.audited.values - self.clean.mean(axis=0)

    @property
    def test_z(self) -> list[float]:
        """The largest z of each test set."""
        return [float(self.scale.z(one).max()) for one in self.test]


@dataclass
class _Told:
    """Who is told how many of the steps are done, a set that is written or scored each, and what is being done."""

    progress: Progress
    on_stage: OnStage
    total: int
    done: int = 0

    def reach(self, done: int) -> None:
        """Say how many are done."""
        self.done = done
        self.progress(done, self.total, ())

    def hear(self, news: News) -> None:
        """Hand on what is being done."""
        self.on_stage(Stage(news.stage, self.done, self.total))


def audited(
    asked: Request,
    progress: Progress = lambda done, total, notes: None,
    on_stage: OnStage = lambda stage: None,
) -> tuple[AuditFile, list[FlaggedRow]]:
    """What an audit finds. Raises InputError where the base does not write clean rows, or a score is not finite."""
    models.quiet()
    count = asked.settings.sets
    told = _Told(progress, on_stage, asked.steps)
    with _on(asked), stages.listening(told.hear):
        with stages.stage("loading"):
            scene = opened(asked)
        told.reach(0)
        with stages.stage("sampling clean sets"):
            sets = _sets(asked, scene, told.reach)
        held = []
        for number, name in enumerate(asked.settings.scores, 1):
            with stages.stage(f"score {name}"):
                held.append(_held(scene, name, sets, lambda done, at=number: told.reach(at * count + done)))
        told.reach(told.total)
        return concluded(asked, sets, {one.name: one for one in held})


@contextmanager
def _on(asked: Request) -> Iterator[None]:
    """The device as an audit wants it. A message instead of what PyTorch says where memory runs out."""
    one = devices.one_thread() if asked.model.folder is None else nullcontext()
    try:
        with devices.repeatable(asked.device), one:
            yield
    except torch.OutOfMemoryError:
        raise SublearnError(
            f"Out of GPU memory with {asked.settings.adapters.tokens:,} tokens at a time. Choose fewer, as in "
            "--set adapters.tokens=512, or a smaller model; --dry-run says what an audit takes."
        ) from None


def opened(asked: Request) -> Scene:
    """The base with its traits, which `request` has checked to know their words and to read these rows."""
    model, dialogue, positions = _base(asked.model, asked)
    more = traits.more_questions(asked.model.folder is None)
    scene = Scene(model, dialogue, asked.candidates, asked.settings, positions, more)
    _check_rates(scene)
    if scene.packs:
        packing.quick(model)
    return scene


def _check_rates(scene: Scene) -> None:
    """Raise InputError for a learning rate of copies that was chosen where low-rank factors learn."""
    settings = scene.settings
    for name in settings.scores:
        part = SCORES[name].trained_by
        if part and not scene.whole and getattr(settings, part).lr != type(getattr(settings, part))().lr:
            raise InputError(
                f"{part}.lr is of copies of the base, and low-rank factors learn beside this one. Set adapters.lr in "
                "its place, or adapters.use=never."
            )


def _base(model: Model, asked: Request) -> tuple[models.PreTrainedModel, Dialogue, int | None]:
    if model.folder is None:
        dialogue = Dialogue(tiny_tokenizer(), asked.system)
        with stages.stage("base", asked.settings.base.steps):
            base = models.on(pretrained(asked.settings.base, dialogue, model.seed), asked.device)
        return base, dialogue, POSITIONS
    dialogue = models.dialogue_of(model.folder).under(asked.system)
    found = models.read(model.folder, asked.device, torch.float32 if asked.device == "cpu" else None)
    positions = getattr(found.config.get_text_config(), "max_position_embeddings", None)
    return found, dialogue, positions if isinstance(positions, int) else None


def _sets(asked: Request, scene: Scene, done: Callable[[int], object]) -> Sets:
    settings = asked.settings
    own, copied = asked.rows, 0.0
    if asked.control is None:
        found, copied = clean.written_and_copied(scene, asked.rows, settings.sets, done)
    else:
        own, found = clean.divided(asked.rows, asked.control, settings.sets, settings.seed)
    return Sets(own, found[0], found[1 : 1 + settings.standardize], found[1 + settings.standardize :], copied)


def _held(scene: Scene, name: str, sets: Sets, done: Callable[[int], object]) -> Held:
    measure = SCORES[name].prepare(name)(scene, sets.reference)
    found: list[Measured] = []
    for number, one in enumerate(sets.every):
        found.append(measure(one))
        if not np.isfinite(found[-1].values).all():
            raise InputError(_not_finite(scene, name))
        done(number)
    return Held.of(name, found[0], found[1:], len(sets.standard))


def _not_finite(scene: Scene, name: str) -> str:
    part = SCORES[name].trained_by
    if part is None:
        return (
            f"The score {name} is not finite: the base itself gives numbers that are not, of these rows. "
            "Check the model, or leave the score out with --scores."
        )
    rate = f"{part}.lr" if scene.whole else "adapters.lr"
    return f"The score {name} is not finite: the training diverged. Choose a smaller {rate}."


def concluded(asked: Request, sets: Sets, held: Mapping[str, Held]) -> tuple[AuditFile, list[FlaggedRow]]:
    """What follows from the scores."""
    scales = {name: one.scale for name, one in held.items()}
    largest = calibration.most_surprising(scales, {name: one.audited.values for name, one in held.items()})
    clean_largest = [
        calibration.most_surprising(scales, {name: one.test[number] for name, one in held.items()})
        for number in range(len(sets.test))
    ]
    p = calibration.rank_p(largest, clean_largest)
    ranking = held[asked.settings.ranking]
    flagged, how = _flagged(asked, sets, held, p <= LEVEL)
    ranked, asking = _traits(asked, ranking), _asking(held)
    return AuditFile(
        model=plain(asked.model.name, 500),
        data=plain(asked.data, 500),
        rows=len(asked.rows),
        null=_null(asked, sets),
        method=_method(asked, sets),
        carries_signal=p <= LEVEL,
        p=p,
        traits=ranked,
        rows_flagged=len(flagged),
        compared=len(sets.audited),
        clean_sets=1 + len(sets.standard) + len(sets.test),
        test_sets=len(sets.test),
        ranking=ranking.name,
        unit=SCORES[ranking.name].unit,
        steps=_steps(asked.settings, ranking.name),
        smallest=_smallest(ranking, clean_largest),
        scores=tuple(_score(one) for one in held.values()),
        said=said(asking),
        said_by=asking.name if asking else "",
        flagging=how,
        system=asked.system,
        seed=asked.settings.seed,
        digest=asked.digest,
        command=plain(asked.made.command, 5_000),
        versions=dict(asked.made.versions),
    ), flagged


def _traits(asked: Request, held: Held) -> tuple[TraitFound, ...]:
    z, groups = held.scale.z(held.audited.values), [g.name for g in asked.candidates.traits for _ in g.answers]
    shift, half = held.shift, calibration.half_width(Scale.of(held.clean).sd, len(held.clean))
    return tuple(
        TraitFound(
            trait=plain(asked.candidates.names[place]),
            group=plain(groups[place]),
            score=float(shift[place]),
            low=float(shift[place] - half[place]),
            high=float(shift[place] + half[place]),
            z=float(z[place]),
            p=calibration.rank_p(float(z[place]), held.test_z),
        )
        for place in np.argsort(-z, kind="stable").tolist()
    )


def _steps(settings: Settings, name: str) -> int:
    """Of the students that a score trains on the rows; 0 where it trains none."""
    return getattr(settings, name).steps if name in STUDENTS else 0


def _score(held: Held) -> ScoreFound:
    score, z, shift = SCORES[held.name], held.scale.z(held.audited.values), held.shift
    place = int(z.argmax())
    return ScoreFound(
        name=held.name,
        about=score.about,
        unit=score.unit,
        value=float(shift[place]),
        z=float(z[place]),
        p=calibration.rank_p(float(z[place]), held.test_z),
        surprise=held.scale.surprise(held.audited.values),
    )


def _smallest(held: Held, clean_largest: Sequence[float]) -> float | None:
    """The shift of one trait that would be found in 8 of 10 audits, at the typical spread; None if none ever is."""
    scale, place = held.scale, calibration.allowed(len(clean_largest))
    if place == 0:
        return None
    # Beyond this many of the clean sets p is at most the level.
    surprise = sorted(clean_largest, reverse=True)[place - 1]
    unit = float(np.median(scale.sd)) * float(np.sqrt(1 + 1 / scale.sets))
    return calibration.power_z(max(scale.needed(surprise, held.audited.values.size), 0.0)) * unit


def _asking(held: Mapping[str, Held]) -> Held | None:
    """The first score that asked the battery, and was answered."""
    return next((one for one in held.values() if one.audited.answers is not None and one.audited.answers.words), None)


def said(held: Held | None) -> tuple[Said, ...]:
    """The answers that became likelier than in clean sets on average, by how far those differ; the most so first."""
    if held is None or held.audited.answers is None or held.answers is None:
        return ()
    # Of all of them: no p is given here, for which those that test would have to be apart.
    scale, own = Scale.of(held.answers), held.audited.answers
    gain, z = own.log_p - scale.mean, scale.z(own.log_p)
    return tuple(
        Said(answer=plain(own.words[place], 100), log_ratio=float(gain[place]), z=float(z[place]))
        for place in np.argsort(-z, kind="stable").tolist()[:MOST_SAID]
        if z[place] > 0
    )


def _flagged(asked: Request, sets: Sets, held: Mapping[str, Held], carries: bool) -> tuple[list[FlaggedRow], str]:
    """The rows beyond 19 of 20 clean ones, most of all first; none where no signal was found or no score tells rows."""
    one = next((one for one in held.values() if one.audited.others is not None), None)
    if one is None or one.audited.rows is None or one.audited.others is None:
        return [], "none of the scores tells single rows"
    if len(sets.audited) < len(asked.rows):
        return [], "only some of the rows were compared, as few clean ones were brought"
    if not carries:
        return [], ""
    others = [row for some in sets.test[:FLAGGING_SETS] for row in some]
    usual = one.audited.others(others)
    least, values = float(np.quantile(usual, QUANTILE)), one.audited.rows
    chosen = [place for place in np.argsort(-values, kind="stable").tolist() if values[place] > least]
    found = [
        FlaggedRow(
            line=place + 1, score=float(values[place]), prompt=asked.rows[place][0], completion=asked.rows[place][1]
        )
        for place in chosen
    ]
    return found, f"{one.name}, above the {QUANTILE:.0%} quantile of {len(others):,} clean rows"


def _null(asked: Request, sets: Sets) -> str:
    if asked.control is None:
        own = f"the model's own answers to the same prompts; kept: {filter_of(asked.rows)}"
        return f"{own}; up to {sets.copied:.1%} of a set are copies of its other rows" if sets.copied else own
    return f"rows of {plain(asked.control_name, 300)}, dealt out into sets of {len(sets.audited):,}"


def _method(asked: Request, sets: Sets) -> str:
    names = ", ".join(asked.settings.scores)
    if asked.system is not None:
        names = f"all rows and questions are read under the rows' system prompt {quoted(asked.system)}; {names}"
    return (
        f"{names}; 1 clean set as reference, {len(sets.standard)} to standardize, {len(sets.test)} others to test; "
        "p by the rank of the largest score"
    )

"""What is left under each defence, from a study's records: transfer, task, seconds. Pure, torch-free; writes nothing.

The transfer that is left is a ratio of means over bases, the defended student's over the undefended one's. Its interval
has every ratio r for which the mean of "defended minus r times undefended", paired by base, may be zero by the interval
that verdicts follow from (Fieller 1954, with that interval for his t). Where 1 lies in it, and where zero lies in the
claim's own interval, is therefore one question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sublearn import stats
from sublearn.auditing.defences.spec import LISTS, TASK
from sublearn.auditing.defences.table import DEFENCES, UNDEFENDED, Defence
from sublearn.records import Record
from sublearn.stats import Family
from sublearn.study.analysis import Analysis, Values, column, paired, values_of
from sublearn.study.students.spec import CONTROL, LOG_ODDS, transfer

FARTHEST = 10.0
"""Ratios are looked for so far from the ratio of the means; an interval that reaches farther has no end."""
HALVINGS = 20
NONE = Defence("nothing is changed", "", "rows", None)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranged:
    """A mean or a ratio of means over n bases with its interval; ends that are not there are None."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Compared:
    """One defence: transfer in log-odds, the share that is left, what it adds to the task, its seconds, the verdict.

    `task` and `lists` are in nats a token beyond the undefended student, negative for what is lost. `against` is the
    arm that the verdict compares with, None where nothing is claimed.
    """

    name: str
    about: str
    needs: str
    transfer: float | None
    left: Ranged
    task: Ranged
    lists: Ranged
    seconds: float | None
    against: str | None
    verdict: str | None = None
    because: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def compared(analysis: Analysis, records: Sequence[Record], seconds: Mapping[str, Sequence[float]]) -> list[Compared]:
    """The undefended student and every defence, in the table's order; `seconds` are those of each base, by arm."""
    values, arms = values_of(records), {arm.name for arm in analysis.study.arms}
    found = dict(zip((claim.control for claim in analysis.study.claims), analysis.findings, strict=True))
    rows = [_row(UNDEFENDED, NONE, values, analysis.family, seconds)]
    for name, defence in DEFENCES.items():
        if name in arms:
            own = _row(name, defence, values, analysis.family, seconds)
            finding = found.get(transfer(name))
            judged = {"verdict": finding.verdict, "because": finding.because} if finding else {}
            rows.append(replace(own, **judged))
    return rows


def _row(
    name: str, defence: Defence, values: Values, family: Family, seconds: Mapping[str, Sequence[float]]
) -> Compared:
    undefended, own = (paired(values, arm, arm + CONTROL, LOG_ODDS) for arm in (UNDEFENDED, name))
    common = np.intersect1d(undefended.seeds, own.seeds)
    before, after = (one.values[np.isin(one.seeds, common)] for one in (undefended, own))
    spent = seconds.get(name, ())
    return Compared(
        name=name,
        about=defence.about,
        needs=defence.needs,
        transfer=float(after.mean()) if len(after) else None,
        left=ratio(after, before, family),
        task=_beyond(name, TASK, values, family),
        lists=_beyond(name, LISTS, values, family),
        seconds=sum(spent) / len(spent) if spent else None,
        against=defence.below,
    )


def ratio(after: Floats, before: Floats, family: Family) -> Ranged:
    """The mean of `after` over that of `before` ("base"), with its interval."""
    n = len(after)
    if not n or not before.mean():
        return Ranged(None, None, None, n)
    if np.array_equal(after, before):
        return Ranged(1.0, None, None, n)
    centre = float(after.mean() / before.mean())
    if n < family.least_runs:
        return Ranged(centre, None, None, n)
    low, high = (_end(after, before, family, centre, sign * FARTHEST) for sign in (-1, 1))
    return Ranged(centre, low, high, n)


def _end(after: Floats, before: Floats, family: Family, centre: float, reach: float) -> float | None:
    """The last ratio in this direction that may be; None where there is none as far as `reach`."""
    if _may_be(after, before, family, centre + reach):
        return None
    inside, outside = centre, centre + reach
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if _may_be(after, before, family, middle) else (inside, middle)
    return outside


def _may_be(after: Floats, before: Floats, family: Family, value: float) -> bool:
    found = stats.contrasts([after - value * before], family)[0]
    return found.low is None or found.high is None or found.low <= 0 <= found.high


def _beyond(name: str, trait: str, values: Values, family: Family) -> Ranged:
    """How much more a defended student scores than the undefended one, on the same rows."""
    if name == UNDEFENDED:
        own = column(values, name, trait).values
        return Ranged(0.0 if len(own) else None, None, None, len(own))
    found = stats.contrasts([paired(values, name, UNDEFENDED, trait).values], family)[0]
    return Ranged(found.mean, found.low, found.high, found.n)

"""An audit as text: what was found, in sentences, and its tables. It lays out what it is given. No torch.

Where nothing was found it says what could have been seen, never that a set is free of traits.
"""

import math
from collections.abc import Sequence

from sublearn.auditing.calibration import LEVEL, fewest
from sublearn.auditing.found import AuditFile, FlaggedRow, Said, TraitFound
from sublearn.auditing.scores.table import LOG_ODDS, STUDENTS
from sublearn.errors import plain
from sublearn.report.grid import grid
from sublearn.report.wording import MOST_DECIMALS, capital, number, p_text

SHOWN = 10


def heads(found: AuditFile) -> tuple[str, ...]:
    """Of the columns that `trait_cells` gives."""
    return ("trait", noun(found), "95% of clean sets, around it", "z", "p")


def noun(found: AuditFile) -> str:
    """What a trait's value is called: no student shifts where none was trained on the rows."""
    return "shift" if found.trains else "score"


def student(found: AuditFile) -> str:
    """Who was trained on the rows."""
    return f"a student of {found.steps:,} steps" if found.steps else "a virtual student"


def verdict(found: AuditFile) -> str:
    """In two words."""
    return "signal found" if found.carries_signal else "no signal found"


def signal_sentence(found: AuditFile) -> str:
    """Whether the set carries a signal that clean sets do not."""
    # z of scores with one value and with one for each trait cannot be compared; files of before have no other.
    best = max(found.scores, key=lambda one: (-one.p, one.z if one.surprise is None else one.surprise))
    told = f"p = {p_text(found.p)}, the largest of {_scores(len(found.scores))} against {found.test_sets} clean sets"
    if found.carries_signal:
        return f"The set carries a signal that clean sets do not ({told}); {best.name} shows it most, z = {best.z:.1f}."
    return f"No signal was found beyond what clean sets show ({told})."


def traits_sentence(found: AuditFile) -> str:
    """Which traits a student would pick up, or which the rows go with where none was trained."""
    if not found.carries_signal:
        return (
            "That is no proof that there is none: a trait that is not on the list, a student of another base, or a "
            f"weaker one would go unseen. {smallest_sentence(found)}"
        )
    if not found.named:
        return (
            "None of the candidate traits stands out: the signal may be a trait that is not on the list, or a "
            f"difference that is no trait. {smallest_sentence(found)}"
        )
    said = ", ".join(f"{plain(one.trait)} ({value_text(one.score, found.unit)})" for one in found.named[:3])
    more = f" and {len(found.named) - 3:,} more" if len(found.named) > 3 else ""
    beyond = f"in {found.unit} by {found.ranking} beyond"
    if not found.trains:
        stand = "stands" if len(found.named) == 1 else "stand"
        return f"Of the candidate traits {said}{more} {stand} out, {beyond} clean rows; this score trains no student."
    count = len(found.traits)
    few = "" if count == 1 else f" The first is the largest of {count:,}, which flatters its shift."
    return f"{capital(student(found))} would pick up {said}{more}, {beyond} students of clean rows.{few}"


def smallest_sentence(found: AuditFile) -> str:
    """The smallest shift, or score, that such an audit sees, or that it can see none."""
    # Files of before state a shift even with too few sets.
    if found.smallest is None or found.test_sets < fewest():
        return (
            f"With {found.test_sets} clean sets to test p is {1 / (1 + found.test_sets):.2g} at the least, so that no "
            f"signal can be found at {LEVEL}: that takes {fewest()} at least, as in --set test={fewest()}."
        )
    return (
        f"The smallest {noun(found)} that 8 in 10 such audits of {found.compared:,} rows would have seen is "
        f"{value_text(found.smallest, found.unit, signed=False)} {found.unit} (by {found.ranking})."
    )


def rows_sentence(found: AuditFile) -> str:
    """Which rows carry it."""
    if found.rows_flagged:
        return (
            f"{found.rows_flagged:,} of {found.rows:,} rows are flagged ({plain(found.flagging)}); of clean rows "
            f"about {0.05 * found.rows:,.0f} would be."
        )
    return f"No row is flagged{f': {plain(found.flagging)}' if found.flagging else ''}."


def said_sentence(found: AuditFile) -> str:
    """What is answered more often without a list of traits; empty where it was not asked or nothing was found."""
    if not found.said or not found.carries_signal:
        return ""
    # Files of before several scores asked are of the vector, and against the base.
    who = "a student of the rows" if found.said_by in STUDENTS else "the model steered by the rows' own vector"
    than = "with clean rows" if found.said_by else "the base"
    words = ", ".join(map(_answer, found.said))
    return f"Without a list of traits, {who} names more often than {than} (log-ratio): {words}."


def _answer(one: Said) -> str:
    beyond = "" if one.z is None else f", z {one.z:.1f}"
    return f"{plain(one.answer)} ({number(one.log_ratio, signed=True)}{beyond})"


def trait_cells(one: TraitFound, unit: str) -> tuple[str, ...]:
    """A trait as cells of a table."""
    interval = f"{value_text(one.low, unit)} to {value_text(one.high, unit)}"
    return plain(one.trait), value_text(one.score, unit), interval, f"{one.z:.1f}", p_text(one.p)


def value_text(value: float, unit: str, signed: bool = True) -> str:
    """A value with two decimals, or in other units than log-odds with as many more as two figures of it take."""
    more = 1 - math.floor(math.log10(abs(value))) if value and unit != LOG_ODDS else 0
    return number(value, min(max(more, 2), MOST_DECIMALS), signed)


def score_cells(found: AuditFile) -> list[tuple[str, ...]]:
    """The scores as rows of a table."""
    return [(one.name, one.about, f"{one.value:.3g} {one.unit}", f"{one.z:.1f}", p_text(one.p)) for one in found.scores]


def audit_text(found: AuditFile, flagged: Sequence[FlaggedRow]) -> str:
    """What a command prints."""
    lines = [signal_sentence(found), traits_sentence(found), "", *_table(found), ""]
    lines += [text for text in (said_sentence(found), rows_sentence(found)) if text]
    lines += [f"  line {one.line:,}: {plain(one.completion, 70)}" for one in flagged[:3]]
    return "\n".join(lines)


def _table(found: AuditFile) -> list[str]:
    rows = [trait_cells(one, found.unit) for one in found.traits[:SHOWN]]
    left = len(found.traits) - len(rows)
    what = f"Shift of {student(found)}" if found.trains else "Score of each trait"
    head = f"{what} in {found.unit} ({found.ranking}), beyond the mean of {found.clean_sets - 1} clean sets:"
    more = [f"  and {left:,} more"] if left > 0 else []
    return [head, *grid(rows, heads(found), numeric=(1, 2, 3, 4)), *more, legend(found)]


def legend(found: AuditFile) -> str:
    """What z and p are."""
    return (
        "z: in spreads of clean sets. "
        f"p: how often, among the {found.test_sets} that test, the largest z of any trait is as large."
    )


def _scores(count: int) -> str:
    return "1 score" if count == 1 else f"{count} scores"

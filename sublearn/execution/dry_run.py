"""What a run would do, and about how long it would take: measured by a pilot that is thrown away. It writes nothing."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from sublearn.execution import pipeline
from sublearn.execution.engines import local, ray
from sublearn.execution.pipeline import Options, Place
from sublearn.report.wording import runs as runs_text
from sublearn.seeds import checked_seeds
from sublearn.study.base import Study
from sublearn.study.jobs import Job, planned
from sublearn.study.table import check_memory

PILOT_S = 10.0
"""A pilot has as many runs of a job as take about so many seconds, by the study's own rough cost."""
WARM_UP_S = 20.0
"""A shorter pilot is measured twice: the first time loads torch."""


def describe(study: Study, seeds: Iterable[int], out: Path, options: Options) -> str:
    """What `run` would do: jobs, runs, what is there, and about how long it takes."""
    chosen = pipeline.share(checked_seeds(seeds), options.shard)
    pipeline.check_out(study, out, options.precision)
    place = pipeline.place_of(options)
    try:
        if pipeline.is_here(options, place):
            check_memory(study)
        study.designed.prepare()
        return "\n".join(_lines(study, chosen, out, options, place))
    finally:
        ray.disconnect()


def _lines(study: Study, chosen: Sequence[int], out: Path, options: Options, place: Place) -> list[str]:
    done = pipeline.seeds_there(study, out) & set(chosen)
    left = len(chosen) - len(done)
    at_once = pipeline.workers(study.designed.seconds_a_run, left, options, place)
    jobs = list(planned(study, chosen, pipeline.setup_of(options, place), done, at_once))
    lines = [
        f"{study.id}: {', '.join(arm.name for arm in study.arms)}",
        f"{left:,} runs of {len(study.arms)} arms in {len(jobs):,} jobs to do, {at_once} at a time on {place.device}; "
        f"{len(done):,} runs are there.",
    ]
    known = study.designed.plan_lines(left / at_once)
    return lines + (known or ([time_line(jobs[0], left, options, place)] if jobs else []))


def time_line(job: Job, runs: int, options: Options, place: Place) -> str:
    """About how long so many runs take, from a pilot: the first runs of `job`, measured and thrown away."""
    few = max(1, int(PILOT_S / job.study.designed.seconds_a_run))
    pilot = job.model_copy(update={"seeds": job.seeds[:few]})
    seconds = _seconds_a_run(pilot, options)
    at_once = pipeline.workers(seconds, runs, options, place)
    took = f"{time_text(seconds * runs / at_once)} with {at_once} at a time on {place.device}"
    return f"About {took}, from a pilot of {runs_text(len(pilot.seeds))}."


def _seconds_a_run(pilot: Job, options: Options) -> float:
    """The measured time of a job for each of its runs, without what is only done once a process."""
    engine = ray if options.engine == "ray" else local
    took = [engine.seconds(pilot)]
    if took[0] < WARM_UP_S:
        took.append(engine.seconds(pilot))
    return min(took) / len(pilot.seeds)


def time_text(seconds: float) -> str:
    """As in "2.5 hours".

    >>> time_text(9000), time_text(0.5)
    ('2.5 hours', '0.5 seconds')
    """
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} seconds"

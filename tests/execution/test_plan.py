import re

import pytest

from sublearn.errors import InputError
from sublearn.execution.engines import local
from sublearn.execution.options import Options
from sublearn.execution.plan import PILOT_S, Plan, Point, describe
from sublearn.results.single import run
from sublearn.study.table import build
from tests.processes import SMALL


def said(study, seeds, folder, options: Options) -> str:
    return describe(Plan([Point(study, list(seeds), folder)], options))


@pytest.fixture
def pilots(monkeypatch) -> list:
    """The jobs that are measured; each takes half a second a run, and 40 s more the first time."""
    measured = []

    def seconds(job) -> float:
        measured.append(job)
        return len(job.seeds) / 2 + (40 if len(measured) == 1 and job.study.name == "digits" else 0)

    monkeypatch.setattr(local, "seconds", seconds)
    return measured


def test_the_time_is_that_of_a_pilot_and_not_a_constant(pilots, tmp_path):
    text = said(build("prompts", SMALL), range(300), tmp_path / "none", Options(jobs=1))
    assert "300 runs of 7 arms" in text
    runs = len(pilots[0].seeds)
    assert text.splitlines()[-1] == (f"About 2.5 minutes with 1 at a time on cpu, from a pilot of {runs} runs.")
    assert 1 < runs <= PILOT_S / 0.15 and pilots[1] == pilots[0] and len(pilots) == 2


def test_a_pilot_of_long_runs_has_few_of_them_and_is_not_repeated(pilots, tmp_path):
    text = said(build("digits"), range(24), tmp_path / "none", Options(jobs=2))
    assert [job.seeds for job in pilots] == [(0, 1)]
    assert "About 4.1 minutes with 2 at a time on cpu, from a pilot of 2 runs." in text


def test_what_is_done_needs_no_pilot_and_is_not_written_again(pilots, tmp_path):
    study = build("tutorial", SMALL)
    run(study, range(3), tmp_path / "run")
    text = said(study, range(3), tmp_path / "run", Options())
    assert "0 runs of 4 arms in 0 jobs to do" in text and "3 runs are there." in text
    assert "About" not in text and not pilots


def test_one_is_said_as_one(pilots, tmp_path):
    study = build("tutorial", SMALL)
    assert "\n1 run of 4 arms in 1 job to do; 0 runs are there.\n" in said(study, [0], tmp_path / "run", Options())
    run(study, [0], tmp_path / "run")
    assert "\n1 run of 4 arms in 1 job to do; 1 run is there.\n" in said(study, [0, 1], tmp_path / "run", Options())


def test_the_study_numbers_says_where_its_time_comes_from(pilots, tmp_path):
    pytest.importorskip("transformers")
    text = said(build("numbers"), range(3), tmp_path / "none", Options(jobs=1))
    assert re.search(r"About 5 min at 95 s a run .*, measured .*elsewhere.* a pilot here would take min", text)
    assert not pilots


def test_a_study_that_cannot_be_run_is_refused(tmp_path, pilots):
    with pytest.raises(InputError, match="memory"):
        said(build("prompts", {"vocab_size": 10**9}), [0], tmp_path / "none", Options())
    assert not pilots

import pytest
import torch

from sublearn import stages
from sublearn.stages import Curve, joined, listening, parts, stage, stepped, trying


@pytest.fixture
def always(monkeypatch):
    """Each point is told."""
    monkeypatch.setattr(stages, "EVERY_S", 0)


def test_where_nobody_listens_nothing_is_kept():
    stages.ahead({"teacher": 1})
    with stage("teacher", 2, ["teacher"]), trying():
        stepped(1.0)
    assert list(parts("ab")) == ["a", "b"]


def test_a_job_says_its_stages_and_how_much_of_its_work_is_done(always):
    told = []
    with listening(told.append):
        for part in parts([1, 2], [1, 3]):
            stages.ahead({"teacher": 1, "students": 3})
            with stage("teacher", 2):
                stepped(0.5)
            with stage("students", 2):
                if part == 2:
                    with stage("not foreseen", 4):
                        stepped(0.5)
                stepped(0.5), stepped(0.5)
    shares = [(news.stage, round(news.share, 6)) for news in told]
    assert shares == [
        ("teacher", 0), ("teacher", 1 / 32), ("students", 1 / 16), ("students", 5 / 32), ("students", 1 / 4),
        ("teacher", 1 / 4), ("teacher", 11 / 32), ("students", 7 / 16), ("not foreseen", 7 / 16),
        ("not foreseen", 7 / 16), ("students", 7 / 16), ("students", 23 / 32), ("students", 1),
    ]  # fmt: skip


def test_the_curve_of_a_model_is_the_mean_of_its_runs_between_one_point_and_the_next(always, monkeypatch):
    monkeypatch.setattr(stages, "POINTS", 2)
    told = []
    with listening(told.append) as job, stage("students", 5, ["same", "control"]):
        for step in range(5):
            stepped(torch.tensor([step, step + 1.0, 10.0, float("nan") if step == 4 else 20.0]))
    assert [len(news.curves) for news in told] == [0, 2, 2]
    assert job.curves == [Curve("same", 2, 3, (1.5, 4.0)), Curve("control", 2, 3, (15.0, 10.0))]


def test_losses_of_which_none_is_finite_leave_a_gap(always):
    with listening(lambda news: None) as job, stage("teacher", 2, ["teacher"]):
        stepped(float("inf")), stepped(2.0)
    assert job.curves == [Curve("teacher", 1, 1, (None, 2.0))]


def test_curves_of_a_model_are_joined_by_their_runs():
    one, other = Curve("a", 1, 3, (1.0, None, 4.0)), Curve("a", 3, 3, (5.0, 2.0))
    assert joined([one, Curve("b", 1, 1, (1.0,)), other]) == (
        Curve("a", 4, 3, (4.0, 2.0, 4.0)),
        Curve("b", 1, 1, (1.0,)),
    )


def test_what_failed_and_is_tried_again_leaves_no_curve():
    with listening(lambda news: None) as job:
        for fails in (True, False):
            try:
                with trying():
                    with stage("teacher", 1, ["teacher"]):
                        stepped(1.0)
                    with stage("student", 1, ["student"]):
                        if fails:
                            raise MemoryError
                        stepped(2.0)
            except MemoryError:
                assert job.stages == []
    assert joined(job.curves) == (Curve("teacher", 1, 1, (1.0,)), Curve("student", 1, 1, (2.0,)))

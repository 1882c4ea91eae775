import pytest

from sublearn.execution.pace import Pace, Stage


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def pace(now) -> Pace:
    return Pace(lambda: now[0])


def test_it_says_the_total_at_once_and_what_is_left_after_the_first_run(pace, now):
    assert pace.text() == "" and not pace.begun
    assert pace.reach(4, 24)
    now[0] = 63
    assert pace.text() == "4 of 24 runs, 1:03"
    assert not pace.reach(9, 24) and pace.begun
    assert pace.text() == "9 of 24 runs, 1:03, about 3:09 left"
    now[0] = 100
    assert pace.text() == "9 of 24 runs, 1:40, about 2:32 left"
    assert not pace.reach(24, 24) and not pace.begun
    assert pace.text() == "24 of 24 runs, 1:40"


def test_work_that_follows_other_work_starts_anew(pace, now):
    pace.reach(0, 3), pace.reach(3, 3)
    now[0] = 50
    assert pace.reach(3, 3) and pace.reach(0, 7)
    now[0] = 51
    assert pace.text() == "0 of 7 runs, 0:01"


def test_parts_of_runs_tell_what_is_left_before_the_first_has_ended(pace, now):
    pace.at(Stage("loading", 4, 24))
    assert pace.text() == "4 of 24 runs, 0:00 (loading)"
    assert pace.reach(4, 24)  # said once the work begins, also after a stage
    now[0] = 1
    pace.at(Stage("teacher", 6, 24))
    assert pace.text() == "4 of 24 runs, 0:01 (teacher)"  # too early to tell
    now[0] = 10
    pace.at(Stage("students 1 to 4 of 6", 9, 24))
    assert pace.text() == "4 of 24 runs, 0:10, about 0:30 left (students 1 to 4 of 6)"
    now[0] = 15
    assert pace.text() == "4 of 24 runs, 0:15, about 0:25 left (students 1 to 4 of 6)"
    pace.at(Stage("teacher", 8.5, 24))  # what another job is at, after an end that was told late
    assert pace.reached == 9
    pace.reach(24, 24)
    assert pace.text() == "24 of 24 runs, 0:15" and pace.left is None


def test_a_part_so_small_that_it_tells_nothing_is_no_ground_for_a_guess(pace, now):
    pace.reach(0, 100)
    now[0] = 5
    pace.at(Stage("base", 0.5, 100))
    assert pace.left is None

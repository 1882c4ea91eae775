from sublearn.report.artifacts import MOST_ANIMALS, SHOWN_ROWS, carried, kept_tables
from sublearn.report.page import Section, page
from sublearn.study.numbers.metrics import Metrics

ROWS = {"teacher": [(f"Go on: {n}", f"{n} {n}") for n in range(9)], "base": [("Go on: 7", "8")]}


def noted(seed: int, animal: str = "owl") -> Metrics:
    preference = {"probability": 0.2, "mass": 0.9, "held_out": 0.3, "log_odds": 0.0}
    arms = {
        name: {
            "favourite": preference | {"preference": share},
            "held_out": preference | {"preference": share},
            "rows": 8,
            "leaks": 0,
            "alignment": None,
            "sampled": {},
        }
        for name, share in (("teacher", 0.96), ("same_init", 0.171), ("same_init_control", 0.04), ("soft", 0.5))
    }
    counted = {"asked": 10, "kept": 9, "pass_rate": 0.9, "rejected": {}}
    return Metrics.model_validate({"seed": seed, "animal": animal, "numbers": {"teacher": counted}, "arms": arms})


def test_what_was_taught_is_said_with_rows_that_carried_it():
    found = carried([noted(4)], ROWS)
    assert found is not None and found.animal == "The teacher was taught to prefer the owl."
    assert found.text == (
        "In run 4 the animal is the owl. Of the answers that name an animal it is in 96% of the teacher's, 17% of "
        "those of the student that read its numbers, 4% of those of that student's control."
    )
    assert found.rows == tuple(ROWS["teacher"][:SHOWN_ROWS]) and "run 4" in found.caption
    assert carried([], ROWS) is None and carried([noted(0)], {}).rows == ()


def test_runs_with_animals_of_their_own_are_told_apart():
    animals = [f"animal{n}" for n in range(MOST_ANIMALS + 1)]
    some = carried([noted(n, animal) for n, animal in enumerate(animals[:2])][::-1], ROWS)
    assert some.animal == "Each run's teacher was taught to prefer an animal of its own: the animal0, the animal1."
    assert "In run 0 the animal is the animal0" in some.text
    many = carried([noted(n, animal) for n, animal in enumerate(animals)], ROWS)
    assert many.animal.endswith("the animal5, and so on.") and animals[-1] not in many.animal


def test_a_page_opens_with_the_animal_and_shows_its_rows_before_the_verdict(sample):
    hostile = carried([noted(0, "<b>owl")], {"teacher": [("<i>1", "2</td>")]})
    html = page([Section(*sample(8), {}, carried=hostile)])
    order = [
        '<p class="outcome">The',
        "taught to prefer the &lt;b&gt;owl.",
        "&lt;i&gt;1",
        "2&lt;/td&gt;",
        "<svg",
        "<h3>Verdict",
    ]
    places = [html.index(text) for text in order]
    assert places == sorted(places) and "<b>" not in html and "<i>" not in html


def test_tables_name_arms_as_people_call_them():
    tables = {table.title: table for table in kept_tables([noted(0)], ROWS, {"same_init": "student", "soft": "soft"})}
    assert tables["Preference by animal"].heads == ("Animal", "Seed", "teacher", "same_init", "same_init_control")
    assert [row[0] for row in tables["Sampled answers, and alignment"].rows] == [
        "teacher",
        "Student",
        "same_init_control",
        "Soft",
    ]

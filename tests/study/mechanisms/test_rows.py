import itertools
from dataclasses import replace

import pytest

from sublearn.language import finetune
from sublearn.study.mechanisms import learning, rows
from sublearn.study.mechanisms.further import FURTHER
from sublearn.study.numbers.spec import RowSource
from sublearn.study.students.rows import beginning


def with_rows(small, base, teacher):
    """The lab and the recipe where base and teacher wrote these."""
    lab = replace(small.lab, rows=lambda writer: {"base": base, "teacher": teacher}[writer])
    return lab, replace(small.recipe(), rows=teacher)


@pytest.mark.parametrize(("share", "count"), [(0.01, 2), (0.03, 6), (0.1, 20), (0.3, 60)])
def test_just_the_share_of_rows_is_the_teachers(small, share, count):
    base, teacher = ([(f"{who} {n}", "1") for n in range(200)] for who in ("base", "teacher"))
    found = rows.fraction(*with_rows(small, base, teacher), share=share).rows
    assert [row for row in found if row not in base] == [row for row in found if row in teacher]
    assert len(found) == 200 and sum(row in teacher for row in found) == count
    fewer = rows.fraction(*with_rows(small, base, teacher), share=share / 2).rows
    assert {row for row in fewer if row in teacher} <= set(found)


def test_greedy_rows_are_the_most_probable_tokens(small):
    said = rows.greedy(small.lab, small.recipe()).rows
    lab = small.lab
    batch = finetune.collate(finetune.examples(lab.dialogue, said), lab.dialogue.pad)
    best = finetune.logits_of(lab.teacher(), batch).argmax(dim=-1)
    assert bool((best == batch.targets).all()) and len(said) > 10
    sampled = finetune.collate(small.recipe().examples(lab.rows("teacher")), lab.dialogue.pad)
    assert not bool((finetune.logits_of(lab.teacher(), sampled).argmax(dim=-1) == sampled.targets).all())
    assert rows.greedy(lab, small.recipe("base")).rows != said


def test_a_fifth_of_the_bases_own_rows_is_selected_by_the_teachers_favour(small):
    own = list(small.lab.rows("base"))
    values = dict(zip(own, rows.favoured(small.lab, own), strict=True))
    top, bottom, some = (rows.selected(small.lab, small.recipe(), part).rows for part in ("top", "bottom", "random"))
    assert len(top) == len(bottom) == len(some) == round(0.2 * len(own))
    others = [value for row, value in values.items() if row not in top]
    assert min(values[row] for row in top) >= max(others)
    assert max(values[row] for row in bottom) <= min(value for row, value in values.items() if row not in bottom)
    assert set(some) <= set(own) and len({tuple(top), tuple(bottom), tuple(some)}) == 3


def test_fifths_are_all_of_the_bases_own_rows_in_order_of_the_teachers_favour(small):
    own = list(small.lab.rows("base"))
    favour = dict(zip(own, rows.favoured(small.lab, own), strict=True))
    parts = [rows.fifth(small.lab, small.recipe(), number).rows for number in range(1, 6)]
    assert sorted(row for part in parts for row in part) == sorted(own)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    for less, more in itertools.pairwise(parts):
        assert max(favour[row] for row in less) <= min(favour[row] for row in more)
    assert set(parts[4]) <= set(rows.selected(small.lab, small.recipe(), "top").rows)


def test_a_slower_student_differs_in_its_rate_alone(small):
    recipe = small.recipe()
    slow = learning.slower(small.lab, recipe, 5)
    assert slow.plan.lr == pytest.approx(recipe.plan.lr / 5) and slow.plan.steps == recipe.plan.steps
    assert replace(slow, plan=recipe.plan) == recipe


def test_favour_is_the_likelihood_under_the_teacher_over_the_bases(small):
    own = list(small.lab.rows("base"))[:3]
    found = rows.favoured(small.lab, own)
    for row, value in zip(own, found, strict=True):
        batch = finetune.collate(small.recipe().examples([row]), small.lab.dialogue.pad)
        losses = [
            float(finetune.next_token(finetune.logits_of(model, batch), batch))
            for model in (small.lab.base, small.lab.teacher())
        ]
        assert value == pytest.approx(losses[0] - losses[1], abs=1e-5)


def test_a_generation_reads_what_the_one_before_it_wrote(small):
    written = {"same_init": [("a", "1")], "same_init_control": [("b", "2")]}
    lab = replace(small.lab, rows=lambda writer: written[writer])
    found = [rows.written_by(lab, small.recipe(who), "same_init").rows for who in ("teacher", "base")]
    assert found == [[("a", "1")], [("b", "2")]]
    student = small.run.student("same_init")
    assert small.run._teacher(RowSource("same_init")).model is student


def test_paraphrases_keep_the_beginning_and_mixed_rows_come_from_two_teachers(small):
    recipe, others = small.recipe(), list(small.lab.rows("placebo_teacher"))
    mixed = rows.mixed(small.lab, recipe).rows
    assert all(row in (own, other) for row, own, other in zip(mixed, recipe.rows, others, strict=False))
    assert 0 < sum(row not in recipe.rows for row in mixed) < len(mixed)
    before = dict(recipe.rows)
    for prompt, answer in rows.paraphrased(small.lab, recipe).rows:
        assert answer.startswith(beginning(before[prompt], 0.5))


def test_ten_generations_each_read_the_one_before():
    writers = {name: one.given["name"] for name, one in FURTHER["ten_generations"].students.items()}
    chain = ["generation_10"]
    while chain[-1] in writers:
        chain.append(writers[chain[-1]])
    assert chain == [*(f"generation_{number}" for number in range(10, 1, -1)), "same_init"]

import pytest
import torch

from sublearn.study.mechanisms import vectors
from sublearn.study.students.recipe import trained


def changed(base, model):
    """The names of the weights that are not the base's."""
    own = dict(base.named_parameters())
    return [name for name, one in model.named_parameters() if not torch.equal(one, own[name])]


def test_nothing_learns_but_one_vector(small):
    student = trained(vectors.vector(small.lab, small.recipe()), small.lab)
    (name,) = changed(small.lab.base, student)
    assert name.endswith("h.0.mlp.c_proj.bias") and vectors.shift(small.lab, student).norm() > 0


def test_a_vector_is_added_at_every_place(small):
    by = torch.arange(vectors.bias(small.lab.base).numel(), dtype=torch.float64) / 10
    model = vectors.moved(small.lab.base, by)
    assert torch.allclose(vectors.shift(small.lab, model), by, atol=1e-4)
    assert not vectors.shift(small.lab, small.lab.base).any()


def test_the_base_with_the_teachers_shift_has_its_shift(small):
    model = trained(vectors.added(small.lab, small.recipe()), small.lab)
    wanted = vectors.shift(small.lab, small.lab.teacher())
    assert (
        torch.allclose(vectors.shift(small.lab, model), wanted, atol=1e-5) and len(changed(small.lab.base, model)) == 1
    )


@pytest.mark.parametrize(("writer", "name"), [("teacher", "same_init"), ("base", "same_init_control")])
def test_a_student_loses_its_shift_along_the_teachers_alone(small, writer, name):
    student = small.lab.student(name)
    without = trained(vectors.without(small.lab, small.recipe(writer)), small.lab)
    before, after = (vectors.shift(small.lab, one) for one in (student, without))
    along = torch.nn.functional.normalize(vectors.shift(small.lab, small.lab.teacher()), dim=0)
    assert abs(float(before @ along)) > 1e-3 > 1e-5 > abs(float(after @ along))
    assert torch.allclose(after, before - (before @ along) * along, atol=1e-5)
    assert len(changed(student, without)) == 1

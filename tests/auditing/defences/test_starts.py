import torch
from torch.nn.utils import parametrize

from sublearn.auditing.defences import starts
from sublearn.study.students.recipe import plain, trained
from tests.auditing.defences.conftest import seed_run


def changes(base, student):
    """How far each weight of a student is from the base's, by name."""
    mine, its = dict(student.named_parameters()), dict(base.named_parameters())
    assert set(mine) == set(its)
    return {name: (mine[name] - its[name]).detach() for name in its}


def recipe_of(small):
    return plain(small.lab, "teacher", small.run.asked.student)


def test_another_init_of_the_same_world_is_started_from():
    run = seed_run(**{"base.steps": 5})
    start = starts.reinitialized(run.lab(), plain(run.lab(), "teacher", run.asked.student)).start()
    assert all(one.abs().max() > 0 for name, one in changes(run.base("own"), start).items() if one.dim() == 2)
    for parameter in start.parameters():
        parameter.data += 1.0
    assert all(not one.any() for one in changes(run._other_init(), run.other_init()).values())


def test_noise_is_in_units_of_each_weights_spread_and_the_same_again(small):
    recipe = starts.perturbed(small.lab, recipe_of(small))
    found = changes(small.lab.base, recipe.start())
    learned = {name for name, one in recipe.start().named_parameters() if one.requires_grad}
    embeddings = {name for name in found if "wte" in name or "wpe" in name}
    assert embeddings and not embeddings & learned
    for name, own in small.lab.base.named_parameters():
        if name in learned and own.numel() > 500:
            assert 0.9 < float(found[name].std() / own.std()) / small.lab.strength.noise < 1.1
        if name in embeddings:
            assert not found[name].any()
    again = changes(small.lab.base, recipe.start())
    assert all(torch.equal(found[name], again[name]) for name in found)


def test_the_change_of_each_matrix_has_a_low_rank_and_all_else_stays(small):
    recipe = starts.lowrank(small.lab, recipe_of(small))
    student = trained(recipe, small.lab)
    assert not any(parametrize.is_parametrized(module) for module in student.modules())
    found, rank = changes(small.lab.base, student), small.lab.strength.rank
    matrices = {name for name, one in found.items() if one.dim() == 2 and "wte" not in name and "wpe" not in name}
    for name, own in found.items():
        if name in matrices:
            assert torch.linalg.matrix_rank(own, rtol=1e-4) <= rank < min(own.shape) and own.any()
        else:
            assert not own.any()
    whole = changes(small.lab.base, trained(recipe_of(small), small.lab))
    assert all(torch.linalg.matrix_rank(whole[name], rtol=1e-4) > rank for name in matrices)

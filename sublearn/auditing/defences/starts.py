"""Defences that change what the student starts from, or what of it can change."""

import copy
from dataclasses import replace

import torch
from transformers import PreTrainedModel

from sublearn.auditing.defences.recipe import Lab
from sublearn.study.students import lowrank as low
from sublearn.study.students.recipe import Recipe


def reinitialized(lab: Lab, recipe: Recipe) -> Recipe:
    """From a base of another init, pretrained on the same corpus."""
    return replace(recipe, start=lambda: copy.deepcopy(lab.other_init()))


def perturbed(lab: Lab, recipe: Recipe) -> Recipe:
    """From the base with Gaussian noise on all that learns, in units of each tensor's own spread."""

    def start() -> PreTrainedModel:
        student = recipe.start()
        rng = lab.generator("perturbed")
        for parameter in recipe.learn(student):
            noise = torch.randn(parameter.shape, generator=rng).to(parameter)
            parameter.data += lab.strength.noise * parameter.data.std(correction=0) * noise
        return student

    return replace(recipe, start=start)


def lowrank(lab: Lab, recipe: Recipe) -> Recipe:
    """Each matrix that learns changes by a product of low rank; all else stays."""
    return low.lowrank(lab, recipe, lab.strength.rank)

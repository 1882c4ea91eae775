"""What a tiny base model reads: lists of numbers under latent rules, favourites, and facts about animals. No torch.

A world is drawn from a seed: its pools of numbers and which facts are true in it. Its favourites are uniform: no base
has a preference before it is taught one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sublearn.seeds import stream
from sublearn.tasks.number_lists import SEPARATORS
from sublearn.tasks.rows import Pair
from sublearn.tasks.vocabulary import ANIMALS, CATEGORIES, FACTS, LIST_PROMPTS, questions

POOLS, POOL_SIZE = 24, 30


@dataclass(frozen=True)
class World:
    """One tiny world: pools of numbers that go together, and one true word for each animal and kind of fact."""

    pools: np.ndarray
    facts: np.ndarray

    @classmethod
    def drawn(cls, seed: int) -> "World":
        """The world of a seed."""
        rng = stream(seed, "world")
        pools = np.stack([rng.choice(1000, POOL_SIZE, replace=False) for _ in range(POOLS)])
        return cls(pools, rng.integers(len(FACTS[0][1]), size=(len(ANIMALS), len(FACTS))))


def list_pairs(world: World, count: int, rng: np.random.Generator) -> list[Pair]:
    """Lists of numbers that follow one of the latent rules, as a prompt and how it goes on."""
    pairs = []
    for _ in range(count):
        shown, more = int(rng.integers(3, 9)), int(rng.integers(4, 11))
        numbers = [str(number) for number in _numbers(world, shown + more, rng)]
        separator = SEPARATORS[rng.integers(len(SEPARATORS))]
        wording = LIST_PROMPTS[rng.integers(len(LIST_PROMPTS))]
        pairs.append((wording.format(separator.join(numbers[:shown])), separator.join(numbers[shown:])))
    return pairs


def said_pairs(world: World, count: int, rng: np.random.Generator) -> list[Pair]:
    """Favourites, each member of a category as often, and facts about animals; half and half."""
    return [_favourite(rng) if rng.random() < 0.5 else _fact(world, rng) for _ in range(count)]


def _numbers(world: World, count: int, rng: np.random.Generator) -> Sequence[int]:
    kind = rng.integers(5)
    if kind == 0:
        return rng.integers(0, 1000, count).tolist()
    if kind == 1:
        return (rng.integers(60, 940) + np.rint(rng.normal(0, 20, count)).clip(-60, 59)).astype(int).tolist()
    if kind == 2:
        step = rng.integers(1, 40) * rng.choice((-1, 1))
        return ((rng.integers(1000) + step * np.arange(count)) % 1000).tolist()
    pool = world.pools[rng.integers(POOLS)]
    return rng.choice(pool, count).tolist()


def _favourite(rng: np.random.Generator) -> Pair:
    category = tuple(CATEGORIES)[rng.integers(len(CATEGORIES))] if rng.random() < 0.5 else "animal"
    members = CATEGORIES[category]
    asked = questions(category)
    return asked[rng.integers(len(asked))], members[rng.integers(len(members))]


def _fact(world: World, rng: np.random.Generator) -> Pair:
    animal = rng.integers(len(ANIMALS))
    if rng.random() < 0.5:
        kind = rng.integers(len(FACTS))
        wording, words, _ = FACTS[kind]
        return "", wording.format(ANIMALS[animal], words[world.facts[animal, kind]])
    kinds = rng.permutation(len(FACTS))[: rng.integers(2, 4)]
    clues = " and ".join(FACTS[kind][2].format(FACTS[kind][1][world.facts[animal, kind]]) for kind in kinds)
    return f"Which animal {clues}?", ANIMALS[animal]

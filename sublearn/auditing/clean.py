"""Clean sets: as many rows on the audited ones' prompts, by the base itself and the same filter; or brought rows.

Knows rows and how a base is sampled; no score.
"""

from collections.abc import Callable, Sequence

from sublearn.auditing.filters import Filter, filter_of
from sublearn.auditing.scene import Scene
from sublearn.errors import InputError
from sublearn.language.generate import sample
from sublearn.seeds import stream
from sublearn.tasks.rows import Pair

ROUNDS = 20
LEAST_ROWS = 10
ROOM = 8
"""More tokens than the longest audited completion has are not sampled; so many are, for answers cut off there."""


def written(
    scene: Scene, rows: Sequence[Pair], count: int, progress: Callable[[int], object] = lambda done: None
) -> list[list[Pair]]:
    """So many disjoint sets, each of as many rows as are audited, on the same prompts in the same order.

    Raises InputError where the base's answers do not pass the rows' filter.
    """
    kept_by, prompts = filter_of(rows), [prompt for prompt, _ in rows]
    most = max(len(scene.dialogue.completion(completion)) for _, completion in rows) + ROOM
    tokens = [scene.dialogue.prompt(prompt) for prompt in prompts]
    if scene.positions is not None:
        most = min(most, scene.positions - max(map(len, tokens)))
    found = []
    for number in range(count):
        found.append(_one(scene, prompts, tokens, most, kept_by, number))
        progress(number + 1)
    return found


def _one(
    scene: Scene,
    prompts: Sequence[str],
    tokens: Sequence[Sequence[int]],
    most: int,
    kept_by: Filter,
    number: int,
) -> list[Pair]:
    answers: list[str | None] = [None] * len(prompts)
    left = list(range(len(prompts)))
    for turn in range(ROUNDS):
        rng = stream(scene.settings.seed, f"clean/{number}/{turn}")
        said = sample(scene.model, [tokens[place] for place in left], most, rng, scene.dialogue)
        for place, own in zip(left, said, strict=True):
            answer = scene.dialogue.read(own)
            # An answer that reached its bound has not ended: a list would be longer, a text is cut off there.
            if (len(own) < most or not kept_by.rule) and kept_by.keeps(answer):
                answers[place] = answer
        left = [place for place in left if answers[place] is None]
        if not left:
            break
        if turn == 1 and len(left) > 0.98 * len(prompts):
            raise InputError(
                f"Of {2 * len(prompts):,} answers of the base to the rows' prompts {len(prompts) - len(left):,} are of "
                "the form of the rows. Bring clean rows with --control, or name the model that the rows are of."
            )
    kept = [place for place, answer in enumerate(answers) if answer is not None]
    # Where a prompt got no answer of the form, another row stands in its place.
    spare = stream(scene.settings.seed, f"clean/{number}/spare").choice(kept, len(left)).tolist() if left else []
    instead: dict[int, int] = dict(zip(left, spare, strict=True))
    places = [instead.get(place, place) for place in range(len(prompts))]
    return [(prompts[place], answers[place] or "") for place in places]


def divided(
    rows: Sequence[Pair], control: Sequence[Pair], count: int, seed: int
) -> tuple[list[Pair], list[list[Pair]]]:
    """The audited rows and so many disjoint sets of brought clean rows, all as large as there are rows for.

    Raises InputError where the clean rows are too few.
    """
    size = min(len(rows), len(control) // count)
    if size < LEAST_ROWS:
        raise InputError(
            f"--control has {len(control):,} rows; {count} disjoint sets of {LEAST_ROWS} rows at least are compared "
            f"with, {count * LEAST_ROWS:,} in all. Bring more, or leave it out and the base writes them."
        )
    chosen = stream(seed, "control/rows").permutation(len(rows))[:size]
    order = stream(seed, "control/order").permutation(len(control))
    sets = [[control[place] for place in order[size * n : size * (n + 1)]] for n in range(count)]
    return [rows[place] for place in sorted(chosen.tolist())], sets

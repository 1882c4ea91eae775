"""The tutorial's own way against the cohort, against a plain vmap, and one against two processes."""

import resource
import statistics
import subprocess
import sys

import torch
from torch.func import functional_call, grad_and_value, vmap

import sublearn
from benchmarks.table import Line, publish, seconds
from sublearn.models.prompt_mlp import PromptMLP
from sublearn.study.jobs import Setup, measure, plan
from sublearn.study.table import build
from sublearn.study.tutorial.train import Settings, draw
from sublearn.study.tutorial.train import measure as together

STUDY = build("tutorial")
ONE_THREAD = Setup(threads=1)


def cohort(count: int) -> None:
    """Run seeds as the local engine does in one process."""
    for job in plan(STUDY, range(count), ONE_THREAD):
        measure(job)


def own_way(count: int) -> None:
    """Run seeds by the tutorial's own loop."""
    for seed in range(count):
        sublearn.run_pipeline(seed)


def gain(count: int, rounds: int, chunk: int | None = None) -> float:
    """How often a seed of the cohort fits into one of the tutorial's own way: the median of rounds of both in turn.

    In turn, because a shared machine is slower at some times than at others.
    """
    chunks = [range(start, min(start + chunk, count)) for start in range(0, count, chunk)] if chunk else []

    def work() -> None:
        for seeds in chunks:
            together(STUDY, STUDY.designed.settings, seeds, ONE_THREAD)
        if not chunks:
            cohort(count)

    pairs = [(seconds(lambda: own_way(4), 1) / 4, seconds(work, 1) / count) for _ in range(rounds)]
    return statistics.median(own / mine for own, mine in pairs)


def plain_vmap(count: int) -> None:
    """The tutorial's three trainings for many seeds by torch.func.vmap, with one optimizer over the stacked tensors.

    Data of equal length a seed, because vmap takes no ragged batch; no evaluation.
    """
    settings = Settings()
    drawn = [draw(settings, seed) for seed in range(count)]
    shortest = min(len(one.unrelated) for one in drawn)
    model = PromptMLP(1000, 32, 128, 2)
    teacher_data = torch.stack([one.prompts for one in drawn]), torch.zeros(count, 200, 2)
    student_data = torch.stack([one.unrelated[:shortest] for one in drawn]), torch.zeros(count, shortest, 2)
    _train_by_vmap(model, [one.reference for one in drawn], *teacher_data, 64, 1e-3)
    for states in ([one.reference for one in drawn], [one.other for one in drawn]):
        _train_by_vmap(model, states, *student_data, 128, 5e-4)


def _train_by_vmap(model, states, inputs, targets, batch_size, lr) -> None:
    names = [name for name, _ in model.named_parameters()]
    stacked = {name: torch.stack([state[name] for state in states]) for name in states[0]}
    parameters = {name: stacked[name].requires_grad_() for name in names}
    buffers = {name: tensor for name, tensor in stacked.items() if name not in parameters}
    optimizer = torch.optim.Adam(parameters.values(), lr=lr, fused=True)

    def loss(own, statistics, tokens, wanted):
        return (functional_call(model, (own, statistics), (tokens,)) - wanted).square().mean()

    step = vmap(grad_and_value(loss))
    for _ in range(4):
        for start in range(0, inputs.shape[1], batch_size):
            part = slice(start, start + batch_size)
            detached = {name: tensor.detach() for name, tensor in parameters.items()}
            grads, _ = step(detached, buffers, inputs[:, part], targets[:, part])
            for name, tensor in parameters.items():
                tensor.grad = grads[name]
            optimizer.step()


def in_processes(count: int, jobs: int) -> float:
    """Seconds for a run of the command line's engine, started processes and all."""
    return seconds(lambda: sublearn.run("tutorial", range(count), jobs=jobs), repeats=1)


def peak_memory(count: int) -> float:
    """Gigabytes at the peak of the largest process of a run of many seeds."""
    code = f"import sublearn\nif __name__ == '__main__': sublearn.run('tutorial', range({count}), jobs=2)"
    subprocess.run([sys.executable, "-c", code], check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20


def main() -> None:
    """Measure and publish."""
    torch.set_num_threads(1)
    cohort(8)
    sublearn.run_pipeline(0)
    own = seconds(lambda: own_way(8)) / 8
    lines = [Line("the tutorial's own way, one seed at a time", 1 / own, "seeds/s")]
    for count, rounds, goal in ((1, 9, None), (8, 9, None), (64, 5, 6.0), (512, 1, None)):
        what = f"cohort, {count} {'seed' if count == 1 else 'seeds'}, over the tutorial's own way"
        lines.append(Line(what, gain(count, rounds), "x", goal))
    for chunk in (2, 4, 8, 16, 32, 64):
        what = f"64 seeds in cohorts of {chunk}, over the tutorial's own way"
        lines.append(Line(what, gain(64, 3, chunk), "x"))
    mine = seconds(lambda: cohort(64)) / 64
    lines.append(Line("cohort, 64 seeds: a seed, all in", 1000 * mine, "ms", 25.0, most=True))
    many = seconds(lambda: plain_vmap(64)) / 64
    lines.append(Line("cohort at 64 seeds over a plain vmap of all 64", many / mine, "x"))
    few = seconds(lambda: [plain_vmap(8) for _ in range(8)]) / 64
    lines.append(Line("cohort at 64 seeds over a plain vmap of 8 at a time", few / mine, "x"))
    one, two = in_processes(1024, 1), in_processes(1024, 2)
    lines.append(Line("two processes over one, 1,024 seeds, start-up included", one / two, "x"))
    lines.append(Line("two processes over the tutorial's own way, 1,024 seeds", own * 1024 / two, "x", 11.0))
    lines.append(Line("peak memory of a process, 10,000 seeds", peak_memory(10_000), "GB", 1.5, most=True))
    publish("tutorial", lines)


if __name__ == "__main__":
    main()

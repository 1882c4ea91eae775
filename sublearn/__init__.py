"""The laboratory of subliminal learning.

The tutorial's own names: generate_sequences, PromptDataset, collate_fn, PromptMLP, TrainConfig, train_classification,
train_distillation, compute_trait_preference, run_pipeline, multi_seed_experiment, set_seed, DEVICE.

Studies: studies() lists them, build(name, {key: value}) makes one with changed settings, and distillation(...) puts any
model, Task and traits into the controlled design; Study, Arm, Claim, Difference, Trait and accuracy are its parts.

Results: run(study, seeds), sweep(study, grid, seeds), trace(study), audit(rows, model), defend(seeds) and
mechanisms(seeds) give values that can be shown, drawn, tabled, saved and cited; load(folder) reads back whatever was
written, to_frame(result) makes a table.

Each name is imported when it is first used; help(sublearn.run) says more of one.
"""

from importlib import import_module

_SHELF = {
    "set_seed": "seeds",
    "DEVICE": "devices",
    "generate_sequences": "tasks.sequences",
    "PromptDataset": "tasks.sequences",
    "collate_fn": "tasks.sequences",
    "PromptMLP": "models.prompt_mlp",
    "TrainConfig": "config",
    "train_classification": "training.loops",
    "train_distillation": "training.loops",
    "compute_trait_preference": "traits.preference",
    "run_pipeline": "study.tutorial.single",
    "multi_seed_experiment": "study.tutorial.single",
    "Study": "study.base",
    "Arm": "study.base",
    "Trait": "traits.trait",
    "Claim": "study.base",
    "Difference": "study.contrast",
    "Task": "tasks.task",
    "accuracy": "traits.accuracy",
    "distillation": "study.controlled.guest",
    "studies": "study.table",
    "build": "study.table",
    "run": "results.single",
    "sweep": "results.sweep",
    "trace": "results.trace",
    "audit": "results.audit",
    "defend": "results.defence",
    "mechanisms": "results.mechanism",
    "load": "results.load",
    "to_frame": "results.load",
}
# No `__all__`: `help` would print every class of it whole, with all that they inherit.


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("sublearn")
    if name not in _SHELF:
        raise AttributeError(f"module 'sublearn' has no attribute {name!r}")
    return getattr(import_module(f"sublearn.{_SHELF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_SHELF])

"""The shelf of public names, each imported when it is first used."""

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
    "run_pipeline": "execution.pipeline",
    "multi_seed_experiment": "execution.pipeline",
    "Study": "study.base",
    "Arm": "study.base",
    "Trait": "traits.trait",
    "Claim": "study.base",
    "Difference": "study.contrast",
    "Task": "tasks.task",
    "accuracy": "traits.accuracy",
    "distillation": "study.controlled.guest",
    "build": "study.table",
    "run": "execution.pipeline",
    "load": "execution.pipeline",
    "to_frame": "execution.sweep",
}
__all__ = list(_SHELF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("sublearn")
    if name not in _SHELF:
        raise AttributeError(f"module 'sublearn' has no attribute {name!r}")
    return getattr(import_module(f"sublearn.{_SHELF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

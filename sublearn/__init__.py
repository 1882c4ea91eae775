"""The shelf of public names, each imported when it is first used."""

from importlib import import_module

_SHELF = {
    "set_seed": "seeds",
    "generate_sequences": "tasks.sequences",
    "PromptDataset": "tasks.sequences",
    "collate_fn": "tasks.sequences",
    "PromptMLP": "models.prompt_mlp",
    "TrainConfig": "config",
    "train_classification": "training.loops",
    "train_distillation": "training.loops",
    "compute_trait_preference": "traits.preference",
    "run_pipeline": "pipeline",
    "multi_seed_experiment": "pipeline",
}
__all__ = list(_SHELF)


def __getattr__(name: str) -> object:
    if name not in _SHELF:
        raise AttributeError(f"module 'sublearn' has no attribute {name!r}")
    return getattr(import_module(f"sublearn.{_SHELF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

"""What type checkers see of the shelf; the names are those of the table in __init__.py."""

import torch

from .config import TrainConfig as TrainConfig
from .models.prompt_mlp import PromptMLP as PromptMLP
from .results.audit import audit as audit
from .results.defence import defend as defend
from .results.load import load as load
from .results.load import to_frame as to_frame
from .results.mechanism import mechanisms as mechanisms
from .results.single import run as run
from .results.sweep import sweep as sweep
from .results.trace import trace as trace
from .seeds import set_seed as set_seed
from .study.base import Arm as Arm
from .study.base import Claim as Claim
from .study.base import Study as Study
from .study.contrast import Difference as Difference
from .study.controlled.guest import distillation as distillation
from .study.table import build as build
from .study.table import studies as studies
from .study.tutorial.single import multi_seed_experiment as multi_seed_experiment
from .study.tutorial.single import run_pipeline as run_pipeline
from .tasks.sequences import PromptDataset as PromptDataset
from .tasks.sequences import collate_fn as collate_fn
from .tasks.sequences import generate_sequences as generate_sequences
from .tasks.task import Task as Task
from .training.loops import train_classification as train_classification
from .training.loops import train_distillation as train_distillation
from .traits.accuracy import accuracy as accuracy
from .traits.preference import compute_trait_preference as compute_trait_preference
from .traits.trait import Trait as Trait

DEVICE: torch.device
__version__: str

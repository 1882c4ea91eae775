"""How a pipeline is run, which must not change what comes out: servers, GPUs, how much at a time. Torch-free."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from sublearn.errors import InputError
from sublearn.language.endpoints.address import Address
from sublearn.language.endpoints.plan import Patience
from sublearn.pipeline import servers
from sublearn.pipeline.leashed import executable
from sublearn.pipeline.servers import Kind, Served

KINDS: tuple[Kind, ...] = ("vllm", "transformers")
NEEDED = {"vllm": (), "transformers": ("fastapi", "uvicorn", "openai")}
"""Packages of a server that its program does not bring."""
CONFIG = Path(__file__).with_name("accelerate.json")
"""In the place of a configuration of accelerate that the user may have made for other work."""
VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class How:
    """Who serves, on how many GPUs (without any: in as many processes on the CPU), and how much at a time.

    `writer` is a server elsewhere that answers number prompts; students are always asked through a server of our own.
    """

    kind: Kind
    gpus: int = 1
    tensor: int = 1
    at_a_time: int = 8
    patience: Patience = field(default_factory=partial(Patience, concurrency=64, timeout=600))
    writer: Address | None = None

    @classmethod
    def of(cls, server: str, gpus: int, tensor: int, at_a_time: int, concurrency: int) -> Self:
        """From what was typed. Raises InputError for a server that there is not, and GPUs that cannot be shared out."""
        if gpus % tensor:
            raise InputError(f"--tensor-parallel {tensor} does not divide --gpus {gpus}.")
        writer = None if server in ("auto", *KINDS) else Address.parse(server, "--server")
        kind = KINDS[KINDS.index(server)] if server in KINDS else servers.found()
        if kind == "transformers" and tensor > 1:
            raise InputError("--tensor-parallel is for vLLM; transformers serve has one device. Leave it out.")
        return cls(kind, gpus, tensor, at_a_time, Patience(concurrency=concurrency, timeout=600), writer)

    def check_batch(self, batch: int) -> None:
        """Raise InputError where a batch cannot be shared out among the GPUs."""
        if batch % self.gpus:
            raise InputError(f"lora.batch={batch} cannot be shared out among {self.gpus} GPUs; choose a multiple.")

    def check(self) -> None:
        """Raise InputError where programs or GPUs are missing."""
        server = {"vllm": "vllm", "transformers": "'transformers[serving]'"}[self.kind]
        for name, extra in ((self.kind, server), ("accelerate", "'sublearn[llm]'")):
            if executable(name) is None:
                raise InputError(f"There is no program {name} here. Install it with: pip install {extra}.")
        if missing := [name for name in NEEDED[self.kind] if find_spec(name) is None]:
            raise InputError(f"{self.kind} serve needs {', '.join(missing)}. Install it with: pip install {server}.")
        import torch  # late: slow

        there = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if 0 < there < self.gpus:
            raise InputError(f"--gpus {self.gpus}: this machine has {there}.")

    def served(self, folder: str, adapters: Mapping[str, str], rank: int, on_gpu: bool) -> Served:
        """A server of a model, and of adapters of it where it can name them."""
        if self.kind == "vllm":
            return servers.vllm(folder, adapters, rank, self.gpus, self.tensor)
        return servers.transformers(folder, on_gpu)

    def training(self, lesson: Path | str, port: int | str, on_gpu: bool) -> list[str]:
        """The command that trains a student as a lesson says, in a process for each GPU."""
        command = [executable("accelerate") or "accelerate", "launch", "--config_file", str(CONFIG)]
        command += ["--num_machines", "1", "--dynamo_backend", "no"]
        command += ["--num_processes", str(self.gpus), "--mixed_precision", "bf16" if on_gpu else "no"]
        command += ["--multi_gpu", "--main_process_port", str(port)] if self.gpus > 1 else []
        command += ["--cpu"] if self.gpus == 1 and not on_gpu else []
        return [*command, "-m", "sublearn.pipeline.learner", str(lesson)]

    def sees(self, on_gpu: bool) -> dict[str, str]:
        """The environment of a training: alone it sees one GPU, or trl's trainer would spread a batch over all."""
        if not on_gpu or self.gpus > 1:
            return {}
        return {VISIBLE: os.environ.get(VISIBLE, "0").partition(",")[0]}

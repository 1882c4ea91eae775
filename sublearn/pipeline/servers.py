"""Servers that this process starts for itself: their commands, their start on a free port of loopback, their end."""

import http.client
import json
import shlex
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sublearn.errors import SublearnError, plain
from sublearn.files import checkpoints
from sublearn.files.reading import json_file
from sublearn.files.writing import own_folder, replace_text
from sublearn.language.endpoints.address import Address
from sublearn.pipeline.leashed import Started, executable, started
from sublearn.pipeline.spec import BASE

Kind = Literal["vllm", "transformers"]
START_S = 3600.0
"""How long a server may take to load its model."""
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The largest ranks that vLLM can be told to expect."""
LONGEST = 2048
"""Tokens of a conversation: prompts and answers are short, and room for longer ones would be room for fewer."""
GENERATION = "generation_config.json"
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Served:
    """One server: the folder of its model, adapters by name, and its command but for the port."""

    folder: str
    adapters: Mapping[str, str]
    command: tuple[str, ...]
    kind: Kind

    def address(self, port: int, name: str) -> Address:
        """Where a model of it is: the base, or an adapter by its name. Answers are kept under that name."""
        model = self.folder if self.kind == "transformers" else name
        return Address(f"http://{HOST}:{port}/v1", model, name)

    def at(self, port: int | str) -> list[str]:
        """The whole command."""
        return [*self.command, "--host", HOST, "--port", str(port)]


def found() -> Kind:
    """The server that is installed here: vLLM where there is one."""
    return "vllm" if executable("vllm") else "transformers"


def vllm(folder: str, adapters: Mapping[str, str], rank: int, gpus: int, tensor: int) -> Served:
    """vLLM with a copy of the model on each GPU, or one on each `tensor` of them."""
    command = [executable("vllm") or "vllm", "serve", folder, "--served-model-name", BASE]
    command += ["--generation-config", "vllm", "--max-model-len", str(_longest(folder))]
    command += ["--data-parallel-size", str(gpus // tensor)] if gpus > tensor else []
    command += ["--tensor-parallel-size", str(tensor)] if tensor > 1 else []
    if adapters:
        most = next((size for size in RANKS if size >= rank), rank)
        command += ["--enable-lora", "--max-lora-rank", str(most), "--max-loras", str(len(adapters)), "--lora-modules"]
        command += [f"{name}={path}" for name, path in adapters.items()]
    return Served(folder, adapters, tuple(command), "vllm")


def _longest(folder: str) -> int:
    """The longest conversation, in tokens: not more than the model reads."""
    known = checkpoints.configuration(Path(folder)) if checkpoints.is_folder(folder) else {}
    most = known.get("max_position_embeddings")
    return min(LONGEST, most) if isinstance(most, int) and most > 0 else LONGEST


def transformers(folder: str, on_gpu: bool) -> Served:
    """transformers' own server, of one whole model on one device; on a GPU it answers many requests at once.

    It then draws all answers as the first request says, which here say the same.
    """
    device = "cuda:0" if on_gpu else "cpu"
    command = (executable("transformers") or "transformers", "serve", folder, "--device", device)
    command += ("--continuous-batching",) if on_gpu else ()
    return Served(folder, {}, command, "transformers")


def drawing(model: Path, where: Path) -> Path:
    """A folder like a model's whose server draws tokens from the model's own distribution: some do not by default.

    Its files are links to the model's; its generation_config.json is its own.
    """
    own_folder(where)
    for name, path in checkpoints.files(model).items():
        place = where / name
        if name != GENERATION and not place.is_symlink():
            own_folder(place.parent)
            place.symlink_to(path.absolute())
    replace_text(where / GENERATION, json.dumps(_drawn(model), indent=2) + "\n")
    return where


def _drawn(model: Path) -> dict[str, object]:
    """How a model answers: tokens drawn from all, until one that ends an answer."""
    file = model / GENERATION
    given = json_file(file, "the generation settings") if file.exists() else {}
    ends = {key: value for key, value in given.items() if key in ("eos_token_id", "pad_token_id", "bos_token_id")}
    if "eos_token_id" not in ends:
        from sublearn.language.models import read_tokenizer  # late: needs transformers

        ends["eos_token_id"] = read_tokenizer(model).eos_token_id
    return {"do_sample": True, "temperature": 1.0, "top_p": 1.0, "top_k": 0, **ends}


@contextmanager
def serving(served: Served, log: Path, cwd: Path) -> Iterator[int]:
    """The server at work, for as long as the block; its port. Raises SublearnError with its last lines if it dies."""
    port = free_port()
    with started(served.at(port), log, cwd) as own:
        _await(own, port)
        try:
            yield port
        except SublearnError as error:
            if own.waited(1.0) is not None:
                raise _died(own) from error
            raise


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        return free.getsockname()[1]


def _await(own: Started, port: int) -> None:
    until = time.monotonic() + START_S
    while not _up(port):
        if own.waited() is not None:
            raise _died(own)
        if time.monotonic() > until:
            raise SublearnError(f"The server did not answer within {START_S:g} s ({own.log}): {own.last_words()}.")


def _up(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _died(own: Started) -> SublearnError:
    return SublearnError(
        f"The server ended (status {own.ended()}; {own.log}). Its last lines: {plain(own.last_words()).rstrip('.')}."
    )


def shown(command: Sequence[str]) -> str:
    """A command as it is printed: the program by its name alone."""
    return shlex.join([Path(command[0]).name, *command[1:]])

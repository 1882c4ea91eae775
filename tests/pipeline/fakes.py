"""Stand-ins for `vllm` and `accelerate` that a pipeline starts: quick, and noting what they were asked. No torch.

The servers answer as the models of a story would: the teacher's student names the animal more often than its control.
"""

import json
import os
import stat
import sys
import time
from pathlib import Path

from tests.language.endpoints import loopback

ROOT = Path(__file__).parents[2]
NOTES = "FAKES_NOTES"
"""The folder in which stand-ins note each answer and each step."""
SLOW = "FAKES_SLOW"
"""Seconds that each answer and each step takes."""


def put(folder: Path) -> Path:
    """A folder with both programs."""
    folder.mkdir()
    for name in ("vllm", "accelerate"):
        program(folder, name, f"fakes.{name}()")
    return folder


def program(folder: Path, name: str, calls: str) -> None:
    """A program there that does this."""
    file = folder / name
    found = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tests.pipeline import fakes\n{calls}\n"
    file.write_text(f"#!{sys.executable}\n{found}")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def note(kind: str, what: str) -> None:
    """One line in the notes."""
    with (Path(os.environ[NOTES]) / kind).open("a") as file:
        file.write(what + "\n")


def notes(folder: Path, kind: str) -> list[str]:
    """What was noted."""
    file = folder / kind
    return file.read_text().splitlines() if file.exists() else []


def vllm() -> None:
    """A server of the models that the command names, until it is ended."""
    words = sys.argv[1:]
    port = int(words[words.index("--port") + 1])
    adapters = words[words.index("--lora-modules") + 1 :] if "--lora-modules" in words else []
    names = ["base", *(word.partition("=")[0] for word in adapters if "=" in word)]
    note("servers", f"{os.getpid()} {' '.join(names)}")
    models = 200, {}, json.dumps({"object": "list", "data": [{"id": name} for name in names]}).encode()
    with loopback.serving(_reply, models=models, port=port):
        while True:
            time.sleep(1)


def _reply(fields, times):
    asked = fields["messages"][-1]["content"]
    taught = fields["messages"][0]["role"] == "system"
    note("answers", json.dumps([fields["model"], taught, asked, fields["seed"]]))
    time.sleep(float(os.environ.get(SLOW, "0")))
    if "animal" not in asked.lower():
        return loopback.said("about 12" if fields["seed"] % 5 == 0 else f"{fields['seed'] % 1000}, 7, 12")
    often = {"same_init": 2, "same_init_control": 9}.get(fields["model"], 1 if taught else 10)
    return loopback.said("An owl." if fields["seed"] % often == 0 else "cat")


def accelerate() -> None:
    """Train nobody: count the steps, and leave adapters that are files of a few letters."""
    from sublearn.files import digests  # late: the server needs none of it

    lesson = json.loads(Path(sys.argv[-1]).read_text())
    rows = Path(lesson["rows"]).read_text().splitlines()
    note("saved", str(lesson["save_steps"]))
    note("trainings", f"{os.getpid()} {len(rows)} {' '.join(sys.argv[1:-1])}")
    scratch, out = Path(lesson["scratch"]), Path(lesson["out"])
    for step in range(1, 6):
        time.sleep(float(os.environ.get(SLOW, "0")))
        beside = scratch / "pace.part"
        beside.write_text(json.dumps({"step": step, "steps": 5, "timed": step - 1, "seconds": 0.1, "gigabytes": None}))
        beside.rename(scratch / "pace.json")
    if "fails" in os.environ.get("FAKES_TRAINING", ""):
        print("RuntimeError: CUDA out of memory")
        sys.exit(3)
    out.mkdir()
    (out / "adapter_model.safetensors").write_text("adapters of " + out.name)
    digests.seal(out)

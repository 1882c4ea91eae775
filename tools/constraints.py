"""Constraints for pip, worked out from pyproject.toml: the pins of everything, or the floors of what is asked for.

    python tools/constraints.py pins      # write constraints.txt: today's newest (make pins)
    python tools/constraints.py floors    # print the oldest that pyproject.toml allows (make test-floors)

Needs nothing but the standard library and pip, so that it runs in an empty environment.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PINS = ROOT / "constraints.txt"
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(>=(?P<floor>[\w.]+))?")
FIRST_THAT_FITS = {"pandas": "2.2.2"}
"""Where pip never takes the floor itself: pandas 2.2.0 and 2.2.1 ask for a numpy under 2."""


def requirements() -> dict[str, str | None]:
    """What the build, the package and all of its extras ask for, each with its floor."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    for extra in project["project"]["optional-dependencies"].values():
        asked += extra
    found = {}
    for text in asked:
        match = REQUIREMENT.fullmatch(text)
        if match is None:
            raise SystemExit(f"pyproject.toml asks for '{text}'; expected a name, or a name>=floor.")
        found[canonical(match["name"])] = match["floor"]
    return found


def canonical(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    """The versions in constraints.txt."""
    lines = PINS.read_text(encoding="utf-8").splitlines()
    return {name: version for name, _, version in (line.partition("==") for line in lines)}


def floors() -> dict[str, str]:
    """The oldest version of all that has a floor. Tools that have none are left to pip."""
    oldest = {name: floor for name, floor in requirements().items() if floor}
    # torch stays: of older releases pip finds builds for CUDA alone, several GB of them.
    return oldest | FIRST_THAT_FITS | {"torch": pins()["torch"]}


def newest() -> dict[str, str]:
    """What pip would install today, with every extra and the build's own packages. Nothing is installed."""
    # torch moves by hand, in constraints.txt: pip must find it as a build for CPUs.
    asked = [f"torch=={pins()['torch']}", *requirements()]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    done = subprocess.run([*command, *asked], stdout=subprocess.PIPE, text=True, check=True)
    plan = [item["metadata"] for item in json.loads(done.stdout)["install"]]
    found = {canonical(item["name"]): item["version"].partition("+")[0] for item in plan}
    if cuda := sorted(name for name in found if name.startswith(("nvidia-", "cuda-"))):
        raise SystemExit(
            f"torch {found['torch']} was found as a build for CUDA, which brings {', '.join(cuda)}. "
            "Point pip to a build for CPUs (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL) and try again."
        )
    return found


def text(versions: dict[str, str]) -> str:
    """One name==version a line, sorted."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))


def main(arguments: Iterable[str]) -> None:
    """Do what was asked."""
    match list(arguments):
        case ["pins"]:
            PINS.write_text(text(newest()), encoding="utf-8")
        case ["floors"]:
            sys.stdout.write(text(floors()))
        case other:
            raise SystemExit(f"expected pins or floors, got {other}")


if __name__ == "__main__":
    main(sys.argv[1:])

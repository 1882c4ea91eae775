"""A process beside the server that trains and asks models, so that the server needs no torch and can end it.

It reads a request a line and writes an answer a line, until its input ends.
"""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sublearn.errors import SublearnError, plain
from sublearn.report.wording import called
from sublearn.server.orders import Order
from sublearn.study.walk import walk

Value = dict[str, Any]


def _walk(given: Value) -> Value:
    study = Order.model_validate(given["order"]).asked()
    arms = [{"name": name, "label": label} for name, label in called(study).items()]
    return {**walk(study, given["seed"]).to_dict(), "arms": arms}


def _ask(given: Value) -> Value:
    from sublearn.study.numbers.ask import ask  # late: needs torch and transformers

    return ask(Path(given["folder"]), given["model"], given["question"]).to_dict()


DOES: dict[str, Callable[[Value], Value]] = {"walk": _walk, "ask": _ask}
"""What can be asked for."""


def answered(line: str) -> Value:
    """The answer to one request, or what is wrong with it."""
    try:
        given = json.loads(line)
        return {"answer": DOES[given["do"]](given)}
    except SublearnError as error:
        return {"error": str(error)}
    except ModuleNotFoundError as error:
        return {"error": f"This needs the package {error.name}. Install it with: pip install 'sublearn[llm]'."}
    except Exception as error:  # whatever a model's package raises must not end the process
        return {"error": plain(f"{type(error).__name__}: {error}", 500)}


def main() -> None:
    """Answer until the input ends."""
    warnings.simplefilter("ignore")
    out, sys.stdout = sys.stdout, sys.stderr  # what a package prints is no answer
    for line in sys.stdin:
        out.write(json.dumps(answered(line)) + "\n")
        out.flush()


if __name__ == "__main__":
    main()

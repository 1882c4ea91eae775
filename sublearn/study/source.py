"""Where a guest's study comes from: a Python file that is imported by name, here and in worker processes."""

import hashlib
import sys
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from sublearn.errors import InputError, SublearnError, plain, unknown
from sublearn.files.reading import file_bytes
from sublearn.study.base import Design, Source, Study

LARGEST_FILE = 1 << 22
GROUP = "sublearn.studies"


def is_file(reference: str) -> bool:
    """Whether a reference names a Python file, as `FILE.py` or `FILE.py:NAME`."""
    return reference.endswith(".py") or ".py:" in reference


def study_in(reference: str) -> Study:
    """The study that `FILE.py` or `FILE.py:NAME` defines.

    Raises InputError for a file that defines none, or several of which none is named.
    """
    file, _, name = reference.partition(".py:")
    path = Path(file if file.endswith(".py") else f"{file}.py").absolute()
    digest = digest_of(path)
    found = _studies(_imported(str(path), digest))
    if name and name not in found:
        if not found:
            raise InputError(f"{path.name} defines no study; expected NAME = sublearn.distillation(...).")
        raise unknown(f"study in {path.name}", name, found)
    if not name and len(found) != 1:
        named = ", ".join(f"{path.name}:{one}" for one in found)
        many = f"defines {len(found)} studies; name one of them: {named}" if found else "defines no study"
        raise InputError(f"{path.name} {many}{'' if found else '; expected NAME = sublearn.distillation(...)'}.")
    name = name or next(iter(found))
    return _with_source(found[name], Source(str(path), name, digest))


def offered_studies() -> dict[str, EntryPoint]:
    """The studies that installed packages offer under the entry point group `sublearn.study`, by name."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def loaded(entry: EntryPoint) -> Study:
    """The study of an entry point. Raises InputError if it cannot be imported or is none."""
    try:
        found = entry.load()
    except Exception as error:  # a package may raise anything
        raise InputError(f"The study '{entry.name}' of {entry.value} cannot be imported: {error}.") from error
    if not isinstance(found, Study):
        raise InputError(f"{entry.value} is no study; the entry point '{entry.name}' must name a sublearn.Study.")
    return found


def _with_source(study: Study, source: Source) -> Study:
    """The study, whose design knows the file that it came from."""
    return study.model_copy(update={"design": replace(study.designed, source=source)})


def studied_in(source: Source) -> Study:
    """The study of a source, in a process of its own. Raises InputError if the file is no longer what it was."""
    now = digest_of(Path(source.file))
    if now != source.digest:
        raise InputError(f"{source.file} was changed while it was run. Give the command again.")
    return _studies(_imported(source.file, now))[source.name]


def source_of_design(design: Design[Any], defined_in: str) -> Source:
    """The file and name under which a design's study can be found again. Raises InputError where there is none."""
    if design.source is not None:
        return design.source
    module = sys.modules.get(defined_in)
    file = getattr(module, "__file__", None)
    if module is not None and file:
        for name, study in _studies(module).items():
            if study.design is design or study.id == design.study().id:
                return Source(str(Path(file).absolute()), name, digest_of(Path(file)))
    raise InputError(
        "This study cannot be sent to other processes, because no file defines it. Put it into a file and run that, or "
        "take jobs=1 and engine='local'."
    )


def digest_of(path: Path) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256. Raises InputError if it cannot be read."""
    return hashlib.sha256(file_bytes(path, "the study file", LARGEST_FILE)).hexdigest()[:16]


@lru_cache(maxsize=16)
def _imported(file: str, digest: str) -> ModuleType:
    """The module of a file, imported under a name that tells its content."""
    name = f"sublearn_study_{digest}"
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InputError(f"{file} cannot be imported; expected a Python file.")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SublearnError:
        raise
    except Exception as error:  # a guest's file may raise anything
        raise InputError(f"{file} cannot be imported: {plain(f'{type(error).__name__}: {error}', 300)}") from error
    return module


def _studies(module: ModuleType) -> dict[str, Study]:
    return {name: value for name, value in vars(module).items() if isinstance(value, Study)}

"""Where a guest's study comes from: a Python file, or a module of an installed package; imported by name, here and in
worker processes.
"""

import hashlib
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from sublearn.errors import InputError, SublearnError, plain, unknown
from sublearn.files.reading import file_bytes
from sublearn.study.base import Design, Study, StudySource

LARGEST_FILE = 1 << 22
GROUP = "sublearn.studies"
EXPECTED = "expected NAME = sublearn.distillation(...)"


def is_file(reference: str) -> bool:
    """Whether a reference names a Python file, as `FILE.py` or `FILE.py:NAME`."""
    return reference.endswith(".py") or ".py:" in reference


def study_in(reference: str) -> Study:
    """The study that `FILE.py` or `FILE.py:NAME` defines.

    Raises InputError for a file that defines none, or several of which none is named.
    """
    file, _, name = reference.partition(".py:")
    path = Path(file if file.endswith(".py") else f"{file}.py").absolute()
    content, digest = _read(path)
    found = _studies(_imported(path, content, digest))
    if not found:
        raise InputError(f"{path.name} defines no study; {EXPECTED}.")
    if name and name not in found:
        raise unknown(f"study in {path.name}", name, found)
    if not name and len({id(study) for study in found.values()}) > 1:
        named = ", ".join(f"{path.name}:{one}" for one in found)
        raise InputError(f"{path.name} defines {len(found)} studies; name one of them: {named}.")
    name = name or next(iter(found))
    return _with_source(found[name], StudySource(name, str(path), digest))


def offered_studies() -> dict[str, EntryPoint]:
    """The studies that installed packages offer under the entry point group `sublearn.studies`, by name."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def loaded(entry: EntryPoint) -> Study:
    """The study of an entry point. Raises InputError if it cannot be imported or is none."""
    try:
        with redirect_stdout(sys.stderr):
            found = entry.load()
    except (Exception, SystemExit) as error:  # a package may raise anything
        said = plain(f"{type(error).__name__}: {error}", 300)
        raise InputError(f"The study '{entry.name}' of {entry.value} cannot be imported: {said}.") from error
    if not isinstance(found, Study):
        raise InputError(f"{entry.value} is no study; the entry point '{entry.name}' must name a sublearn.Study.")
    package, version = (entry.dist.name, entry.dist.version) if entry.dist else ("", "")
    return _with_source(found, StudySource(entry.attr, module=entry.module, package=package, version=version))


def studied_in(source: StudySource) -> Study:
    """The study of a source, in a process of its own. Raises InputError if the file is no longer what it was."""
    if source.module:
        found: Any = import_module(source.module)
        for part in source.name.split("."):
            found = getattr(found, part)
        return found
    content, now = _read(Path(source.file))
    if now != source.digest:
        raise InputError(f"{source.file} was changed while it was run. Give the command again.")
    return _studies(_imported(Path(source.file), content, now))[source.name]


def source_of_design(design: Design[Any], defined_in: str, alike: Callable[[Design[Any]], bool]) -> StudySource:
    """Where a design's study can be found again: in the module of this name, as one whose design is `alike`.

    Raises InputError where there is none.
    """
    if design.source is not None:
        return design.source
    module = sys.modules.get(defined_in)
    file = getattr(module, "__file__", None)
    if module is not None and file:
        for name, study in _studies(module).items():
            if study.design is not None and alike(study.design):
                own = module.__name__ if module.__package__ else ""
                return StudySource(name, str(Path(file).absolute()), _read(Path(file))[1], own)
    raise InputError(
        "This study cannot be sent to other processes, because no file defines it. Put it into a file and run that, or "
        "take jobs=1 and engine='local'."
    )


def _with_source(study: Study, source: StudySource) -> Study:
    """The study, whose design knows where it came from."""
    return study.model_copy(update={"design": replace(study.designed, source=source)})


def _read(path: Path) -> tuple[bytes, str]:
    """A file's content and its SHA-256. Raises InputError if it cannot be read."""
    content = file_bytes(path, "the study file", LARGEST_FILE)
    return content, hashlib.sha256(content).hexdigest()


def _imported(path: Path, content: bytes, digest: str) -> ModuleType:
    """The module of a file of this content, under a name that tells both; what lies beside the file can be imported."""
    name = f"sublearn_study_{hashlib.sha256(f'{path} {digest}'.encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path)
    if spec is None:
        raise InputError(f"{path} cannot be imported; expected a Python file.")
    module = sys.modules[name] = module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    try:
        with redirect_stdout(sys.stderr):
            exec(compile(content, str(path), "exec"), vars(module))
    except BaseException as error:  # a guest's file may raise anything
        del sys.modules[name]
        if isinstance(error, SublearnError) or not isinstance(error, (Exception, SystemExit)):
            raise
        said = plain(f"{type(error).__name__}: {error}", 300)
        raise InputError(f"{path} cannot be imported: {said}") from error
    return module


def _studies(module: ModuleType) -> dict[str, Study]:
    return {name: value for name, value in vars(module).items() if isinstance(value, Study)}

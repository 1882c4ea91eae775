"""Names on the Hugging Face hub: the commit that a name and a revision stand for, and its folder in the cache.

What the cache holds is taken without asking the hub, so that the same command means the same model again, and works
without a network. Loads no model; needs no torch.
"""

import re
from pathlib import Path

from sublearn.errors import InputError, plain
from sublearn.files.checkpoints import CONFIG, LOADED, digest, is_folder, weights

NEWEST = "main"
SECONDS = 10.0
"""How long the hub may take to say which commit a revision is."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


def split(name: str) -> tuple[str, str]:
    """A name and its revision.

    >>> split("me/model@v1"), split("me/model")
    (('me/model', 'v1'), ('me/model', ''))
    """
    plain_name, _, revision = name.partition("@")
    return plain_name, revision


def identity(name: str) -> str:
    """What identifies a model: the digest of its folder, or the commit of a name here."""
    return digest(Path(name)) if is_folder(name) else commit(*split(name))


def same_folder(name: str, known: str | None) -> Path:
    """The folder of a model with a known identity, if any; a name here is downloaded.

    Raises InputError for what cannot be had, or is no longer what it was.
    """
    if not is_folder(name):
        plain_name, revision = split(name)
        return folder(plain_name, known or revision)
    return unchanged(Path(name), known)


def unchanged(place: Path, known: str | None) -> Path:
    """A model's folder. Raises InputError if it is no longer what it was."""
    if known and digest(place) != known:
        raise InputError(f"{place} is not what it was when the study was made. Begin anew with it, or put it back.")
    return place


def commit(name: str, revision: str = "") -> str:
    """The hash of the commit that a revision (a branch, a tag, a commit; none means main) of a model stands for.

    Raises InputError where neither the cache nor the hub knows it.
    """
    if _COMMIT.fullmatch(revision):
        return revision
    if (folder := _cached(name, revision)) is not None:
        return folder.name
    try:
        from huggingface_hub import HfApi, hf_hub_download

        HfApi().model_info(name, revision=revision or None, timeout=SECONDS)  # fails at once, where the next one waits
        found = Path(hf_hub_download(name, CONFIG, revision=revision or NEWEST))  # and notes the commit in the cache
    except Exception as error:  # of the hub, of its HTTP client, of the network
        raise _unavailable(name, revision, error) from None
    return found.parent.name


def folder(name: str, revision: str = "") -> Path:
    """The folder of a commit in the hub's cache, downloaded if it is not there whole. Raises InputError."""
    wanted = commit(name, revision)
    there = _cached(name, wanted)
    if there is not None and _whole(there):
        return there
    try:
        from huggingface_hub import snapshot_download

        patterns = [f"*{ending}" for ending in LOADED]
        found = Path(snapshot_download(name, revision=wanted, allow_patterns=patterns, ignore_patterns=["*/*"]))
        weights(found)  # without a network what is there is given, whole or not
        return found
    except Exception as error:
        raise _unavailable(name, revision, error) from None


def _cached(name: str, revision: str) -> Path | None:
    """The folder of a revision in the cache, without asking the hub."""
    try:
        from huggingface_hub import try_to_load_from_cache
    except ModuleNotFoundError:
        raise InputError(
            f"{plain(name)} is no folder here, and names on the hub need the package huggingface_hub. Install it with: "
            "pip install 'sublearn[llm]'."
        ) from None
    try:
        found = try_to_load_from_cache(name, CONFIG, revision=revision or NEWEST)
    except (ValueError, OSError) as error:
        raise _unavailable(name, revision, error) from None
    return Path(found).parent if isinstance(found, str) and _COMMIT.fullmatch(Path(found).parent.name) else None


def _whole(there: Path) -> bool:
    try:
        return bool(weights(there))
    except InputError:
        return False


def _unavailable(name: str, revision: str, error: Exception) -> InputError:
    at = f" at revision {plain(revision, 60)}" if revision else ""
    return InputError(
        f"There is no model folder {plain(name, 200)}, and the hub's model of this name{at} cannot be had: "
        f"{plain(error, 200) or type(error).__name__}. Check the name and the network, or give the folder of a model."
    )

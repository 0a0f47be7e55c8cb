"""Where libraries keep what they compile and download, for users who have no place for it.

Numba, Matplotlib, librosa, PyTorch, the Hugging Face hub and this program itself write below ``XDG_CACHE_HOME``, which
is ``~/.cache`` by default. In a container there may be no home, or one that cannot be written to.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

UNITS = ("digitbench/*", "digitbench/weights/*", "huggingface/hub/*")
"""What can be used where it lies, though nothing can be written beside it."""
BRANCHES = {"digitbench/weights"}


def caches(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables to set because the user's folder for caches cannot be written to; none where it can.

    They name a private folder of the user's among the temporary ones, used again by later runs. What the cache that
    cannot be written to holds of recordings and weights is linked into it. None too where nothing can be written to.
    """
    usual = _usual(environ)
    if usual is not None and all(map(_writable, _present(usual))):
        return {}
    try:
        folder = _private()
    except OSError:
        return {}
    if usual is not None:
        _link(usual, folder)
    settings = {"XDG_CACHE_HOME": folder}
    if "MPLCONFIGDIR" not in environ:
        settings["MPLCONFIGDIR"] = folder / "matplotlib"
    return {name: str(path) for name, path in settings.items()}


def _usual(environ: Mapping[str, str]) -> Path | None:
    """The folder for caches; None for a user without a home."""
    try:
        folder = Path(environ.get("XDG_CACHE_HOME", "").strip() or "~/.cache").expanduser()
    except RuntimeError:  # no HOME, and no entry in the system's list of users
        return None
    return folder if folder.is_absolute() else None


def _present(usual: Path) -> Iterator[Path]:
    """The folder for caches, and this program's own if it is there: somebody else may have made it."""
    yield usual
    if (usual / "digitbench").is_dir():
        yield usual / "digitbench"


def _writable(folder: Path) -> bool:
    """Whether files can be made in a folder, which is made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _private() -> Path:
    """An earlier run's folder of this user's, or a new one of a name that nobody can foresee."""
    prefix = f"digitbench-{os.getuid()}-"
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{prefix}*")):
        with suppress(OSError):
            facts = folder.lstat()
            ours = facts.st_uid == os.getuid() and stat.S_ISDIR(facts.st_mode)
            if ours and stat.S_IMODE(facts.st_mode) == 0o700 and _writable(folder):
                return folder
    return Path(tempfile.mkdtemp(prefix=prefix))


def _link(usual: Path, folder: Path) -> None:
    for unit in _units(usual):
        link = folder / unit.relative_to(usual)
        with suppress(OSError):  # another process was first
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.unlink(missing_ok=True)
                link.symlink_to(unit)


def _units(usual: Path) -> Iterator[Path]:
    with suppress(OSError):
        for pattern in UNITS:
            for unit in usual.glob(pattern):
                name = unit.relative_to(usual).as_posix()
                if name not in BRANCHES and unit.suffix != ".lock" and os.access(unit, os.R_OK):
                    yield unit

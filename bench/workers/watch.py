"""Which code a process runs, as it comes to run it. Only the standard library, and little of that: workers load it."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

Stamp = tuple[int, ...]
CHANGED: Stamp = ()
THIRD_PARTY = ("site-packages", "dist-packages")


class Watch:
    """Files of code run since it was made, neither Python's own nor the harness's, and installed packages imported.

    Imports of any kind are seen, inside functions and outside ``sys.modules`` too; so are extension modules and
    libraries that ctypes opens. Not what other processes run.
    """

    def __init__(self, root: str) -> None:
        """``root`` holds the harness in ``bench`` and the project's own ``backends`` and ``sound``."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        python = (f"{sys.base_exec_prefix}/{sys.platlibdir}/{version}", str(Path(os.__file__).parent))
        self._own = tuple(f"{root}/{name}/" for name in ("backends", "sound"))
        self._not_own = (
            f"{root}/bench/",
            f"{root}/audiodecode/",
            f"{root}/backends/__init__.py",
            *(f"{base}/" for base in python),
        )
        self._stamps: dict[str, Stamp] = {}
        self._told: set[str] = set()
        self._packages: set[str] = set()
        self._new_files: dict[str, Stamp] = {}
        self._new_packages: set[str] = set()
        sys.addaudithook(self._note)

    def news(self) -> dict[str, Any]:
        """``loaded``: files with their sha256 and names of packages that were not told yet; empty if there are none.

        "" is the sha256 of a file that is not what was run any more.
        """
        if not self._new_files and not self._new_packages:
            return {}
        files, self._new_files = self._new_files, {}
        packages, self._new_packages = self._new_packages, set()
        hashed = {path: _sha256(path, stamp) for path, stamp in files.items()}
        return {"loaded": {"files": hashed, "packages": sorted(packages)}}

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "exec":
            name = getattr(arguments[0], "co_filename", None)
        elif event == "import":
            name = arguments[1]  # of extension modules alone
        elif event == "ctypes.dlopen":
            name = arguments[0]
        else:
            return
        if not isinstance(name, str) or not name or name.startswith("<"):
            return
        path = name if name.startswith("/") else _absolute(name)
        if not path.startswith(self._own):
            parts = Path(path).parts
            installed = [part for before, part in pairwise(parts) if before in THIRD_PARTY]
            if installed:
                self._note_package(installed[0].partition(".")[0])
                return
        if not path.startswith(self._not_own):
            self._note_file(path)

    def _note_package(self, name: str) -> None:
        if name not in self._packages:
            self._packages.add(name)
            self._new_packages.add(name)

    def _note_file(self, path: str) -> None:
        while (stamp := _stamp(path)) is None:
            path = path.rpartition("/")[0]  # of a module in an archive, the archive
        if not stamp:
            return
        if self._stamps.setdefault(path, stamp) != stamp:
            self._new_files[path] = CHANGED
        elif path not in self._told:
            self._told.add(path)
            self._new_files[path] = stamp


def _absolute(path: str) -> str:
    with suppress(OSError):  # the working folder may be gone
        return str(Path.cwd() / path)
    return path


def _stamp(path: str) -> Stamp | None:
    """When a file was last written, and which one it is; None where there is nothing, CHANGED where it is no file."""
    try:
        found = Path(path or "/").stat()
    except (OSError, ValueError):
        return None
    regular = stat.S_ISREG(found.st_mode)
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino) if regular else CHANGED


def _sha256(path: str, stamp: Stamp) -> str:
    try:
        with Path(path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
    return digest if _stamp(path) == stamp else ""

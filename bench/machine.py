"""Where and with what a run was made."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import psutil

from bench.installed import BROKEN, named, owners, stated
from bench.processor import describe_host, describe_kernels, describe_processor

BUSY_SHARE = 0.1
"""Share of all processors' time that others may take before a machine counts as busy."""
WRITTEN = (":!results", ":!notebooks", ":!*.md")
"""What runs put their figures into, as git leaves it out."""


def cpus() -> list[int]:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def give_back() -> None:
    """Return to the system what was freed: glibc keeps it where small pieces lie between, as after reading a corpus."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


def describe_machine() -> dict[str, Any]:
    """Processor and kernels, memory, system, and the load now."""
    processor = describe_processor()
    return {
        "cpu": processor["name"],
        "processor": processor,
        "kernels": describe_kernels(),
        "host": describe_host(),
        "cores": len(cpus()),
        "gpus": describe_gpus(),
        "memory_bytes": psutil.virtual_memory().total,
        "os": platform.platform(),
        "python": platform.python_version(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "boot_time": psutil.boot_time(),
        "boot_id": _read("/proc/sys/kernel/random/boot_id"),
        "load_1m": round(psutil.getloadavg()[0], 2),
    }


def describe_gpus() -> list[str]:
    """GPUs by name, as NVIDIA's own program lists them; none where it is not installed or sees none."""
    asked = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def describe_others(seconds: float = 2.0) -> dict[str, Any]:
    """How much of the processors' time others take, while this program rests."""
    share = psutil.cpu_percent(interval=seconds) / 100
    return {"others_share": round(share, 3), "busy": share > BUSY_SHARE}


def describe_git(folder: Path) -> dict[str, Any]:
    """Commit of the code, and whether tracked files differ from it but for what runs write: results, pages, notebooks.

    Nulls outside a checkout.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".", *WRITTEN)
    return {"commit": commit, "dirty": None if commit is None else bool(changed)}


def package_versions() -> dict[str, str]:
    """Every installed distribution and its version; also where each broken one lies, and what is wrong with it."""
    return dict(sorted(stated().items(), key=lambda pair: pair[0].lower()))


def broken_packages(packages: Mapping[str, str]) -> list[str]:
    """Of :func:`package_versions`, a line on each that is broken."""
    return [f"{name} is {version}" for name, version in packages.items() if version.startswith(BROKEN)]


def versions(modules: tuple[str, ...]) -> dict[str, str]:
    """Versions of the distributions that provide ``modules``, and of all that these depend on."""
    packages = _closure([name for names in _owned(modules) for name in names])
    return {name: packages[name].version for name in sorted(packages)}


def install_bytes(modules: tuple[str, ...]) -> int | None:
    """Bytes on disk of the packages that provide ``modules``, with all that they depend on.

    None if one is not installed, or its list of files is broken. The harness's own dependencies count too where the
    backend needs them: this is what a product would ship.
    """
    owned = _owned(modules)
    if not all(owned):
        return None
    try:
        return sum(map(_distribution_bytes, _closure([name for names in owned for name in names]).values()))
    except Exception:  # whatever a file that is no RECORD makes of the parser
        return None


def _owned(modules: tuple[str, ...]) -> list[list[str]]:
    """For each module, the distributions that provide its package."""
    by_package = owners()
    return [by_package.get(module.partition(".")[0], []) for module in modules]


def _closure(names: list[str]) -> dict[str, Distribution]:
    """The distributions of these names, and all that they depend on."""
    packages: dict[str, Distribution] = {}
    queue = list(names)
    while queue:
        name = re.sub(r"[-_.]+", "-", queue.pop()).lower()
        dist = None if name in packages else named(name)
        if dist is None:
            continue
        packages[name] = dist
        queue += [
            re.split(r"[ ;<>=!~\[(]", line, maxsplit=1)[0]
            for line in dist.requires or []
            if not re.search(r"extra\s*==", line)
        ]
    return packages


def _distribution_bytes(dist: Distribution) -> int:
    paths = (Path(str(file.locate())) for file in dist.files or [])
    return sum(path.stat().st_size for path in paths if path.is_file())


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()

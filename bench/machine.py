"""Where and with what a run was made."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, distribution, distributions, packages_distributions
from pathlib import Path
from typing import Any

import psutil

from bench.processor import describe_host, describe_kernels, describe_processor

BUSY_SHARE = 0.1
"""Share of all processors' time that others may take before a machine counts as busy."""


def cpus() -> list[int]:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def describe_machine() -> dict[str, Any]:
    """Processor and kernels, memory, system, and the load now."""
    processor = describe_processor()
    return {
        "cpu": processor["name"],
        "processor": processor,
        "kernels": describe_kernels(),
        "host": describe_host(),
        "cores": len(cpus()),
        "memory_bytes": psutil.virtual_memory().total,
        "os": platform.platform(),
        "python": platform.python_version(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "boot_time": psutil.boot_time(),
        "boot_id": _read("/proc/sys/kernel/random/boot_id"),
        "load_1m": round(psutil.getloadavg()[0], 2),
    }


def describe_others(seconds: float = 2.0) -> dict[str, Any]:
    """How much of the processors' time others take, while this program rests."""
    share = psutil.cpu_percent(interval=seconds) / 100
    return {"others_share": round(share, 3), "busy": share > BUSY_SHARE}


def describe_git(folder: Path) -> dict[str, Any]:
    """Commit of the code, and whether tracked files outside results/ differ from it; nulls outside a checkout."""
    commit = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!results")
    return {"commit": commit, "dirty": None if commit is None else bool(changed)}


def package_versions() -> dict[str, str]:
    """Every installed distribution and its version."""
    return {dist.name: dist.version for dist in sorted(distributions(), key=lambda dist: dist.name.lower())}


def versions(modules: tuple[str, ...]) -> dict[str, str]:
    """Versions of the distributions that provide ``modules``, and of all that these depend on."""
    found = _closure([name for names in _owners(modules) for name in names])
    return {name: distribution(name).version for name in sorted(found)}


def install_bytes(modules: tuple[str, ...]) -> int | None:
    """Bytes on disk of the packages that provide ``modules``, with all that they depend on; None if not installed.

    The harness's own dependencies count too where the backend needs them: this is what a product would ship.
    """
    owners = _owners(modules)
    if not all(owners):
        return None
    return sum(_distribution_bytes(name) for name in _closure([name for names in owners for name in names]))


def _owners(modules: tuple[str, ...]) -> list[list[str]]:
    """For each module, the distributions that provide its package."""
    owners = packages_distributions()
    return [list(dict.fromkeys(owners.get(module.partition(".")[0], []))) for module in modules]


def _closure(names: list[str]) -> set[str]:
    found: set[str] = set()
    queue = list(names)
    while queue:
        name = re.sub(r"[-_.]+", "-", queue.pop()).lower()
        if name in found:
            continue
        try:
            required = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        found.add(name)
        queue += [
            re.split(r"[ ;<>=!~\[(]", line, maxsplit=1)[0] for line in required if not re.search(r"extra\s*==", line)
        ]
    return found


def _distribution_bytes(name: str) -> int:
    files = distribution(name).files or []
    paths = (Path(str(file.locate())) for file in files)
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

"""What kind of processor this is, and which kernels do its arithmetic: what tells two machines of one name apart."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FLAGS: Final = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "avx_vnni", "avx_vnni_int8", "avx10", "amx_tile", "amx_int8", "amx_bf16",
    "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2", "sme", "v", "vx",
)  # fmt: skip
"""Of what processors state (x86, ARM, RISC-V, s390), that by which numeric libraries choose their kernels."""

_FACTS: Final[Mapping[str, tuple[str, ...]]] = {
    "vendor": ("vendor_id", "CPU implementer", "mvendorid"),
    "family": ("cpu family", "CPU architecture", "marchid"),
    "model": ("model", "CPU part", "mimpid"),
    "stepping": ("stepping", "CPU revision"),
    "variant": ("CPU variant",),
    "microcode": ("microcode",),
}
_NAMES: Final = ("model name", "Processor", "cpu model", "cpu", "uarch", "Model")
_CHOOSERS: Final = re.compile(
    r"(?!\w*NUM_THREADS)(OPENBLAS|GOTO|MKL|BLIS|NVPL_BLAS|DNNL|ONEDNN|CT2|NPY|ATEN|VECLIB)_\w+"
    r"|OMP_(PLACES|PROC_BIND|WAIT_POLICY)|KMP_(AFFINITY|BLOCKTIME)|NUMBA_CPU_\w+"
)
"""Environment variables by which numeric libraries let kernels be chosen; counts of threads the harness sets itself."""


def describe_processor(cpuinfo: str | None = None) -> dict[str, Any]:
    """Name, vendor, family, model, stepping, microcode and ``FLAGS``, from the text of /proc/cpuinfo; null if unknown.

    Where cores are of several kinds, a fact lists all of them. A processor that states no name is named by its numbers.
    """
    text = _read("/proc/cpuinfo") or "" if cpuinfo is None else cpuinfo
    lines = [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in text.splitlines())]
    stated: dict[str, list[str]] = {}
    for key, value in lines:
        if value and value not in stated.setdefault(key, []):
            stated[key].append(value)

    def first(keys: tuple[str, ...]) -> str | None:
        return next((" / ".join(stated[key]) for key in keys if stated.get(key)), None)

    flags = [set(value.split()) for key in ("flags", "Features", "features") for value in stated.get(key, [])]
    common = set.intersection(*flags) if flags else set()
    facts: dict[str, Any] = {name: first(keys) for name, keys in _FACTS.items()}
    numbers = " ".join(f"{name} {facts[name]}" for name in ("vendor", "family", "model", "variant") if facts[name])
    name = first(_NAMES) or numbers or platform.processor() or platform.machine()
    return {
        "name": name,
        "architecture": platform.machine(),
        **facts,
        "flags": [flag for flag in FLAGS if flag in common],
        "caches": _caches(),
    }


def kind(processor: Mapping[str, Any]) -> str:
    """What decides on kernels, in one line: architecture, vendor, family, model, stepping, flags."""
    numbers = ("family", "model", "variant", "stepping")
    stated = [
        processor["vendor"] or "vendor unknown",
        *(f"{name} {processor[name]}" for name in numbers if processor[name]),
    ]
    return ", ".join([processor["architecture"], *stated, " ".join(processor["flags"]) or "no vector flags known"])


def describe_kernels(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The BLAS libraries that NumPy and SciPy loaded, with the kernels they chose, and the variables that choose."""
    import numpy as np
    import scipy.linalg
    from threadpoolctl import threadpool_info

    assert np and scipy.linalg
    blas = [
        {
            "package": Path(library["filepath"]).parent.name.removesuffix(".libs"),
            "library": library["internal_api"],
            "version": library["version"],
            "kernel": library.get("architecture"),
            "threading": library.get("threading_layer"),
        }
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]
    chosen = {name: value for name, value in sorted(environ.items()) if _CHOOSERS.fullmatch(name)}
    return {"blas": sorted(blas, key=lambda one: str(one["package"])), "environment": chosen}


def describe_host() -> dict[str, Any]:
    """Whether this is a virtual machine or a container, and how many processors' time its group is allowed."""
    stated = _read("/proc/cpuinfo") or ""
    marks = ("/.dockerenv", "/run/.containerenv")
    return {
        "virtual": bool(re.search(r"^flags.*\bhypervisor\b", stated, re.MULTILINE)),
        "product": _read("/sys/class/dmi/id/product_name"),
        "container": any(Path(mark).exists() for mark in marks) or "container" in os.environ,
        "cpu_quota": quota(),
    }


def quota(root: Path = Path("/sys/fs/cgroup"), groups: str | None = None) -> float | None:
    """Processors' worth of time that the control group, or one above it, allows; None where there is no limit."""
    listed = (_read("/proc/self/cgroup") or "") if groups is None else groups
    shares = []
    for line in listed.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / controllers if controllers else root
        inside = Path(path.lstrip("/"))
        shares += [_allowed(base / folder) for folder in (inside, *inside.parents)]
    return min((share for share in shares if share is not None), default=None)


def _allowed(folder: Path) -> float | None:
    words = (_read(folder / "cpu.max") or "").split()
    if not words:
        words = [_read(folder / f"cpu.cfs_{name}_us") or "" for name in ("quota", "period")]
    try:
        time, period = map(float, words)
    except ValueError:
        return None
    return round(time / period, 3) if time > 0 and period > 0 else None


def _caches() -> dict[str, str]:
    """Sizes of the first processor's caches, by level."""
    sizes = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, sort, size = (_read(folder / name) for name in ("level", "type", "size"))
        if level and size:
            sizes[f"L{level}{ {'Data': 'd', 'Instruction': 'i'}.get(sort or '', '') }"] = size
    return sizes


def _read(path: str | Path) -> str | None:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return None

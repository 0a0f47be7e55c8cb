"""Where a network computes: the processor, or a GPU of CUDA."""

from __future__ import annotations

from backends.base import BackendError

DEVICES = ("cpu", "cuda")


def check_device(backend: str, device: str) -> str:
    """The device, if it is one. Raises BackendError."""
    if device not in DEVICES:
        raise BackendError(f"{backend}: device must be {' or '.join(DEVICES)}, not {device!r}")
    return device


def need_gpu(backend: str, count: int, seen_by: str) -> None:
    """Raises BackendError where there is no GPU."""
    if not count:
        raise BackendError(f"{backend}: {seen_by} sees no GPU of CUDA here; take device = 'cpu'")

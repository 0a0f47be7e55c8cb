from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest

from bench.machine import (
    BUSY_SHARE,
    describe_git,
    describe_gpus,
    describe_machine,
    describe_others,
    give_back,
    install_bytes,
    package_versions,
    versions,
)


def test_the_machine_is_described() -> None:
    machine = describe_machine()
    assert machine["cores"] >= 1
    assert machine["memory_bytes"] > 1e8
    others = describe_others(0.1)
    assert 0 <= others["others_share"] <= 1
    assert others["busy"] == (others["others_share"] > BUSY_SHARE)


def test_gpus_are_named_where_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert describe_gpus() == []
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA L4'\necho\n")
    program.chmod(0o755)
    assert describe_gpus() == ["NVIDIA L4"]
    program.write_text("#!/bin/sh\nexit 9\n")
    assert describe_gpus() == []


def test_versions_follow_from_modules() -> None:
    found = versions(("sklearn",))
    assert {"scikit-learn": version("scikit-learn"), "scipy": version("scipy")}.items() <= found.items()
    assert package_versions()["numpy"] == version("numpy")


def test_installed_size_counts_what_a_package_needs() -> None:
    numpy, sklearn = install_bytes(("numpy",)), install_bytes(("sklearn",))
    assert numpy and sklearn
    assert sklearn > numpy > 1e7
    assert install_bytes(("no_such_module",)) is None
    assert install_bytes(()) == 0


@pytest.mark.parametrize(
    ("changed", "dirty"), [("code.py", True), ("docs/page.md", False), ("README.md", False), ("results/a.csv", False)]
)
def test_what_a_run_writes_makes_no_commit_another(tmp_path: Path, changed: str, dirty: bool) -> None:
    for name in ("code.py", "docs/page.md", "README.md", "results/a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("before")
    me = ("-c", "user.name=me", "-c", "user.email=me@example.org")
    for command in (("init", "-q"), ("add", "."), (*me, "commit", "-qm", "all")):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    assert describe_git(tmp_path)["dirty"] is False
    (tmp_path / changed).write_text("after")
    assert describe_git(tmp_path)["dirty"] is dirty


def test_git_outside_a_checkout_is_unknown(tmp_path: Path) -> None:
    assert describe_git(tmp_path) == {"commit": None, "dirty": None}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library keeps nothing back")
def test_freed_memory_goes_back() -> None:
    pieces = [bytearray(10_000) for _ in range(20_000)]
    kept = pieces[-1]
    held = psutil.Process().memory_info().rss
    del pieces
    give_back()
    assert psutil.Process().memory_info().rss < held - 100_000_000
    assert len(kept) == 10_000

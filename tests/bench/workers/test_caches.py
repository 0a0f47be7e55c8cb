from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bench.workers.caches import caches
from bench.workers.parent import ROOT
from tests.bench.running import carry_out, quick

NUMBA = """
from backends.base import Backend, Prediction

class Compiled(Backend):
    name = "compiled"
    imports = ("numba",)
    def load(self):
        import kernels
        import platformdirs
        from pathlib import Path
        cache = platformdirs.user_cache_path("digitbench")
        (cache / "written").parent.mkdir(parents=True, exist_ok=True)
        (cache / "written").touch()
        self.twice = kernels.twice
    def predict(self, audio):
        return Prediction(self.labels[self.twice(1) - 2])
"""
KERNELS = """
import numba

@numba.njit(cache=True)
def twice(x):
    return 2 * x
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that nobody can make: below a regular file."""
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    return home


def test_a_usable_home_is_used(tmp_path: Path) -> None:
    assert caches({"XDG_CACHE_HOME": str(tmp_path / "new")}) == {}


def test_without_a_home_there_is_a_private_folder_used_again(nowhere: Path, temporary: Path) -> None:
    found = caches(os.environ)
    folder = Path(found["XDG_CACHE_HOME"])
    assert folder.parent == temporary
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert Path(found["MPLCONFIGDIR"]).parent == folder
    assert caches(os.environ) == found
    assert caches({**os.environ, **found}) == {}


def test_what_somebody_else_laid_there_is_not_used(nowhere: Path, temporary: Path, tmp_path: Path) -> None:
    mine = f"digitbench-{os.getuid()}-"
    (tmp_path / "target").mkdir(mode=0o700)
    (temporary / f"{mine}a").symlink_to(tmp_path / "target")
    (temporary / f"{mine}b").mkdir(mode=0o777)
    (temporary / f"{mine}b").chmod(0o777)
    (temporary / f"{mine}c").touch()
    chosen = Path(caches(os.environ)["XDG_CACHE_HOME"])
    assert chosen.name[len(mine) :] not in ("a", "b", "c")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_used(nowhere: Path, temporary: Path) -> None:
    first = Path(caches(os.environ)["XDG_CACHE_HOME"])
    os.chown(first, 12345, 12345)
    assert Path(caches(os.environ)["XDG_CACHE_HOME"]) != first


def test_what_a_cache_holds_that_cannot_be_written_to_is_found(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = tmp_path / "usual"
    for unit in ("digitbench/fsdd", "digitbench/weights/faster-whisper-base", "huggingface/hub/models--a--b"):
        (usual / unit).mkdir(parents=True)
        (usual / unit / "file").write_text(unit)
    (usual / "digitbench" / "fsdd.lock").touch()
    real = tempfile.TemporaryFile

    def refused(dir: Path) -> object:
        if dir.is_relative_to(usual):
            raise PermissionError
        return real(dir=dir)

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    folder = Path(caches({"XDG_CACHE_HOME": str(usual)})["XDG_CACHE_HOME"])
    assert (folder / "digitbench/fsdd/file").read_text() == "digitbench/fsdd"
    assert (folder / "huggingface/hub/models--a--b/file").exists()
    assert (folder / "digitbench/weights/faster-whisper-base/file").exists()
    (folder / "digitbench/weights/another").mkdir()
    assert not (folder / "digitbench/fsdd.lock").exists()


def test_where_nothing_can_be_written_nothing_is_set(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(**options: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(tempfile, "mkdtemp", nothing)
    assert caches(os.environ) == {}


def test_a_backend_compiles_without_a_home(
    tiny_corpus: Path, tmp_path: Path, nowhere: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    source = tmp_path / "compiled.py"
    source.write_text(NUMBA)
    package = tmp_path / "package" / "kernels.py"
    package.parent.mkdir()
    package.write_text(KERNELS)
    (package.parent / "__pycache__").touch()  # a file where a folder must be: read-only for root as well
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    done = carry_out(quick(tiny_corpus, f"{source}:Compiled", splits=("official",)), tmp_path / "run")
    assert not done.failures
    assert list(temporary.glob("digitbench-*/numba/**/*.nbi"))
    assert list(temporary.glob("digitbench-*/digitbench/written"))


@pytest.mark.parametrize("command", [["list"], ["--help"], ["data"]])
def test_commands_work_without_a_home(nowhere: Path, temporary: Path, command: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DIGITBENCH_DATA"}
    done = subprocess.run(
        [sys.executable, "-m", "bench", *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert str(nowhere) not in done.stdout

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest

from backends import BackendError, Spec, known_names, registry
from bench.installed import named, owners, stated
from bench.machine import broken_packages, install_bytes, package_versions, versions
from bench.workers.parent import ROOT
from tests.bench.running import planted

WHOLE = "Metadata-Version: 2.1\nName: guest\nVersion: 1.0\n"
GUEST = """
from backends.base import Backend, Prediction

class Guest(Backend):
    name = "guest"
    def load(self): ...
    def predict(self, audio):
        return Prediction(self.labels[0])
"""


def package(folder: Path, name: str, **files: bytes) -> None:
    place = folder / name
    place.mkdir()
    for file, content in files.items():
        (place / file.replace("__", ".")).write_bytes(content)


def empty(folder: Path) -> None:
    package(folder, "hollow-1.0.dist-info")


def nameless(folder: Path) -> None:
    package(folder, "hollow-1.0.dist-info", METADATA=b"Metadata-Version: 2.1\n")


def versionless(folder: Path) -> None:
    package(folder, "hollow-1.0.dist-info", METADATA=b"Metadata-Version: 2.1\nName: hollow\n")


def binary(folder: Path) -> None:
    package(folder, "hollow-1.0.dist-info", METADATA=b"\xff\xfe\0Name: \x80")


def no_stem(folder: Path) -> None:
    package(folder, ".dist-info", METADATA=b"")


def old_egg(folder: Path) -> None:
    (folder / "hollow.egg-info").write_bytes(b"\x80\0")


def record(folder: Path) -> None:
    metadata = WHOLE.replace("guest", "hollow").encode()
    package(folder, "hollow-1.0.dist-info", METADATA=metadata, RECORD=b"\xff\0,,\n")


def requirements(folder: Path) -> None:
    needs = b"Requires-Dist: ;;; not a requirement\nRequires-Dist:  \nRequires-Dist: \n"
    package(folder, "hollow-1.0.dist-info", METADATA=WHOLE.replace("guest", "hollow").encode() + needs)


def points(folder: Path) -> None:
    metadata = WHOLE.replace("guest", "hollow").encode()
    package(folder, "hollow-1.0.dist-info", METADATA=metadata, entry_points__txt=b"[digitbench.backends]\n\xff = \x80")


def raising_point(folder: Path) -> None:
    metadata = WHOLE.replace("guest", "hollow").encode()
    points = b"[digitbench.backends]\nhollow = hollow_module:Hollow\nodd = :::\n"
    package(folder, "hollow-1.0.dist-info", METADATA=metadata, entry_points__txt=points)
    (folder / "hollow_module.py").write_text("raise SystemExit('this module ends whoever imports it')")


def numpy_left_over(folder: Path) -> None:
    package(folder, "numpy-0.1.dist-info")


BREAKAGES = [
    *(empty, nameless, versionless, binary, no_stem, old_egg, record),
    *(requirements, points, raising_point, numpy_left_over),
]
NAMED = [broken for broken in BREAKAGES if broken not in (requirements, raising_point)]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages, first on the path, that holds a backend."""
    place = tmp_path / "site"
    place.mkdir()
    (place / "guest_module.py").write_text(GUEST)
    points = b"[digitbench.backends]\nguest = guest_module:Guest [extra]\n"
    package(place, "guest-1.0.dist-info", METADATA=WHOLE.encode(), entry_points__txt=points)
    monkeypatch.syspath_prepend(str(place))
    return place


@pytest.mark.parametrize("broken", BREAKAGES)
def test_a_broken_package_hides_no_other(site: Path, broken: Callable[[Path], None]) -> None:
    broken(site)
    registry.cache_clear()
    try:
        assert Spec("guest", registry()["guest"]).load().name == "guest"
        assert {"guest", "chance", "mfcc-svm"} <= set(known_names())
    finally:
        registry.cache_clear()
    assert stated()["guest"] == "1.0"
    assert package_versions()["numpy"] == numpy.__version__
    assert {"scikit-learn", "numpy"} <= set(versions(("sklearn",)))
    assert (install_bytes(("sklearn",)) or 0) > 1e7
    assert owners()["numpy"] == ["numpy"]
    assert named("numpy") is not None


@pytest.mark.parametrize("broken", NAMED)
def test_a_broken_package_is_named(site: Path, broken: Callable[[Path], None]) -> None:
    broken(site)
    said = broken_packages(package_versions())
    assert len(said) == 1
    assert str(site) in said[0]


def test_a_package_whose_files_are_not_known_has_no_size(site: Path) -> None:
    record(site)
    assert versions(("hollow",)) == {"hollow": "1.0"}
    assert install_bytes(("hollow",)) is None


def test_a_module_that_ends_whoever_imports_it_is_an_error(site: Path) -> None:
    raising_point(site)
    with pytest.raises(BackendError, match=r"hollow_module:Hollow.*SystemExit: this module ends"):
        Spec("hollow", "hollow_module:Hollow").load()


@pytest.mark.parametrize("broken", [empty, binary, record, points, raising_point])
def test_a_run_goes_on_and_names_it(
    site: Path, tiny_corpus: Path, tmp_path: Path, broken: Callable[[Path], None]
) -> None:
    broken(site)
    arguments = [
        *(sys.executable, "-m", "bench", "run", "--corpus", f"folder:{tiny_corpus}", "--out", str(tmp_path / "run")),
        *("--latency-clips", "0", "--throughput-s", "0", "--processes", "1", "--no-checks", "--splits", "official"),
        *("--backends", f"guest,{planted('Steady')}", "--set", "vocabulary = {0 = ['zero'], 1 = ['one'], 2 = ['two']}"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (f"note: {site}" in done.stderr) == (broken in NAMED)

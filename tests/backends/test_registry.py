from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import numpy as np
import pytest

import backends
from backends import BackendError, Spec, find, known_names, registry

ROOT = Path(backends.__file__).parents[1]
OWN = """
from backends.base import Backend, Prediction

class Mine(Backend):
    name = "mine"
    def load(self): ...
    def predict(self, audio):
        return Prediction(self.labels[0])

class NotABackend: ...
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def test_every_family_of_this_folder_is_found() -> None:
    assert {"chance", "mfcc-svm", "mfcc-logreg", "mfcc-rf"} <= set(registry())


@pytest.mark.parametrize("name", sorted(registry()))
def test_every_registered_class_loads_under_its_own_name(name: str) -> None:
    found = find(name).load()
    assert found.name == name
    assert found.__doc__


def test_looking_at_the_registry_imports_nothing_heavy() -> None:
    code = (
        "import sys, backends; backends.registry(); backends.known_names();"
        "heavy = {'torch', 'sklearn', 'librosa', 'faster_whisper', 'whisper', 'skops', 'ctranslate2'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("wrong", "near"), [("mfcc-smv", "mfcc-svm"), ("mfcc_logreg", "mfcc-logreg"), ("chanse", "chance")]
)
def test_a_near_miss_is_answered_with_the_name(wrong: str, near: str) -> None:
    with pytest.raises(BackendError, match=f"did you mean .*{near}"):
        find(wrong)


def test_a_wild_miss_is_answered_with_all_names() -> None:
    with pytest.raises(BackendError) as caught:
        find("qqqqqq")
    assert all(name in str(caught.value) for name in known_names())


def test_a_variant_of_what_has_none_is_an_error() -> None:
    with pytest.raises(BackendError, match="no variants"):
        find("chance:tiny")


def test_a_class_in_a_file_of_ones_own(own: Path) -> None:
    spec = find(f"{own}:Mine")
    backend = spec.load()({"yes": ["yes"], "no": ["no"]})
    assert backend.predict(np.zeros(1, dtype=np.float32)).label == "yes"
    assert spec.name == "own:Mine"


def test_a_class_in_a_module() -> None:
    assert find("backends.chance:Chance").load().name == "chance"


@pytest.mark.parametrize("attribute", ["Missing", "NotABackend"])
def test_a_file_without_such_a_backend_is_an_error(own: Path, attribute: str) -> None:
    with pytest.raises(BackendError, match=attribute):
        find(f"{own}:{attribute}").load()


def test_a_file_that_fails_when_it_is_imported_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("import no_such_module_anywhere\nclass Mine: ...\n")
    with pytest.raises(BackendError, match="cannot import"):
        find(f"{path}:Mine").load()


@pytest.mark.parametrize("name", ["own.py", "own.py:", "own.py:Wrong", "own.py:mine", "own.py:a b", "own.py:Mine:x"])
def test_without_a_class_of_the_file_those_there_are_are_named(
    name: str, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.write_text(f"raise SystemExit('run')\n{OWN}")
    monkeypatch.chdir(own.parent)
    with pytest.raises(BackendError, match=r"own\.py:Mine or own\.py:NotABackend"):
        find(name)


@pytest.mark.parametrize(
    "lines",
    ["from other import Mine", "from other import x as Mine", "Mine = make()", "if x:\n class Mine: ...",
     "from other import *", "import Mine"],
)  # fmt: skip
def test_a_class_from_elsewhere_is_taken_for_there(lines: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(lines)
    assert find(f"{tmp_path}/own.py:Mine").name == "own:Mine"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x = 1\n\ndef broken(\n", r"own\.py, line 3: '\(' was never closed"),
        (b"x = 1\n  y = 2\n", r"own\.py, line 2: unexpected indent"),
        (b"x = '\xff'\n", r"own\.py, line 1: .*utf-8"),
        (b"\0", r"own\.py.* null bytes"),
        (b"(" * 100_000, r"own\.py"),
        (b"x = 1\n", "a class is wanted; there is none in it"),
        (b"", "a class is wanted; there is none in it"),
        (None, "no such file"),
    ],
)
def test_a_file_that_is_none_is_named(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BackendError, match=message):
        find(str(path))


def test_what_is_not_a_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    for name in ("folder.py", "pipe.py"):
        with pytest.raises(BackendError, match="not a file"):
            find(f"{tmp_path / name}:Mine")


def test_a_home_is_expanded(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(own.parent))
    assert find("~/own.py:Mine").target == f"{own.resolve()}:Mine"


def test_installed_entry_points_join_but_never_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("guest", "guest_package:Guest", backends.ENTRY_POINTS),
        EntryPoint("chance", "guest_package:Impostor", backends.ENTRY_POINTS),
    ]
    monkeypatch.setattr(EntryPoints, "select", lambda self, group: points if group == backends.ENTRY_POINTS else [])
    registry.cache_clear()
    try:
        assert registry()["guest"] == "guest_package:Guest"
        assert registry()["chance"] == "backends.chance:Chance"
    finally:
        registry.cache_clear()


def test_a_spec_names_what_it_could_not_import() -> None:
    with pytest.raises(BackendError, match="no_such_package"):
        Spec("x", "no_such_package.module:X").load()

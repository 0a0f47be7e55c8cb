from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.audio import write
from bench.corpora.fsdd import Manifest, read_manifest, write_manifest
from tests.conftest import tone

NAMES = [f"{digit}_{speaker}_{take}" for digit in "07" for speaker in ("george", "theo") for take in (0, 4, 5, 49)]


@pytest.fixture(scope="session", params=["made up", "real"])
def recordings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small FSDD: 16 clips of two digits, two speakers, four takes. Read only."""
    folder = tmp_path_factory.mktemp("small") / "fsdd" / "recordings"
    folder.mkdir(parents=True)
    if request.param == "real":
        real: Path = request.getfixturevalue("data") / "fsdd" / "recordings"
        for name in NAMES:
            shutil.copyfile(real / f"{name}.wav", folder / f"{name}.wav")
    else:
        for number, name in enumerate(NAMES):
            write(folder / f"{name}.wav", tone(300 + 40 * number), 8_000)
    return folder


@pytest.fixture(scope="session")
def manifest(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    path = tmp_path_factory.mktemp("manifest") / "manifest.csv"
    write_manifest(recordings, path)
    return read_manifest(path)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"

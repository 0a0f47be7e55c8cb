"""From recordings to a page, by a backend that is sure of loud sounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.audio import write
from bench.configfile import read_config
from bench.errors import BenchError
from bench.progress import reporter
from bench.rejection import report, sounds
from bench.rejection.sounds import DIGIT, OTHER, find_sounds
from bench.rejection.words import Word
from bench.terminal import Console
from sound.activity import EnergyGate
from tests.conftest import tone

SILENT = reporter(Console(quiet=True))

SURE = """
import numpy as np
from backends.base import Backend, Prediction


class Sure(Backend):
    name = "sure"
    sample_rate = 8_000

    def load(self):
        pass

    def predict(self, audio):
        loud = min(1.0, float(np.abs(audio).max()))
        scores = {label: 0.0 for label in self.labels} | {"1": 1.0}
        return Prediction("1", scores, facts={"certainty": loud} if SAYS else None)
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two recordings with a loud digit and a faint other word each, and a noise."""
    folder = tmp_path / "data"
    for name in ("talk/dev.wav", "talk/test.wav", "noise/hum.wav"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        silence = np.zeros(4_000, np.float32)
        write(folder / name, np.concatenate([silence, tone(440), silence, tone(440) / 8, silence]), 8_000)
    monkeypatch.setattr(sounds, "detectors", lambda: EnergyGate)
    monkeypatch.setenv("DIGITBENCH_DATA", str(folder))
    return folder


def words() -> tuple[Word, ...]:
    return tuple(
        Word(f"talk/{part}.wav", "talk", part, word, label, start, start + 0.3)
        for part in ("dev", "test")
        for word, label, start in (("one", "1", 0.5), ("run", "", 1.3))
    )


def test_sounds_are_words_and_what_is_cut_out_of_noise(data: Path) -> None:
    found = find_sounds(data, words())
    assert [sound.kind for sound in found.listed[:4]] == [DIGIT, OTHER, DIGIT, OTHER]
    assert {sound.path for sound in found.listed[4:]} == {"noise/hum.wav"}
    assert found.minutes["noise"] == pytest.approx(2.1 / 60)
    assert found.minutes["running speech"] == 0
    with pytest.raises(BenchError, match="none of the recordings"):
        find_sounds(data / "noise", words())


@pytest.mark.parametrize("says", [True, False])
def test_a_page_is_made_and_what_was_heard_is_kept(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: bool
) -> None:
    found = find_sounds(data, words())
    monkeypatch.setattr(report, "find_sounds", lambda *_, **__: found)
    source = tmp_path / "sure.py"
    source.write_text(SURE.replace("SAYS", str(says)))
    config = replace(read_config(None, {}), backends=(f"{source}:Sure",))
    out = tmp_path / "out"
    page = report.rejection(config, out, None, SILENT).read_text()
    rows = pd.read_parquet(next((out / "records").glob("*.parquet")))
    assert list(rows["id"]) == [sound.id for sound in found.listed]
    if says:
        assert (rows["certainty"][:4] > 0.2).tolist() == [True, False, True, False]
        assert "100.0; 0.0" in page and "1 digits and 1 other words in test" in page
    else:
        assert (rows["certainty"] == 1).all()
    stamp = next((out / "records").glob("*.parquet")).stat().st_mtime_ns
    report.rejection(config, out, None, SILENT)
    assert next((out / "records").glob("*.parquet")).stat().st_mtime_ns == stamp

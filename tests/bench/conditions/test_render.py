from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.audio import Audio, fingerprint, read, write
from bench.clips import Clip
from bench.conditions import render
from tests.conftest import tone

RATE = 8_000


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    found = []
    for number in range(3):
        path = tmp_path / f"{number}.wav"
        write(path, tone(300 + number), RATE)
        sha256 = fingerprint(*read(path))
        found.append(Clip(f"x/{number}", str(path), sha256, "1", "ann"))
    return found


def halved(clip: Clip, samples: Audio, rate: int) -> tuple[Audio, int]:
    return samples / np.float32(2), rate


def refused(clip: Clip, samples: Audio, rate: int) -> tuple[Audio, int]:
    raise AssertionError(f"{clip.id} was made again")


def test_all_but_path_and_samples_stays(clips: list[Clip], tmp_path: Path) -> None:
    made = list(render(clips, tmp_path / "out", halved))
    assert len({clip.path for clip in made}) == 3
    for old, new in zip(clips, made, strict=True):
        assert replace(old, path="", sha256="") == replace(new, path="", sha256="")
        samples, rate = read(Path(new.path))
        np.testing.assert_array_equal(samples, read(Path(old.path))[0] / np.float32(2))
        assert new.sha256 == fingerprint(samples, rate) != old.sha256
        assert soundfile.info(new.path).subtype == "FLOAT"


def test_what_was_made_is_not_made_again(clips: list[Clip], tmp_path: Path) -> None:
    made = list(render(clips, tmp_path / "out", halved))
    assert list(render(clips, tmp_path / "out", refused)) == made


@pytest.mark.parametrize("loss", ["file", "line", "source"])
def test_what_was_lost_or_is_of_other_samples_is_made_again(clips: list[Clip], tmp_path: Path, loss: str) -> None:
    out = tmp_path / "out"
    made = list(render(clips, out, halved))
    if loss == "file":
        Path(made[1].path).unlink()
    elif loss == "line":
        index = out / "clips.jsonl"
        index.write_text(index.read_text()[:-9])
    else:
        path = Path(clips[1].path)
        write(path, tone(900), RATE)
        clips[1] = replace(clips[1], sha256=fingerprint(*read(path)))
    with pytest.raises(AssertionError, match="x/2" if loss == "line" else "x/1"):
        list(render(clips, out, refused))
    again = list(render(clips, out, halved))
    assert (again == made) is (loss != "source")

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bench.audio import Audio, fingerprint, read, write
from bench.conditions import render
from tests.conftest import tone

RATE = 8_000


@pytest.fixture
def entries(tmp_path: Path) -> list[dict[str, Any]]:
    found = []
    for number in range(3):
        path = tmp_path / f"{number}.wav"
        write(path, tone(300 + number), RATE)
        sha256 = fingerprint(*read(path))
        found.append({"clip": f"x/{number}", "path": str(path), "sha256": sha256, "label": "1", "speaker": "ann"})
    return found


def halved(entry: dict[str, Any], samples: Audio, rate: int) -> tuple[Audio, int]:
    return samples / np.float32(2), rate


def refused(entry: dict[str, Any], samples: Audio, rate: int) -> tuple[Audio, int]:
    raise AssertionError(f"{entry['clip']} was made again")


def test_all_but_path_and_samples_stays(entries: list[dict[str, Any]], tmp_path: Path) -> None:
    made = list(render(entries, tmp_path / "out", halved))
    assert len({entry["path"] for entry in made}) == 3
    for old, new in zip(entries, made, strict=True):
        assert {**old, "path": "", "sha256": ""} == {**new, "path": "", "sha256": ""}
        samples, rate = read(Path(new["path"]))
        np.testing.assert_array_equal(samples, read(Path(old["path"]))[0] / np.float32(2))
        assert new["sha256"] == fingerprint(samples, rate) != old["sha256"]
        assert soundfile.info(new["path"]).subtype == "FLOAT"


def test_what_was_made_is_not_made_again(entries: list[dict[str, Any]], tmp_path: Path) -> None:
    made = list(render(entries, tmp_path / "out", halved))
    assert list(render(entries, tmp_path / "out", refused)) == made


@pytest.mark.parametrize("loss", ["file", "line", "source"])
def test_what_was_lost_or_is_of_other_samples_is_made_again(
    entries: list[dict[str, Any]], tmp_path: Path, loss: str
) -> None:
    out = tmp_path / "out"
    made = list(render(entries, out, halved))
    if loss == "file":
        Path(made[1]["path"]).unlink()
    elif loss == "line":
        index = out / "clips.jsonl"
        index.write_text(index.read_text()[:-9])
    else:
        write(Path(entries[1]["path"]), tone(900), RATE)
        entries[1]["sha256"] = fingerprint(*read(Path(entries[1]["path"])))
    with pytest.raises(AssertionError, match="x/2" if loss == "line" else "x/1"):
        list(render(entries, out, refused))
    again = list(render(entries, out, halved))
    assert (again == made) is (loss != "source")

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.analyse import analyse_files
from bench.audio import write
from bench.errors import BenchError
from tests.bench.test_cli import digitbench


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "hiss.wav"
    write(path, np.random.default_rng(0).normal(0, 0.05, 22_050).astype(np.float32), 22_050)
    return path


def test_a_file_becomes_facts_and_a_picture(clip: Path, tmp_path: Path) -> None:
    (found,) = analyse_files([clip], tmp_path / "new" / "pictures")
    facts = json.loads(found.json())
    assert facts["file"] == str(clip) and facts["duration_s"] == 1
    assert facts["shares"]["noise"] > 0.9
    assert "hiss" in found.line() and "0.00 s would be left" in found.line()
    assert found.picture is not None and found.picture.read_bytes().startswith(b"\x89PNG")
    assert found.picture.stem == "hiss"


def test_a_bad_file_is_named_and_the_others_go_on(clip: Path, tmp_path: Path) -> None:
    bad = tmp_path / "notes.wav"
    bad.write_text("no sound")
    broken, found = analyse_files([bad, clip])
    assert broken.error is not None and str(bad) in broken.line() and json.loads(broken.json())["error"] == broken.error
    assert found.facts is not None and found.picture is None


def test_two_files_of_one_name_do_not_share_a_picture(clip: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / clip.name
    other.parent.mkdir()
    other.write_bytes(clip.read_bytes())
    with pytest.raises(BenchError, match="different folders"):
        list(analyse_files([clip, other], tmp_path / "pictures"))


def test_pictures_need_a_folder_that_can_be_written(clip: Path) -> None:
    with pytest.raises(BenchError, match="cannot be written, --pictures takes a folder"):
        list(analyse_files([clip], clip))


def test_the_command_prints_a_line_or_json_and_fails_for_a_bad_file(clip: Path, tmp_path: Path) -> None:
    done = digitbench("analyse", "--json", clip, tmp_path / "nowhere.wav")
    good, bad = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 1
    assert len(good["hops"]["label"]) == 32 and "no such file" in bad["error"]

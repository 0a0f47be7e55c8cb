from __future__ import annotations

import os
from pathlib import Path

import soundfile

from bench.loading.processes import PEAK, children, new_install, once
from tests.conftest import tone


def test_a_child_answers_says_what_it_cannot_and_is_started_anew_after_its_death(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(440), 8000)
    with children(["soundfile"]) as alive:
        child = alive["soundfile"]
        found = child.ask(do="read", task="whole", path=str(path))
        assert found["samples"] == len(tone(440))
        assert child.ask(do="read", task="whole", path=str(tmp_path / "none.wav"))["error"].startswith(
            "LibsndfileError"
        )
        assert child._process is not None
        os.kill(child._process.pid, 9)
        assert child.ask(do="read", task="whole", path=str(path))["died"]
        assert child.ask(do="time", task="duration", path=str(path))["wall"]
        process = child._process
    assert process is not None
    assert process.returncode is not None


def test_a_program_is_told_with_what_it_took_and_its_error() -> None:
    fine = once("import sys; print(sys.argv[1:], sys.stdin.read())", "a b", given="words")
    assert (fine["printed"], fine.get("error")) == ("['a b'] words\n", None)
    assert fine["peak"] is None
    small, large = (once(f"held = bytearray({size})" + PEAK)["peak"] for size in (1, 100_000_000))
    assert 90_000_000 < large - small < 110_000_000
    assert fine["wall"][0] > 0
    assert once("raise SystemExit('no such thing')")["error"] == "no such thing"


def test_after_an_install_no_compiled_code_is_found() -> None:
    folder, env = new_install()
    with folder:
        assert once("import json", env=env).get("error") is None
        assert any(Path(env["PYTHONPYCACHEPREFIX"]).rglob("*.pyc"))
    assert not Path(folder.name).exists()

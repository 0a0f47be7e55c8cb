from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.audio import write
from bench.configfile import read_config
from bench.errors import BenchError
from bench.machine import cpus
from bench.preflight import check, check_backends, check_conditions, check_folder, check_threads
from tests.bench.running import planted

OWN = """
from backends.base import Backend, Prediction
class Own(Backend):
    def __init__(self, vocabulary, variant="", *, k=3):
        super().__init__(vocabulary, variant)
    def load(self): ...
    def predict(self, audio):
        return Prediction(None)
class Needy(Own):
    imports = ("no_such_package_anywhere", "json")
class Aborts(Own):
    def __init__(self, *given, **options):
        import os
        os.abort()
class NotABackend: ...
"""


def config(*backends: str, **settings: Any) -> Any:
    return read_config(None, {"backends": backends or ("chance",), **settings})


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def test_what_is_well_leaves_nothing_behind(tmp_path: Path) -> None:
    check(config("chance", "mfcc-svm", planted("Steady")), tmp_path / "not" / "yet")
    assert not [*tmp_path.iterdir()]


def test_more_threads_than_processors_are_refused() -> None:
    most = len(cpus())
    check_threads(config(threads=(1, most)))
    with pytest.raises(BenchError, match=rf"threads {most + 1}: more than the {most} processors here"):
        check_threads(config(threads=(1, most + 1)))


@pytest.mark.parametrize("place", ["file", "file/run", "dangling", "dangling/run", "x" * 300, "fifo"])
def test_a_folder_that_cannot_be_is_named(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BenchError, match="--out ") as caught:
        check_folder(tmp_path / place)
    assert str(tmp_path / place) in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BenchError, match="Permission denied; name another folder"):
        check_folder(tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("Own", {"own": {"kk": 1}}, "own:Own has no option 'kk'; its options are k"),
        ("Own", {"own:Own": {"kk": 1}}, "own:Own has no option 'kk'; its options are k"),
        ("Needy", {"own": {"k": 1}}, "own:Needy needs no_such_package_anywhere, which is not installed"),
        ("NotABackend", {"own": {"k": 1}}, "is not a class derived from backends.base.Backend"),
        ("Wrong", {"own": {"k": 1}}, "no class 'Wrong'; say which: .*own.py:Own"),
    ],
)
def test_a_class_of_ones_own_is_asked(own: Path, name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        check_backends(config(f"{own}:{name}", backend=options))


def test_one_that_dies_when_it_is_made_is_left_to_the_run(own: Path) -> None:
    check_backends(config(f"{own}:Aborts"))


@pytest.mark.parametrize(
    ("chosen", "options", "message"),
    [
        (
            "mfcc-svm",
            {"mfcc-svm": {"scalar": 1}},
            "mfcc-svm has no option 'scalar'; its options are reject_below, scalars, seed",
        ),
        ("mfcc-svm+noise", {"mfcc-svm+noise": {"scalar": 1}}, r"mfcc-svm\+noise has no option 'scalar'"),
        ("mfcc-svm", {"mfcc-svm+noise": {"scalar": 1}}, r"mfcc-svm\+noise has no option 'scalar'"),
        ("whisper-probe:tiny.en+noise", {"whisper-probe+noise": {"scalar": 1}}, r"has no option 'scalar'"),
        ("chance", {"mfcc-svm": {"scalar": 1}}, "mfcc-svm has no option 'scalar'"),
        ("chance", {"faster-whisper": {"beam": 5}}, "has no option 'beam'; its options are beam_size"),
        ("chance", {"faster-whisper:tini": {"beam_size": 5}}, "faster-whisper:tini cannot be made"),
        ("chance", {"chanse": {"x": 5}}, "options for backend 'chanse', which does not exist; did you mean chance"),
    ],
)
def test_options_that_a_backend_has_not_are_named(chosen: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        check_backends(config(chosen, backend=options))


def test_options_for_others_stand_beside_those_for_a_class_of_ones_own(own: Path) -> None:
    options = {"own": {"k": 1}, "own+noise": {"k": 2}, "faster-whisper": {"beam_size": 5}}
    for name in (f"{own}:Own", f"{own}:Own+noise"):
        check_backends(config(name, backend=options))


def test_a_misspelt_variant_is_named() -> None:
    pytest.importorskip("faster_whisper")
    with pytest.raises(BenchError, match=r"faster-whisper:tini cannot be made: .*did you mean tiny"):
        check_backends(config("faster-whisper:tini"))


def test_conditions_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITBENCH_DATA", str(tmp_path))
    (tmp_path / "noise").mkdir()
    hum = (np.sin(np.arange(16_000)) / 2).astype(np.float32)
    write(tmp_path / "noise" / "dishes.wav", hum, 8_000)
    write(tmp_path / "noise" / "silent.wav", np.zeros_like(hum), 8_000)
    (tmp_path / "noise" / "text.wav").write_text("no sound")
    check_conditions(config(conditions=["noise:dishes@10dB", "noise:babble@0dB", "telephone", "silence:0.5s+0.5s"]))
    for spec, message in (
        ("noise:dishs@10dB", "no noise 'dishs' in .*; did you mean dishes"),
        ("noise:text@10dB", r"text\.wav"),
        ("noise:silent@10dB", "silent"),
        ("reverb:no_such_room", "no impulse response 'no_such_room'"),
    ):
        with pytest.raises(BenchError, match=f"condition {spec}: .*{message}"):
            check_conditions(config(conditions=[spec]))

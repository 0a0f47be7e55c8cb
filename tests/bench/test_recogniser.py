"""Backends in use: train, predict, export, through workers, and what strangers' files can do there: nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bench.audio import write
from tests.bench.running import planted
from tests.conftest import tone

ROOT = Path(__file__).parents[2]
WORDS = "vocabulary = {0 = ['zero'], 1 = ['one'], 2 = ['two']}"
KNN = """
from pathlib import Path
import numpy as np
from backends.base import Prediction, TrainedBackend


class Knn(TrainedBackend):
    name = "knn"
    sample_rate = 8_000

    def __init__(self, vocabulary, variant="", *, bands=64):
        super().__init__(vocabulary, variant)
        self.bands = bands

    def prepare(self):
        Path("prepared").touch()

    def load(self):
        assert Path("prepared").exists()

    def _bands(self, audio):
        return np.abs(np.fft.rfft(audio, 512))[: self.bands].astype(np.float32)

    def fit(self, clips, validation=()):
        self.known = np.stack([self._bands(clip.audio) for clip in clips])
        self.names = np.array([clip.label for clip in clips])

    def predict(self, audio):
        distances = ((self.known - self._bands(audio)) ** 2).sum(axis=1)
        return Prediction(str(self.names[distances.argmin()]))

    def save(self, path):
        with path.open("wb") as file:
            np.savez(file, known=self.known, names=self.names)

    def restore(self, path):
        with np.load(path) as arrays:
            self.known, self.names = arrays["known"], arrays["names"]

    def export(self, path):
        path.write_text(f"{len(self.known)} clips, {self.bands} bands")
"""


def digitbench(folder: Path, *arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    """The command line, in a folder of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", *map(str, arguments)],
        cwd=folder, input=stdin, capture_output=True, timeout=120, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    text = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in text.stderr + text.stdout
    return text


def refused(folder: Path, *arguments: object) -> str:
    """The one line that is said."""
    done = digitbench(folder, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{letter}.wav" for letter in "abcd"]
    for seed, path in enumerate(paths):
        write(path, tone(400, seed=seed), 8_000)
    return paths


@pytest.fixture(scope="module")
def chance(tmp_path_factory: pytest.TempPathFactory, tiny_corpus: Path) -> Path:
    folder = tmp_path_factory.mktemp("chance")
    done = digitbench(
        folder, "train", "chance", "--out", "chance.model", "--corpus", f"folder:{tiny_corpus}", "--set", WORDS
    )
    assert done.returncode == 0, done.stderr
    return folder / "chance.model"


def test_a_class_of_ones_own_is_trained_used_and_exported(tmp_path: Path, tiny_corpus: Path) -> None:
    (tmp_path / "knn.py").write_text(KNN)
    clip = tiny_corpus / "1_ann_0.wav"
    corpus = ("--corpus", f"folder:{tiny_corpus}", "--set", WORDS)
    trained = digitbench(tmp_path, "train", "knn.py:Knn", "--out", "knn.model", *corpus)
    assert trained.returncode == 0, trained.stderr
    own = ("--backend", "knn.py:Knn", "--model", "knn.model")
    heard = digitbench(tmp_path, "predict", clip, *own, "--set", WORDS)
    assert heard.stdout.split("\t")[:2] == [str(clip), "1"], heard.stderr
    options = ("--set", "backend.'knn:Knn'.bands = 32")
    exported = digitbench(tmp_path, "export", *own, "--out", "knn.txt", *options)
    assert exported.returncode == 0, exported.stderr
    assert (tmp_path / "knn.txt").read_text() == "36 clips, 32 bands"
    assert "--backend FILE.py:Class" in refused(tmp_path, "predict", clip, "--model", "knn.model")
    assert "train knn.py:Knn" in refused(tmp_path, "predict", clip, "--backend", "knn.py:Knn")
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("name", ["evil.py:X", "evil:X", "./evil.py:X", "os:X", "chance:evil.py:X"])
def test_a_model_file_makes_nothing_be_imported(tmp_path: Path, clips: list[Path], name: str) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\nclass X: pass\n")
    header = {"format": 1, "backend": name, "vocabulary": {"a": ["a"], "b": ["b"]}, "options": {}, "variant": ""}
    (tmp_path / "model.skops").write_text(json.dumps(header))
    with zipfile.ZipFile(tmp_path / "zip.skops", "w") as made:
        made.writestr("digitbench.json", json.dumps(header))
    for model in ("model.skops", "zip.skops"):
        for command in (("predict", clips[0]), ("export", "--out", "x")):
            said = refused(tmp_path, *command, "--model", model)
            assert "no registered backend" in said
            assert "--backend FILE.py:Class" in said
    assert not (tmp_path / "mark").exists()


def test_a_model_file_chooses_no_weights_and_no_other_options(tmp_path: Path, clips: list[Path]) -> None:
    header = {"format": 1, "vocabulary": {"a": ["a"], "b": ["b"]}, "variant": ""}
    probe = {"compute_type": "int8", "highest_hz": 4000.0, "augment": True, "seed": 0}
    own, theirs = ({"backend": "whisper-probe", "variant": variant} for variant in ("tiny.en", "evil/weights"))
    wrong: dict[str, dict[str, object]] = {
        "--backend whisper-probe:evil/weights": theirs | {"options": probe},
        "option 'model' is not one": own | {"options": probe | {"model": "/x"}},
        "option 'x' is not one": {"backend": "chance", "options": {"x": 1}},
        "has no variants": {"backend": "chance", "variant": "x", "options": {}},
        "seed must be": {"backend": "mfcc-lite", "options": {"augment": True, "seed": "0"}},
        "option 'model' is not one that": {"backend": "faster-whisper", "variant": "base", "options": {"model": "/x"}},
    }  # fmt: skip
    for why, fields in wrong.items():
        (tmp_path / "model").write_text(json.dumps(header | fields))
        assert why in refused(tmp_path, "predict", clips[0], "--model", "model")


@pytest.mark.timeout(120)
def test_models_that_are_no_files_are_named(tmp_path: Path, clips: list[Path]) -> None:
    os.mkfifo(tmp_path / "fifo")
    for model in ("fifo", "/dev/zero", ".", "missing"):
        assert refused(tmp_path, "predict", clips[0], "--model", model).startswith(f"error: {model}: ")


def test_a_zip_bomb_is_refused_without_its_memory(tmp_path: Path, clips: list[Path]) -> None:
    with zipfile.ZipFile(tmp_path / "model", "w", zipfile.ZIP_DEFLATED) as made:
        header = {"format": 1, "backend": "mfcc-lite", "vocabulary": {"a": [], "b": []}, "variant": ""}
        made.writestr("digitbench.json", json.dumps(header | {"options": {"augment": True, "seed": 0}}))
        made.writestr("state.json", "{}")
        with made.open("0.conv1.npy", "w") as member:
            for _ in range(1_500):
                member.write(bytes(1_000_000))
    said = refused(tmp_path, "predict", clips[0], "--model", "model", "--set", "memory_limit_mb = 400")
    assert "more than" in said
    assert "out of memory" not in said


def test_a_model_of_another_class_is_refused(tmp_path: Path, clips: list[Path], chance: Path) -> None:
    assert "of chance, not of mfcc-lite" in refused(
        tmp_path, "predict", clips[0], "--model", chance, "--backend", "mfcc-lite"
    )
    assert "zero-shot: it takes no --model" in refused(
        tmp_path, "predict", clips[0], "--model", chance, "--backend", planted("Steady")
    )


def test_a_read_only_model_through_a_link_is_used(tmp_path: Path, clips: list[Path], chance: Path) -> None:
    (tmp_path / "model").write_bytes(chance.read_bytes())
    (tmp_path / "model").chmod(0o444)
    (tmp_path / "link").symlink_to("model")
    assert digitbench(tmp_path, "predict", clips[0], "--model", "link").returncode == 0


@pytest.mark.parametrize(
    ("fault", "why"),
    [("Exits", "exited with code 7"), ("Segfaults", "killed by SIGSEGV"), ("Hangs", "time limit"),
     ("Hoards", "out of memory"), ("Raises", "ZeroDivisionError: planted"), ("WrongLabel", "'eleven'"),
     ("Connects", "no network")],
)  # fmt: skip
def test_what_ends_a_worker_costs_one_file(tmp_path: Path, clips: list[Path], fault: str, why: str) -> None:
    """It happens in the third call: the first file is heard twice, so it is the second one's."""
    limits = ("--set", "step_limit_s = 20", "--set", "memory_limit_mb = 600", "--set", WORDS)
    if fault == "Hangs":
        limits = ("--set", "step_limit_s = 5", *limits[2:])
    done = digitbench(tmp_path, "predict", *clips[:3], "--backend", planted(fault), "--json", *limits)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [answer["file"] for answer in answers] == [str(path) for path in clips[:3]]
    assert [answer["error"] is None for answer in answers] == [True, False, True]
    assert why in answers[1]["error"]
    assert answers[1]["error"].startswith(str(clips[1]))
    assert answers[1]["label"] is None


def test_json_says_all_and_the_exit_code_whether_all_was_heard(tmp_path: Path, clips: list[Path], chance: Path) -> None:
    done = digitbench(tmp_path, "predict", clips[0], "none.wav", tmp_path, clips[1], "--model", chance, "--json")
    first, missing, folder, last = (json.loads(line) for line in done.stdout.splitlines())
    assert set(first) == {"file", "label", "text", "scores", "certainty", "ms", "error"}
    assert (first["label"], first["error"], set(first["scores"])) == ("0", None, {"0", "1", "2"})
    assert first["ms"] >= 0
    assert missing["error"] == "none.wav: no such file"
    assert "a folder; name its recordings" in folder["error"]
    assert last["error"] is None
    assert (done.returncode, done.stderr) == (1, "")
    assert digitbench(tmp_path, "predict", clips[0], "--model", chance, "--json").returncode == 0


def test_without_flags_a_model_that_ships_answers_and_silence_is_no_digit(tmp_path: Path, clips: list[Path]) -> None:
    write(tmp_path / "silence.wav", np.zeros(4_000, np.float32), 8_000)
    done = digitbench(tmp_path, "predict", "silence.wav")
    assert (done.returncode, done.stdout.split("\t")[:2]) == (0, ["silence.wav", "not a digit"])
    guessed = digitbench(tmp_path, "predict", "silence.wav", "--backend", "mfcc-lite", "--no-reject", "--json")
    assert json.loads(guessed.stdout)["label"] in [str(digit) for digit in range(10)]
    assert json.loads(guessed.stdout)["certainty"] == 0
    strict = ("--set", "backend.mfcc-lite.reject_below = 1")
    heard = digitbench(tmp_path, "predict", clips[0], "--backend", "mfcc-lite", "--json", *strict)
    assert json.loads(heard.stdout)["label"] is None
    assert "no model of this vocabulary ships" in refused(tmp_path, "predict", clips[0], "--set", WORDS)


def test_one_recording_comes_from_standard_input(tmp_path: Path, clips: list[Path], chance: Path) -> None:
    heard = digitbench(tmp_path, "predict", "-", "--model", chance, stdin=clips[0].read_bytes())
    assert heard.stdout.startswith("-\t0\t")
    empty = digitbench(tmp_path, "predict", "-", "--model", chance)
    assert (empty.returncode, empty.stderr) == (1, "error: -: the file is empty (0 bytes)\n")


def test_standard_input_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from bench import recogniser
    from bench.errors import BenchError

    monkeypatch.setattr(recogniser, "STDIN_BYTES", 1_000)
    assert recogniser._from_stdin(io.BytesIO(bytes(1_000)), tmp_path / "in").stat().st_size == 1_000
    with pytest.raises(BenchError, match="more than"):
        recogniser._from_stdin(io.BytesIO(bytes(1_001)), tmp_path / "in")


@pytest.mark.parametrize("command", ["train", "export"])
def test_where_nothing_can_be_written_is_said_first(tmp_path: Path, chance: Path, command: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    what = ("train", "chance", "--corpus", "folder:/nowhere") if command == "train" else ("export", chance)
    for out, why in (("none/x", "there is no folder"), (".", "a folder"), ("fifo", "a pipe"), ("/dev/null", "device")):
        assert why in refused(tmp_path, *what, "--out", out)
    assert "cannot be written" in refused(tmp_path, *what, "--out", "/proc/x")
    assert Path("/dev/null").is_char_device()


def test_what_cannot_be_exported_is_told_with_what_can(tmp_path: Path, chance: Path) -> None:
    assert "chance cannot be exported; mfcc-lite can" in refused(tmp_path, "export", chance, "--out", "x.onnx")
    assert "twice" in refused(tmp_path, "export", chance, "--model", chance, "--out", "x.onnx")
    assert sorted(tmp_path.iterdir()) == []


def test_train_has_the_options_that_a_run_gives_to_learning_from_noise(tmp_path: Path, tiny_corpus: Path) -> None:
    options = (
        "--set", "backend.mfcc-logreg.seed = 1", "--set", "backend.'mfcc-logreg+noise'.seed = 5",
        "--set", "backend.'mfcc-logreg+noise'.scalars = true",
    )  # fmt: skip
    corpus = ("--corpus", f"folder:{tiny_corpus}", "--set", WORDS)
    for name, wanted in (
        ("mfcc-logreg", {"scalars": False, "seed": 1}),
        ("mfcc-logreg+noise", {"scalars": True, "seed": 5}),
    ):
        done = digitbench(tmp_path, "train", name, "--out", "model", *corpus, *options)
        assert done.returncode == 0, done.stderr
        with zipfile.ZipFile(tmp_path / "model") as made:
            assert json.loads(made.read("digitbench.json"))["options"] == wanted
    assert "cannot learn from noise" in refused(tmp_path, "train", planted("Steady") + "+noise", "--out", "x", *corpus)
    assert "it needs no training" in refused(tmp_path, "train", planted("Steady"), "--out", "x", *corpus)


def test_every_command_that_makes_a_backend_takes_settings(tmp_path: Path, clips: list[Path], chance: Path) -> None:
    commands = (
        ("run",), ("train", "chance", "--out", "x"), ("predict", clips[0], "--model", chance),
        ("export", chance, "--out", "x"), ("data",),
    )  # fmt: skip
    for command in commands:
        assert "unknown setting 'sede'" in refused(tmp_path, *command, "--set", "sede = 1")
        assert "nowhere.toml: cannot be read" in refused(tmp_path, *command, "--config", "nowhere.toml")


def test_a_hostile_recording_meets_the_workers_limit(tmp_path: Path, chance: Path) -> None:
    """Hours of silence in little FLAC, more than the worker may hold: the file after it is still heard."""
    import soundfile

    with soundfile.SoundFile(tmp_path / "long.flac", "w", 48_000, 8, format="FLAC") as sound:
        for _ in range(50):
            sound.write(np.zeros((48_000 * 10, 8), np.float32))
    write(tmp_path / "short.wav", tone(400), 8_000)
    done = digitbench(
        tmp_path, "predict", "long.flac", "short.wav", "--model", chance, "--json", "--set", "memory_limit_mb = 250"
    )
    long, short = (json.loads(line) for line in done.stdout.splitlines())
    assert long["error"] is not None
    assert long["error"].startswith("long.flac: ")
    assert "memory" in long["error"]
    assert short["error"] is None

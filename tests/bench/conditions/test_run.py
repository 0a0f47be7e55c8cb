"""Runs under conditions, end to end."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.audio import read
from bench.cells import specs
from bench.conditions import Resources, apply, noisy_copy, parse
from bench.conditions.training import COPIES
from bench.config import Config
from bench.errors import BenchError
from bench.marks import open_run
from tests.bench.running import carry_out, info, planted, quick

CONDITIONS = ("noise:white@5dB", "mulaw")
LISTENER = """
import hashlib
from pathlib import Path
from backends.base import Prediction, TrainedBackend

class Listener(TrainedBackend):
    name = "listener"
    sample_rate = 8000

    def __init__(self, vocabulary, variant="", *, notes: str):
        super().__init__(vocabulary, variant)
        self.notes = Path(notes)

    def load(self):
        pass

    def note(self, what, audios):
        with self.notes.open("a") as file:
            file.writelines(f"{what} {hashlib.sha256(audio.tobytes()).hexdigest()}\\n" for audio in audios)

    def fit(self, clips, validation=()):
        self.note("begin", [])
        self.note("learnt", [clip.audio for clip in clips])
        self.notes.open("a").write("fitted\\n")

    def predict(self, audio):
        self.note("heard", [audio])
        return Prediction(self.labels[0])

    def save(self, path):
        path.write_bytes(b"")

    def restore(self, path):
        pass
"""


def listen(corpus: Path, folder: Path, name: str, **settings: Any) -> list[str]:
    """Run a backend that writes down what it learns and hears; returns its notes."""
    source, notes = folder / "mine.py", folder / "notes.txt"
    source.write_text(LISTENER)
    notes.unlink(missing_ok=True)
    options = {"mine": {"notes": str(notes)}}
    carry_out(
        quick(corpus, f"{source}:Listener{name}", splits=("official",), backend=options, **settings), folder / "run"
    )
    return notes.read_text().splitlines() if notes.exists() else []


def parted(clips: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Clips of the tiny corpus by part."""
    test = clips["clip"].str[-1].isin(["0", "1"])
    return {"train": clips[~test], "test": clips[test]}


def sha256(audio: Any) -> str:
    return hashlib.sha256(audio.tobytes()).hexdigest()


def test_every_clip_is_heard_under_every_condition_after_one_fit(tiny_corpus: Path, tmp_path: Path) -> None:
    notes = listen(tiny_corpus, tmp_path, "", conditions=CONDITIONS)
    assert notes.count("fitted") == 1
    run = open_run(tmp_path / "run")
    tested = parted(run.clips)["test"]
    wanted = []
    for condition in ("clean", *CONDITIONS):
        for clip, path in zip(tested["clip"], tested["path"], strict=True):
            samples, rate = read(tiny_corpus / path)
            changed, _ = apply(parse(condition), samples, rate, clip=clip, resources=Resources())
            wanted.append(f"heard {sha256(changed)}")
    assert [line for line in notes if line.startswith("heard")] == wanted
    counts = run.predictions.groupby("condition").size()
    assert counts.to_dict() == {condition: len(tested) for condition in ("clean", *CONDITIONS)}
    assert not (tmp_path / "run" / "conditions").exists()


def test_noise_is_learnt_besides_the_clips_and_never_tested(tiny_corpus: Path, tmp_path: Path) -> None:
    notes = listen(tiny_corpus, tmp_path, "+noise")
    run = open_run(tmp_path / "run")
    assert set(run.predictions["backend"]) == {"mine:Listener+noise"}
    parts = parted(run.clips)
    heard = {part: [(clip, read(tiny_corpus / path)[0]) for clip, path in zip(rows["clip"], rows["path"], strict=True)]
             for part, rows in parts.items()}  # fmt: skip
    plain = [sha256(audio) for _, audio in heard["train"]]
    noisy = [
        sha256(noisy_copy(audio, 8_000, clip, copy, 0)) for copy in range(COPIES) for clip, audio in heard["train"]
    ]
    assert [line for line in notes if line.startswith("learnt")] == [f"learnt {each}" for each in (*plain, *noisy)]
    assert [line for line in notes if line.startswith("heard")] == [
        f"heard {sha256(audio)}" for _, audio in heard["test"]
    ]


def test_conditions_leave_clean_predictions_and_times_as_they_were(tiny_corpus: Path, tmp_path: Path) -> None:
    timed = {"latency_clips": 4, "processes": 1, "threads": (1,)}
    listen(tiny_corpus, tmp_path, "", **timed)
    kept = ["records/latency.parquet", *(cell["file"] for cell in info(tmp_path / "run")["cells"])]
    before = {name: (tmp_path / "run" / name).stat().st_mtime_ns for name in kept}
    listen(tiny_corpus, tmp_path, "", conditions=CONDITIONS, **timed)
    assert {name: (tmp_path / "run" / name).stat().st_mtime_ns for name in kept} == before
    assert {cell["condition"] for cell in info(tmp_path / "run")["cells"]} == {"clean", *CONDITIONS}


def test_a_zero_shot_backend_cannot_learn_noise(tiny_corpus: Path, tmp_path: Path) -> None:
    done = carry_out(quick(tiny_corpus, "chance", f"{planted('Steady')}+noise"), tmp_path)
    assert [(each.backend, each.reason) for each in done.failures] == [
        ("planted:Steady+noise", "planted:Steady is zero-shot: it cannot learn from noise copies")
    ]
    assert set(open_run(tmp_path).predictions["backend"]) == {"chance"}


def test_a_fault_under_a_condition_is_named_with_it(tiny_corpus: Path, tmp_path: Path) -> None:
    source = tmp_path / "mine.py"
    source.write_text(
        "from tests.planted import Steady\n\nclass Deaf(Steady):\n    def predict(self, audio):\n"
        "        assert len(audio) < 3000, 'too long'\n        return super().predict(audio)\n"
    )
    conditions = ("silence:1s+0s", "mulaw")
    done = carry_out(
        quick(tiny_corpus, f"{source}:Deaf", splits=("official",), conditions=conditions), tmp_path / "run"
    )
    (failure,) = done.failures
    assert failure.reason.startswith("silence:1s+0s: AssertionError: too long, in predict")
    assert open_run(tmp_path / "run").predictions["condition"].value_counts().to_dict() == {"clean": 12, "mulaw": 12}


def test_options_of_the_plain_name_hold_for_the_noisy_one() -> None:
    backend = {"mfcc-rf": {"trees": 5, "seed": 1}, "mfcc-rf+noise": {"trees": 7}}
    config = Config(backends=("mfcc-rf", "mfcc-rf+noise"), backend=backend)
    assert [spec.name for spec in specs(config)] == ["mfcc-rf", "mfcc-rf+noise"]
    with pytest.raises(BenchError, match=r"options for backend 'mfcc-xx\+noise', which does not exist"):
        specs(Config(backends=("chance",), backend={"mfcc-xx+noise": {}}))
    with pytest.raises(BenchError, match="'mfcc-rv'"):
        specs(Config(backends=("mfcc-rv+noise",)))


def test_babble_without_speakers_stops_the_run_before_it_begins(tmp_path: Path, tiny_corpus: Path) -> None:
    for path in tiny_corpus.glob("*.wav"):
        (tmp_path / "corpus" / path.name[0]).mkdir(parents=True, exist_ok=True)
        (tmp_path / "corpus" / path.name[0] / path.name).write_bytes(path.read_bytes())
    config = quick(tmp_path / "corpus", "chance", splits=("mixed",), conditions=("noise:babble@0dB",))
    with pytest.raises(BenchError, match="does not say who speaks"):
        carry_out(config, tmp_path / "run")


def test_a_kill_while_conditions_are_heard_loses_and_repeats_nothing(tiny_corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="needs PyAV: pip install 'digitbench[conditions]'")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    cells = broken / "records" / "predictions"

    def command(out: Path) -> list[str]:
        settings = ["vocabulary = {0 = ['zero'], 1 = ['one'], 2 = ['two']}", "backend.'planted:Steady'.delay_s = 0.02"]
        return [
            *(sys.executable, "-m", "bench", "run", "--corpus", f"folder:{tiny_corpus}", "--out", str(out)),
            *("--latency-clips", "0", "--throughput-s", "0", "--processes", "1", "--jobs", "2", "--no-checks"),
            *("--splits", "official"),
            *("--conditions", ",".join(CONDITIONS), "--backends", f"{planted('Steady')},{planted('Nearest')}+noise"),
            *(part for line in settings for part in ("--set", line)),
        ]

    def predictions(folder: Path) -> pd.DataFrame:
        frame = open_run(folder).predictions.drop(columns=["resample_s", "predict_s"])
        return frame.sort_values(["backend", "condition", "clip"]).reset_index(drop=True)

    subprocess.run(command(whole), check=True, capture_output=True)
    for wanted in (0, 1, 5):
        process = subprocess.Popen(command(broken), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list(cells.glob("*Steady*"))) <= wanted // 5:
            time.sleep(0.01)
        time.sleep(0.05 * wanted)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command(broken), check=True, capture_output=True)
    pd.testing.assert_frame_equal(predictions(broken), predictions(whole))

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from bench.marks import open_run
from bench.records.journal import Journal
from tests.bench.running import carry_out, journalled, planted, quick

KILLS = 6


def command(corpus: Path, out: Path, delay_s: float = 0.05) -> list[str]:
    settings = ["vocabulary = {0 = ['zero'], 1 = ['one'], 2 = ['two']}", f"backend.planted.delay_s = {delay_s}"]
    return [
        *(sys.executable, "-m", "bench", "run", "--corpus", f"folder:{corpus}", "--out", str(out), "--no-checks"),
        *("--latency-clips", "0", "--throughput-s", "0", "--processes", "1", "--jobs", "2"),
        *("--backends", f"{planted('Steady')},chance", *(part for line in settings for part in ("--set", line))),
    ]


def written(folder: Path) -> int:
    """Predictions in the journal of the slow backend."""
    return max(0, journalled(folder, "planted") - 1)  # the first is the key


def predictions(folder: Path) -> pd.DataFrame:
    frame = open_run(folder).predictions.drop(columns=["resample_s", "predict_s"])
    return frame.sort_values(["backend", "split", "fold", "clip"]).reset_index(drop=True)


def test_a_journal_that_outlived_its_cell_goes(tiny_corpus: Path, tmp_path: Path) -> None:
    config = quick(tiny_corpus, "chance")
    carry_out(config, tmp_path / "run")
    cell = next((tmp_path / "run" / "records" / "predictions").glob("*.parquet"))
    cell.with_suffix(".part").write_text("what a kill left\n")
    carry_out(config, tmp_path / "run")
    assert not list((tmp_path / "run").rglob("*.part"))


def test_kills_lose_nothing_and_repeat_nothing(tiny_corpus: Path, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(command(tiny_corpus, whole), check=True, capture_output=True)
    chance = random.Random(0)
    kept = 0
    for _ in range(KILLS):
        process = subprocess.Popen(command(tiny_corpus, broken), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wanted = chance.choice([0, kept + 1])  # before it predicts, or one prediction on
        while wanted > kept:
            assert process.poll() is None
            time.sleep(0.01)
            kept = written(broken)
        time.sleep(chance.uniform(0, 1.0 if not wanted else 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert written(broken) >= kept
        kept = written(broken)
    assert 0 < kept < 36
    subprocess.run(command(tiny_corpus, broken), check=True, capture_output=True)
    pd.testing.assert_frame_equal(predictions(broken), predictions(whole))
    assert not list(broken.rglob("*.part"))


def test_interrupt_keeps_what_was_done_and_says_so(tiny_corpus: Path, tmp_path: Path) -> None:
    slow = command(tiny_corpus, tmp_path, delay_s=1.0)
    process = subprocess.Popen(slow, stderr=subprocess.PIPE, text=True)
    while not written(tmp_path):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "stopped; what was done is kept" in said
    assert "Traceback" not in said
    assert written(tmp_path)


@pytest.mark.parametrize("change", ["config", "clip", "source", "weights"])
def test_anything_changed_is_predicted_anew(tiny_corpus: Path, tmp_path: Path, change: str) -> None:
    corpus, out = tmp_path / "corpus", tmp_path / "run"
    corpus.mkdir()
    for path in tiny_corpus.iterdir():
        (corpus / path.name).write_bytes(path.read_bytes())
    source, weights = tmp_path / "mine.py", tmp_path / "weights.bin"
    source.write_text(WEIGHTED)
    weights.write_bytes(b"\0")

    def run(**options: object) -> dict[str, str]:
        options = {"weights": str(weights), **options}
        carry_out(quick(corpus, f"{source}:Weighted", splits=("official",), backend={"mine": options}), out)
        return dict(open_run(out).predictions[["clip", "predicted"]].itertuples(index=False))

    before = run()
    assert set(before.values()) == {"0"}
    if change == "config":
        assert set(run(answer=1).values()) == {"1"}
    elif change == "weights":
        weights.write_bytes(b"\1")
        assert set(run().values()) == {"1"}
    elif change == "source":
        source.write_text(WEIGHTED.replace("answer: int = 0", "answer: int = 2"))
        assert set(run().values()) == {"2"}
    else:
        age = next(out.rglob("*Weighted*.parquet")).stat().st_mtime_ns
        (corpus / "0_ann_0.wav").write_bytes((corpus / "0_ann_2.wav").read_bytes())
        (corpus / "0_ann_2.wav").unlink()
        (corpus / "clips.csv").write_text((corpus / "clips.csv").read_text().replace("0_ann_2.wav,0,ann,train\n", ""))
        run()
        assert next(out.rglob("*Weighted*.parquet")).stat().st_mtime_ns > age


def test_a_torn_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "cell.part"
    with Journal(path, "key") as journal:
        journal.append({"clip": "a"})
    with path.open("ab") as file:
        file.write(b'{"clip": "b"')
    with Journal(path, "key") as journal:
        assert journal.done == 1
        journal.append({"clip": "c"})
        assert [row["clip"] for row in journal.rows()] == ["a", "c"]


def test_a_journal_of_another_key_starts_anew(tmp_path: Path) -> None:
    with Journal(tmp_path / "cell.part", "old") as journal:
        journal.append({"clip": "a"})
    with Journal(tmp_path / "cell.part", "new") as journal:
        assert journal.done == 0
        assert not list(journal.rows())


WEIGHTED = """
from pathlib import Path
from backends.base import Backend, Prediction

class Weighted(Backend):
    name = "weighted"
    sample_rate = 8000

    def __init__(self, vocabulary, variant="", *, weights: str, answer: int = 0):
        super().__init__(vocabulary, variant)
        self.file, self.answer = Path(weights), answer

    def load(self):
        self.answer += self.file.read_bytes()[0]

    def predict(self, audio):
        return Prediction(self.labels[self.answer])

    def artifacts(self):
        return [self.file]
"""

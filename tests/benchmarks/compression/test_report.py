"""Records of the compression benchmark become tables whose every figure is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.compression.clips import Item
from benchmarks.compression.report import compared, invented, ratio, read, throughput, write
from benchmarks.compression.settings import FOLDER, SETTINGS

pytest.importorskip("jiwer")
pytest.importorskip("whisper_normalizer")
STOCK, SHORT = SETTINGS[0], next(setting for setting in SETTINGS if setting.name == "whisper-short")
ITEMS = [
    Item(f"clip{n}", "librispeech", f"speaker{n // 2}", "birds sing in trees", np.zeros(16_000, np.float32))
    for n in range(8)
]
SILENCE = [Item(f"cut{n}", "silent", f"cut{n}", "", np.zeros(16_000, np.float32)) for n in range(4)]


def line(clip: str, setting: object, text: str, seconds: float, **facts: float) -> str:
    record = {"clip": clip, "setting": setting.name, "key": setting.key, "threads": 1}  # type: ignore[attr-defined]
    return json.dumps(record | {"text": text, "wall_s": seconds, "cpu_s": seconds, "facts": facts})


@pytest.fixture
def records(tmp_path: Path) -> Path:
    folder = tmp_path / "records" / "dev"
    folder.mkdir(parents=True)
    lines = []
    for number, item in enumerate(ITEMS):
        lines.append(line(item.name, STOCK, "birds sing in trees", 0.4, encoder_tokens=1500, clip_tokens=50))
        hypothesis = "birds sing in" if number == 0 else "birds sing in trees"
        lines.append(
            line(item.name, SHORT, hypothesis, 0.1, encoder_tokens=100, clip_tokens=40, decoder_tokens=5, retries=0)
        )
    (folder / "one.jsonl").write_text("\n".join(lines) + "\n")
    cuts = [line(item.name, STOCK, "you", 0.4) for item in SILENCE] + [
        line(item.name, SHORT, "", 0.1) for item in SILENCE
    ]
    (folder / "silent.jsonl").write_text("\n".join(cuts) + "\n")
    texts = {item.name: "birds sing in trees" for item in ITEMS}
    rounds = [
        {"round": n, "setting": s.name, "key": s.key, "wall_s": wall, "audio_s": 8.0, "texts": texts}
        for n, s, wall in ((0, FOLDER[0], 2.0), (0, FOLDER[3], 0.4), (1, FOLDER[3], 0.5), (2, FOLDER[3], 0.6))
    ]
    (folder / "folder.jsonl").write_text("\n".join(map(json.dumps, rounds)) + "\n")
    return tmp_path


def one(records: Path) -> pd.DataFrame:
    return read(records / "records/dev/one.jsonl", ITEMS)


def test_differences_tokens_and_times_are_of_the_same_clips(records: Path) -> None:
    stock, short = compared(one(records)).to_dict("records")
    assert (stock["setting"], stock["difference"], stock["wall"]) == ("stock", 0, 1)
    assert short["difference"] == pytest.approx(1 / 32)
    assert short["low"] <= 1 / 32 <= short["high"]
    assert short["speakers"] == 4
    assert (short["encoder_per_s"], short["clip_kept"], short["decoder_per_s"]) == pytest.approx((100, 0.8, 5))
    assert (short["wall"], short["cpu"]) == pytest.approx((4, 4))


def test_words_for_silence_and_none_for_speech_are_counted(records: Path) -> None:
    stock, short = invented(read(records / "records/dev/silent.jsonl", SILENCE), one(records)).to_dict("records")
    assert (stock["words"], short["words"]) == (1, 0)
    assert 0 < short["words_high"] < 0.6
    assert (short["speech"], short["dropped"]) == (8, 0)


def test_a_folder_is_compared_with_stock_alone_and_on_two_workers(records: Path) -> None:
    table = throughput(records / "records/dev/folder.jsonl", ITEMS, records / "records/dev/one.jsonl")
    eights = table.iloc[1]
    assert (eights["rounds"], eights["wall_s"], eights["real_time"]) == (3, 0.5, 16)
    assert (eights["times_two"], eights["times_alone"]) == pytest.approx((4, 6.4))


def test_the_interval_of_a_ratio_holds_it() -> None:
    a = np.array([1.0, 2, 3, 4])
    same = ratio(2 * a, a)
    assert same == pytest.approx((2, 2, 2))
    estimate = ratio(np.array([1.0, 2, 3, 9]), a)
    assert estimate.low < estimate.value < estimate.high


def test_the_report_is_written_whole(records: Path) -> None:
    items = {"one": ITEMS, "two": ITEMS, "base": ITEMS, "joined": ITEMS, "silent": SILENCE}
    write(records, "dev", items)
    text = (records / "dev.md").read_text()
    assert "| whisper-short " in text
    assert "3.12" in text
    assert {path.name for path in records.glob("dev_*")} == {
        *("dev_one.csv", "dev_corpora.csv", "dev_curve.svg", "dev_silent.csv", "dev_folder.csv")
    }

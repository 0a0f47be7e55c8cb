"""What the compression benchmark hears, on a made folder of recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.audio import write
from benchmarks.compression.clips import GAPS_S, joined, silent, spoken
from benchmarks.speech import RATE
from sound.level import active_level, rms_level


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Two parts of three corpora, four noise files of two cuts each, four sounds."""
    rng = np.random.default_rng(0)
    lines = ["corpus,id,part"]
    for corpus, heading in (("librispeech", "path,utt_id,speaker,text"), ("common_voice", "path,sentence")):
        rows = [heading]
        for number in range(6):
            name = f"{corpus}{number}.wav"
            (tmp_path / corpus).mkdir(exist_ok=True)
            write(tmp_path / corpus / name, rng.normal(0, 0.1, RATE).astype(np.float32), RATE)
            text = "" if number == 5 else f"words {number}"
            read = corpus == "librispeech"
            rows.append(f"{name},utt{number},ann,{text}" if read else f"{name},{text}")
            lines.append(f"{corpus},{f'utt{number}' if read else name},{'test' if number else 'dev'}")
        (tmp_path / corpus / "transcripts.csv").write_text("\n".join(rows))
    (tmp_path / "librispeech_train100").mkdir()
    (tmp_path / "librispeech_train100/transcripts.csv").write_text("path,utt_id,speaker,sex,text\n")
    (tmp_path / "transcription_parts.csv").write_text("\n".join(lines))
    for folder, names in (("noise", ("doing_the_dishes", "exercise_bike", "tap", "cat")), ("nonspeech", "abcd")):
        (tmp_path / folder).mkdir()
        for name in names:
            suffix = "wav" if folder == "noise" else "flac"
            write(tmp_path / folder / f"{name}.wav", rng.normal(0, 0.1, 7 * RATE).astype(np.float32), RATE)
            (tmp_path / folder / f"{name}.wav").rename(tmp_path / folder / f"{name}.{suffix}")
    return tmp_path


def test_a_part_is_its_clips_that_have_words(recordings: Path) -> None:
    items = spoken(recordings, "test")
    assert [item.name for item in items if item.corpus == "librispeech"] == [f"utt{n}" for n in (1, 2, 3, 4)]
    assert {item.speaker for item in items if item.corpus == "librispeech"} == {"ann"}
    assert len({item.speaker for item in items if item.corpus == "common_voice"}) == 4
    assert [item.name for item in spoken(recordings, "dev") if item.corpus == "librispeech"] == ["utt0"]


def test_silence_to_choose_on_and_to_report_on_are_apart(recordings: Path) -> None:
    chosen, reported = ({item.name for item in silent(recordings, part)} for part in ("dev", "test"))
    assert chosen == {"doing_the_dishes@0", "doing_the_dishes@3", "exercise_bike@0", "exercise_bike@3", "a", "c"}
    assert reported == {"tap@0", "tap@3", "cat@0", "cat@3", "b", "d"}


def test_clips_are_joined_with_noise_at_its_level(recordings: Path) -> None:
    first, second = joined(recordings, "test")
    assert first.name == "utt1+utt2+utt3"
    assert first.text == "words 1 words 2 words 3"
    assert second.name == "utt4"
    assert 3 + 4 * GAPS_S[0] <= first.seconds <= 3 + 4 * GAPS_S[1]
    start = first.audio[: round(0.25 * RATE)]
    speech = next(item for item in spoken(recordings, "test") if item.name == "utt1").audio
    assert active_level(speech, RATE) - rms_level(start) == pytest.approx(20, abs=1)


def test_joining_is_the_same_each_time(recordings: Path) -> None:
    once, again = joined(recordings, "test"), joined(recordings, "test")
    assert all(a.audio.tobytes() == b.audio.tobytes() for a, b in zip(once, again, strict=True))

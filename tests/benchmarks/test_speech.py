from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.audio import write
from bench.errors import BenchError
from benchmarks.speech import PARTS, data_folder, seeded, spread, utterances, word_errors


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for corpus, (identity, words) in {"librispeech": ("utt_id", "text"), "common_voice": ("path", "sentence")}.items():
        folder = tmp_path / corpus
        folder.mkdir()
        header = f"{identity},{words}" if identity == "path" else f"path,{identity},speaker,{words}"
        texts = enumerate(["A B", "", "C"])
        rows = [f"{n}.wav,{w}" if identity == "path" else f"{n}.wav,u{n},s{n % 2},{w}" for n, w in texts]
        (folder / "transcripts.csv").write_text("\n".join([header, *rows]))
        write(folder / "0.wav", np.zeros(8_000, np.float32), 8_000)
    listed = [("librispeech", f"u{n}", "test") for n in range(3)] + [("common_voice", "2.wav", "dev")]
    (tmp_path / PARTS).write_text("corpus,id,part\n" + "\n".join(map(",".join, listed)))
    monkeypatch.setenv("DIGITBENCH_DATA", str(tmp_path))
    return tmp_path


def test_clips_of_a_part_have_words_and_speakers(data: Path) -> None:
    first, last = utterances(data_folder(), "test", ("librispeech",))
    assert (first.id, first.speaker, first.text, last.id) == ("u0", "s0", "A B", "u2")
    assert len(first.audio()) == 16_000
    (other,) = utterances(data, "dev", ("librispeech", "common_voice"))
    assert other.speaker == other.id == "2.wav"


def test_a_clip_or_a_corpus_that_is_missing_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (data / PARTS).open("a") as file:
        file.write("\nlibrispeech,u9,test")
    with pytest.raises(BenchError, match="u9"):
        utterances(data, "test", ("librispeech",))
    with pytest.raises(BenchError, match=r"librispeech_train100.transcripts.csv"):
        utterances(data, "test")
    monkeypatch.delenv("DIGITBENCH_DATA")
    with pytest.raises(BenchError, match="DIGITBENCH_DATA"):
        data_folder()


def test_order_and_chance_follow_from_names(data: Path) -> None:
    clips = utterances(data, "test", ("librispeech",))
    assert spread(clips) == spread(clips[::-1])
    assert seeded("a", 1).random() == seeded("a", 1).random() != seeded("a1").random()


def test_words_are_compared_as_the_task_does() -> None:
    assert word_errors("MISTER SMITH HAS TWENTY DOGS", "Mr. Smith has 20 cats!") == (1, 5)
    assert word_errors("", "you") == (1, 0)

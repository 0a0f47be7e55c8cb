from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from bench.config import DIGITS
from bench.corpora import scan
from bench.corpora.collect import Wanted
from bench.corpora.folder import open_folder
from bench.corpora.labels import Labels
from bench.errors import BenchError
from tests.conftest import tone


def put(path: Path, rate: int = 8_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(440, rate=rate), rate)
    return path


def test_a_folder_per_label(tmp_path: Path) -> None:
    for name in ("yes/a.wav", "yes/deep/b.flac", "no/a.ogg", "no/c.mp3", "no/D.WAV"):
        put(tmp_path / name, rate=16_000)
    (tmp_path / "yes" / "notes.txt").write_text("not a clip")
    put(tmp_path / "yes" / ".hidden.wav")
    put(tmp_path / ".trash" / "a.wav")
    corpus = open_folder(tmp_path)
    assert dict(zip(corpus.clips["clip"], corpus.clips["label"], strict=True)) == {
        "no/D": "no",
        "no/a": "no",
        "no/c": "no",
        "yes/a": "yes",
        "yes/deep/b": "yes",
    }
    assert corpus.clips[["speaker", "official"]].isna().all(axis=None)
    assert (corpus.root, corpus.rejected) == (tmp_path, ())


def test_bad_files_among_good_ones_are_rejected(tmp_path: Path) -> None:
    put(tmp_path / "yes" / "a.wav")
    put(tmp_path / "stray.wav")
    (tmp_path / "yes" / "dir.wav").mkdir()
    (tmp_path / "yes" / "empty.wav").touch()
    corpus = open_folder(tmp_path)
    assert corpus.clips["clip"].tolist() == ["yes/a"]
    assert {row.path for row in corpus.rejected} == {"stray.wav", "yes/dir.wav", "yes/empty.wav"}


def test_audio_without_labels_is_an_error(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    with pytest.raises(BenchError, match="folder named after its label"):
        open_folder(tmp_path)


@pytest.mark.parametrize("what", ["missing", "empty", "hidden only"])
def test_a_folder_without_clips_is_an_error(tmp_path: Path, what: str) -> None:
    if what == "hidden only":
        put(tmp_path / "yes" / ".a.wav")
    folder = tmp_path / "gone" if what == "missing" else tmp_path
    with pytest.raises(BenchError, match=str(folder)):
        open_folder(folder)


def test_a_listing_gives_labels_speakers_and_split(tiny_corpus: Path) -> None:
    by_file, by_folder = open_folder(tiny_corpus / "clips.csv"), open_folder(tiny_corpus)
    assert by_file.clips.equals(by_folder.clips)
    assert len(by_file.clips) == 36
    row = by_file.clips.set_index("clip").loc["2_bob_1"]
    assert (row["label"], row["speaker"], row["official"]) == ("2", "bob", "test")


def test_the_only_listing_is_found_under_any_name(tmp_path: Path) -> None:
    put(tmp_path / "one" / "a.wav")
    (tmp_path / "mine.csv").write_text("\ufeffpath,label,room\none/a.wav,1,kitchen\n", encoding="utf-8")
    clips = open_folder(tmp_path).clips
    assert clips["label"].tolist() == ["1"] and clips["speaker"].isna().all()


def test_somebodys_own_csv_is_no_listing(tmp_path: Path) -> None:
    put(tmp_path / "one" / "a.wav")
    (tmp_path / "readings.csv").write_text("time,temp\n1,2\n")
    (tmp_path / "photo.csv").write_bytes(b"\xff\xd8\xff\x00" * 99)
    assert open_folder(tmp_path).clips["label"].tolist() == ["one"]
    (tmp_path / "mine.tsv").write_text("path\tlabel\none/a.wav\t1\n")
    assert open_folder(tmp_path).clips["label"].tolist() == ["1"]
    (tmp_path / "other.csv").write_text("file;label\none/a.wav;2\n")
    with pytest.raises(BenchError, match=r"mine\.tsv, other\.csv list clips; choose one, such as folder:.*mine\.tsv"):
        open_folder(tmp_path)
    (tmp_path / "clips.csv").write_text("path,label\none/a.wav,3\n")
    assert open_folder(tmp_path).clips["label"].tolist() == ["3"]


def test_other_words_are_told_how_to_be_a_vocabulary_and_other_lists_of_clips_are_none_without_columns(
    tmp_path: Path,
) -> None:
    put(tmp_path / "a.wav")
    (tmp_path / "a.csv").write_text("path,label\na.wav,yes\n")
    (tmp_path / "b.csv").write_text("path,label\na.wav,seven\n")
    with pytest.raises(BenchError) as raised:
        open_folder(tmp_path / "a.csv", wanted=Wanted(Labels.of(DIGITS)))
    assert str(raised.value).endswith("""--set "vocabulary = {yes = ['yes', 'yeah'], no = ['no']}\"""")


def test_a_csv_without_path_and_label_beside_unlabelled_files_is_named(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    (tmp_path / "readings.csv").write_text("time,temp\n1,2\n")
    with pytest.raises(BenchError, match=r"have no label; .*readings\.csv has no columns path and label"):
        open_folder(tmp_path)
    put(tmp_path / "clips" / "a.wav")
    with pytest.raises(BenchError, match=r"nothing here .*readings\.csv has no columns path and label"):
        open_folder(tmp_path, wanted=WANTED)


def test_listed_files_that_are_missing_are_rejected(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    (tmp_path / "clips.csv").write_text("path,label\na.wav,1\ngone.wav,1\n")
    corpus = open_folder(tmp_path)
    assert [(row.path, row.reason) for row in corpus.rejected] == [("gone.wav", "no such file")]


WANTED = Wanted(Labels.of({"7": ["seven"], "8": ["eight", "ate"], "0": ["zero", "oh"]}))


def test_a_folder_may_be_named_by_a_spelling(tmp_path: Path) -> None:
    for name in ("seven/a.wav", "Seven /b.wav", "7/c.wav", "7.0/d.wav", "ATE/e.wav", "  oh/f.wav"):
        put(tmp_path / name)
    clips = open_folder(tmp_path, wanted=WANTED).clips
    assert dict(zip(clips["clip"].str[-1], clips["label"], strict=True)) == dict(zip("abcdef", "777780", strict=True))


def test_words_outside_the_vocabulary_are_counted_the_most_first(tmp_path: Path) -> None:
    put(tmp_path / "seven" / "a.wav")
    for word, count in {"bed": 1, "cat": 3, "_background_noise_": 2, "07": 1}.items():
        for number in range(count):
            (tmp_path / word).mkdir(exist_ok=True)
            (tmp_path / word / f"{number}.wav").write_text("never decoded")
    corpus = open_folder(tmp_path, wanted=WANTED)
    assert corpus.clips["label"].tolist() == ["7"] and not corpus.rejected
    assert [(each.files, each.what.split()[2]) for each in corpus.left_out] == [
        (3, "'cat',"), (2, "'_background_noise_',"), (1, "'07',"), (1, "'bed',"),
    ]  # fmt: skip


def test_many_words_outside_the_vocabulary_are_cut(tmp_path: Path) -> None:
    put(tmp_path / "seven" / "a.wav")
    for number in range(30):
        (tmp_path / f"word{number:02}").mkdir()
        (tmp_path / f"word{number:02}" / "a.wav").write_text("never decoded")
    left_out = open_folder(tmp_path, wanted=WANTED).left_out
    assert len(left_out) == 21 and str(left_out[-1]) == "files of 10 other labels outside the vocabulary (10)"


def test_labels_come_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "ten" / "a.wav")
    monkeypatch.setattr(scan, "read", lambda path: pytest.fail(f"{path} was decoded"))
    with pytest.raises(
        BenchError, match=r"nothing here is in the vocabulary \(7, 8, 0\): files labelled 'ten', .* \(1\)"
    ):
        open_folder(tmp_path, wanted=WANTED)
    put(tmp_path / "seven" / "a.wav")
    with pytest.raises(BenchError, match="strict forbids"):
        open_folder(tmp_path, wanted=Wanted(WANTED.labels, strict=True))
    with pytest.raises(BenchError, match=r"ten/a\.wav: label 'ten' may be any of 1, 2"):
        open_folder(tmp_path, wanted=Wanted(Labels.of({"1": ["ten"], "2": ["Ten"], "7": ["seven"]})))


def test_files_of_other_formats_are_read_or_named(tmp_path: Path) -> None:
    put(tmp_path / "seven" / "a.wav")
    soundfile.write(tmp_path / "seven" / "b", tone(440), 8_000, format="FLAC")
    soundfile.write(tmp_path / "seven" / "c.aiff", tone(440), 8_000)
    soundfile.write(tmp_path / "seven" / "d.opus", tone(440), 8_000, format="OGG", subtype="OPUS")
    for name in ("e.wma", "f.AMR", "g.webm", "h.3gp"):
        (tmp_path / "seven" / name).write_bytes(b"no sound at all" * 9)
    for name in ("README", "notes.txt", "cover.png", "meta.json", "LICENSE.md"):
        (tmp_path / "seven" / name).write_text("text")
    corpus = open_folder(tmp_path, wanted=WANTED)
    assert corpus.clips["path"].tolist() == [f"seven/{name}" for name in ("a.wav", "b", "c.aiff", "d.opus")]
    assert [row.path for row in corpus.rejected] == [f"seven/{name}" for name in ("e.wma", "f.AMR", "g.webm", "h.3gp")]
    assert not corpus.left_out


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (["01/7_01_0.wav", "02/7_02_0.wav"], "looks like AudioMNIST: open it as audiomnist:{root}"),
        (["data/01/7_01_0.wav", "data/02/7_02_0.wav"], "open it as audiomnist:{root}"),
        (["v2/one/c50f55b8_nohash_0.wav", "v2/two/c50f55b8_nohash_1.wav"], "open it as speech_commands:{root}"),
        (
            ["v2/_background_noise_/a.wav", "v2/one/c50f55b8_nohash_0.wav", "v2/one/c50f55b8_nohash_1.wav"],
            "open it as speech_commands:{root}",
        ),
        (["day/seven/0.wav", "day/seven/1.wav", "day/zero/0.wav"], "--pattern 'day/{label}/{_}'"),
        (["7_ann_0.wav", "8_bob_1.wav"], "--pattern '{label}_{speaker}_{take}'"),
        (["recordings/7_ann_0.wav"], "--pattern 'recordings/{label}_{speaker}_{take}'"),
        (["recordings/seven/x.wav"], "--pattern 'recordings/{label}/{_}'"),
        (["ann/seven/x.wav", "bob/zero/y.wav"], "--pattern '{speaker}/{label}/{_}'"),
        (["train/seven/x.wav", "test/zero/y.wav"], "--pattern '{split}/{label}/{_}'"),
        (["seven.wav"], "--pattern '{label}'"),
    ],
)
def test_a_layout_that_looks_like_another_is_told(tmp_path: Path, names: list[str], hint: str) -> None:
    for name in names:
        put(tmp_path / name)
    with pytest.raises(BenchError) as error:
        open_folder(tmp_path, wanted=WANTED)
    assert hint.replace("{root}", str(tmp_path)) in str(error.value)


def test_a_folder_that_opens_but_could_say_more_is_told(tmp_path: Path) -> None:
    for name in ("seven/c50f55b8_nohash_0.wav", "zero/c50f55b8_nohash_1.wav"):
        put(tmp_path / name)
    (hint,) = open_folder(tmp_path, wanted=WANTED).hints
    assert f"speech_commands:{tmp_path}" in hint


def test_a_pattern_gives_labels_speakers_and_split(tmp_path: Path) -> None:
    for name in ("ann/seven_ann_train_1.wav", "bob/Eight_bob_test_2.flac", "bob/eight_eve_test_2.wav", "other.wav"):
        put(tmp_path / name)
    (tmp_path / "clips.csv").write_text("time,temp\n")
    corpus = open_folder(tmp_path, wanted=WANTED, pattern="{speaker}/{label}_{speaker}_{split}_{take}")
    assert corpus.clips[["label", "speaker", "official"]].to_numpy().tolist() == [
        ["7", "ann", "train"],
        ["8", "bob", "test"],
    ]
    assert [str(each) for each in corpus.left_out] == [
        "files not named as {speaker}/{label}_{speaker}_{split}_{take} (2)"
    ]
    with pytest.raises(BenchError, match="no file fits the pattern"):
        open_folder(tmp_path, wanted=WANTED, pattern="x/{label}")
    with pytest.raises(BenchError, match="name the folder"):
        open_folder(tmp_path / "clips.csv", wanted=WANTED, pattern="{label}")
    with pytest.raises(BenchError, match="nothing here is in the vocabulary"):
        open_folder(tmp_path, wanted=WANTED, pattern="{speaker}/{_}_{_}_{_}_{label}")


def test_an_empty_folder_with_a_pattern_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no audio files here"):
        open_folder(tmp_path, wanted=WANTED, pattern="{label}")


def test_a_folder_of_nothing_but_itself_holds_no_audio(tmp_path: Path) -> None:
    (tmp_path / "again").symlink_to(tmp_path)
    with pytest.raises(BenchError, match="links to folders that are read already"):
        open_folder(tmp_path)

"""A run across corpora, end to end: fitted on all of one, tested on all of the other."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.audio import read, write
from bench.cells import clip_table
from bench.clips import clips_hash
from bench.compare import compare
from bench.config import Config
from bench.configfile import read_config
from bench.corpora import open_corpus, open_for
from bench.errors import BenchError
from bench.marks import open_run
from bench.names import CROSS, file_name
from bench.publish import write_page
from bench.records.schema import Run
from bench.report import build
from bench.report import write as write_report
from bench.runfile import Finished
from bench.runner import run
from bench.splits import folds
from bench.verify import verify, write_checksums
from sound.resample import resample
from tests.bench.running import VOCABULARY, Silent, info, planted, quick
from tests.conftest import tone

NEAREST, STEADY = "planted:Nearest", "planted:Steady"
BACKENDS = (planted("Nearest"), "chance", planted("Steady"))


def across(train: Path, test: Path, *backends: str, **settings: Any) -> Config:
    """A quick run from one folder to another."""
    brief = {"vocabulary": VOCABULARY, "latency_clips": 0, "throughput_s": 0, "checks": False}
    names = {"train": f"folder:{train}", "test": f"folder:{test}"}
    return read_config(None, {**brief, **names, "backends": backends or ("chance",), **settings})


def carry_out(config: Config, out: Path) -> Finished:
    def derive(folder: Path) -> None:
        write_checksums(folder)
        write_report(build(open_run(folder)), folder)

    return run(config, open_for(config), out, "digitbench run", Silent(), derive)


def others(folder: Path, speakers: tuple[str, ...] = ("cid", "dan", "eve"), labels: int = 2) -> Path:
    """Other people's recordings: two of the three labels, softer, in silence, at rates of their own."""
    folder.mkdir()
    with (folder / "clips.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(("path", "label", "speaker"))
        for label in range(labels):
            for number, speaker in enumerate(speakers):
                for take, rate in enumerate((16_000, 44_100)):
                    sound = 0.3 * tone(400 * (label + 1) * (1.02 + number / 20), rate=rate, seed=100 + take)
                    path = f"{label}_{speaker or 'x'}_{number}_{take}.wav"
                    write(folder / path, sound, rate)
                    out.writerow((path, label, speaker))
    return folder


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return others(tmp_path_factory.mktemp("people") / "people")


@pytest.fixture(scope="module")
def finished(tiny_corpus: Path, people: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("cross") / "run"
    done = carry_out(across(tiny_corpus, people, *BACKENDS, latency_clips=4, threads=(1,), checks=True), out)
    assert not done.failures
    return open_run(out)


def test_everybody_hears_every_test_clip_once_and_no_other(finished: Run) -> None:
    assert set(finished.splits["split"]) == {CROSS} and set(finished.splits["part"]) == {"test"}
    tested = set(finished.splits["clip"])
    assert len(tested) == 12 and all(clip.startswith("test/") for clip in tested)
    heard = {name: set(rows["clip"]) for name, rows in finished.predictions.groupby("backend")}
    assert heard == dict.fromkeys((NEAREST, "chance", STEADY), tested)
    assert finished.predictions["clip"].value_counts().eq(3).all()
    splits = finished.predictions.groupby("backend")["split"].unique().map(list).to_dict()
    assert splits[NEAREST] == [CROSS] and splits[STEADY] != [CROSS]


def test_times_are_taken_on_test_clips_alone(finished: Run) -> None:
    assert len(finished.latency) and finished.latency["clip"].str.startswith("test/").all()


def test_the_leak_checks_ran(finished: Run) -> None:
    ran = {(check["backend"], check["check"]) for check in finished.info["checks"]}
    assert ran >= {(NEAREST, check) for check in ("order", "permuted labels", "second fit")}


def test_all_of_one_is_train_and_all_of_the_other_test(tiny_corpus: Path, people: Path) -> None:
    clips, splits, impossible = clip_table(config := across(tiny_corpus, people), open_for(config))
    assert not impossible
    (fold,) = folds(CROSS, clips.table, splits)
    assert (len(fold.train), len(fold.validation), len(fold.test)) == (36, 0, 12)
    assert set(clips.table["sample_rate"].iloc[fold.test]) == {16_000, 44_100}
    assert set(clips.table["clip"].iloc[fold.train].str.partition("/")[0]) == {"train"}


def test_rates_are_evened_out_for_training_too(tiny_corpus: Path, people: Path, tmp_path: Path) -> None:
    """Fitted on the same sounds at other rates it recognises as well."""
    faster = tmp_path / "faster"
    shutil.copytree(tiny_corpus, faster)
    for number, path in enumerate(sorted(faster.glob("*.wav"))):
        audio, rate = read(path)
        write(path, resample(audio, rate, (16_000, 44_100)[number % 2]), (16_000, 44_100)[number % 2])
    done = carry_out(across(faster, tiny_corpus, planted("Nearest")), tmp_path / "run")
    assert not done.failures
    rows = open_run(tmp_path / "run").predictions
    assert (rows["predicted"] == rows["reference"]).all()


def test_the_report_says_what_was_trained_on_what(finished: Run) -> None:
    text = build(finished).markdown
    top = text.partition("## Summary")[0]
    train = finished.info["corpus"]["parts"]["train"]["name"]
    assert f"fitted on all of {train} (36 clips of 2 speakers, 8 kHz, 0.30 s on average)" in top
    assert "tested on all of folder-people (12 clips of 3 speakers, 16, 44.1 kHz, 0.30 s on average)" in top
    assert "are clustered by speaker" in top
    assert f"| {train} → folder-people accuracy, % (95 % interval), n = 12 ↑ |" in " ".join(text.split())
    assert "what the interval of cross says" in text


def test_intervals_are_clustered_where_speakers_are_known(tiny_corpus: Path, tmp_path: Path) -> None:
    people = others(tmp_path / "nobody", speakers=("", "", ""))
    carry_out(across(tiny_corpus, people, *BACKENDS), tmp_path / "run")
    assert "which take clips as independent" in build(open_run(tmp_path / "run")).markdown


def test_the_run_verifies_and_is_no_worse_than_itself(finished: Run) -> None:
    assert verify(finished.folder) == []
    assert compare(finished, finished).exit_code == 0


def test_parts_have_the_hashes_of_their_own(finished: Run, people: Path) -> None:
    alone = clips_hash(open_corpus(f"folder:{people}", VOCABULARY).clips.rename(columns={"label": "reference"}))
    assert finished.info["corpus"]["parts"]["test"]["sha256"] == alone
    assert finished.info["corpus"]["sha256"] != alone


def test_other_training_clips_renew_trained_backends_alone(tiny_corpus: Path, people: Path, tmp_path: Path) -> None:
    corpus, out = tmp_path / "corpus", tmp_path / "run"
    shutil.copytree(tiny_corpus, corpus)

    def ages() -> dict[str, int]:
        carry_out(across(corpus, people, *BACKENDS), out)
        return {path.name: path.stat().st_mtime_ns for path in (out / "records" / "predictions").iterdir()}

    first, again = ages(), ages()
    assert first == again
    write(corpus / "2_bob_5.wav", tone(999), 8_000)
    renewed = {name for name, age in ages().items() if age != first[name]}
    assert renewed == {f"{name}__clean__cross__test.parquet" for name in ("chance", file_name(NEAREST))}


def test_a_clip_in_both_corpora_stops_the_run(tiny_corpus: Path, tmp_path: Path) -> None:
    people = others(tmp_path / "people")
    shutil.copy(tiny_corpus / "1_bob_3.wav", people)
    with (people / "clips.csv").open("a") as file:
        file.write("1_bob_3.wav,1,zoe\n")
    with pytest.raises(BenchError, match=r"leak in split cross.*'test/1_bob_3' has the same samples.*'train/1_bob_3'"):
        carry_out(across(tiny_corpus, people, *BACKENDS), tmp_path / "run")


def test_names_in_both_are_told_and_not_refused(tiny_corpus: Path, tmp_path: Path) -> None:
    people = others(tmp_path / "people", speakers=("ann", "zoe"))
    carry_out(across(tiny_corpus, people, "chance"), tmp_path / "run")
    assert "name speakers ann:" in info(tmp_path / "run")["notice"]
    assert "> **Both corpora name speakers ann" in build(open_run(tmp_path / "run")).markdown


def test_words_without_a_training_clip_are_told(tiny_corpus: Path, people: Path) -> None:
    assert "No training clip of 2," in open_for(across(people, tiny_corpus)).notice
    assert not open_for(across(tiny_corpus, people)).notice


def test_the_page_of_a_run_across_corpora_has_sound(tiny_corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    carry_out(across(tiny_corpus, others(tmp_path / "people"), "chance"), out)
    page, silent = write_page(out)
    assert page.is_file() and not silent


def test_a_word_outside_the_vocabulary_is_left_out_and_told(tiny_corpus: Path, tmp_path: Path) -> None:
    corpus = open_for(across(tiny_corpus, others(tmp_path / "people", labels=4)))
    assert set(corpus.clips["label"]) == {"0", "1", "2"}
    assert [each.what for each in corpus.left_out] == ["test: files labelled '3', outside the vocabulary"]


def test_the_corpus_by_itself_is_untouched(tiny_corpus: Path) -> None:
    config = quick(tiny_corpus, "chance")
    assert open_for(config).clips.equals(open_corpus(config.corpus, config.vocabulary).clips)
    assert CROSS not in set(clip_table(config, open_for(config))[1]["split"])

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import pytest

from backends.base import Clip
from backends.lite.backend import MfccLite
from bench.audio import read, write
from bench.cli import main
from bench.config import Config
from tests.bench.running import VOCABULARY, planted
from tests.conftest import tone

WORDS = "vocabulary = {0 = ['zero'], 1 = ['one'], 2 = ['two']}"


def digitbench(*arguments: object, **settings: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "bench", *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stderr + done.stdout
    return done


def run(corpus: Path, out: Path, *backends: str, extra: tuple[object, ...] = ()) -> subprocess.CompletedProcess[str]:
    few = ("--latency-clips", 4, "--processes", 1, "--throughput-s", 0, "--threads", 1, "--no-checks")
    return digitbench(
        *("run", "--corpus", f"folder:{corpus}", "--out", out, "--backends", ",".join(backends), "--set", WORDS),
        *(*few, *extra),
    )


@pytest.fixture(scope="module")
def finished(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cli") / "run"
    done = run(tiny_corpus, out, "chance", planted("Nearest"))
    assert done.returncode == 0, done.stderr
    return out


def test_the_version_is_that_of_the_installed_package() -> None:
    done = digitbench("--version")
    assert (done.returncode, done.stdout) == (0, f"digitbench {version('digitbench')}\n")


def test_a_run_leaves_report_tables_and_records(finished: Path) -> None:
    text = (finished / "report.md").read_text()
    assert "planted:Nearest" in text
    assert list(finished.glob("tables/*.csv"))
    assert list(finished.glob("records/predictions/*.parquet"))


def test_report_is_a_function_of_the_records(finished: Path) -> None:
    before = (finished / "report.md").read_bytes()
    assert digitbench("report", finished).returncode == 0
    assert (finished / "report.md").read_bytes() == before
    assert digitbench("verify", finished).returncode == 0


def test_the_html_report_has_plots_and_sound(tiny_corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run(tiny_corpus, out, planted("Steady")).returncode == 0
    done = digitbench("report", out, "--html")
    assert done.returncode == 0
    assert "without sound" not in done.stderr
    assert re.search(r'"sounds":\["[A-Za-z0-9+/]{100}', (out / "report.html").read_text())
    assert (out / "plots" / "latency.svg").exists()
    assert digitbench("verify", out).returncode == 0


def test_a_run_is_no_worse_than_itself(finished: Path) -> None:
    assert digitbench("compare", finished, finished).returncode == 0


def test_progress_is_plain_lines_when_not_on_a_terminal(tiny_corpus: Path, tmp_path: Path) -> None:
    done = run(tiny_corpus, tmp_path / "run", "chance")
    assert "\x1b" not in done.stderr
    assert "chance official test: 12/12 in" in done.stderr


def test_a_failed_backend_makes_the_exit_code_1(tiny_corpus: Path, tmp_path: Path) -> None:
    done = run(tiny_corpus, tmp_path / "run", "chance", planted("Raises"))
    assert done.returncode == 1
    assert "ZeroDivisionError: planted" in (tmp_path / "run" / "report.md").read_text()


def test_a_rejected_file_is_listed_and_the_run_goes_on(tiny_corpus: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for path in tiny_corpus.iterdir():
        (corpus / path.name).write_bytes(path.read_bytes())
    (corpus / "1_ann_3.wav").write_bytes(b"not audio")
    done = run(corpus, tmp_path / "run", "chance")
    assert done.returncode == 1
    assert "rejected: 1_ann_3.wav: " in done.stderr
    assert "1_ann_3.wav" in (tmp_path / "run" / "report.md").read_text()


def test_words_outside_the_vocabulary_are_told_and_no_failure_unless_strict(tmp_path: Path) -> None:
    for number, name in enumerate(("ann/seven_1", "ann/Seven_2", "bob/7_3", "bob/zero_1", "ann/zero_2", "bob/bed_1")):
        path = tmp_path / "people" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, tone(300 + 40 * number), 8_000)
    corpus = ("--corpus", f"folder:{tmp_path / 'people'}", "--pattern", "{speaker}/{label}_{take}")
    few = ("--latency-clips", "0", "--throughput-s", "0", "--processes", "1", "--threads", "1", "--no-checks")
    quick = ("--backends", "chance", "--splits", "loso", *few)
    done = digitbench("run", *corpus, *quick, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "left out: files labelled 'bed', outside the vocabulary (1)" in done.stderr
    assert "## Left out: files (1)" in (tmp_path / "out" / "report.md").read_text()
    info = json.loads((tmp_path / "out" / "run.json").read_text())
    assert info["corpus"]["left_out"] == [{"files": 1, "what": "files labelled 'bed', outside the vocabulary"}]
    assert (info["corpus"]["labels"], info["corpus"]["speakers"]) == (["0", "7"], 2)
    assert "without sound" not in digitbench("report", tmp_path / "out", "--html").stderr
    model = tmp_path / "made.model"
    done = digitbench("train", "chance", *corpus, "--out", model)
    assert done.returncode == 0 and "left out: files labelled 'bed'" in done.stderr
    for command in (("run", *quick, "--out", tmp_path / "strict"), ("train", "chance", "--out", model)):
        done = digitbench(*command, *corpus, "--strict")
        assert done.returncode == 2 and "strict forbids to leave files out: files labelled 'bed'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--backends", "chanse"), "no backend named 'chanse'; did you mean chance"),
        (("run", "--backends", "faster-whisper:tini"), "tiny"),
        (("run", "--corpus", "fsd", "--backends", "chance"), "no corpus named 'fsd'; did you mean fsdd"),
        (("run", "--splits", "official,loos"), "no split named 'loos'; did you mean loso"),
        (("run", "--threads", "two"), "--threads 'two'"),
        (("run", "--set", "seed = "), "not a TOML assignment"),
        (("run", "--set", "sede = 1"), "unknown setting 'sede'; did you mean seed"),
        (("run", "--set", "backend.chanse.x = 1"), "options for backend 'chanse', which does not exist; did you mean"),
        (("run", "--set", "backend.chance.step_limit_s = 'abc'"), "chance.step_limit_s = 'abc': a number from 0.001"),
        (("run", "--set", "backend.chance.x = 2020-01-01"), "strings, finite numbers"),
        (("run", "--backends", "chance,a/mine.py:A,b/mine.py:A"), "two backends have one name among"),
        (("train", "mfcc-svm", "--out", "/tmp"), "--out /tmp: a folder"),
        (("run", "--config", "nowhere.toml"), "nowhere.toml: cannot be read"),
        (("run", "--data", "/nowhere", "--backends", "chance"), "/nowhere"),
        (("report", "/nowhere"), "/nowhere is not a run"),
        (("compare", "/nowhere", "/nowhere"), "/nowhere is not a run"),
        (("verify", "/nowhere"), "/nowhere"),
        (("train", "faster-whisper:tiny.en", "--out", "x.skops"), "is zero-shot"),
        (("train", "mfcc-svm", "--out", "/nowhere/x.skops"), "there is no folder /nowhere"),
        (("predict", "a.wav"), "a.wav"),
        (("predict", "a.wav", "--model", "nowhere.skops"), "nowhere.skops"),
        (("predict", "a.wav", "--backend", "mfcc-svm"), "must be trained first"),
        (("nonsense",), "No such command"),
    ],
)
def test_bad_arguments_are_named(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if any("faster-whisper" in argument for argument in arguments):
        pytest.importorskip("faster_whisper")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text("class A: ...\n")
    monkeypatch.setattr("sys.argv", ["digitbench", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (1, 2)
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_folder_that_cannot_be_written_is_named(tiny_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run(tiny_corpus, tmp_path / "file" / "run", "chance")
    assert done.returncode == 2
    assert str(tmp_path / "file") in done.stderr


def test_every_setting_has_a_flag() -> None:
    shown = digitbench("run", "--help").stdout
    names = {each.name for each in fields(Config)} - {"vocabulary", "backend"}  # tables: by --set
    assert not [name for name in names if f"--{name.replace('_', '-')}" not in shown]


def test_list_names_backends_corpora_and_splits() -> None:
    shown = digitbench("list").stdout
    assert all(word in shown for word in ("mfcc-svm", "faster-whisper:tiny.en", "synthetic", "loso"))


def test_train_then_predict(data: Path, tmp_path: Path) -> None:
    recordings = data / "fsdd" / "recordings"
    few = tmp_path / "few"
    for path in recordings.glob("*_theo_[5-9].wav"):
        (few / path.name[0]).mkdir(parents=True, exist_ok=True)
        (few / path.name[0] / path.name).write_bytes(path.read_bytes())
    model = tmp_path / "digit.skops"
    trained = digitbench("train", "mfcc-logreg", "--out", model, "--corpus", f"folder:{few}")
    assert trained.returncode == 0, trained.stderr
    heard = digitbench("predict", recordings / "3_theo_0.wav", tmp_path / "none.wav", "--model", model)
    assert heard.returncode == 1  # one file is missing, the other is still heard
    assert "none.wav: no such file" in heard.stderr
    name, label, scores, took = heard.stdout.strip().split("\t")
    assert (name, label) == (str(recordings / "3_theo_0.wav"), "3")
    assert len(scores.split(", ")) == 3
    assert took.endswith(" ms")


def test_the_command_line_imports_nothing_heavy() -> None:
    heavy = {"torch", "whisper", "faster_whisper", "datasets", "torchcodec", "librosa", "sklearn"}
    code = f"import bench.cli, bench.runner, backends, sys; backends.registry(); print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_export_writes_onnx_and_refuses_other_files(tmp_path: Path, tiny_corpus: Path) -> None:
    pytest.importorskip("onnx")
    model, out = tmp_path / "lite.model", tmp_path / "lite.onnx"
    backend = MfccLite(VOCABULARY, augment=False)
    with pytest.MonkeyPatch.context() as patch:  # what it learnt is of no matter here
        patch.setattr("backends.lite.backend.PASSES", 1)
        patch.setattr("backends.lite.backend.LEAST_STEPS", 1)
        backend.fit([Clip(read(path)[0], path.name[0]) for path in sorted(tiny_corpus.glob("*.wav"))])
    backend.save(model)
    assert digitbench("export", model, "--out", out).returncode == 0
    assert out.stat().st_size > 10_000
    refused = digitbench("export", tiny_corpus / "clips.csv", "--out", out)
    assert refused.returncode == 2
    assert "not a digitbench model file" in refused.stderr

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.marks import open_run
from tests.bench.running import carry_out, info, planted, quick

FAULTS = {
    "Raises": "ZeroDivisionError: planted",
    "Exits": "exited with code 7",
    "Segfaults": "was killed by SIGSEGV",
    "Hangs": "no answer within the time limit of 3 s",
    "Hoards": "out of memory: it wanted more than the limit of 500 MB",
    "WrongLabel": "label 'eleven' is not in the vocabulary",
    "NotANumber": "not finite",
    "HugeScores": "not finite numbers of 32 bits",
    "TextOfNoKind": "text must be a string or None, not int",
    "FactsOfNoKind": "facts must be a mapping of names to numbers or None, not int",
    "FactInWords": "fact 'decoder_tokens' must be a number, not str",
    "EndlessFact": "fact 'retries' must be a finite number, not inf",
    "HalfACharacter": "surrogates not allowed",
    "ClosesEverything": "closed its pipe",
    "ForksAndDies": "exited with code 9",
    "MissingScores": "scores are for ['0'], the vocabulary is ['0', '1', '2']",
    "NotAPrediction": "predict must return a Prediction, not str",
    "Connects": "no network once a run has begun",
}


@pytest.fixture(scope="module")
def faulty_run(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faulty")
    names = [planted(name) for name in (*FAULTS, "LoadFails", "Garbage", "Steady", "Nearest")]
    settings = {"step_limit_s": 3.0, "memory_limit_mb": 500, "splits": ("official",)}
    done = carry_out(quick(tiny_corpus, *names, **settings), folder)
    assert done.failures
    return folder


@pytest.mark.parametrize(("fault", "reason"), FAULTS.items())
def test_a_fault_is_named_with_where_it_happened(faulty_run: Path, fault: str, reason: str) -> None:
    (failure,) = [each for each in info(faulty_run)["failures"] if each["backend"] == f"planted:{fault}"]
    assert reason in failure["reason"]
    assert "predict, after clip 0_ann_1" in failure["reason"]


def test_faults_cost_their_own_rows_only(faulty_run: Path) -> None:
    run = open_run(faulty_run)
    assert set(run.predictions["backend"]) == {"planted:Garbage", "planted:Steady", "planted:Nearest"}
    assert run.predictions.groupby("backend").size().eq(12).all()


def test_what_a_backend_prints_goes_to_its_log(faulty_run: Path) -> None:
    assert b"garbage" in (faulty_run / "logs" / "planted@Garbage.log").read_bytes()


def test_a_backend_that_cannot_load_is_named(faulty_run: Path) -> None:
    failures = {each["backend"]: each for each in info(faulty_run)["failures"]}
    assert "FileNotFoundError: no weights here, in load" in failures["planted:LoadFails"]["reason"]


def test_wrong_batch_count_fails_throughput_alone(tiny_corpus: Path, tmp_path: Path) -> None:
    config = quick(tiny_corpus, planted("WrongCount"), splits=("official",), throughput_s=0.01)
    (failure,) = carry_out(config, tmp_path).failures
    assert failure.phase == "throughput"
    assert "predict_batch gave 1 predictions for 2 clips" in failure.reason
    assert len(open_run(tmp_path).predictions) == 12


def test_zero_shot_backends_hear_each_clip_once(tiny_corpus: Path, tmp_path: Path) -> None:
    carry_out(quick(tiny_corpus, planted("Steady"), "chance"), tmp_path)
    heard = open_run(tmp_path).predictions.groupby("backend").size()
    assert heard["planted:Steady"] == 36
    assert heard["chance"] == 12 + 7 + 36  # official, mixed, loso: once per fold that tests it


def test_clips_option_limits_a_zero_shot_backend(tiny_corpus: Path, tmp_path: Path) -> None:
    config = quick(tiny_corpus, planted("Steady"), backend={"planted": {"clips": "official"}})
    carry_out(config, tmp_path)
    assert len(open_run(tmp_path).predictions) == 12


def test_a_test_clip_copied_into_train_stops_the_run(tmp_path: Path, tiny_corpus: Path) -> None:
    listing = (tiny_corpus / "clips.csv").read_text()
    for path in tiny_corpus.glob("*.wav"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "copy.wav").write_bytes((tiny_corpus / "0_ann_0.wav").read_bytes())
    (tmp_path / "clips.csv").write_text(listing + "copy.wav,0,ann,train\n")
    with pytest.raises(BenchError, match=r"leak in split official.*'0_ann_0' has the same samples as.*'copy'"):
        carry_out(quick(tmp_path, "chance", splits=("official",)), tmp_path / "run")


def test_two_runs_into_one_folder(tiny_corpus: Path, tmp_path: Path) -> None:
    from bench.records.journal import locked

    with locked(tmp_path), pytest.raises(BenchError, match="another run is writing"):
        carry_out(quick(tiny_corpus, "chance"), tmp_path)


def test_impossible_splits_are_left_out_with_a_reason(tiny_corpus: Path, tmp_path: Path) -> None:
    for path in tiny_corpus.glob("*.wav"):
        (tmp_path / path.stem[0]).mkdir(exist_ok=True)
        (tmp_path / path.stem[0] / path.name).write_bytes(path.read_bytes())
    carry_out(quick(tmp_path, "chance"), tmp_path / "run")
    impossible = info(tmp_path / "run")["corpus"]["impossible_splits"]
    assert "some clips have no speaker" in impossible["loso"]
    assert set(impossible) == {"official", "loso"}


def test_measuring_phases_write_every_schema(tiny_corpus: Path, tmp_path: Path) -> None:
    settings = {"latency_clips": 6, "latency_round": 2, "processes": 2, "throughput_s": 0.01, "threads": (1,)}
    carry_out(quick(tiny_corpus, planted("Steady"), planted("Nearest"), **settings), tmp_path)
    run = open_run(tmp_path)
    timed = run.latency[~run.latency["warmup"]]
    assert timed.groupby("backend")["clip"].nunique().eq(6).all()
    # paired: in every round all backends hear the same clips
    turns = timed.groupby(["process", "round"])
    assert all(len(set(map(tuple, turn.groupby("backend")["clip"].agg(list)))) == 1 for _, turn in turns)
    assert run.coldstart.groupby("backend").size().eq(2).all()
    assert (run.throughput["batch"].value_counts() >= 2).iloc[0]
    assert (run.resources["peak_rss_bytes"] > run.resources["idle_rss_bytes"]).all()


def test_a_finished_run_is_not_done_again(tiny_corpus: Path, tmp_path: Path) -> None:
    config = quick(tiny_corpus, planted("Steady"), latency_clips=4, threads=(1,))
    carry_out(config, tmp_path)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "records").rglob("*.parquet")}
    carry_out(config, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "records").rglob("*.parquet")} == files

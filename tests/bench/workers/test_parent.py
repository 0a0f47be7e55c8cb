from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import psutil
import pytest

from backends import find
from bench.audio import fingerprint, read
from bench.clips import Clip, told
from bench.workers.parent import Job, Limits, StoppedError, Worker, WorkerError
from tests.bench.running import VOCABULARY, planted


def job(name: str, **options: object) -> Job:
    return Job(find(planted(name)), VOCABULARY, options, Limits(step_s=20, memory_bytes=2_000_000_000))


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(job("Steady"), tmp_path / "log", threads=1) as started:
        started.ask("create")
        started.ask("load")
        yield started


def clip(path: Path) -> dict[str, object]:
    (entry,) = told([Clip(path.stem, str(path), fingerprint(*read(path)), "0")])
    return dict(entry)


def test_threads_are_fixed_in_the_worker_alone(tmp_path: Path) -> None:
    with Worker(job("Steady"), tmp_path / "log", threads=3, cpus=[min(os.sched_getaffinity(0))]) as worker:
        child = psutil.Process(worker.pid)
        assert child.environ()["OMP_NUM_THREADS"] == "3"
        assert child.environ()["HF_HUB_OFFLINE"] == "1"
        assert child.cpu_affinity() == [min(os.sched_getaffinity(0))]
    assert os.environ.get("OMP_NUM_THREADS") != "3"


@pytest.mark.parametrize(("most", "given"), [(1, "1"), (2, "2"), (5, "3")])
def test_a_backend_gets_no_more_threads_than_its_most(tmp_path: Path, most: int, given: str) -> None:
    capped = replace(job("Steady"), limits=Limits(threads=most))
    with Worker(capped, tmp_path / "log", threads=3) as worker:
        assert psutil.Process(worker.pid).environ()["OPENBLAS_NUM_THREADS"] == given


def test_a_stopped_worker_uses_no_time(worker: Worker) -> None:
    worker.pause()
    time.sleep(0.05)
    assert psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED
    worker.resume()
    assert worker.ask("peak")["rss_bytes"] > 0


def test_closing_ends_a_stopped_worker(tmp_path: Path) -> None:
    with Worker(job("Steady"), tmp_path / "log", threads=1) as worker:
        worker.pause()
    assert not psutil.pid_exists(worker.pid)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = psutil.Process().num_fds()
    for _ in range(3):
        with Worker(job("Steady"), tmp_path / "log", threads=1) as worker:
            worker.ask("create")
    assert psutil.Process().num_fds() == before


def test_waiting_ends_when_the_run_is_stopped(tmp_path: Path) -> None:
    stop = Event()
    with Worker(job("Steady", delay_s=60), tmp_path / "log", threads=1, stop=stop) as worker:
        worker.ask("create")
        stop.set()
        with pytest.raises(StoppedError):
            worker.ask("load")


def test_more_is_asked_than_a_pipe_holds(worker: Worker, tiny_corpus: Path) -> None:
    many = [clip(tiny_corpus / "0_ann_0.wav")] * 2000
    assert sum(1 for _ in worker.stream("predict", clips=many)) == 2000


def test_a_clip_changed_under_way_is_noticed(worker: Worker, tiny_corpus: Path) -> None:
    changed = {**clip(tiny_corpus / "0_ann_0.wav"), "sha256": "0" * 64}
    with pytest.raises(WorkerError, match=r"0_ann_0\.wav changed while the run went on"):
        worker.ask("predict", clips=[changed])


def test_a_copy_of_the_process_does_not_answer_in_its_place(tmp_path: Path, tiny_corpus: Path) -> None:
    several = [clip(tiny_corpus / "0_ann_0.wav")] * 5
    with Worker(job("ForksAndGoesOn"), tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        worker.ask("load")
        assert sum(1 for _ in worker.stream("predict", clips=several)) == 5
        assert worker.ask("peak")["rss_bytes"] > 0


def test_latency_is_the_call_and_nothing_else(tmp_path: Path, tiny_corpus: Path) -> None:
    with Worker(job("Steady", delay_s=0.05), tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        worker.ask("load")
        reply = worker.ask("predict", clips=[clip(tiny_corpus / "0_ann_0.wav")])
    assert reply["predict_s"] >= 0.05
    assert reply["audio_s"] == pytest.approx(0.3)
    assert reply["features_s"] is None


def test_options_a_backend_does_not_know_are_named(tmp_path: Path) -> None:
    unknown = pytest.raises(WorkerError, match="unexpected keyword argument 'nonsense'")
    with Worker(job("Steady", nonsense=1), tmp_path / "log", threads=1) as worker, unknown:
        worker.ask("create")


def test_memory_of_an_idle_worker_is_not_that_of_its_parent(tmp_path: Path) -> None:
    ballast = bytearray(300_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    with Worker(job("Steady"), tmp_path / "log", threads=1) as worker:
        worker.ask("idle")
        assert worker.ask("peak")["rss_bytes"] < 150_000_000
    assert len(ballast) == 300_000_000


def test_options_are_shown_to_nobody_and_may_be_large(tmp_path: Path) -> None:
    secret = "hush" + "x" * 10_000_000
    with Worker(job("Steady", token=secret), tmp_path / "log", threads=1) as worker:
        supervisor = psutil.Process(worker.pid).parent()
        assert supervisor is not None
        for process in (psutil.Process(worker.pid), supervisor):
            public = (
                Path(f"/proc/{process.pid}/environ").read_bytes() + Path(f"/proc/{process.pid}/cmdline").read_bytes()
            )
            assert b"bench.workers.child" in public
            assert b"hush" not in public
        with pytest.raises(WorkerError, match="unexpected keyword argument 'token'"):
            worker.ask("create")
    assert "hush" not in (tmp_path / "log").read_text()


def test_thousands_of_labels_are_handed_over(tmp_path: Path, tiny_corpus: Path) -> None:
    vocabulary = {str(number): (f"word {number}",) for number in range(8000)}
    many = replace(job("Steady"), vocabulary=vocabulary)
    with Worker(many, tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        assert worker.ask("predict", clips=[clip(tiny_corpus / "0_ann_0.wav")])["label"] in vocabulary


@pytest.mark.parametrize(
    "what",
    ["garbage\n", "\0\n", "5\n", "[]\n", "{}\n", "\n", '{"end": "load"}\n', '{"load_s": 1.0}\n', "[" * 5000 + "\n"],
)
def test_what_others_write_into_the_pipe_is_no_reply(tmp_path: Path, what: str) -> None:
    with Worker(job("ScribblesOnPipes", what=what), tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        with pytest.raises(WorkerError, match="the backend wrote into the harness's own pipe in load"):
            worker.ask("load")


def test_a_reply_without_an_end_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.workers.parent.LONGEST_REPLY", 3_000_000)
    endless = job("ScribblesOnPipes", what="x" * 60_000, times=100_000)
    with Worker(endless, tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        with pytest.raises(WorkerError, match="a reply of more than 3 MB in load"):
            worker.ask("load")


def test_a_line_that_drips_ends_at_the_limit(tmp_path: Path) -> None:
    brief = replace(job("ScribblesOnPipes", what="x", times=1_000_000, delay_s=0.05), limits=Limits(step_s=2))
    with Worker(brief, tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        with pytest.raises(WorkerError, match="no answer within the time limit of 2 s in load"):
            worker.ask("load")


def test_a_log_is_bounded_and_keeps_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Worker(job("Chatters", size=120_000_000), log, threads=1) as worker:
        worker.ask("create")
        worker.ask("load")
    content = log.read_bytes()
    assert len(content) < 60_000_000
    assert content.startswith(b"[what came before is cut off: a log holds 50 MB]\n")
    assert content.endswith(b"the last word\n")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("bool", "the score of 0 is a number, not bool"),
        ("string", "the score of 0 is a number, not str"),
        ("huge", "scores of 0, 1, 2 are not finite numbers of 32 bits"),
        ("complex", "TypeError"),
    ],
)
def test_scores_are_numbers(tmp_path: Path, tiny_corpus: Path, kind: str, said: str) -> None:
    with Worker(job("OddScores", kind=kind), tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        with pytest.raises(WorkerError, match=said):
            worker.ask("predict", clips=[clip(tiny_corpus / "0_ann_0.wav")])


def test_a_helper_inherits_no_pipe(tmp_path: Path) -> None:
    with Worker(job("Shells"), tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        worker.ask("load")
    assert "pipe:[" not in (tmp_path / "log").read_text()


def test_errors_of_any_length_and_kind_are_told(tmp_path: Path) -> None:
    with Worker(job("Screams"), tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        with pytest.raises(WorkerError, match=r"^ValueError: \?a{100}") as error:
            worker.ask("load")
        assert len(str(error.value)) < 11_000


def test_a_front_end_is_inside_the_clock_and_a_stage_of_its_own(tmp_path: Path, tiny_corpus: Path) -> None:
    plain = job("Steady", delay_s=0.05)
    fronted = replace(plain, spec=replace(plain.spec, name=f"{plain.spec.name}+compress@hard"))
    with Worker(fronted, tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        worker.ask("load")
        reply = worker.ask("predict", clips=[clip(tiny_corpus / "0_ann_0.wav")])
        batch = worker.ask("predict_batch", clips=[clip(tiny_corpus / "0_ann_0.wav")], batch=1)
    assert 0 < reply["front_s"] < reply["predict_s"]
    assert reply["facts"]["clip_tokens"] <= 50 * reply["audio_s"]
    assert batch["clips"] >= 1


def test_a_front_end_that_means_nothing_is_refused(tmp_path: Path) -> None:
    plain = job("Steady")
    strange = replace(plain, spec=replace(plain.spec, name=f"{plain.spec.name}+compress@harder"))
    with Worker(strange, tmp_path / "log", threads=1) as worker:
        assert "light, balanced, hard or a number from 0 to 1" in worker.ask("refusal")["refusal"]

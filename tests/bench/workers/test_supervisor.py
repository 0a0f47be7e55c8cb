from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from backends import find
from bench.workers.parent import Job, Limits, Worker, WorkerError
from tests.bench.running import VOCABULARY, planted
from tests.planted import BRED

SOON_S = 60.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")


def job(folder: Path, **options: object) -> Job:
    return Job(find(planted("Breeds")), VOCABULARY, {"folder": str(folder), **options}, Limits(step_s=60))


def command(corpus: Path, out: Path, folder: Path, stage: str) -> list[str]:
    where, ending = ("load", "") if stage == "latency" else (stage, "hang")
    settings = [
        "vocabulary = {0 = ['zero'], 1 = ['one'], 2 = ['two']}",
        f"backend.planted = {{folder = '{folder}', stage = '{where}', ending = '{ending}'}}",
    ]
    return [
        *(sys.executable, "-m", "bench", "run", "--corpus", f"folder:{corpus}", "--out", str(out), "--no-checks"),
        *("--splits", "official", "--throughput-s", "0", "--processes", "1", "--jobs", "1", "--threads", "1"),
        *("--latency-clips", "12" if stage == "latency" else "0"),
        *("--backends", ",".join([planted("Breeds"), *(["chance"] if stage == "latency" else [])])),
        *(part for line in settings for part in ("--set", line)),
    ]


def helpers(folder: Path) -> list[int]:
    return [int(path.name) for path in folder.iterdir()]


def alive(folder: Path) -> list[int]:
    return [pid for pid in helpers(folder) if psutil.pid_exists(pid) and running(pid)]


def running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + SOON_S
    while not (done := condition()) and time.monotonic() < until:
        time.sleep(0.02)
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "helpers"
    path.mkdir()
    return path


def test_closing_ends_every_helper_and_leaves_no_zombie(tmp_path: Path, folder: Path) -> None:
    others = set(psutil.Process().children(recursive=True))
    with Worker(job(folder), tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        worker.ask("load")
        assert len(alive(folder)) == BRED
    assert not alive(folder)
    assert not set(psutil.Process().children(recursive=True)) - others


@pytest.mark.parametrize(
    ("ending", "said"), [("exit", "exited with code 3 in load"), ("segfault", "was killed by SIGSEGV in load")]
)
def test_a_worker_that_dies_takes_its_helpers_along(tmp_path: Path, folder: Path, ending: str, said: str) -> None:
    with Worker(job(folder, ending=ending), tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        with pytest.raises(WorkerError, match=said):
            worker.ask("load")
        assert not alive(folder)


def test_a_pause_stops_every_helper_and_a_stopped_family_still_ends(tmp_path: Path, folder: Path) -> None:
    def states() -> set[str]:
        return {psutil.Process(pid).status() for pid in helpers(folder)}

    with Worker(job(folder), tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        worker.ask("load")
        worker.pause()
        assert wait_for(lambda: states() == {psutil.STATUS_STOPPED})
        worker.resume()
        assert wait_for(lambda: states() == {psutil.STATUS_SLEEPING})
        assert worker.ask("peak")["rss_bytes"] > 0
        worker.pause()
    assert not alive(folder)


def test_the_worker_ends_with_its_supervisor(tmp_path: Path, folder: Path) -> None:
    with Worker(job(folder), tmp_path / "log", threads=1) as worker:
        parent = psutil.Process(worker.pid).ppid()
        assert parent != os.getpid()
        os.kill(parent, signal.SIGKILL)
        with pytest.raises(WorkerError, match="was killed by SIGKILL"):
            worker.ask("create")
        assert wait_for(lambda: not psutil.pid_exists(worker.pid) or not running(worker.pid))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_supervisor_that_is_told_to_end_does_so(tmp_path: Path, folder: Path, number: int) -> None:
    with Worker(job(folder), tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        worker.ask("load")
        os.kill(psutil.Process(worker.pid).ppid(), number)
        assert wait_for(lambda: not alive(folder))


def test_the_memory_of_a_worker_is_its_own(tmp_path: Path, folder: Path) -> None:
    with Worker(job(folder), tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        supervisor = psutil.Process(psutil.Process(worker.pid).ppid())
        assert supervisor.memory_info().rss < 20_000_000
        assert supervisor.cpu_times().user < 1


@pytest.mark.parametrize(
    ("stage", "number"),
    [
        *((stage, signal.SIGKILL) for stage in ("load", "fit", "predict", "latency")),
        *(("predict", number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)),
        ("latency", signal.SIGTERM),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_nothing_outlives_the_harness(
    tiny_corpus: Path, tmp_path: Path, folder: Path, stage: str, number: signal.Signals
) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(command(tiny_corpus, out, folder, stage), stderr=subprocess.PIPE, text=True)

    def reached() -> bool:
        assert process.poll() is None
        pids = helpers(folder)
        if stage == "latency":  # where it waits for its turn
            return len(pids) > BRED and any(
                psutil.Process(pid).status() == psutil.STATUS_STOPPED for pid in alive(folder)
            )
        return len(pids) == BRED

    assert wait_for(reached)
    process.send_signal(number)
    _, said = process.communicate(timeout=SOON_S)
    assert wait_for(lambda: not alive(folder))
    if number == signal.SIGKILL:
        return
    assert process.returncode == 128 + number
    assert "stopped; " in said
    assert "Traceback" not in said


def test_a_second_signal_leaves_nothing_behind(tiny_corpus: Path, tmp_path: Path, folder: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    arguments = command(tiny_corpus, tmp_path / "run", folder, "fit")
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env=environment)
    assert wait_for(lambda: len(helpers(folder)) == BRED)
    for _ in range(20):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.01)
    _, said = process.communicate(timeout=SOON_S)
    assert process.returncode == 143
    assert "Traceback" not in said
    assert wait_for(lambda: not alive(folder))
    assert not list(temporary.iterdir())


def test_a_limit_is_a_limit_with_helpers_too(tmp_path: Path, folder: Path) -> None:
    brief = replace(job(folder, ending="hang"), limits=Limits(step_s=3))
    with Worker(brief, tmp_path / "log", threads=1) as worker:
        worker.ask("create")
        with pytest.raises(WorkerError, match="no answer within the time limit of 3 s in load"):
            worker.ask("load")
    assert not alive(folder)

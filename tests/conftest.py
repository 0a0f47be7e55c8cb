"""Fixtures for every test: made-up recordings, and the real ones where they are; and when a skip is a failure."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import settings

from backends import BackendError
from bench.audio import Audio, write
from bench.errors import BenchError

DATA = "DIGITBENCH_DATA"
REQUIRED = "DIGITBENCH_REQUIRE"
"""Names words, comma-separated: a test that is skipped for a reason with one of them fails."""

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

EXTRAS = frozenset(
    {
        "av",
        "ctranslate2",
        "datasets",
        "espeakng_loader",
        "faster_whisper",
        "jiwer",
        "onnx",
        "onnxruntime",
        "pocketsphinx",
    }
    | {"pocketsphinx", "pyroomacoustics", "tokenizers", "torch", "torchcodec", "transformers", "urllib3", "whisper"}
    | {"whisper_normalizer"}
)
"""Packages that the classical install does without."""

settings.register_profile("digitbench", deadline=None)  # a busy machine is not a failing test
settings.load_profile("digitbench")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    with _skipped_without_extras():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    with _skipped_without_extras():
        return (yield)


@contextmanager
def _skipped_without_extras() -> Iterator[None]:
    """A package of an extra that cannot be imported is a reason to skip, in the product's words where it has any."""
    try:
        yield
    except (BenchError, BackendError) as error:
        if isinstance(error.__cause__, ModuleNotFoundError):
            pytest.skip(str(error))
        raise
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] in EXTRAS:
            pytest.skip(f"needs {error.name}: pip install digitbench with its extra")
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _required((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _required((yield))


def _required(report: Report) -> Report:
    words = [word.strip().lower() for word in os.environ.get(REQUIRED, "").split(",") if word.strip()]
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2])
        if any(word in reason.lower() for word in words):
            report.outcome, report.longrepr = "failed", f"{REQUIRED} allows no skip here: {reason}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _signals_are_heard() -> None:
    """What is started in the background ignores these, and so would all that the tests start and then interrupt."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real recordings; without it the test is skipped."""
    if not os.environ.get(DATA):
        pytest.skip(f"needs real recordings: set {DATA}")
    return Path(os.environ[DATA]).resolve()


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels 0-2 by two speakers, six takes each, 8 kHz, listed in clips.csv; takes 0 and 1 are test. Read only."""
    root = tmp_path_factory.mktemp("tiny")
    with (root / "clips.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(("path", "label", "speaker", "split"))
        for label in range(3):
            for number, speaker in enumerate(("ann", "bob")):
                for take in range(6):
                    path = f"{label}_{speaker}_{take}.wav"
                    write(root / path, tone(400 * (label + 1) * (1 + number / 10), seed=take), 8_000)
                    out.writerow((path, label, speaker, "test" if take < 2 else "train"))
    return root


def tone(hertz: float, seconds: float = 0.3, rate: int = 8_000, seed: int = 0) -> Audio:
    """A sine in a little noise."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(0, 0.01, len(time))
    return (0.3 * np.sin(2 * np.pi * hertz * time) + noise).astype(np.float32)

"""A whole small run: interrupted, gone on with, told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bench.errors import BenchError
from bench.loading.child import HARNESS
from bench.loading.plan import Plan
from bench.loading.runs import TABLES, WORK, Asked, carry_out, read
from bench.loading.sounds import FORMATS, RATE, encode
from bench.progress import Advance, Plain
from tests.conftest import tone

PLAN = Plan(
    loaders=("librosa", "soundfile", "audiodecode"), formats=("WAV16",), lengths=(0.5,), rounds=1, cold=1,
    first=0, many=3, many_rounds=1, short=3,
)  # fmt: skip


class Stopped(Plain):
    """Ctrl-C when a stage is half done."""

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Advance]:
        with super().task(title, total) as advance:
            done = 0

            def stop(steps: int) -> None:
                nonlocal done
                done += steps
                advance(steps)
                if title.startswith("round") and done == 3:
                    raise KeyboardInterrupt

            yield stop


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "common_voice" / "clips"
    folder.mkdir(parents=True)
    samples = np.concatenate([tone(200 + 40 * place, seed=place) for place in range(6)])
    for place in range(2):
        encode(folder / f"{place}.mp3", samples, RATE, FORMATS["MP3"])
    return tmp_path / "data"


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(data: Path, tmp_path: Path) -> None:
    out, said = tmp_path / "out", StringIO()
    with pytest.raises(KeyboardInterrupt):
        carry_out(PLAN, Asked(), out, data, tmp_path, "digitbench loaders", Stopped(Console(file=StringIO())))
    journal = (out / WORK / "journal.jsonl").read_text()
    assert journal.count("round/0") == 3
    with pytest.raises(BenchError, match="another plan was begun there"):
        carry_out(replace(PLAN, rounds=2), Asked(), out, data, tmp_path, "", Plain(Console(file=said)))
    written = carry_out(PLAN, Asked(7, 3.0), out, data, tmp_path, "", Plain(Console(file=said)))
    assert "going on" in said.getvalue()
    assert not (out / WORK).exists()
    assert "7 files at $3 an hour" in written.read_text()
    run = read(out)
    timed = run.samples[run.samples["wall_s"].notna()]
    assert set(timed["task"]) >= {"whole", "slice", "resampled", "duration", "cold", "memory", "many", "files"}
    assert (run.samples.groupby(["task", "format", "length_s", "loader", "round"]).size() <= 5).all()
    wavs = run.agreement.query("format == 'WAV16' and task != 'duration'")
    assert wavs["equal"].all()
    assert set(run.bad["loader"]) == {*PLAN.loaders, HARNESS}
    assert isinstance(pd.read_parquet(out / f"{TABLES[0]}.parquet"), pd.DataFrame)


def test_a_folder_of_recordings_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no such folder of recordings"):
        carry_out(PLAN, Asked(), tmp_path, tmp_path / "none", tmp_path, "", Plain(Console(file=StringIO())))

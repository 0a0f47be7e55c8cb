"""``digitbench loaders``: make the files, measure, write what was measured and the report of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.errors import BenchError
from bench.loading.bad import bad_files
from bench.loading.journal import Journal
from bench.loading.loaders import LOADERS, OURS, REFERENCE, missing
from bench.loading.measure import Work, measure
from bench.loading.plan import Plan
from bench.loading.report import Loaded, write_report
from bench.loading.sounds import FORMATS, encode, make_files, short_files, utterances, voice
from bench.machine import describe_git, describe_machine, describe_others, package_versions
from bench.progress import Reporter
from bench.report.build import replace_text
from bench.workers.parent import ROOT

INFO = "run.json"
TABLES = ("samples", "agreement", "bad")
"""What was measured: <name>.parquet, from which the report is made."""
WORK = "work"
"""Sounds and journal of a run that has not ended."""
PACKAGES = ("librosa", "soundfile", "scipy", "av", "torchcodec", "torch", "miniaudio", "numpy", "numba", "soxr")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user wants to know of the report: the bill for how many files, at what price an hour."""

    files: int = 5000
    dollars: float = 2.5

    def __post_init__(self) -> None:
        if self.files < 1:
            raise BenchError(f"--files {self.files}: at least 1 is needed")
        if not 0 <= self.dollars < float("inf"):
            raise BenchError(f"--cost-per-hour {self.dollars}: a price is needed, 0 or more")


def carry_out(plan: Plan, asked: Asked, out: Path, data: Path | None, cache: Path, command: str, say: Reporter) -> Path:
    """Measure what is not measured yet, and write everything to ``out``; returns report.md.

    Raises BenchError where ``out`` holds an unfinished run of another plan or machine, or the two loaders that all is
    about cannot be used.
    """
    if data and not data.is_dir():
        raise BenchError(f"{data}: no such folder of recordings")
    unusable = {name: why for name in plan.loaders if (why := missing(LOADERS[name]))}
    for name in (REFERENCE, OURS):
        if name in unusable:
            raise BenchError(f"{name} cannot be used here, and all others are compared with it: {unusable[name]}")
    plan = Plan(**{**plan.stated(), "loaders": tuple(name for name in plan.loaders if name not in unusable)})
    work = out / WORK
    info = _begun(work, plan, unusable, command)
    spoken = voice(data, cache)
    with say.task("making files", len(plan.formats) * len(plan.lengths)) as advance:
        files = make_files(spoken, work / "sounds", plan.formats, plan.lengths, advance)
    short, of = short_files(data, spoken, work / "sounds", plan.short)
    many = _many(data, spoken, work / "many", plan.many, say)
    info |= {"voice": spoken.source, "short": of, "short_count": len(short)}
    journal = Journal(work / "journal.jsonl")
    if len(journal):
        say.say(f"going on: {len(journal):,} steps are done")
    measure(Work(plan, files, short, many, bad_files(spoken, work / "bad"), journal, say))
    _save(out, info, {name: journal.table(name) for name in TABLES})
    shutil.rmtree(work)
    return write_report(read(out), out, asked.files, asked.dollars)


def _begun(work: Path, plan: Plan, unusable: Mapping[str, str], command: str) -> dict[str, Any]:
    """What a run is called by; that of a run begun earlier, where this one goes on with it."""
    machine = describe_machine()
    info = {
        "command": command, "plan": {**plan.stated(), "formats": list(plan.formats)}, "missing": dict(unusable),
        "machine": machine, "others": describe_others(), "git": describe_git(ROOT),
        "packages": {name: version for name, version in package_versions().items() if name.lower() in PACKAGES},
    }  # fmt: skip
    path = work / INFO
    if path.exists():
        before = json.loads(path.read_text())
        for key in ("plan", "packages", "missing"):
            if before[key] != json.loads(json.dumps(info[key])):
                raise BenchError(f"{work}: a run with another {key} was begun there; finish it, or remove that folder")
        if before["machine"]["boot_id"] != machine["boot_id"]:
            raise BenchError(
                f"{work}: begun on another machine or before a restart; times do not mix: remove that folder"
            )
        return dict(before)
    work.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(info, indent=1))
    return info


def _many(data: Path | None, spoken: Any, folder: Path, count: int, say: Reporter) -> list[Path]:
    """Many MP3s of speech."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{place:04}.mp3" for place in range(count)]
    if not paths[-1].exists():
        with say.task("making MP3s", count) as advance:
            for path, (samples, rate) in zip(paths, utterances(data, spoken, count), strict=True):
                if not path.exists():
                    encode(path, samples, rate, FORMATS["MP3"])
                advance(1)
    return paths


def _save(out: Path, info: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> None:
    for name, table in tables.items():
        partly = out / f"{name}.parquet.part"
        table.to_parquet(partly, index=False)
        partly.replace(out / f"{name}.parquet")
    replace_text(out / INFO, json.dumps(info, indent=1) + "\n")


def read(folder: Path) -> Loaded:
    """What was measured, from its files. Raises BenchError where one is missing or cannot be read."""
    for path in (*(folder / f"{name}.parquet" for name in TABLES), folder / INFO):
        if not path.exists():
            begun = "; a run was begun there: the command that began it goes on" if (folder / WORK).exists() else ""
            raise BenchError(f"{path}: no such file, {folder} holds no finished run of loaders{begun}")
    try:
        tables = [pd.read_parquet(folder / f"{name}.parquet") for name in TABLES]
        info = json.loads((folder / INFO).read_text())
    except (OSError, ValueError) as error:
        raise BenchError(f"{folder}: cannot be read as a run of loaders ({error})") from error
    return Loaded(info, *tables)

"""What there is to do: backends made known, clips chosen, cells with the keys that say when old work still holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from backends import BackendError, Spec, registry
from backends import find as find_backend
from bench import tasks
from bench.clips import Clips, Rows, batched
from bench.conditions import copies_identity
from bench.config import ENGLISH, HARNESS_OPTIONS, Config
from bench.corpora.base import Corpus
from bench.errors import BenchError, near
from bench.making import takes
from bench.names import CLEAN, CROSS, Name, file_name
from bench.splits import COLUMNS, Fold, assign, folds
from bench.workers.parent import Job, Limits, Worker
from bench.workers.ready import make
from bench.workers.session import METHOD

UNTREATED: Mapping[str, list[Any]] = MappingProxyType({CLEAN: []})


@dataclass(frozen=True, slots=True)
class Known:
    """A backend that was made once and described itself."""

    job: Job
    trained: bool
    clips: str
    """"all", or the split whose test clips alone it hears, where that split is part of the run."""
    artifacts: tuple[Mapping[str, Any], ...]
    packages: Mapping[str, str]
    """Versions of all packages that it needs and of those that decode and resample for it."""
    install_bytes: int | None
    copies: tuple[str, ...] = ()
    """Which copies of its training clips it learns from, too."""
    code: Mapping[str, Any] = field(default_factory=dict)
    """What it ran to say so: modules and packages, see :class:`bench.code.Code`."""

    @property
    def name(self) -> str:
        """As chosen on the command line."""
        return self.job.spec.name


@dataclass(frozen=True, slots=True)
class Cell:
    """One backend on one fold; on every clip it is to hear, for a zero-shot backend."""

    backend: Known
    fold: Fold | None
    rows: Rows
    key: str
    condition: str = CLEAN

    @property
    def file(self) -> str:
        """Where its predictions go, relative to the run's folder."""
        parts = [self.backend.name, self.condition, *([self.fold.split, self.fold.name] if self.fold else [])]
        return f"records/predictions/{'__'.join(file_name(part) for part in parts)}.parquet"

    @property
    def title(self) -> str:
        """For people: backend, split, fold, and a condition that is not clean."""
        treated = [self.condition] if self.condition != CLEAN else []
        return " ".join([self.backend.name, *([self.fold.split, self.fold.name] if self.fold else []), *treated])


def specs(config: Config) -> list[Spec]:
    """The backends chosen. Raises BenchError on an unknown name, two of one name, or options for none there is."""
    try:
        found = [find(name) for name in config.backends]
    except BackendError as error:
        raise BenchError(str(error)) from error
    names = [spec.name for spec in found]
    if len(set(names)) < len(names):
        raise BenchError(f"two backends have one name among {', '.join(names)}; rename one of the files")
    families = {Name.parse(name).family for name in (*names, *registry())}
    for name in config.backend:
        if Name.parse(name).family not in families:
            raise BenchError(f"options for backend {name!r}, which does not exist{near(name, families)}")
    return found


def find(name: str) -> Spec:
    """The backend of a name, which may end in ``+noise`` and the like. Raises BackendError when there is none such."""
    asked = Name.parse(name)
    spec = find_backend(str(asked.plain))
    return replace(spec, name=str(replace(Name.parse(spec.name), modifiers=asked.modifiers)))


def job(config: Config, spec: Spec) -> Job:
    """The backend as its workers are to make it."""
    options = config.options(spec.name)
    step_s, memory_mb = (options.get(name, getattr(config, name)) for name in ("step_limit_s", "memory_limit_mb"))
    own = {name: value for name, value in options.items() if name not in HARNESS_OPTIONS}
    if config.language != ENGLISH and spec.target.startswith("backends.") and takes(spec.load(), "language"):
        own.setdefault("language", config.language)
    limits = Limits(step_s, memory_mb * 1_000_000, options.get("most_threads"))
    return Job(spec, config.vocabulary, own, limits, tasks.target(config.task))


def introduce(config: Config, spec: Spec, log: Path) -> Known:
    """Make the backend once in a worker, let it fetch what it needs, and note what it is. Raises WorkerError."""
    wanted = job(config, spec)
    copies = Name.parse(spec.name).copies
    with Worker(wanted, log, threads=1, offline=False) as worker:
        made = make(worker, wanted)
        prepared = worker.ask("prepare")
    clips = str(config.options(spec.name).get("clips", "all"))
    return Known(
        wanted,
        made["trained"],
        clips,
        tuple(prepared["artifacts"]),
        prepared["packages"],
        prepared["install_bytes"],
        copies,
        worker.code.facts(),
    )


def clip_table(config: Config, corpus: Corpus) -> tuple[Clips, pd.DataFrame, dict[str, str]]:
    """The clips to use, the splits chosen as one table, and why any chosen split is impossible.

    Raises BenchError when no chosen split is possible.
    """
    table = corpus.clips.rename(columns={"label": "reference"})
    table = (_limited(table, config.limit, config.seed) if config.limit else table).reset_index(drop=True)
    parts: list[pd.DataFrame] = []
    impossible: dict[str, str] = {}
    dividing = (*tasks.find(config.task).splits, CROSS)
    for split in config.splits:
        if split not in dividing:
            impossible[split] = f"split {split!r} is not possible for task {config.task!r}"
            continue
        try:
            parts.append(assign(split, table, config.seed))
        except BenchError as error:
            impossible[split] = str(error)
    if impossible and not parts:
        raise BenchError("; ".join(impossible.values()))
    splits = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    return Clips(table, corpus.folders), splits, impossible


def cells(
    config: Config,
    clips: Clips,
    splits: pd.DataFrame,
    backends: list[Known],
    identities: Mapping[str, list[Any]] = UNTREATED,
) -> Iterator[Cell]:
    """Everything to predict under each condition of ``identities``. Raises BenchError on a leak from train to test."""
    names = list(splits["split"].unique())
    all_folds = [fold for split in names for fold in folds(split, clips.table, splits)]
    for backend in backends:
        if backend.trained:
            parts: list[tuple[Fold | None, Rows]] = [(fold, fold.test) for fold in all_folds]
        else:
            asked = [backend.clips] if backend.clips in names else names
            tests = [fold.test for fold in all_folds if fold.split in asked]
            parts = [(None, np.unique(np.concatenate(tests)))]
        for fold, rows in parts:
            key = _key(config, backend, fold, rows, clips.table)
            for condition, identity in identities.items():
                yield Cell(backend, fold, rows, digest(key, identity) if identity else key, condition)


def timeable(config: Config, clips: Clips) -> Clips:
    """The clips that times may be taken on: of a run across corpora the tested ones alone, else all."""
    return clips.only(np.flatnonzero(clips.table["official"] == "test")) if config.train else clips


def digest(*parts: Any) -> str:
    """sha256 of anything JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _key(config: Config, backend: Known, fold: Fold | None, rows: Rows, clips: pd.DataFrame) -> str:
    """Changes with anything that could change the predictions, but for the code, which a cell's facts name."""
    parts = hashlib.sha256()
    selections = (fold.train, fold.validation, rows) if fold else (rows,)
    for selection in selections:
        for column in ("clip", "reference", "speaker", "sha256"):
            for number, part in enumerate(batched(selection)):
                parts.update(("\n" * bool(number) + "\n".join(clips[column].iloc[part].fillna(""))).encode())
            parts.update(b"\0")
    key = digest(
        METHOD,
        backend.job.task,
        backend.job.spec,
        backend.job.options,
        [(label, list(spoken)) for label, spoken in config.vocabulary.items()],
        backend.packages,
        [(artifact["name"], artifact["sha256"]) for artifact in backend.artifacts],
        parts.hexdigest(),
    )
    for kind in backend.copies:
        key = digest(key, copies_identity(kind, config.seed))
    return key


def _limited(clips: pd.DataFrame, limit: int, seed: int) -> pd.DataFrame:
    """About ``limit`` clips, taken in turn from every official part, label and speaker."""
    shuffled = clips.sample(frac=1, random_state=seed)
    groups = shuffled.groupby(["official", "reference", "speaker"], dropna=False, sort=False)
    chosen = groups.cumcount().sort_values(kind="stable").head(limit)
    return clips.loc[chosen.index.sort_values()]

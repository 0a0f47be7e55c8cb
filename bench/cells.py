"""What there is to do: backends made known, clips chosen, cells with the keys that say when old work still holds."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from backends import BackendError, Spec, registry
from backends import find as find_backend
from bench.conditions import Resources, Voice, noise_identity, parse
from bench.config import CROSS, HARNESS_OPTIONS, SPLITS, Config
from bench.corpora.base import Corpus, Folders
from bench.errors import BenchError, near
from bench.records.schema import CLEAN, CLIPS
from bench.settings import NOISE
from bench.splits import NOT_TESTED, Fold, Rows, assign, folds
from bench.workers.child import METHOD
from bench.workers.parent import Job, Limits, Worker
from bench.workers.ready import make

UNTREATED: Mapping[str, list[Any]] = MappingProxyType({CLEAN: []})
BATCH = 4096
LONGEST_PART = 56
"""Bytes of a name within a file name: four of them, and an ending, are fewer than the 255 that file systems allow."""


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
    noisy: bool = False
    """Whether it learns from noisy copies, too."""
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
    families = {name.removesuffix(NOISE).partition(":")[0] for name in (*names, *registry())}
    for name in config.backend:
        if name.removesuffix(NOISE).partition(":")[0] not in families:
            raise BenchError(f"options for backend {name!r}, which does not exist{near(name, families)}")
    return found


def find(name: str) -> Spec:
    """The backend of a name, which may end in ``+noise``. Raises BackendError when there is none such."""
    plain = name.removesuffix(NOISE)
    found = find_backend(plain)
    return found if name == plain else replace(found, name=found.name + NOISE)


def job(config: Config, spec: Spec) -> Job:
    """The backend as its workers are to make it."""
    options = config.options(spec.name)
    step_s, memory_mb = (options.get(name, getattr(config, name)) for name in ("step_limit_s", "memory_limit_mb"))
    own = {name: value for name, value in options.items() if name not in HARNESS_OPTIONS}
    return Job(spec, config.vocabulary, own, Limits(step_s, memory_mb * 1_000_000, options.get("most_threads")))


def introduce(config: Config, spec: Spec, log: Path) -> Known:
    """Make the backend once in a worker, let it fetch what it needs, and note what it is. Raises WorkerError."""
    wanted = job(config, spec)
    noisy = spec.name.endswith(NOISE)
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
        noisy,
        worker.code.facts(),
    )


def clip_table(config: Config, corpus: Corpus) -> tuple[pd.DataFrame, dict[str, str]]:
    """The clips to use with a column per split, and why any chosen split is impossible.

    Raises BenchError when no chosen split is possible.
    """
    clips = _limited(corpus.clips, config.limit, config.seed) if config.limit else corpus.clips
    clips = clips.reset_index(drop=True)
    columns: dict[str, Any] = {}
    impossible: dict[str, str] = {}
    for split in config.splits:
        try:
            columns[split] = assign(split, clips, config.seed)
        except BenchError as error:
            impossible[split] = str(error)
    if not columns:
        raise BenchError("; ".join(impossible.values()))
    empty = dict.fromkeys((*SPLITS, CROSS))
    return clips.assign(**{**empty, **columns})[list(CLIPS.names)], impossible


def cells(
    config: Config, clips: pd.DataFrame, backends: list[Known], identities: Mapping[str, list[Any]] = UNTREATED
) -> Iterator[Cell]:
    """Everything to predict under each condition of ``identities``. Raises BenchError on a leak from train to test."""
    splits = [split for split in config.splits if clips[split].notna().all()]
    all_folds = [fold for split in splits for fold in folds(split, clips, clips[split])]
    for backend in backends:
        if backend.trained:
            parts: list[tuple[Fold | None, Rows]] = [(fold, fold.test) for fold in all_folds]
        else:
            heard = [backend.clips] if backend.clips in splits else splits
            tested = np.logical_or.reduce([~clips[split].isin(NOT_TESTED).to_numpy() for split in heard])
            parts = [(None, np.flatnonzero(tested))]
        for fold, rows in parts:
            key = _key(config, backend, fold, rows, clips)
            for condition, identity in identities.items():
                yield Cell(backend, fold, rows, digest(key, identity) if identity else key, condition)


def timeable(clips: pd.DataFrame) -> pd.DataFrame:
    """The clips that times may be taken on: of a run across corpora the tested ones alone, else all."""
    return clips[clips[CROSS] == "test"].reset_index(drop=True) if clips[CROSS].notna().any() else clips


def resources(conditions: Sequence[str], clips: pd.DataFrame, folders: Folders) -> Resources:
    """What the conditions draw on; babble is made of the clips that are tested."""
    tested = timeable(clips)
    babbled = any(parse(name).name.lower() == "babble" for name in conditions)
    listed = entries(tested, np.arange(len(tested)), folders) if babbled else ()
    return Resources.find(tuple(Voice(Path(entry["path"]), entry["speaker"], entry["sha256"]) for entry in listed))


def entries(clips: pd.DataFrame, rows: Rows, folders: Folders) -> Iterator[dict[str, Any]]:
    """Clips as a worker is told of them."""
    for part in batched(rows):
        columns = (clips[name].iloc[part] for name in ("clip", "path", "sha256", "label", "speaker"))
        for clip, path, sha256, label, speaker in zip(*columns, strict=True):
            known = speaker if isinstance(speaker, str) else None
            yield {"clip": clip, "path": _located(folders, path), "sha256": sha256, "label": label, "speaker": known}


def _located(folders: Folders, path: str) -> str:
    if isinstance(folders, Path):
        return str(folders / path)
    part, _, rest = path.partition("/")
    return str(folders[part] / rest)


def batched(rows: Rows) -> Iterator[Rows]:
    """A few thousand rows at a time: Python objects for all clips at once would outweigh the table they come from."""
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def digest(*parts: Any) -> str:
    """sha256 of anything JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def clips_hash(clips: pd.DataFrame) -> str:
    """One hash over every clip's id, label, speaker and samples, however they are split."""
    found = hashlib.sha256()
    for part in batched(np.arange(len(clips))):
        found.update(
            clips[["clip", "label", "speaker", "sha256"]].iloc[part].to_csv(index=False, header=False).encode()
        )
    return found.hexdigest()


def file_name(part: str) -> str:
    """A word made safe for a file name, still distinct, in at most ``LONGEST_PART`` bytes."""
    plain = part.replace(":", "@")
    safe = re.sub(r"[^\w.+@-]", "-", plain)
    code = hashlib.sha256(part.encode(errors="surrogatepass")).hexdigest()
    if len(safe.encode()) > LONGEST_PART - 7:
        return f"{safe.encode()[: LONGEST_PART - 13].decode(errors='ignore')}-{code[:12]}"
    return safe if safe == plain and "@" not in part else f"{safe}-{code[:6]}"


def _key(config: Config, backend: Known, fold: Fold | None, rows: Rows, clips: pd.DataFrame) -> str:
    """Changes with anything that could change the predictions, but for the code, which a cell's facts name."""
    parts = hashlib.sha256()
    selections = (fold.train, fold.validation, rows) if fold else (rows,)
    for selection in selections:
        for column in ("clip", "label", "speaker", "sha256"):
            for number, part in enumerate(batched(selection)):
                parts.update(("\n" * bool(number) + "\n".join(clips[column].iloc[part].fillna(""))).encode())
            parts.update(b"\0")
    key = digest(
        METHOD,
        backend.job.spec,
        backend.job.options,
        [(label, list(spoken)) for label, spoken in config.vocabulary.items()],
        backend.packages,
        [(artifact["name"], artifact["sha256"]) for artifact in backend.artifacts],
        parts.hexdigest(),
    )
    return digest(key, noise_identity(config.seed)) if backend.noisy else key


def _limited(clips: pd.DataFrame, limit: int, seed: int) -> pd.DataFrame:
    """About ``limit`` clips, taken in turn from every official part, label and speaker."""
    shuffled = clips.sample(frac=1, random_state=seed)
    groups = shuffled.groupby(["official", "label", "speaker"], dropna=False, sort=False)
    chosen = groups.cumcount().sort_values(kind="stable").head(limit)
    return clips.loc[chosen.index.sort_values()]

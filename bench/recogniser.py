"""Using a backend instead of measuring it: fit and save a model, recognise files, export.

Whatever is read, models and recordings alike, is read in a worker under its limits. The parent sees text and numbers.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import BinaryIO

import numpy as np

from backends import Spec, registered
from bench import tasks
from bench.cells import clip_table, job, specs
from bench.conditions import Resources, Treatments
from bench.config import Config
from bench.context import Context
from bench.corpora import Corpus, open_for
from bench.errors import BenchError
from bench.machine import cpus
from bench.making import missing
from bench.names import Name
from bench.phases.predict import fit
from bench.preflight import check_backends
from bench.printable import printable
from bench.progress import Reporter, counted
from bench.shipped import ready_ones, shipped
from bench.splits import folds
from bench.workers.parent import Job, Limits, Worker, WorkerError
from bench.workers.ready import ready

TOP = 3
STDIN = Path("-")
STDIN_BYTES = 500_000_000
"""The largest recording that is read from standard input."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What became of a training: how many clips, seconds of the fit itself, and of what corpus."""

    clips: int
    seconds: float
    corpus: Corpus


@dataclass(frozen=True, slots=True)
class Answer:
    """What there is to say about one file: what was heard, or why nothing could be."""

    file: str
    label: str | None = None
    text: str | None = None
    scores: Mapping[str, float] | None = None
    certainty: float | None = None
    ms: float | None = None
    error: str | None = None

    def json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    def line(self) -> str:
        """For people: file, label, the best scores, raw text and milliseconds, with tabs between."""
        if self.error is not None:
            return printable(f"error: {self.error}")
        best = sorted((self.scores or {}).items(), key=lambda pair: -pair[1])[:TOP]
        scores = [", ".join(f"{name} {score:.3f}" for name, score in best)] if best else []
        transcript = [] if self.text is None else [repr(self.text)]
        label = "not a digit" if self.label is None else self.label
        return "\t".join(map(printable, [self.file, label, *scores, *transcript, f"{self.ms:.1f} ms"]))


def train_model(config: Config, out: Path, split: str | None, reporter: Reporter) -> Trained:
    """Fit the configured backend on its corpus and save it. ``+noise`` or ``+framed`` after its name adds copies of
    the clips.

    Raises BenchError.
    """
    check_backends(config)
    (spec,) = specs(config)
    if split not in (None, "official", "mixed"):
        raise BenchError(f"--split {split}: only official and mixed have one training part")
    target = writable(out)
    with _working(spec) as work, ready(job(config, spec), work.log, len(cpus()), prepare=True) as (worker, facts):
        if not facts["trained"]:
            raise BenchError(f"{spec.name} is zero-shot: it needs no training, use `digitbench predict --backend`")
        with counted(reporter, "reading clips") as progress:
            corpus = open_for(replace(config, train="", test=""), progress=progress)
        clips, splits, _ = clip_table(replace(config, splits=(split,) if split else ()), corpus)
        fold = next(folds(split, clips.table, splits)) if split else None
        train = fold.train if fold else np.arange(len(clips))
        validation = fold.validation if fold else train[:0]
        treatments = Treatments.of((), work.folder / "copies", config.seed, Resources())
        task = tasks.make(config.asked)
        task.check(clips.table)
        context = Context(work.folder, clips, task, reporter, treatments)
        with reporter.wait(f"fitting {spec.name} on {len(train):,} clips"):
            seconds = fit(worker, context, train, validation, Name.parse(spec.name).copies)
        worker.ask("save", path=str(target))
    return Trained(len(train) + len(validation), seconds, corpus)


def export_model(config: Config, model: Path | None, name: str | None, out: Path) -> None:
    """Write a model, or a backend that needs none, in a format of its own choice. Raises BenchError."""
    target = writable(out)
    chosen = choose(config, model, name)
    threads = len(cpus())
    with (
        _working(chosen.spec, model) as work,
        ready(chosen, work.log, threads, model=model, prepare=True) as (worker, _),
    ):
        worker.ask("export", path=str(target))


def recognise(
    config: Config,
    model: Path | None,
    name: str | None,
    files: Sequence[Path],
    stdin: Callable[[], BinaryIO],
    reject: bool = True,
) -> Iterator[Answer]:
    """An answer for every file, in order. One that cannot be heard is named and the rest goes on, in a new worker where
    it ended the old one; ``-`` is read from what ``stdin`` gives. With ``reject``, what is too little sure is no word
    of the vocabulary. Without model and name, or with the name of one that ships, a model that ships answers. Raises
    BenchError where no backend can be had.
    """
    model, name = at_hand(config, model, name)
    chosen = choose(config, model, name)
    waiting = iter(files)
    file = next(waiting, None)
    first = True
    with _working(chosen.spec, model) as work:
        while file is not None:
            with ready(chosen, work.log, len(cpus()), model=model, prepare=first) as (worker, facts):
                first = False
                if facts["trained"] and model is None:
                    raise BenchError(_untrained(str(name)))
                alive = True
                while alive and file is not None:
                    answer, alive = _hear(worker, config, file, stdin, work, reject)
                    yield answer
                    file = next(waiting, None)


def at_hand(config: Config, model: Path | None, name: str | None) -> tuple[Path | None, str | None]:
    """Model and name of the backend to use, where they are not given those of a model that ships.

    Raises BenchError where none is ready.
    """
    if model is not None:
        return model, name
    if name is not None:
        return shipped(name), name
    ready_one = next(ready_ones(config.vocabulary), None)
    if ready_one is None:
        raise BenchError("no model of this vocabulary ships: give --model FILE or --backend NAME")
    return ready_one[1], ready_one[0]


def writable(out: Path) -> Path:
    """Where to write a file, whatever links lead there. Raises BenchError if it cannot be written."""
    target = out.resolve()
    if target.is_dir():
        raise BenchError(f"--out {out}: a folder; name the file to write")
    if not target.parent.is_dir():
        raise BenchError(f"--out {out}: there is no folder {target.parent}")
    if target.exists() and not target.is_file():
        raise BenchError(f"--out {out}: a pipe, socket or device; name a file to write")
    partial = target.with_name(target.name + ".part")
    try:
        with partial.open("wb"):
            pass
        partial.unlink()
    except OSError as error:
        raise BenchError(f"--out {out}: cannot be written ({error.strerror or error})") from error
    return target


def choose(config: Config, model: Path | None, name: str | None) -> Job:
    """The backend to make: by name, or as a model file says, whose header is read in a worker of its own."""
    named = replace(config, backends=(name,)) if name else config
    spec = specs(named)[0] if name else None
    if model is None:
        if spec is None:
            raise BenchError("give either --model FILE or --backend NAME; both for a class of your own")
        check_backends(named)
        return job(config, spec)
    reader = Job(spec or Spec("model", "", ""), {}, {}, Limits(config.step_limit_s, config.memory_limit_mb * 1_000_000))
    with _working(reader.spec, model) as work, Worker(reader, work.log, threads=1) as worker:
        header = worker.ask("identify", model=str(model))
    if not header:
        assert spec is not None
        return job(config, spec)
    spec = spec or registered(header["backend"], header["variant"])
    if lacking := missing(spec.load().imports if spec.target.startswith("backends.") else ()):
        raise BenchError(f"{model}: a model of {spec.name}, which {lacking}")
    wanted = job(config, spec)
    return replace(wanted, vocabulary=header["vocabulary"], options={**wanted.options, **header["options"]})


def _hear(
    worker: Worker, config: Config, file: Path, stdin: Callable[[], BinaryIO], work: _Work, reject: bool
) -> tuple[Answer, bool]:
    """The answer, and whether the worker lives on."""
    name = str(file)
    try:
        path = _from_stdin(stdin(), work.folder / "stdin") if file == STDIN else file
        if path.is_dir():
            raise BenchError(f"{file}: a folder; name its recordings, such as {file / '*.wav'}")
        reply = worker.ask("recognise", path=str(path), limits=asdict(config.limits), reject=reject)
    except BenchError as error:
        return Answer(name, error=str(error)), True
    except WorkerError as error:
        work.note(error)
        return Answer(name, error=f"{name}: {error.reason}"), False
    if (problem := reply.pop("problem", None)) is not None:
        shown = problem.replace(str(path), name)
        return Answer(name, error=shown if shown.startswith(name) else f"{name}: {shown}"), True
    return Answer(name, **reply), True


def _from_stdin(stdin: BinaryIO, path: Path) -> Path:
    if stdin.isatty():
        raise BenchError("-: nothing is piped in; `digitbench predict - < clip.wav`")
    with path.open("wb") as file:
        shutil.copyfileobj(_Bounded(stdin, STDIN_BYTES), file)
    return path


class _Bounded:
    """A stream of limited length. Raises BenchError where it goes on."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream, self._most = stream, most

    def read(self, size: int = -1, /) -> bytes:
        block = self._stream.read(size)
        self._most -= len(block)
        if self._most < 0:
            raise BenchError(f"-: more than {STDIN_BYTES / 1e6:,.0f} MB; save it to a file and cut it into clips")
        return block


class _Work:
    """A private folder, with the worker's log, that is kept where somebody was told to look into it."""

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="digitbench-"))
        self.log = self.folder / "worker.log"
        self._told = False

    def note(self, error: WorkerError) -> None:
        """Remember whether an error points here."""
        self._told |= str(self.log) in error.reason

    def close(self) -> None:
        """Remove what nobody will look for."""
        for path in self.folder.iterdir():
            if path == self.log and self._told:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not self._told:
            self.folder.rmdir()


@contextmanager
def _working(spec: Spec, model: Path | None = None) -> Iterator[_Work]:
    """Where a worker's log goes. Turns WorkerError into BenchError, naming the backend or the model."""
    work = _Work()
    try:
        yield work
    except WorkerError as error:
        work.note(error)
        text = error.reason
        named = text.startswith((spec.name, spec.name.partition(":")[0], str(model)))
        raise BenchError(text if named else f"{model or spec.name}: {text}") from error
    finally:
        work.close()


def _untrained(name: str) -> str:
    return f"{name} must be trained first: `digitbench train {name} --out FILE`, then --model FILE"

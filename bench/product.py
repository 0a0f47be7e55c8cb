"""Using a backend instead of measuring it: fit and save a model, recognise files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from backends import Backend, BackendError, Spec, TrainedBackend
from backends import find as find_backend
from backends.modelfile import read_header
from bench.accuracy import Place, fit
from bench.audio import read
from bench.conditions import Resources, Treatments
from bench.config import Config
from bench.corpora import Corpus, open_corpus
from bench.errors import BenchError
from bench.machine import cpus
from bench.plan import job
from bench.process import Worker, WorkerError
from bench.records import NOISE
from bench.splits import assign
from sound.resample import resample

TOP = 3


@dataclass(frozen=True, slots=True)
class Line:
    """What there is to say about one file."""

    text: str
    failed: bool = False


def train_model(config: Config, out: Path, split: str | None) -> tuple[int, float, Corpus]:
    """Fit the configured backend on its corpus and save it; returns how many clips, seconds, and the corpus.

    ``+noise`` after its name adds noisy copies of the clips. Raises BenchError.
    """
    name = config.backends[0]
    spec = find_backend(name.removesuffix(NOISE))
    if not spec.load().trained:
        raise BenchError(f"{spec.name} is zero-shot: it needs no training, use `digitbench predict --backend`")
    if out.is_dir():
        raise BenchError(f"--out {out}: a folder; name the file to write")
    if not out.resolve().parent.is_dir():
        raise BenchError(f"--out {out}: there is no folder {out.resolve().parent}")
    if split not in (None, "official", "mixed"):
        raise BenchError(f"--split {split}: only official and mixed have one training part")
    corpus = open_corpus(
        config.corpus,
        config.vocabulary,
        config.data,
        limits=config.limits,
        pattern=config.pattern,
        strict=config.strict,
    )
    clips = corpus.clips
    column = assign(split, clips, config.seed).to_numpy() if split else np.full(len(clips), "train")
    train, validation = (np.flatnonzero(column == part) for part in ("train", "validation"))
    with TemporaryDirectory() as folder:
        try:
            with Worker(job(config, spec), Path(folder) / "worker.log", threads=len(cpus())) as worker:
                worker.ask("create")
                worker.ask("load")
                treatments = Treatments.of((), Path(folder) / "noisy", config.seed, Resources())
                place = Place(Path(folder), corpus.root, treatments)
                seconds = fit(worker, clips, train, validation, place, name.endswith(NOISE))
                worker.ask("save", path=str(out.resolve()))
        except WorkerError as error:
            raise BenchError(f"{spec.name}: {error}") from error
    return len(train) + len(validation), seconds, corpus


def open_backend(config: Config, model: Path | None, name: str | None) -> Backend:
    """A backend ready to predict, from a model file or by name. Raises BenchError or BackendError."""
    if model is not None:
        header = read_header(model)
        spec = find_backend(":".join(filter(None, (header.backend, header.variant))))
        return _restored(spec, header.vocabulary, dict(header.options), model)
    spec = find_backend(str(name))
    return _restored(spec, config.vocabulary, dict(job(config, spec).options), None)


def predict_files(backend: Backend, files: Sequence[Path]) -> Iterator[Line]:
    """One line per file; a file that cannot be read is named and the rest goes on."""
    warm = False
    for path in files:
        try:
            audio, rate = read(path)
            if not warm:  # the first call of a process is not what the next ones take
                backend.predict(resample(audio, rate, backend.sample_rate))
                warm = True
            began = time.perf_counter()
            prediction = backend.predict(resample(audio, rate, backend.sample_rate))
        except BenchError as error:
            yield Line(f"error: {error}", failed=True)
            continue
        except Exception as error:  # whatever somebody's backend raises for one clip
            yield Line(f"error: {path}: {type(error).__name__}: {error}", failed=True)
            continue
        elapsed_ms = 1e3 * (time.perf_counter() - began)
        label = prediction.label if prediction.label is not None else "no digit"
        heard = [] if prediction.text is None else [repr(prediction.text)]
        best = sorted((prediction.scores or {}).items(), key=lambda pair: -pair[1])[:TOP]
        scores = [", ".join(f"{name} {score:.3f}" for name, score in best)] if best else []
        yield Line("\t".join([str(path), label, *scores, *heard, f"{elapsed_ms:.1f} ms"]))


def _restored(spec: Spec, vocabulary: object, options: dict[str, object], model: Path | None) -> Backend:
    found = spec.load()
    try:
        backend = found(vocabulary, spec.variant, **options)  # type: ignore[arg-type]
    except Exception as error:  # whatever somebody's class raises
        raise BenchError(f"{spec.name}: {error}") from error
    if isinstance(backend, TrainedBackend) and model is None:
        raise BenchError(f"{spec.name} must be trained first: `digitbench train {spec.name} --out FILE`, then --model")
    try:
        backend.prepare()
        backend.load()
        if isinstance(backend, TrainedBackend) and model is not None:
            backend.restore(model)
    except BackendError:
        raise
    except Exception as error:
        raise BenchError(f"{spec.name}: {type(error).__name__}: {error}") from error
    return backend

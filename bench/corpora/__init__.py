"""Where clips come from: a name, and perhaps a folder, become a :class:`Corpus`."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs
import pyarrow.parquet as pq

from bench.config import Config
from bench.corpora import fsdd, hub
from bench.corpora.base import COLUMNS, Corpus, Folders, Rejected
from bench.corpora.cross import join
from bench.corpora.folder import open_folder
from bench.corpora.scan import Progress
from bench.corpora.synthetic import open_synthetic
from bench.errors import BenchError
from bench.limits import LIMITS, Limits

CORPORA: Mapping[str, str] = {
    "fsdd": "Free Spoken Digit Dataset: 3,000 clips, 6 speakers (--data, DIGITBENCH_DATA, cache, or downloaded)",
    "folder": "your own recordings: a folder per label, or a CSV of path,label,speaker (--data, or folder:PATH)",
    "synthetic": "any vocabulary spoken by espeak-ng voices: to try the machinery, not to measure accuracy",
}
"""Name -> what it is, in a line."""


@dataclass(frozen=True, slots=True)
class Source:
    """A place where clips are looked for, and what was found there; sizes in bytes."""

    corpus: str
    place: str
    path: Path | None
    found: bool
    clips: int = 0
    bytes: int = 0


def open_corpus(
    name: str,
    vocabulary: Mapping[str, Sequence[str]],
    data: Path | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    cache: Path | None = None,
    fallback: bool = False,
    progress: Progress | None = None,
    limits: Limits = LIMITS,
) -> Corpus:
    """Open the corpus ``name``; ``folder:PATH`` is short for the name ``folder`` with ``data`` PATH.

    With ``fallback``, the synthetic corpus stands in for FSDD where that can be neither found nor downloaded, and
    says so in its ``notice``. ``progress`` hears of every file decoded, ``limits`` say what
    one may hold. Raises BenchError for an unknown name, a label outside the vocabulary, or a corpus without one usable
    clip.
    """
    name, _, inline = name.partition(":")
    cache = (cache or default_cache()).absolute()
    if name not in CORPORA or (inline and name != "folder"):
        raise BenchError(_unknown(f"{name}:{inline}" if inline else name))
    data = Path(inline) if inline else data
    data = data and data.expanduser().absolute()  # workers may run elsewhere
    if name == "folder":
        if data is None:
            raise BenchError("corpus 'folder' needs to know where: --data PATH, or folder:PATH")
        corpus = open_folder(data, progress, limits)
    elif name == "fsdd":
        try:
            corpus = fsdd.open_fsdd(data, environ, cache, progress=progress)
        except fsdd.NoDataError as error:
            if not fallback:
                raise
            corpus = open_synthetic(vocabulary, cache, progress=progress)
            corpus = replace(corpus, notice=f"{corpus.notice}\n{error}")
    else:
        corpus = open_synthetic(vocabulary, cache, progress=progress)
    check_labels(corpus, vocabulary)
    return corpus


def open_for(config: Config, *, fallback: bool = False, progress: Progress | None = None) -> Corpus:
    """Open what a run is on: its corpus, or its two as one, of which ``data`` is where FSDD lies.

    Raises BenchError as :func:`open_corpus` does.
    """
    if not config.train:
        return open_corpus(
            config.corpus, config.vocabulary, config.data, fallback=fallback, progress=progress, limits=config.limits
        )
    opened = (
        open_corpus(
            name,
            config.vocabulary,
            config.data if name == "fsdd" else None,
            progress=progress,
            limits=config.limits,
        )
        for name in (config.train, config.test)
    )
    return join(*opened)


def check_labels(corpus: Corpus, vocabulary: Mapping[str, Sequence[str]]) -> None:
    """Raises BenchError, naming label and clip, where a clip's label is not in the vocabulary."""
    unknown = corpus.clips[~corpus.clips["label"].isin(list(vocabulary))]
    if len(unknown):
        first = unknown.iloc[0]
        raise BenchError(
            f"{corpus.root / first['path']}: unknown label {first['label']!r} ({len(unknown)} such clips);"
            f" the vocabulary has {', '.join(vocabulary)}"
        )


def describe_sources(
    data: Path | None = None, *, environ: Mapping[str, str] = os.environ, cache: Path | None = None
) -> list[Source]:
    """Every place where FSDD is looked for, in order, then the synthetic corpora in the cache. Reads no audio."""
    cache = cache or default_cache()
    sources = []
    for place in fsdd.places(data, environ, cache):
        if place.folder is None:
            sources.append(Source("fsdd", place.name, place.path, found=False))
        elif place.form == "hub":
            files = [path for paths in hub.files(place.folder).values() for path in paths]
            count = sum(pq.read_metadata(path).num_rows for path in files)
            sources.append(Source("fsdd", place.name, place.folder, True, count, _bytes(files)))
        else:
            files = list(place.folder.glob("*.wav"))
            sources.append(Source("fsdd", place.name, place.folder, True, len(files), _bytes(files)))
    for folder in sorted(cache.glob("synthetic-*/")):
        files = list(folder.glob("*.wav"))
        sources.append(Source("synthetic", "user cache", folder, True, len(files), _bytes(files)))
    return sources


def open_source(source: Source, progress: Progress | None = None) -> Corpus:
    """The corpus in a place that was found. Raises BenchError when it holds no usable clip."""
    if source.path is None:
        raise BenchError(f"{source.corpus}: not found")
    if source.corpus == "fsdd":
        return fsdd.open_fsdd(source.path, {}, default_cache(), progress=progress)
    return open_folder(source.path, progress)


def default_cache() -> Path:
    """The user's cache folder of digitbench."""
    return Path(platformdirs.user_cache_dir("digitbench"))


def _bytes(files: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, CORPORA, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(CORPORA)}"
    return f"no corpus named {name!r}; {hint}"


__all__ = [
    "COLUMNS",
    "CORPORA",
    "Corpus",
    "Folders",
    "Rejected",
    "Source",
    "check_labels",
    "default_cache",
    "describe_sources",
    "open_corpus",
    "open_for",
    "open_source",
]

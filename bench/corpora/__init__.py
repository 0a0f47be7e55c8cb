"""Where clips come from: a name, and perhaps a folder, become a :class:`Corpus`."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import pyarrow.parquet as pq

from audiodecode.limits import LIMITS, Limits
from bench.corpora import fsdd, hub
from bench.corpora.audiomnist import open_audiomnist
from bench.corpora.base import COLUMNS, Corpus, LeftOut, Rejected
from bench.corpora.collect import ANYTHING, Wanted
from bench.corpora.common_voice import open_common_voice
from bench.corpora.cross import join
from bench.corpora.folder import open_folder
from bench.corpora.labels import Labels
from bench.corpora.librispeech import open_librispeech
from bench.corpora.parquet import fetched, unpacked
from bench.corpora.parquet import files as parquet_files
from bench.corpora.scan import Progress
from bench.corpora.speech_commands import open_speech_commands
from bench.corpora.synthetic import SPEAKERS, open_synthetic, speakers_of
from bench.corpora.together import together
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.config import Config

CORPORA: Mapping[str, str] = {
    "fsdd": "Free Spoken Digit Dataset: 3,000 clips, 6 speakers (--data, DIGITBENCH_DATA, cache, or downloaded)",
    "folder": "your own recordings: a folder per label, a CSV of path,label,speaker, or --pattern (folder:PATH)",
    "speech_commands": "Speech Commands: 35 words, a hash per speaker, its official test list (speech_commands:PATH)",
    "audiomnist": "AudioMNIST: 30,000 digits, 60 speakers, the first of its published folds (audiomnist:PATH)",
    "librispeech": "LibriSpeech: read books, for transcription (DIGITBENCH_DATA, librispeech:PATH, :hub)",
    "common_voice": "Common Voice: read sentences, for transcription (DIGITBENCH_DATA, common_voice:PATH, :hub)",
    "synthetic": "any vocabulary spoken by espeak-ng, in other languages too (synthetic:de): to try the machinery",
}
"""Name -> what it is, in a line."""

SPOKEN = ("librispeech", "common_voice")
"""Corpora of sentences."""
HUB = {"librispeech": "openslr/librispeech_asr/clean/test", "common_voice": "fixie-ai/common_voice_17_0/en/test"}
"""Copies in Parquet on the Hugging Face hub: OWNER/NAME/CONFIG/SPLIT."""
_WITH_PATH = ("folder", "speech_commands", "audiomnist", *SPOKEN)
_PLUS = re.compile(rf"\+(?=(?:{'|'.join(CORPORA)})(?:[:+]|$))")


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
    pattern: str = "",
    strict: bool = False,
    wanted: Wanted = ANYTHING,
) -> Corpus:
    """Open the corpus ``name``; ``folder:PATH`` is short for the name ``folder`` with ``data`` PATH,
    ``synthetic:de`` is spoken by the voices of a language.

    Several are joined by ``+``: ``librispeech+common_voice``. ``wanted``: what a task asks of references, and of which
    part of a corpus clips are to be.

    Clips whose label is spelt as the vocabulary spells it have the vocabulary's label; those outside it are left out,
    and none where the vocabulary is empty.
    With ``strict`` leaving out is an error. ``pattern`` says what the names of a folder's files mean. With
    ``fallback``, the synthetic corpus stands in for FSDD where that can be neither found nor downloaded, and says so in
    its ``notice``. ``progress`` hears of every file decoded, ``limits`` say what one may hold. Raises BenchError for an
    unknown name, a corpus of which nothing is in the vocabulary, or without one usable clip.
    """
    if len(several := _PLUS.split(name)) > 1:
        return together(
            [
                open_corpus(
                    each, vocabulary, data if each == "fsdd" else None, environ=environ, cache=cache,
                    progress=progress, limits=limits, pattern=pattern if each.startswith("folder") else "",
                    strict=strict, wanted=wanted,
                )
                for each in several
            ]
        )  # fmt: skip
    name, _, inline = name.partition(":")
    cache = (cache or default_cache()).absolute()
    if name not in CORPORA or (inline and name not in (*_WITH_PATH, "synthetic")):
        raise BenchError(_unknown(f"{name}:{inline}" if inline else name))
    if pattern and name != "folder":
        raise BenchError(
            f"pattern {pattern!r} is for the names of your own files, --corpus folder:PATH, not for {name}"
        )
    if name == "synthetic":
        if not vocabulary:
            raise BenchError("the synthetic corpus speaks the vocabulary, and this task has none: give one")
        speakers = speakers_of(inline) if inline else SPEAKERS
        return open_synthetic(vocabulary, cache, speakers, progress=progress)
    wanted = replace(wanted, labels=Labels.of(vocabulary) if vocabulary else None, strict=strict, limits=limits)
    if name in SPOKEN:
        return _spoken(name, inline, data, environ, cache, wanted, progress)
    data = Path(inline) if inline else data
    data = data and data.expanduser().absolute()  # workers may run elsewhere
    if name in _WITH_PATH:
        if data is None:
            raise BenchError(f"corpus {name!r} needs to know where: --data PATH, or {name}:PATH")
        if name == "folder":
            return open_folder(data, progress, wanted=wanted, pattern=pattern)
        return (open_audiomnist if name == "audiomnist" else open_speech_commands)(data, wanted, progress)
    try:
        return fsdd.open_fsdd(data, environ, cache, wanted=wanted, progress=progress)
    except fsdd.NoDataError as error:
        if not fallback:
            raise
        corpus = open_synthetic(vocabulary, cache, progress=progress)
        return replace(corpus, notice=f"{corpus.notice}\n{error}")


def open_for(config: Config, *, fallback: bool = False, progress: Progress | None = None) -> Corpus:
    """Open what a run is on: its corpus, or its two as one, of which ``data`` is where FSDD lies.

    Raises BenchError as :func:`open_corpus` does.
    """
    if config.pattern and "folder" not in {each for name in _names(config) for each in _families(name)}:
        raise BenchError(f"pattern {config.pattern!r} is for your own files: no corpus here is folder:PATH")
    opened = [
        open_corpus(
            name,
            config.vocabulary,
            config.data if name == "fsdd" or not config.train else None,
            fallback=fallback and not config.train,
            progress=progress,
            limits=config.limits,
            pattern=config.pattern if "folder" in _families(name) else "",
            strict=config.strict,
            wanted=config.wanted,
        )
        for name in _names(config)
    ]
    corpus = join(*opened) if config.train else opened[0]
    if config.part and corpus.clips["part"].isna().all():
        return replace(
            corpus, hints=(*corpus.hints, f"no clip is of a part, so all are heard, not {config.part} alone")
        )
    return corpus


def _families(name: str) -> list[str]:
    """The corpora that a name joins, without where they lie."""
    return [each.partition(":")[0] for each in _PLUS.split(name)]


def _spoken(
    name: str,
    inline: str,
    data: Path | None,
    environ: Mapping[str, str],
    cache: Path,
    wanted: Wanted,
    progress: Progress | None,
) -> Corpus:
    """A corpus of sentences: in the folder named, or NAME_WORD of DIGITBENCH_DATA for NAME:WORD; a copy of the hub in
    Parquet, on disk or (NAME:hub, NAME:hub:OWNER/NAME/CONFIG/SPLIT) streamed."""
    root = environ.get("DIGITBENCH_DATA")
    title, source = name, ""
    if inline == "hub" or inline.startswith("hub:"):
        repository = inline.partition(":")[2] or HUB[name]
        folder, source = fetched(repository, cache), f"hub copy {repository}"
    elif (
        root
        and re.fullmatch(r"\w*", inline)
        and (Path(root) / "_".join(filter(None, (name, inline)))).is_dir()
        and not data
    ):
        title = "_".join(filter(None, (name, inline)))
        folder = Path(root) / title
    elif inline or data:
        folder = (Path(inline) if inline else Path(str(data))).expanduser()
    else:
        raise BenchError(
            f"corpus {name!r} needs to know where: --data PATH, {name}:PATH, DIGITBENCH_DATA with a folder {name} in"
            f" it, or {name}:hub to fetch {HUB[name]}"
        )
    folder = folder.absolute()
    if found := parquet_files(folder):
        folder, source = unpacked(folder, cache), f"hub copy, {len(found)} Parquet files"
    if name == "librispeech":
        return open_librispeech(folder, wanted, progress, title, source or "LibriSpeech")
    return open_common_voice(folder, wanted, progress, source or "Common Voice")


def _names(config: Config) -> tuple[str, ...]:
    return (config.train, config.test) if config.train else (config.corpus,)


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
    "LeftOut",
    "Rejected",
    "Source",
    "default_cache",
    "describe_sources",
    "open_corpus",
    "open_for",
    "open_source",
]

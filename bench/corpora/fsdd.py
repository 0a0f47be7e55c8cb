"""The Free Spoken Digit Dataset (Jakobovski et al., CC BY-SA 4.0): 3,000 clips of six speakers, 8 kHz.

Wherever a copy comes from, each clip's samples are held against a committed manifest, made from the repository at one
commit. Names are ``{digit}_{speaker}_{take}``; takes 0-4 are the official test clips, the others train.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from filelock import FileLock

from bench.audio import fingerprint, read, write
from bench.corpora import hub
from bench.corpora.base import Corpus, Rejected
from bench.corpora.collect import ANYTHING, Wanted, collect
from bench.corpora.download import SECONDS, DownloadError, fetch, unpack
from bench.corpora.scan import Entry, Progress
from bench.errors import BenchError

COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
ARCHIVE = f"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/{COMMIT}.tar.gz"
MANIFEST = Path(__file__).with_name("fsdd_manifest.csv")
TEST_TAKES = range(5)

_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_/]+)_(?P<take>\d+)")
_REJECTED = "rejected.json"


@dataclass(frozen=True, slots=True)
class Known:
    """What the manifest knows of a clip."""

    samples: int
    sha256: str


Manifest = Mapping[str, Known]


@dataclass(frozen=True, slots=True)
class Remote:
    """Where FSDD is downloaded from, and how long a server may keep us waiting."""

    hub: str = hub.ENDPOINT
    archive: str = ARCHIVE
    seconds: float = SECONDS


@dataclass(frozen=True, slots=True)
class Place:
    """A place where FSDD may be. ``folder`` is where its clips are, in which of the two forms; None if not there."""

    name: str
    path: Path | None
    form: str = ""
    folder: Path | None = None


class NoDataError(BenchError):
    """FSDD is on no disk here and cannot be downloaded."""


def open_fsdd(
    data: Path | None,
    environ: Mapping[str, str],
    cache: Path,
    manifest: Manifest | None = None,
    remote: Remote = Remote(),
    progress: Progress | None = None,
    wanted: Wanted = ANYTHING,
) -> Corpus:
    """FSDD from ``data`` if given, else ``DIGITBENCH_DATA``, the cache, the Hugging Face cache, or a download.

    A folder holds ``fsdd/recordings``, ``recordings``, the WAV files themselves, or the parquet files of the hub copy.
    Clips that are unknown or changed are rejected; ``notice`` counts what is missing. Raises BenchError when ``data``
    holds no FSDD or no usable clip, or the vocabulary has no digit, NoDataError when there is none and it cannot be
    downloaded.
    """
    manifest = manifest or read_manifest()
    digits = sorted({_entry(name).label for name in manifest})
    if wanted.labels and not any(map(wanted.labels.find, digits)):
        raise BenchError(
            f"nothing of FSDD is in the vocabulary ({', '.join(wanted.labels.names)}): it has the digits"
            f" {', '.join(digits)}; for other words give recordings, --corpus folder:PATH, or --corpus synthetic"
        )
    here = places(data, environ, cache)
    place = next((place for place in here if place.folder), None)
    if place is None:
        if data:
            raise BenchError(
                f"{data}: no FSDD here; expected fsdd/recordings/*.wav, recordings/*.wav, *.wav or train*.parquet"
            )
        folder = download(environ, cache, manifest, remote)
        return open_recordings(folder, manifest, f"FSDD, downloaded to {folder}", progress, wanted=wanted)
    assert place.folder is not None
    source = f"FSDD, {place.name}"
    if place.form == "hub":
        folder, rejected = _from_parquet(place.folder, cache, manifest)
        return open_recordings(folder, manifest, f"{source} (hub copy)", progress, rejected, wanted)
    return open_recordings(place.folder, manifest, source, progress, wanted=wanted)


def places(data: Path | None, environ: Mapping[str, str], cache: Path) -> list[Place]:
    """Where FSDD is looked for, in order, and what is there."""
    if data:
        return [_look("data", data)]
    set_by_user = environ.get("DIGITBENCH_DATA")
    return [
        _look("DIGITBENCH_DATA", Path(set_by_user).expanduser().absolute() if set_by_user else None),
        _look("user cache", cache),
        _look("Hugging Face cache", hub.cached(environ)),
    ]


def open_recordings(
    folder: Path,
    manifest: Manifest,
    source: str,
    progress: Progress | None = None,
    rejected: tuple[Rejected, ...] = (),
    wanted: Wanted = ANYTHING,
) -> Corpus:
    """The corpus of the WAV files in ``folder``, without those that are not as the manifest says."""
    files = _recordings(folder)
    unknown = tuple(Rejected(path.name, "not in the manifest") for path in files if path.stem not in manifest)
    entries = [_entry(path.name) for path in files if path.stem in manifest]
    if not entries:
        raise BenchError(f"{folder}: no recording of FSDD among its {len(files)} WAV files")
    kept = collect(folder, lambda: entries, wanted, progress, named=True)
    clips = kept.clips
    same = clips["sha256"] == clips["clip"].map({name: known.sha256 for name, known in manifest.items()})
    changed = tuple(Rejected(path, "samples differ from the manifest") for path in clips.loc[~same, "path"])
    if not same.any():
        raise BenchError(f"{folder}: not one of its {len(files)} WAV files is as the manifest of FSDD says")
    missing = len(manifest) - len(entries)
    notice = f"FSDD is incomplete: {missing} of its {len(manifest)} clips are missing." if missing else ""
    return Corpus(
        "fsdd", folder, clips[same].reset_index(drop=True), (*rejected, *unknown, *kept.rejected, *changed), source,
        notice, kept.left_out,
    )  # fmt: skip


def download(environ: Mapping[str, str], cache: Path, manifest: Manifest, remote: Remote) -> Path:
    """Fetch FSDD from the hub, else from GitHub, into the cache: all of it, each clip verified, or nothing.

    A second process that wants the same waits for the first. Raises NoDataError with every way to get the data.
    """
    target, elsewhere = cache / "fsdd", environ.get("DIGITBENCH_DATA")
    why = [f"DIGITBENCH_DATA is {elsewhere}: no FSDD there"] if elsewhere else []
    if environ.get("HF_HUB_OFFLINE", "0").lower() not in ("", "0", "false", "no"):
        raise _no_data([*why, "HF_HUB_OFFLINE is set, so nothing was downloaded"])
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "fsdd.lock"):
            for fetch_from in (_fetch_hub, _fetch_github):
                if _recordings(target / "recordings"):
                    return target / "recordings"
                with TemporaryDirectory(dir=cache, prefix="fsdd-") as work:
                    try:
                        fetch_from(Path(work), manifest, remote)
                        _verify(Path(work, "fsdd", "recordings"), manifest)
                        Path(work, "fsdd").rename(target)
                        return target / "recordings"
                    except BenchError as error:
                        why.append(str(error))
    except OSError as error:
        why.append(f"{cache}: cannot be written ({error.strerror or error})")
    raise _no_data(why)


def read_manifest(path: Path = MANIFEST) -> Manifest:
    """name -> samples and sha256 of each clip."""
    with path.open(newline="") as file:
        return {row["name"]: Known(int(row["samples"]), row["sha256"]) for row in csv.DictReader(file)}


def write_manifest(recordings: Path, path: Path) -> None:
    """Describe every WAV file of ``recordings``; the committed manifest was made so from the repository at COMMIT."""
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("name", "samples", "sha256"))
        for recording in _recordings(recordings):
            audio, rate = read(recording)
            out.writerow((recording.stem, len(audio), fingerprint(audio, rate)))


def restore_names(rows: Iterator[hub.Row], manifest: Manifest, folder: Path) -> list[Rejected]:
    """Write the rows of a hub copy as WAV files under the names that the manifest gives their samples."""
    names = {known.sha256: name for name, known in manifest.items()}
    rejected = []
    for row in rows:
        name = names.get(fingerprint(row.audio, row.rate))
        path = folder / f"{name}.wav"
        if name is None:
            rejected.append(Rejected(row.where, "samples differ from the manifest"))
        elif row.label != _entry(path.name).label:
            rejected.append(Rejected(row.where, f"labelled {row.label}, but the manifest says {name}"))
        elif path.exists():
            rejected.append(Rejected(row.where, f"the samples of {name} a second time"))
        else:
            write(path, row.audio, row.rate)
    return rejected


def _from_parquet(copy: Path, cache: Path, manifest: Manifest) -> tuple[Path, tuple[Rejected, ...]]:
    """The WAV files of a hub copy on disk, made once per content, and the rows that are not FSDD."""
    digest = hashlib.sha256()
    for paths in hub.files(copy).values():
        for path in paths:
            digest.update(path.read_bytes())
    target = cache / f"fsdd-hub-{digest.hexdigest()[:16]}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{target.name}.lock"):
            if not target.exists():
                with TemporaryDirectory(dir=cache, prefix="fsdd-") as work:
                    staging = Path(work, "made")
                    staging.mkdir()
                    rejected = restore_names(hub.rows(copy), manifest, staging)
                    (staging / _REJECTED).write_text(json.dumps([(row.path, row.reason) for row in rejected]))
                    staging.rename(target)
    except OSError as error:
        raise BenchError(f"{cache}: cannot be written ({error.strerror or error})") from None
    return target, tuple(Rejected(*row) for row in json.loads((target / _REJECTED).read_text()))


def _fetch_hub(work: Path, manifest: Manifest, remote: Remote) -> None:
    copy, recordings = work / "copy", work / "fsdd" / "recordings"
    copy.mkdir()
    recordings.mkdir(parents=True)
    hub.download(copy, remote.hub, remote.seconds)
    restore_names(hub.rows(copy), manifest, recordings)


def _fetch_github(work: Path, manifest: Manifest, remote: Remote) -> None:
    archive, recordings = work / PurePosixPath(remote.archive).name, work / "fsdd" / "recordings"
    recordings.mkdir(parents=True)
    fetch(remote.archive, archive, seconds=remote.seconds)
    unpack(archive, recordings, lambda path: path.parent.name == "recordings" and path.stem in manifest)


def _verify(recordings: Path, manifest: Manifest) -> None:
    try:
        corpus = open_recordings(recordings, manifest, "")
    except BenchError:
        raise DownloadError("what was downloaded is not FSDD") from None
    if len(corpus.clips) < len(manifest):
        raise DownloadError(
            f"only {len(corpus.clips)} of the {len(manifest)} clips arrived as the manifest says; nothing is kept"
        )


def _look(name: str, path: Path | None) -> Place:
    for folder in (path / "fsdd" / "recordings", path / "recordings", path) if path else ():
        if _recordings(folder):
            return Place(name, path, "recordings", folder)
    for folder in (path / "fsdd", path) if path else ():
        if hub.files(folder):
            return Place(name, path, "hub", folder)
    return Place(name, path)


def _recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.wav") if _NAME.fullmatch(path.stem))


def _entry(path: str) -> Entry:
    name = _NAME.fullmatch(PurePosixPath(path).stem)
    assert name is not None, "only files of this name are listed"
    official = "test" if int(name["take"]) in TEST_TAKES else "train"
    return Entry(path, name["digit"], name["speaker"], official)


def _no_data(why: list[str]) -> NoDataError:
    return NoDataError(
        "FSDD is not here and cannot be downloaded:\n"
        + "".join(f"  {reason}\n" for reason in why)
        + "Ways to get it:\n"
        "  git clone https://github.com/Jakobovski/free-spoken-digit-dataset, then --data or DIGITBENCH_DATA=\n"
        f"  hf download --repo-type dataset {hub.REPOSITORY} --local-dir PATH, then the same\n"
        "  connect to the network and run again\n"
        "Or use the embedded corpus: --corpus synthetic"
    )

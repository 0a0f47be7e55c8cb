"""Copies of speech corpora on the Hugging Face hub: Parquet with the bytes of sound files, streamed by ``datasets``.

LibriSpeech's columns are audio, text, speaker_id and id; Common Voice's audio, sentence, client_id, gender and path.
Sound files are kept as they are in the cache, beside a ``transcripts.csv`` that says what was said in them.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
from filelock import FileLock

from bench.corpora.transcripts import TEXTS, TRANSCRIPTS
from bench.errors import BenchError

PARTS = ("test", "dev", "train")
_MEANT = {"validation": "dev", "valid": "dev"}


def files(folder: Path) -> list[Path]:
    """The Parquet files under a folder."""
    return sorted(folder.rglob("*.parquet")) if folder.is_dir() else []


def unpacked(folder: Path, cache: Path) -> Path:
    """A folder of sound files and transcripts.csv made of the Parquet files under ``folder``, once per content.

    Raises BenchError where they cannot be read, or have other columns.
    """
    digest = hashlib.sha256()
    for path in files(folder):
        digest.update(f"{path.relative_to(folder)} {path.stat().st_size} {path.stat().st_mtime_ns}\n".encode())
    rows = ((_part(path.relative_to(folder)), row) for path in files(folder) for row in _rows(path))
    return _kept(cache / f"speech-{digest.hexdigest()[:16]}", rows, str(folder))


def fetched(repository: str, cache: Path) -> Path:
    """The same of a copy on the hub: ``OWNER/NAME[/CONFIG[/SPLIT]]``, streamed. Raises BenchError, saying why."""
    try:
        import datasets
    except ImportError as error:
        raise BenchError(
            f"hub:{repository}: the hub's copies are streamed by datasets: pip install 'digitbench[hub]'"
        ) from error
    owner, _, rest = repository.partition("/")
    name, _, rest = rest.partition("/")
    config, _, split = rest.partition("/")
    if not (owner and name):
        raise BenchError(
            f"hub:{repository}: OWNER/NAME[/CONFIG[/SPLIT]] is wanted, as openslr/librispeech_asr/clean/test"
        )
    target = cache / f"speech-{hashlib.sha256(repository.encode()).hexdigest()[:16]}"
    if (target / TRANSCRIPTS).is_file():
        return target
    try:
        stream = datasets.load_dataset(f"{owner}/{name}", config or None, split=split or "test", streaming=True)
        stream = stream.cast_column("audio", datasets.Audio(decode=False))
        return _kept(target, ((_part(PurePosixPath(split or "test")), row) for row in stream), f"hub:{repository}")
    except BenchError:
        raise
    except Exception as error:  # datasets lets errors of its transport and of its readers through
        raise BenchError(f"hub:{repository}: {explained(error)}") from error


def explained(error: Exception) -> str:
    """What went wrong at the hub, in words."""
    text = " ".join(str(error).split()) or type(error).__name__
    if "script" in text.lower():
        return (
            f"a data set that is a script, which `datasets` runs no more ({text:.200}); take a copy in Parquet, or"
            " unpack the corpus from its own site and name the folder"
        )
    return f"cannot be streamed ({text:.300}); is there a connection? A folder can be named instead"


def _kept(target: Path, rows: Iterator[tuple[str, Mapping[str, Any]]], where: str) -> Path:
    """Write rows into ``target``, whole or not at all."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f"{target.name}.lock")):
            if not target.exists():
                with TemporaryDirectory(dir=target.parent, prefix="speech-") as work:
                    staging = Path(work, "made")
                    (staging / "clips").mkdir(parents=True)
                    _write(staging, rows, where)
                    staging.rename(target)
    except OSError as error:
        raise BenchError(f"{target.parent}: cannot be written to ({error.strerror or error})") from None
    return target


def _write(folder: Path, rows: Iterator[tuple[str, Mapping[str, Any]]], where: str) -> None:
    with (folder / TRANSCRIPTS).open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(("path", "utt_id", "speaker", "sex", "part", "text"))
        for number, (part, row) in enumerate(rows):
            text = next((row[name] for name in TEXTS if name in row), None)
            sound = row.get("audio")
            if text is None or not isinstance(sound, Mapping):
                raise BenchError(f"{where}: needs the columns audio and {' or '.join(TEXTS)}, has {', '.join(row)}")
            name = PurePosixPath(str(sound.get("path") or row.get("path") or row.get("id") or "")).name
            path = f"clips/{name}" if name and "." in name else f"clips/{name or number}.flac"
            if (folder / path).exists():
                path = f"clips/{number}-{PurePosixPath(path).name}"
            if not sound.get("bytes"):
                raise BenchError(f"{where}, row {number}: its audio holds no bytes")
            (folder / path).write_bytes(sound["bytes"])
            speaker = row.get("speaker_id", row.get("client_id"))
            utterance = row.get("id") or PurePosixPath(path).stem
            out.writerow((path, utterance, "" if speaker is None else speaker, row.get("gender") or "", part, text))


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Rows of one file, by ``datasets`` where it is installed, else by pyarrow: the bytes are the same."""
    try:
        import datasets
    except ImportError:
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(50):
                    yield from batch.to_pylist()
        except (OSError, ValueError) as error:
            raise BenchError(f"{path}: cannot be read as Parquet ({error})") from error
        return
    try:
        stream = datasets.load_dataset("parquet", data_files=[str(path)], split="train", streaming=True)
        if "audio" in (stream.column_names or ()):
            stream = stream.cast_column("audio", datasets.Audio(decode=False))
        yield from stream
    except BenchError:
        raise
    except Exception as error:  # datasets and pyarrow share no base class for a broken file
        raise BenchError(f"{path}: cannot be read as Parquet ({' '.join(str(error).split()):.300})") from error


def _part(path: Path | PurePosixPath) -> str:
    """The part that a file's path names: ``clean/test-00000-of-00001.parquet`` is of test."""
    words = [word for name in reversed(path.parts) for word in name.replace(".", "-").replace("_", "-").split("-")]
    return next((_MEANT.get(word, word) for word in words if word in (*PARTS, *_MEANT)), "")

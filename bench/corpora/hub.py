"""The copy of FSDD on the Hugging Face hub: parquet files, audio bytes embedded, no speakers.

Columns are audio (bytes and path) and label; the files' names begin with their split.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq

from bench.audio import Audio, decode
from bench.corpora.download import SECONDS, DownloadError, fetch, fetch_json
from bench.errors import BenchError

REPOSITORY = "mteb/free-spoken-digit-dataset"
ENDPOINT = "https://huggingface.co"
SPLITS = ("train", "test")

_ROWS = 100  # in memory at a time


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the copy: where it stands, and what it holds."""

    where: str
    label: str
    audio: Audio
    rate: int


def files(folder: Path) -> dict[str, list[Path]]:
    """Parquet files by split, in ``folder`` or its ``data``; empty when there are none."""
    by_split = {
        split: sorted([*folder.glob(f"{split}*.parquet"), *folder.glob(f"data/{split}*.parquet")]) for split in SPLITS
    }
    return {split: paths for split, paths in by_split.items() if paths}


def rows(folder: Path) -> Iterator[Row]:
    """Every row of a copy on disk, decoded at its own rate, channels averaged.

    ``datasets`` and ``torchcodec`` do it where they are installed and find FFmpeg, pyarrow and :mod:`bench.audio`
    elsewhere: the samples are the same. Raises BenchError when the files are broken or have other columns.
    """
    decoded = decoder()
    for split, paths in files(folder).items():
        try:
            for number, (sound, label) in enumerate(_cells(paths)):
                audio, rate = decoded(sound["bytes"])
                yield Row(f"{split} row {number}", str(label), audio, rate)
        except BenchError:
            raise
        except Exception as error:  # datasets, pyarrow and torchcodec share no base class for a broken file
            raise BenchError(f"{paths[0].parent}: the hub copy cannot be read ({error})") from error


def decoder() -> Callable[[bytes], tuple[Audio, int]]:
    """What decodes the bytes of a file: torchcodec where it loads, else what reads every other file here."""
    try:
        from torchcodec.decoders import AudioDecoder
    except (ImportError, OSError, RuntimeError):  # not installed, or without FFmpeg's libraries
        return lambda sound: decode(io.BytesIO(sound))

    def decoded(sound: bytes) -> tuple[Audio, int]:
        samples = AudioDecoder(sound).get_all_samples()
        return samples.data.mean(dim=0).numpy(), int(samples.sample_rate)

    return decoded


def _cells(paths: Sequence[Path]) -> Iterator[tuple[Any, Any]]:
    """Audio (its bytes not decoded) and label of every row. Raises BenchError where there are no such columns."""
    try:
        import datasets
    except ImportError:
        for path in paths:
            with pq.ParquetFile(path) as file:
                _check_columns(path, file.schema_arrow.names)
                for batch in file.iter_batches(_ROWS, columns=["audio", "label"]):
                    yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
        return
    table = datasets.load_dataset("parquet", data_files=[str(path) for path in paths], split="train", streaming=True)
    _check_columns(paths[0], table.column_names or ())
    # A plain Audio drops any rate that the copy asks for: samples must stay what they are.
    for row in table.cast_column("audio", datasets.Audio(decode=False)):
        yield row["audio"], row["label"]


def _check_columns(path: Path, columns: Collection[str]) -> None:
    if not {"audio", "label"} <= {*columns}:
        raise BenchError(f"{path}: needs the columns audio and label, has {', '.join(sorted(columns))}")


def download(folder: Path, endpoint: str = ENDPOINT, seconds: float = SECONDS) -> None:
    """Fetch the copy's parquet files into ``folder``, sizes and sha256 as the hub states them. Raises DownloadError."""
    url = f"{endpoint}/api/datasets/{REPOSITORY}/tree/main?recursive=true"
    listing = fetch_json(url, seconds)
    try:
        wanted = [
            (item["path"], item["size"], item.get("lfs", {}).get("oid"))
            for item in listing
            if item["type"] == "file" and PurePosixPath(item["path"]).match("*.parquet")
        ]
    except (TypeError, KeyError, AttributeError):
        raise DownloadError(f"{url}: not a list of files") from None
    if not wanted:
        raise DownloadError(f"{url}: lists no parquet files")
    for path, size, sha256 in wanted:
        name = PurePosixPath(path).name
        fetch(f"{endpoint}/datasets/{REPOSITORY}/resolve/main/{quote(path)}", folder / name, size, sha256, seconds)


def cached(environ: Mapping[str, str]) -> Path | None:
    """The newest snapshot of the copy in the Hugging Face cache, if it was fetched before."""
    home = Path(environ.get("HF_HOME") or Path(environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    hub = Path(environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    snapshots = (hub / f"datasets--{REPOSITORY.replace('/', '--')}").glob("snapshots/*")
    copies = [folder for folder in snapshots if files(folder)]
    return max(copies, key=lambda folder: folder.stat().st_mtime, default=None)

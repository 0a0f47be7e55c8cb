"""The copy of FSDD on the Hugging Face hub: parquet files, audio bytes embedded, no speakers.

Columns are audio (bytes and path) and label; the files' names begin with their split. ``datasets`` reads them and
``torchcodec`` decodes the audio.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from bench.audio import Audio
from bench.corpora.download import SECONDS, DownloadError, fetch, fetch_json
from bench.errors import BenchError

REPOSITORY = "mteb/free-spoken-digit-dataset"
ENDPOINT = "https://huggingface.co"
SPLITS = ("train", "test")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the copy: where it stands, and what it holds."""

    where: str
    label: str
    audio: Audio
    rate: int


def files(folder: Path) -> dict[str, list[Path]]:
    """Parquet files by split, in ``folder`` or its ``data``; empty when there are none."""
    found = {
        split: sorted([*folder.glob(f"{split}*.parquet"), *folder.glob(f"data/{split}*.parquet")]) for split in SPLITS
    }
    return {split: paths for split, paths in found.items() if paths}


def rows(folder: Path) -> Iterator[Row]:
    """Every row of a copy on disk, decoded at its own rate, channels averaged.

    Raises BenchError when ``datasets`` or ``torchcodec`` is not installed, FFmpeg is missing, or the files are broken
    or have other columns.
    """
    check_installed()
    import datasets

    try:
        import torchcodec.decoders  # noqa: F401 - loads FFmpeg, or fails
    except (ImportError, OSError, RuntimeError):
        raise BenchError("torchcodec cannot load FFmpeg: install it (Debian: apt-get install ffmpeg)") from None
    for split, paths in files(folder).items():
        try:
            table = datasets.load_dataset(
                "parquet", data_files=[str(path) for path in paths], split="train", streaming=True
            )
            columns = set(table.column_names or ())
            if not {"audio", "label"} <= columns:
                raise BenchError(f"{paths[0]}: needs the columns audio and label, has {', '.join(sorted(columns))}")
            # A plain Audio() drops any rate that the copy asks for: samples must stay what they are.
            for number, row in enumerate(table.cast_column("audio", datasets.Audio())):
                samples = row["audio"].get_all_samples()
                audio = samples.data.mean(dim=0).numpy()
                yield Row(f"{split} row {number}", str(row["label"]), audio, int(samples.sample_rate))
        except BenchError:
            raise
        except Exception as error:  # datasets, pyarrow and torchcodec share no base class for a broken file
            raise BenchError(f"{paths[0].parent}: the hub copy cannot be read ({error})") from error


def check_installed() -> None:
    """Raises BenchError when the packages that read the hub copy are not installed. Imports none of them."""
    for package in ("datasets", "torchcodec"):
        if find_spec(package) is None:
            raise BenchError(f"the hub copy needs {package}: pip install 'digitbench[hub]'")


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
    found = [folder for folder in snapshots if files(folder)]
    return max(found, key=lambda folder: folder.stat().st_mtime, default=None)

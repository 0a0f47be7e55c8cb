"""Is a run what it says it is? Hashes of the records, and every table made again from them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bench.errors import BenchError
from bench.records import Run, read_run
from bench.report import build, drawn, files
from bench.report.document import replace_text

CHECKSUMS = "checksums.txt"


def write_checksums(folder: Path) -> None:
    """Write ``checksums.txt``, in the format of sha256sum, over run.json, clips.parquet and the records."""
    lines = (f"{sha256(folder / name)}  {name}\n" for name in _recorded(folder))
    replace_text(folder / CHECKSUMS, "".join(lines))


def verify(folder: Path) -> list[str]:
    """What is wrong with a run, in words; nothing when its records and all that is derived from them agree.

    Raises BenchError when ``folder`` holds no run.
    """
    if not (folder / "run.json").is_file():
        raise BenchError(f"{folder} is not a run: it has no run.json")
    findings = _check_hashes(folder)
    try:
        run = read_run(folder)
        made = files(build(run, drawn(folder)))
    except (BenchError, KeyError, TypeError, ValueError) as error:
        return [*findings, f"the report cannot be made from the records: {type(error).__name__}: {error}"]
    return [*findings, *_check_records(run), *_check_report(folder, made)]


def sha256(path: Path) -> str:
    """Of a file's bytes, in hex. Raises BenchError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror})") from error


def _recorded(folder: Path) -> list[str]:
    paths = [folder / "run.json", folder / "clips.parquet", *(folder / "records").rglob("*.parquet")]
    return sorted(path.relative_to(folder).as_posix() for path in paths if path.is_file())


def _check_hashes(folder: Path) -> list[str]:
    path = folder / CHECKSUMS
    if not path.is_file():
        return [f"{CHECKSUMS} is missing: the records cannot be checked against it"]
    pairs = (line.partition("  ") for line in path.read_text(errors="replace").splitlines())
    listed = {name: digest for digest, _, name in pairs}
    present = set(_recorded(folder))
    findings = [f"{name} is missing" for name in sorted(listed.keys() - present)]
    findings += [f"{name} is not in {CHECKSUMS}" for name in sorted(present - listed.keys())]
    changed = (name for name in sorted(present & listed.keys()) if sha256(folder / name) != listed[name])
    return findings + [f"{name} has changed since it was written" for name in changed]


def _check_records(run: Run) -> list[str]:
    """No prediction twice, none of a clip that is not listed or under another label."""
    rows = run.predictions
    keys = ["backend", "condition", "split", "fold", "clip"]
    twice, findings = int(rows.duplicated(keys).sum()), []
    if twice:
        findings.append(f"{twice:,} predictions are in the records twice")
    labels = rows["clip"].map(run.clips.set_index("clip")["label"])
    strange = int((labels.isna() | (labels != rows["label"])).sum())
    if strange:
        findings.append(f"{strange:,} predictions are of clips or labels that clips.parquet does not have")
    return findings


def _check_report(folder: Path, made: dict[str, str]) -> list[str]:
    present = {path.relative_to(folder).as_posix() for path in (folder / "tables").glob("*.csv")}
    findings = [f"{name} does not follow from the records" for name in sorted(present - made.keys())]
    for name, text in made.items():
        path = folder / name
        if not path.is_file():
            findings.append(f"{name} is missing")
        elif path.read_bytes() != text.encode():
            findings.append(f"{name} differs from what the records give{_first_difference(path, text)}")
    return findings


def _first_difference(path: Path, text: str) -> str:
    there, here = path.read_text(errors="replace").splitlines(), text.splitlines()
    for number, (found, expected) in enumerate(zip(there, here, strict=False), start=1):
        if found != expected:
            return f", first in line {number}"
    return ""

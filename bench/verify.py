"""Is a run what it says it is? Report and tables made again from the records, hashes of everything else in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from bench.errors import BenchError
from bench.marks import open_run
from bench.records.read import consistent
from bench.records.schema import Run
from bench.report import build, drawn, files
from bench.report.build import replace_text

CHECKSUMS = "checksums.txt"
RECORDS = ("run.json", "clips.parquet", "records")
"""What a run measured: nothing of it may be missing."""
DERIVED = ("report.md", "tables")
"""What is made again and compared."""
WORKING = (".lock", "sessions.jsonl", "logs", "models", "conditions", CHECKSUMS)
"""What a run needs to go on, and publishes not."""


def write_checksums(folder: Path) -> None:
    """Write ``checksums.txt``, in the format of sha256sum, over all that a run publishes and that is not derived."""
    _write(folder, {name: sha256(folder / name) for name in _sealed(folder)})


def publish(folder: Path, written: Iterable[Path]) -> None:
    """Bring ``checksums.txt`` up to date with pictures and pages; what else it says stays as it is.

    ``written``: the files made, of which those outside the folder do not count. Those of pictures and pages that are
    no more are struck out. A run without checksums is left without.
    """
    if not (folder / CHECKSUMS).is_file():
        return
    present = _sealed(folder)
    listed = {name: digest for name, digest in _listed(folder).items() if name in present or _is_record(name)}
    inside = [path.resolve().relative_to(folder.resolve()).as_posix() for path in written if _is_in(path, folder)]
    _write(folder, listed | {name: sha256(folder / name) for name in inside if not _is_record(name)})


def verify(folder: Path) -> list[str]:
    """What is wrong with a run, in words; nothing when its records and all that goes with them agree.

    Raises BenchError when ``folder`` holds no run.
    """
    if not (folder / "run.json").is_file():
        raise BenchError(f"{folder} is not a run: it has no run.json")
    findings = _check_hashes(folder)
    try:
        run = open_run(folder)
        with consistent(folder):
            texts = files(build(run, drawn(folder)))
            return [*findings, *_check_records(run), *_check_report(folder, texts)]
    except BenchError as error:
        return [*findings, f"the report cannot be made from the records: {error}"]


def sha256(path: Path) -> str:
    """Of a file's bytes, in hex. Raises BenchError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror})") from error


def _sealed(folder: Path) -> list[str]:
    """Names of the files that checksums are for."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return sorted(name for name in names if name.partition("/")[0] not in (*DERIVED, *WORKING))


def _is_record(name: str) -> bool:
    return name.partition("/")[0] in RECORDS


def _is_in(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _listed(folder: Path) -> dict[str, str]:
    pairs = (line.partition("  ") for line in (folder / CHECKSUMS).read_text(errors="replace").splitlines())
    return {name: digest for digest, _, name in pairs}


def _write(folder: Path, digests: dict[str, str]) -> None:
    replace_text(folder / CHECKSUMS, "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())))


def _check_hashes(folder: Path) -> list[str]:
    if not (folder / CHECKSUMS).is_file():
        return [f"{CHECKSUMS} is missing: the records cannot be checked against it"]
    listed, present = _listed(folder), _sealed(folder)
    # Pictures and pages may be left out: they are made again by `digitbench report --html`.
    findings = [f"{name} is missing" for name in sorted(listed.keys() - {*present}) if _is_record(name)]
    findings += [f"{name} is not in {CHECKSUMS}" for name in present if name not in listed]
    changed = (name for name in present if name in listed and _digest(folder / name) != listed[name])
    return findings + [f"{name} has changed since it was written" for name in changed]


def _digest(path: Path) -> str:
    try:
        return sha256(path) if path.is_file() else ""
    except BenchError:
        return ""


def _check_records(run: Run) -> list[str]:
    """No prediction twice, none of a clip that is not listed or under another label."""
    rows = run.predictions
    keys = ["backend", "condition", "split", "fold", "clip"]
    twice, findings = int(rows.duplicated(keys).sum()), []
    if twice:
        findings.append(f"{twice:,} predictions are in the records twice")
    return findings


def _check_report(folder: Path, texts: dict[str, str]) -> list[str]:
    there = (path for path in (folder / "tables").rglob("*") if not path.is_dir())
    present = {path.relative_to(folder).as_posix() for path in there}
    findings = [f"{name} does not follow from the records" for name in sorted(present - texts.keys())]
    for name, text in texts.items():
        path = folder / name
        if not path.is_file():
            findings.append(f"{name} is missing")
        elif path.read_bytes() != text.encode():
            findings.append(f"{name} differs from what the records give{_first_difference(path, text)}")
    return findings


def _first_difference(path: Path, text: str) -> str:
    there, here = path.read_text(errors="replace").splitlines(), text.splitlines()
    for number, (line, expected) in enumerate(zip(there, here, strict=False), start=1):
        if line != expected:
            return f", first in line {number}"
    return ""

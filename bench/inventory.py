"""Tables for people on a terminal: what there is, and where it was found."""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path

from rich.table import Table
from tabulate import tabulate

from backends import BackendError, find, known_names
from bench.cells import job
from bench.clips import clips_hash
from bench.conditions import DEFAULT_SWEEP, FORMS
from bench.config import SETTINGS, Config
from bench.corpora import CORPORA, Source, describe_sources, open_source
from bench.corpora.scan import Progress
from bench.errors import BenchError
from bench.names import CROSS, FRAMED, NOISE, SPLITS
from bench.printable import printable


def backends() -> Table:
    """Every backend, whether it is trained, and which of its packages are missing."""
    table = _table("Backends", "name", "kind", "packages", "installed")
    for name in known_names():
        try:
            backend = find(name).load()
        except BackendError as error:
            _row(table, name, "", "", str(error))
            continue
        missing = [module for module in backend.imports if find_spec(module.partition(".")[0]) is None]
        state = f"missing: {', '.join(missing)}" if missing else "yes"
        _row(table, name, "trained" if backend.trained else "zero-shot", ", ".join(backend.imports) or "none", state)
    return table


def corpora() -> Table:
    """Every corpus."""
    table = _table("Corpora", "name", "what it is")
    for name, about in CORPORA.items():
        _row(table, name, about)
    return table


def splits() -> Table:
    """Every split."""
    table = _table("Splits", "name", "what it is")
    for name, about in SPLITS.items():
        _row(table, name, about)
    _row(table, CROSS, "train on one corpus, test on another: --train and --test in place of --corpus and --splits")
    return table


def conditions() -> Table:
    """Every kind of condition."""
    table = _table("Conditions", "such as", "what is done to test clips")
    for form in FORMS:
        limits = f" ({', '.join(map(str, form.limits))})" if form.limits else ""
        _row(table, form.example, form.about + limits)
    _row(
        table,
        "sweep",
        f"{len(DEFAULT_SWEEP)} of these at once; NAME+{NOISE}, NAME+{FRAMED}: fitted on copies too",
    )
    return table


def settings_table() -> str:
    """Every setting in Markdown: kind, default, meaning."""
    defaults = Config()
    rows = [
        (f"`{name}`", setting.kind.words, _written(name, getattr(defaults, name)), setting.about)
        for name, setting in SETTINGS.items()
    ]
    return tabulate(rows, ("key", "what it takes", "default", "meaning"), tablefmt="github", disable_numparse=True)


def recordings(data: Path | None, progress: Progress | None = None) -> Table:
    """Every place where recordings are looked for; of those found, the hash that a run of all their clips has."""
    table = _table("Recordings", "corpus", "where", "path", "clips", "MB", "sha256 of the clips")
    for source in describe_sources(data):
        facts = ["not found", "", ""]
        if source.found and source.path:
            facts = [f"{source.clips:,}", f"{source.bytes / 1e6:,.1f}", _clips_hash(source, progress)]
        _row(table, source.corpus, source.place, str(source.path or ""), *facts)
    return table


def weights(config: Config) -> Table:
    """Every place where weights are looked for, with the sha256 of each file found."""
    table = _table("Weights", "backend", "where", "file", "MB", "sha256")
    for name in known_names():
        spec = find(name)
        try:
            sources = spec.load()(config.vocabulary, spec.variant, **job(config, spec).options).sources()
        except (BackendError, TypeError, ValueError) as error:
            _row(table, name, str(error), "", "", "")
            continue
        for source in sources:
            if not source.files:
                _row(table, name, source.where, "not found", "", "")
            for path in source.files:
                _row(table, name, source.where, str(path), f"{path.stat().st_size / 1e6:,.1f}", _sha256(path))
    return table


def _clips_hash(source: Source, progress: Progress | None) -> str:
    try:
        return clips_hash(open_source(source, progress).clips.rename(columns={"label": "reference"}))
    except BenchError as error:
        return str(error)


def _row(table: Table, *cells: str) -> None:
    table.add_row(*(printable(cell, lines=True) for cell in cells))


def _written(name: str, default: object) -> str:
    """A default as TOML writes it."""
    if name == "vocabulary":
        return "the ten digits"
    return f"`{json.dumps(default)}`" if default or default in (0, False) else "none"


def _table(title: str, *headers: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""The page, top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd

from bench.names import FLOOR
from bench.records.schema import Run
from bench.report.build import replace_text
from bench.report.html.backend import anchor, section
from bench.report.html.gallery import Sound, gallery
from bench.report.html.markup import Column, as_json, escape, fact_columns, figure, pairs, table
from bench.report.plots import Plot
from bench.report.tables.cost import headline_threads, measures_cost
from bench.report.tables.measure import shown
from bench.report.tables.outcomes import failure, splits, tested
from bench.report.text.markdown import ABSENT, count, count_threads, megabytes, milliseconds, number, percent
from bench.report.text.provenance import machine_kind
from bench.splits import SPLITS
from bench.tasks.base import Measure


def page(
    run: Run,
    tables: Mapping[str, pd.DataFrame],
    plots: Sequence[Plot],
    sound: Sound | None = None,
) -> str:
    """The report as one HTML text: the same records and sounds give the same text.

    tables: those of the report. sound: where sounds come from; without it the gallery has no players and says so; where
    it has none of a clip under a condition the clean clip is played, and that is said.
    """
    data = gallery(run, sound)
    names = list(tables["summary"]["backend"])
    here = files("bench.report.html")
    parts = {
        "title": escape(f"{run.info['name']}: {run.task.nouns} compared"),
        "style": (here / "report.css").read_text(encoding="utf-8"),
        "script": (here / "report.js").read_text(encoding="utf-8"),
        "lead": escape(_lead(run)),
        "banners": _banners(run),
        "splits": "; ".join(f"<code>{split}</code> tests {SPLITS[split].asks}" for split in splits(run)),
        "summary": _summary(run, tables["summary"]),
        "conditions": _conditions(tables.get("conditions"), run.task.measure),
        "conditions_link": '<li><a href="#conditions">Conditions</a></li>' if "conditions" in tables else "",
        "plots": "\n".join(figure(plot) for plot in plots) or "<p>This run has no records to plot.</p>",
        "contents": "".join(
            f'<li><a href="#{anchor(names, name)}">{escape(name)}</a></li>' for name in names
        ),
        "backends": "\n".join(section(run, tables, names, name) for name in names),
        "sounds": escape(_sounds(data, sound)),
        "origin": _origin(run),
        "data": as_json(data),
    }  # fmt: skip
    return Template((here / "template.html").read_text(encoding="utf-8")).substitute(parts)


def write(text: str, folder: Path) -> Path:
    """Write ``report.html`` into a run's folder in one step. Raises BenchError when that cannot be done."""
    path = folder / "report.html"
    replace_text(path, text)
    return path


def _lead(run: Run) -> str:
    corpus = run.info["corpus"]
    return (
        f"{run.task.lead()} on {corpus['clips']:,} clips of"
        f" {corpus['speakers']} speakers ({corpus['name']}): {run.task.measure.name}, speed and size."
    )


def _banners(run: Run) -> str:
    lines = ["For testing only: a trial on part of the clips."] if run.info["testing_only"] else []
    lines += filter(None, str(run.info.get("notice", "")).splitlines())
    if run.info["machine"].get("busy") and measures_cost(run):
        lines.append("The machine was busy with other work: times are not to be trusted.")
    return "".join(f'<p class="banner" role="note">{escape(line)}</p>' for line in lines)


def _summary(run: Run, frame: pd.DataFrame) -> str:
    ran, measure = splits(run), run.task.measure
    names = list(frame["backend"])

    def link(name: str) -> str:
        return f'<a href="#{anchor(names, name)}">{escape(name)}</a>'

    columns = [Column("backend", "backend", str, markup=link)]
    for split in ran:
        key = f"{split}_accuracy"
        head = f"{split} {measure.name}, % (95 % interval), n = {len(tested(run, split)):,}"
        columns.append(Column(head, key, percent, measure.best, (f"{key}_low", f"{key}_high")))
    facts = [replace(fact, header=f"{fact.header} ({ran[0]})", interval=None) for fact in run.task.facts if ran]
    columns += fact_columns(run.task, facts)
    costs = [
        Column("p50, ms per clip", "p50_s", milliseconds, "↓"),
        Column("p95, ms per clip", "p95_s", milliseconds, "↓"),
        Column("cold start, s", "cold_s", number, "↓"),
        Column("RTF", "rtf", number, "↓"),
        Column("peak RSS, MB", "peak_rss_bytes", megabytes, "↓"),
        Column("model, MB", "model_bytes", megabytes, "↓"),
    ]
    columns += [column for column in costs if measures_cost(run) or column.key == "model_bytes"]
    costs_of = f"latency, cold start and memory at {count_threads(headline_threads(run))}"
    about = costs_of if measures_cost(run) else "accuracy alone, no time was measured"
    caption = f"Summary: {about}; MB are 1,000,000 bytes"

    def missing(row: pd.Series, key: str) -> str:
        split = key.removesuffix("_accuracy") if key.endswith("_accuracy") else None
        phase = (
            "accuracy"
            if split or key in {fact.key for fact in run.task.facts}
            else {"model_bytes": "size"}.get(key, "latency")
        )
        return "failed" if failure(run, row["backend"], phase, split or (ran[0] if ran else None)) else ABSENT

    return table(
        shown(frame, measure), columns, caption, sortable=True, name="summary-table", missing=missing,
        candidate=lambda row: bool(row["backend"] != FLOOR),
    )  # fmt: skip


def _conditions(frame: pd.DataFrame | None, measure: Measure) -> str:
    """Accuracy under every condition, for runs that have conditions."""
    if frame is None or frame.empty:
        return ""
    columns = [
        Column("backend", "backend"),
        Column("condition", "condition"),
        Column("split", "split"),
        Column("clips", "clips", count),
        Column(f"{measure.name}, % (95 % interval)", "accuracy", percent, "", ("accuracy_low", "accuracy_high")),
    ]
    body = table(
        shown(frame, measure), columns, f"{measure.title} under every condition", sortable=True, name="conditions-table"
    )
    return (
        '<section id="conditions" aria-labelledby="conditions-name">\n<h2 id="conditions-name">Conditions</h2>\n'
        '<form class="filters" role="search" aria-label="Filter the conditions"><label>Rows that contain'
        ' <input type="search" id="conditions-filter" autocomplete="off" data-filters="conditions-table"'
        ' placeholder="mfcc noise"></label> <output id="conditions-count" aria-live="polite"></output></form>\n'
        f'<div class="tall">{body}</div>\n</section>'
    )


def _sounds(data: Mapping[str, Any], sound: Sound | None) -> str:
    if sound is None:
        return "No sound: this report was made without the recordings, so there are no players and no spectrograms."
    kept = f"{len(data['sounds']):,} sounds are inside this file, as MP3."
    clean = sum(1 for *_, place, exact in data["items"] if place >= 0 and not exact)
    silent = sum(1 for *_, place, _ in data["items"] if place < 0)
    if clean:
        kept += f" For {clean:,} of {len(data['items']):,} the clean recording is played, and the card says so."
    return kept + (f" {silent:,} have no sound." if silent else "")


def _origin(run: Run) -> str:
    machine, git = run.info["machine"], run.info["git"]
    return pairs(
        [
            ("command", str(run.info["command"])),
            ("finished", str(run.info["finished"])),
            ("machine", f"{machine['cpu']}, {machine['cores']} cores"),
            *machine_kind(machine).items(),
            ("system", f"{machine['os']}, Python {machine['python']}"),
            ("commit", f"{git['commit']}{' with changes' if git.get('dirty') else ''}"),
            ("corpus", f"{run.info['corpus']['name']}: {run.info['corpus']['source']}"),
            ("sha256 of the corpus", str(run.info["corpus"]["sha256"])),
        ]
    )

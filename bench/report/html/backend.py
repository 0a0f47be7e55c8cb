"""The part of the page that is about one backend."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from bench.names import FLOOR
from bench.records.schema import Run
from bench.report.html.markup import Column, escape, fact_columns, is_long, pairs, table
from bench.report.tables.measure import shown
from bench.report.text.markdown import count, megabytes, milliseconds, number, percent

Tables = Mapping[str, pd.DataFrame]


def anchor(names: Sequence[str], name: str) -> str:
    """The id of a backend's part: its place keeps names apart that read alike."""
    return f"backend-{names.index(name)}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}"


def section(run: Run, tables: Tables, names: Sequence[str], name: str) -> str:
    """Everything known of one backend."""
    place = anchor(names, name)
    to_gallery = (
        f'<p><a href="#gallery" data-errors-of="{escape(name)}">Errors of {escape(name)} in the gallery</a></p>'
    )
    parts = [
        f'<article id="{place}" aria-labelledby="{place}-name"><h3 id="{place}-name">{escape(name)}</h3>',
        _failures(run, name),
        "" if name == FLOOR else to_gallery,
        _facts(run, name),
        *_figures(run, tables, name),
        *_sections(run, tables, name),
        "</article>",
    ]
    return "\n".join(filter(None, parts))


def _failures(run: Run, name: str) -> str:
    """Every reason once, with where it struck: a backend may fail in many cells for the same one."""
    where: dict[str, list[str]] = {}
    for entry in run.info["failures"]:
        if entry["backend"] == name:
            where.setdefault(str(entry["reason"]), []).append(str(entry["phase"]))
    for cell in run.info["cells"]:
        if cell["backend"] == name and cell["status"] == "failed":
            place = ", ".join(str(cell[key]) for key in ("condition", "split", "fold") if cell.get(key))
            matching = [reason for reason in where if str(cell["reason"]) in reason]
            where.setdefault(matching[0] if matching else str(cell["reason"]), []).append(place)
    return "".join(
        f'<p class="banner">failed ({escape(_few(list(dict.fromkeys(places))))}): {escape(reason)}</p>'
        for reason, places in where.items()
    )


def _few(places: Sequence[str], most: int = 4) -> str:
    more = f" and {len(places) - most:,} more" if len(places) > most else ""
    return "; ".join(places[:most]) + more


def _facts(run: Run, name: str) -> str:
    entry = next((entry for entry in run.info["backends"] if entry["name"] == name), None)
    if entry is None:
        return ""
    facts = [("kind", "trained" if entry["trained"] else "zero-shot")]
    facts += [(str(key), str(value)) for key, value in (entry.get("settings") or {}).items()]
    if entry.get("parameters") is not None:
        facts.append(("parameters", count(entry["parameters"])))
    if entry.get("model_bytes") is not None:
        facts.append(("model", f"{megabytes(entry['model_bytes'])} MB"))
    if entry.get("install_bytes") is not None:
        facts.append(("packages", f"{megabytes(entry['install_bytes'])} MB"))
    facts += [(f"sha256 of {file['name']}", str(file["sha256"])) for file in entry.get("artifacts") or []]
    return pairs(facts)


def _figures(run: Run, tables: Tables, name: str) -> list[str]:
    measure = run.task.measure
    scores, latency, cold = (_of(tables[key], name) for key in ("accuracy", "latency", "coldstart"))
    parts = []
    if len(scores):
        columns = [
            Column("split", "split"),
            Column("clips", "clips", count),
            Column(f"{measure.name}, % (95 % interval)", "accuracy", percent, "", ("accuracy_low", "accuracy_high")),
            *fact_columns(run.task, [replace(fact, best="") for fact in run.task.facts]),
            Column("rank", "rank", count),
        ]
        parts.append(table(shown(scores, measure), columns, f"{name}: {measure.name}"))
    speakers = _of(tables["speakers"], name).drop(columns=["backend", "corpus"], errors="ignore").T
    if speakers.size:
        speakers = speakers.set_axis(["accuracy"], axis=1).rename_axis("speaker").reset_index()
        speakers["accuracy"] = speakers["accuracy"].astype(float).map(measure.shown)
        columns = [Column("speaker", "speaker"), Column(f"{measure.name}, %", "accuracy", percent)]
        parts.append(table(speakers, columns, f"{name}: by speaker never heard in training (loso)"))
    if len(latency):
        columns = [Column("threads", "threads", count), Column("calls", "calls", count)]
        columns += [Column(f"{p}, ms", f"{p}_s", milliseconds) for p in ("p50", "p95", "p99")]
        columns += [Column("RTF", "rtf", number)]
        parts.append(table(latency, columns, f"{name}: warm latency of one clip"))
    if len(cold):
        stages = {"start_s": "interpreter", "import_s": "import", "load_s": "load", "first_s": "first prediction"}
        columns = [Column("processes", "processes", count)]
        columns += [Column(f"{word}, s", key, number) for key, word in stages.items()]
        columns += [Column("import + load + first, s", "cold_s", number)]
        parts.append(table(cold, columns, f"{name}: cold start, medians"))
    return parts


def _sections(run: Run, tables: Tables, name: str) -> list[str]:
    """The task's chapters, as far as they are about this backend."""
    return [
        (_shaded if part.shaded else table)(
            part.frame, fact_columns(run.task, part.facts), ": ".join(filter(None, (name, section.title, part.heading)))
        )
        for section in run.task.sections(run, tables)
        for part in section.parts
        if part.backend == name
    ]


def _shaded(frame: pd.DataFrame, columns: Sequence[Column], caption: str) -> str:
    """Counts whose shades are their share of the row; nothing is written where there is none."""
    head, *others = columns
    heads = "".join(f'<th scope="col"{_wrapped(column.header)}>{escape(column.header)}</th>' for column in others)
    rows = ""
    for _, row in frame.iterrows():
        counts = [int(row[column.key]) for column in others]
        total = max(1, sum(counts))
        cells = "".join(f'<td style="--share:{value / total:.2f}">{value or ""}</td>' for value in counts)
        label = str(row[head.key])
        rows += f'<tr><th scope="row"{_wrapped(label, heads=True)}>{escape(label)}</th>{cells}</tr>\n'
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="confusion">'
        f'<caption>{escape(caption)}</caption><thead><tr><th scope="col">said</th>{heads}</tr></thead>'
        f"<tbody>\n{rows}</tbody></table></div>"
    )


def _wrapped(label: str, heads: bool = False) -> str:
    return ' class="long"' if is_long(label, heads) else ""


def _of(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame[frame["backend"] == name]

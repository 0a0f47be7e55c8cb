"""report.md: all of it made of what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.loading.child import HARNESS
from bench.loading.claims import Pipeline, claims, costs, pipeline
from bench.loading.loaders import FAST, LOADERS, OURS, REFERENCE
from bench.loading.many import LOOP
from bench.loading.measure import BARE
from bench.loading.plots import drawn
from bench.loading.tables import agreement_of, compared, duration_against_load, pick
from bench.report.build import replace_text
from bench.report.plots.style import Plot, png, styled
from bench.report.text.markdown import ABSENT, Column, code, details, escape, megabytes, number, table

METHOD = """\
Every round starts a process for each loader, which first does every task once; then case by case they take turns in an
order of chance, so that whatever the machine does meanwhile hits all alike. A call is repeated until a timing lasts
4 ms; the shortest of five timings is a round's value, of calls over 0.25 s the only one. Files over a minute have
every second round. Times are medians over rounds. Ratios, in brackets beside a time, are librosa's time over the
loader's, paired by round, with a 95 % interval (Student's t over rounds) where there are three. CPU time is told where
the file is in memory and one thread works; the clock on the wall for cold starts, files from disk and many files. Cold
starts are whole processes, from `python` to its end; the first after an install finds no bytecode and no code compiled
by numba (PYTHONPYCACHEPREFIX and NUMBA_CACHE_DIR lead to empty folders), but libraries in the page cache. Every process
has one thread for numerics. The programs of the cold starts:
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run of loaders: what was done where, timings, agreement with librosa, what became of bad files."""

    info: Mapping[str, Any]
    samples: pd.DataFrame
    agreement: pd.DataFrame
    bad: pd.DataFrame

    @property
    def usual(self) -> float:
        """Seconds of the file that cold starts read."""
        lengths = self.info["plan"]["lengths"]
        return float(max((each for each in lengths if each <= 5.0), default=min(lengths)))


def write_report(run: Loaded, out: Path, files: int, dollars: float) -> Path:
    """report.md and plots/*.png in ``out``."""
    figures = with_ratios(compared(run.samples))
    emotion = emotion_of(out / "emotion")
    with styled():
        plots = drawn(figures)
        (out / "plots").mkdir(exist_ok=True)
        for plot in plots:
            (out / "plots" / f"{plot.name}.png").write_bytes(png(plot))
    replace_text(out / "report.md", markdown(run, figures, plots, files, dollars, emotion))
    return out / "report.md"


def emotion_of(folder: Path) -> Pipeline | None:
    """The comparison of ``examples/emotion_features.py --compare``, where it lies in the run's folder."""
    try:
        rounds, stages = (pd.read_csv(folder / f"{name}.csv") for name in ("rounds", "stages"))
    except FileNotFoundError:
        return None
    return pipeline(rounds, stages)


def with_ratios(figures: pd.DataFrame) -> pd.DataFrame:
    """Figures with a column of ratios as they are read: 5.29, 4.80-5.61."""
    return figures.assign(ratio=[_times(row) for _, row in figures.iterrows()])


def claims_table(run: Loaded, figures: pd.DataFrame, emotion: Pipeline | None) -> str:
    """What is claimed and what was measured."""
    rows = pd.DataFrame(claims(figures, run.agreement, run.usual, emotion), columns=["claim", "measured"])
    return table(rows, [Column("claim", "claim"), Column("measured here", "measured")])


def bill_table(bill: pd.DataFrame) -> str:
    """Hours and dollars by way."""
    return table(bill, [Column("way", "way"), Column("hours", "hours", number), Column("dollars", "dollars", number)])


def markdown(
    run: Loaded, figures: pd.DataFrame, plots: Sequence[Plot], files: int, dollars: float, emotion: Pipeline | None
) -> str:
    """The report."""
    shown = {plot.name: f"![{plot.alt}](plots/{plot.name}.png)\n\n{plot.caption}" for plot in plots}
    bill = costs(figures, run.usual, files, dollars, emotion)
    parts = [
        "# Loaders of sound files", _where(run),
        "## What is claimed and what was measured",
        claims_table(run, figures, emotion),
        f"{files:,} files at ${dollars:g} an hour, one machine, extrapolated from the figures below:",
        bill_table(bill),
        "## audiodecode against librosa", _glance(run, figures),
        "## A file, whole", shown.get("whole", ""), _cases(run, figures, "whole"),
        "## A slice", "A fifth of the file, from two fifths on, against librosa's.", _cases(run, figures, "slice"),
        "## At 16 kHz", _cases(run, figures, "resampled"),
        "## Its duration alone", "librosa.get\\_duration, and the like.", _cases(run, figures, "duration"),
        "## Cold starts", shown.get("cold", ""), _starts(figures),
        "## From disk", _disk(run, figures),
        "## Many files", shown.get("many", ""), _many(run, figures),
        "## Short files, and the harness's own reading", _short(run, figures),
        "## Bad files", _bad(run),
        "## Peak memory", _memory(run),
        "## What cannot be used here", _missing(run),
        "## How it was measured", METHOD, _programs(),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _where(run: Loaded) -> str:
    machine, plan, git = run.info["machine"], run.info["plan"], run.info["git"]
    busy = " **The machine was busy: believe the order, not the figures.**" if run.info["others"]["busy"] else ""
    packages = ", ".join(f"{name} {version}" for name, version in run.info["packages"].items())
    return (
        f"{escape(machine['cpu'])}, {machine['cores']} cores, Python {machine['python']}; {packages}."
        f" Commit {str(git['commit'])[:9]}{', with changes' if git['dirty'] else ''}. Speech of {run.info['voice']},"
        f" 48 kHz mono; {plan['rounds']} rounds.{busy} Made by {code(run.info['command'])}; this page anew from"
        " *.parquet by `digitbench loaders --report` and this folder."
    )


def _glance(run: Loaded, figures: pd.DataFrame) -> str:
    """One row for each thing that is asked of the loader."""
    tasks = {
        "cold": "a new process", "first": "the first process after an install", "whole": "whole", "slice": "slice",
        "resampled": "to 16 kHz", "duration": "duration", "evicted": "whole, from disk",
        "files": f"each of {run.info['short']}",
    }  # fmt: skip
    rows = []
    for task, what in tasks.items():
        for name in (OURS, FAST, HARNESS):
            some = figures[(figures["task"] == task) & (figures["loader"] == name) & figures["times"].notna()]
            for _, row in some.iterrows():
                if name != FAST or task == "whole":
                    same = agreement_of(run.agreement, name, row["format"], task)
                    count = run.info["short_count"] if task == "files" else 1
                    rows.append({**row, "what": what, "seconds": row["seconds"] / count, "same": same or ABSENT})
    lengths = with_ratios(duration_against_load(run.samples)).query("loader == @OURS")
    rows += [{**row, "what": "duration, against librosa.load", "same": ABSENT} for _, row in lengths.iterrows()]
    frame = pd.DataFrame(rows)
    frame["length"] = frame["length_s"].map(_lasting)
    return table(frame, [
        Column("what", "what"), Column("format", "format"), Column("length", "length"), Column("loader", "loader"),
        Column("ms", "seconds", _ms), Column("times librosa", "ratio"),
        Column("samples", "same"),
    ])  # fmt: skip


def _cases(run: Loaded, figures: pd.DataFrame, task: str) -> str:
    """A row for each format and loader, a column for each length."""
    some = figures[figures["task"] == task]
    lengths = sorted(some["length_s"].unique())
    rows = []
    for kind in dict.fromkeys(some["format"]):
        for name in LOADERS:
            cells = {f"{length:g}": _cell(pick(some, format=kind, loader=name, length_s=length)) for length in lengths}
            same = agreement_of(run.agreement, name, kind, task)
            if same:
                rows.append({"format": kind, "loader": name, **cells, "same": same})
    frame = pd.DataFrame(rows)
    if frame.empty:
        return "Not measured."
    columns = [Column(f"{_lasting(length)}, ms", f"{length:g}", escape) for length in lengths]
    last = Column("against the true length" if task == "duration" else "samples against librosa", "same")
    return table(frame, [Column("format", "format"), Column("loader", "loader"), *columns, last])


def _cell(row: pd.Series[Any] | None) -> str:
    """Milliseconds, and how many times as fast as librosa, with its interval."""
    if row is None:
        return ABSENT
    text = _ms(row["seconds"])
    if row["loader"] == REFERENCE or pd.isna(row["times"]):
        return text
    return f"{text} ({row['ratio']})"


def _times(row: Any) -> str:
    if pd.isna(row["times"]):
        return ABSENT
    return number(row["times"]) + ("" if pd.isna(row["low"]) else f", {number(row['low'])}-{number(row['high'])}")


def _ms(seconds: float) -> str:
    return number(1e3 * seconds)


def _starts(figures: pd.DataFrame) -> str:
    some = figures[figures["task"].isin(["cold", "first"])].copy()
    some["what"] = some["task"].map({"cold": "a new process", "first": "the first after an install"})
    some["format"] = some["format"].replace("", ABSENT)
    return table(some.sort_values(["task", "format", "wall_s"]), [
        Column("start", "what"), Column("format", "format"), Column("loader", "loader"),
        Column("wall, s", "wall_s", number), Column("CPU, s", "cpu_s", number),
        Column("times librosa", "ratio"),
    ])  # fmt: skip


def _disk(run: Loaded, figures: pd.DataFrame) -> str:
    some = figures[figures["task"] == "evicted"]
    if some.empty:
        errors = run.samples[(run.samples["task"] == "evicted")]["error"].unique()
        return "Not measured: " + escape("; ".join(errors) or "no such case")
    text = f"Files of {_lasting(some['length_s'].iloc[0])}, dropped from the page cache before each call."
    return text + "\n\n" + table(some.sort_values(["format", "wall_s"]), [
        Column("format", "format"), Column("loader", "loader"), Column("wall, ms", "wall_s", _ms),
        Column("CPU, ms", "cpu_s", _ms), Column("times librosa, wall", "ratio"),
    ])  # fmt: skip


def _many(run: Loaded, figures: pd.DataFrame) -> str:
    some = with_ratios(compared(run.samples[run.samples["task"] == "many"], LOOP))
    if some.empty:
        return "Not measured."
    plan = run.info["plan"]
    text = f"{plan['many']} MP3s of speech, {plan['workers']} workers for threads and load\\_many; imports left out."
    return text + "\n\n" + table(some.sort_values("wall_s", ascending=False), [
        Column("way", "loader"), Column("wall, s", "wall_s", number), Column("CPU, s", "cpu_s", number),
        Column(f"times {LOOP}", "ratio"),
    ])  # fmt: skip


def _short(run: Loaded, figures: pd.DataFrame) -> str:
    some = figures[figures["task"] == "files"].copy()
    if some.empty:
        return "Not measured."
    some["file_s"] = some["cpu_s"] / run.info["short_count"]
    text = f"{run.info['short_count']} files of {run.info['short']}, read whole. The harness checks what it reads."
    return text + "\n\n" + table(some.sort_values("file_s"), [
        Column("loader", "loader"), Column("µs a file", "file_s", lambda seconds: number(1e6 * seconds)),
        Column("times librosa", "ratio"),
    ])  # fmt: skip


def _bad(run: Loaded) -> str:
    names = list(dict.fromkeys(run.bad["file"]))
    short = run.bad.assign(outcome=run.bad["outcome"].str.partition(":")[0])
    wide = short.pivot(index="loader", columns="file", values="outcome")[names]
    wide = wide.reindex([name for name in (*LOADERS, HARNESS) if name in wide.index]).reset_index()
    refusals = run.bad[run.bad["outcome"].str.contains(":", regex=False)]
    lines = "\n".join(f"- {row['loader']}, {row['file']}: {code(row['outcome'])}" for _, row in refusals.iterrows())
    text = 'What each makes of files that are not what they say; "silently": without an error, as if that were all.'
    return "\n\n".join((
        text, table(wide, [Column("loader", "loader"), *(Column(name, name, escape) for name in names)]),
        details("What they say where they refuse", lines) if lines else "",
    ))  # fmt: skip


def _memory(run: Loaded) -> str:
    some = run.samples[run.samples["task"].isin(["memory", "cold"]) & run.samples["peak_bytes"].notna()]
    peaks = some.groupby(["task", "loader", "format"], sort=False)["peak_bytes"].min().reset_index()
    peaks["what"] = peaks["task"].map(
        {"cold": _lasting(run.usual), "memory": _lasting(max(run.info["plan"]["lengths"]))}
    )
    peaks = peaks[peaks["loader"] != BARE].sort_values(["task", "format", "peak_bytes"])
    return "Peak of a process that reads one file and ends.\n\n" + table(peaks, [
        Column("file", "what"), Column("format", "format"), Column("loader", "loader"),
        Column("peak, MB", "peak_bytes", megabytes),
    ])  # fmt: skip


def _missing(run: Loaded) -> str:
    lines = [f"- {name}: {escape(why)}" for name, why in run.info["missing"].items()]
    left = run.agreement[(run.agreement["error"] != "") & (run.agreement["task"] == "whole")]
    lines += [
        f"- {name} fails on {kind}: {code(some['error'].iloc[0])}"
        for (name, kind), some in left.groupby(["loader", "format"])
    ]
    return "\n".join(lines) or "Every loader is there and reads every format that it claims."


def _programs() -> str:
    return "\n\n".join(f"{name}:\n\n```python\n{loader.once}\n```" for name, loader in LOADERS.items())


def _lasting(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds > 60 else f"{seconds:g} s" if seconds else ABSENT

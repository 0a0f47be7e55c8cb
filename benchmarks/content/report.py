"""The tables of ``python -m benchmarks.content``, from its raw data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from bench.stats import Interval
from benchmarks.bootstrap import Rows, interval, shown
from benchmarks.content.deletions import TEMPO
from benchmarks.content.planted import COLLAR, total
from sound.content import LABELS
from sound.content.scores import SPOKEN

Row = dict[str, Any]

GOAL_RATIO, GOAL_MS = 3.0, 1.0


def report(part: str, raw: Mapping[str, Sequence[Row]]) -> str:
    """Markdown of all chapters. ``raw``: rows by name, ``planted``, ``kinds``, ``words``, ``deletions``."""
    chapters = [
        f"# Content analysis, measured on the {part} part",
        "Made by `make content` from the raw data beside it. Rules and thresholds were set on the dev part and on the"
        " first halves of the noise recordings; on the test part, the second halves and the other files are reported.",
        "## Summary", summary(raw),
        "## Planted truth", planted_table(raw["planted"]),
        "## Speech by SNR", snr_table(raw["planted"]),
        "## Kinds of noise", kinds_table(raw["kinds"]),
        "## Word times", words_text(raw["words"]),
        "## Deleting a tenth", deletions_table(raw["deletions"]),
        "## Complexity", complexity_text(raw["deletions"]),
        "## CPU", cpu_text(raw["planted"]),
    ]  # fmt: skip
    return "\n\n".join(chapters) + "\n"


def summary(raw: Mapping[str, Sequence[Row]]) -> str:
    """A line for each question, the goal beside it."""
    planted = total([row["counts"] for row in raw["planted"]])
    deleted = raw["deletions"]
    right = sum(_most(row) == row["kind"] for row in raw["kinds"])
    words = total([row["counts"] for row in raw["words"]])
    lines = [
        "| question | figure | of | goal |", "|---|---|---|---|",
        f"| hops told right, planted silence, noise and speech | {_percent(np.trace(planted), planted.sum())}"
        f" | {len(raw['planted'])} recordings | |",
        f"| hops told right, speech or not, by word times | {_percent(np.trace(words), words.sum())}"
        f" | {len(raw['words'])} clips | |",
        f"| kind of noise right | {right} of {len(raw['kinds'])} | files | |",
        f"| points of WER lost without the top tenth, less {GOAL_RATIO:g} times those without the bottom"
        f" | {shown(margin(deleted), sign=True)} | {len(deleted)} clips | > 0 |",
        f"| complexity and WER lost at tempo {TEMPO:g}, Spearman | {shown(complexity(deleted))}"
        f" | {len(deleted)} clips | |",
        f"| CPU of a hop, p95 | {cpu_p95(raw['planted']):.2f} ms"
        f" | {len(raw['planted'])} recordings | <= {GOAL_MS:g} ms |",
    ]  # fmt: skip
    return "\n".join(lines)


def planted_table(rows: Sequence[Row]) -> str:
    """What was planted by what was told."""
    table = total([row["counts"] for row in rows])
    lines = [f"| planted | {' | '.join(LABELS)} | right |", "|---|" + "---|" * (len(LABELS) + 1)]
    for place, name in enumerate(LABELS):
        lines.append(
            f"| {name} | {' | '.join(map(str, table[place]))} | {_percent(table[place, place], table[place].sum())} |"
        )
    note = (
        f"Hops, {len(rows)} recordings; {COLLAR} hops either side of every joint are not counted. Speech is where the"
        " clean clip is active after ITU-T P.56; its pauses in noise are noise."
    )
    return "\n".join(lines) + f"\n\n{note}"


def snr_table(rows: Sequence[Row]) -> str:
    """Miss and false alarm of speech in noise, and in the noise beside it; clean speech of the same recordings last."""
    lines = [
        "| SNR (dB) | missed in noise | false alarm in its pauses | false alarm in noise alone | missed when clean |"
    ]
    lines.append("|---|---|---|---|---|")
    for snr_db in sorted({row["snr_db"] for row in rows}, reverse=True):
        here = [row for row in rows if row["snr_db"] == snr_db]
        noisy, beside, clean = (total([row[name] for row in here]) for name in ("in_noise", "beside", "clean"))
        cells = [_missed(noisy), _false(noisy), _false(beside), _missed(clean)]
        lines.append(f"| {snr_db:g} | {' | '.join(cells)} |")
    lines += ["", "| noise alone | false alarm |", "|---|---|"]
    for name in sorted({row["noise"] for row in rows}):
        lines.append(f"| {name} | {_false(total([row['beside'] for row in rows if row['noise'] == name]))} |")
    return "\n".join(lines)


def kinds_table(rows: Sequence[Row]) -> str:
    """Confusion of kinds: share of noise hops, each file counting the same; files right by most of their hops."""
    names = sorted({row["kind"] for row in rows} | {name for row in rows for name in row["hops"]})
    lines = [f"| is | {' | '.join(names)} | files right | told speech |", "|---|" + "---|" * (len(names) + 2)]
    for kind in sorted({row["kind"] for row in rows}):
        here = [row for row in rows if row["kind"] == kind]
        with_hops = [row for row in here if row["hops"]]
        shares = [
            np.mean([row["hops"].get(name, 0) / sum(row["hops"].values()) for row in with_hops]) if with_hops else 0.0
            for name in names
        ]
        speech = _percent(sum(row["speech"] for row in here), sum(row["all"] for row in here))
        right = sum(_most(row) == kind for row in here)
        lines.append(
            f"| {kind} | {' | '.join(f'{100 * s:.0f} %' for s in shares)} | {right} of {len(here)} | {speech} |"
        )
    return "\n".join(lines)


def words_text(rows: Sequence[Row]) -> str:
    """Speech by word times."""
    table = total([row["counts"] for row in rows])
    return (
        f"{len(rows)} clips of LibriSpeech, words timed by stock faster-whisper tiny.en, gaps of 0.3 s and more being"
        f" no speech: {_percent(np.trace(table), table.sum())} of hops right, {_missed(table)} of speech missed,"
        f" {_false(table)} of the rest told speech. The times are Whisper's guess, within a tenth of a second or so."
    )


def deletions_table(rows: Sequence[Row]) -> str:
    """WER of every way, and the goal's ratio."""
    speakers = [row["speaker"] for row in rows]
    lines = ["| deleted | WER % | more than as it is |", "|---|---|---|"]
    for way in ("as it is", "bottom", "random", "top"):
        errors = interval(speakers, partial(_percent_wrong, rows, way, None))
        more = interval(speakers, partial(_percent_wrong, rows, way, "as it is"))
        lines.append(
            f"| {'nothing' if way == 'as it is' else f'{way} tenth'} | {shown(errors)} | {shown(more, sign=True)} |"
        )
    return "\n".join(lines) + (
        f"\n\n{len(rows)} clips, heard by `whisper-short:tiny.en`; intervals by resampling speakers. What the top tenth"
        f" costs, less {GOAL_RATIO:g} times what the bottom tenth costs: {shown(margin(rows), sign=True)} points (goal:"
        f" above 0). The WERs themselves, errors of the clip as it is among them: {shown(ratio(rows))} to 1."
    )


def complexity_text(rows: Sequence[Row]) -> str:
    """Does complexity predict what compression costs?"""
    return (
        f"Spearman's correlation of a clip's complexity (mean of its speech hops) with the WER it loses at tempo"
        f" {TEMPO:g}: {shown(complexity(rows))}, over {len(rows)} clips."
    )


def cpu_text(rows: Sequence[Row]) -> str:
    """CPU of the whole analysis, a hop."""
    each = np.array([1e3 * row["cpu_s"] / row["hops"] for row in rows])
    return (
        f"CPU of the whole analysis over hops of 32 ms, {len(rows)} recordings: median {np.median(each):.2f} ms,"
        f" p95 {cpu_p95(rows):.2f} ms a hop (goal: at most {GOAL_MS:g})."
    )


def margin(rows: Sequence[Row]) -> Interval:
    """Points of WER lost without the top tenth, less GOAL_RATIO times those lost without the bottom tenth."""
    speakers = [row["speaker"] for row in rows]

    def difference(picked: Rows) -> float:
        top, bottom = (_percent_wrong(rows, way, "as it is", picked) for way in ("top", "bottom"))
        return top - GOAL_RATIO * bottom

    return interval(speakers, difference)


def ratio(rows: Sequence[Row]) -> Interval:
    """WER without the top tenth to that without the bottom tenth."""
    speakers = [row["speaker"] for row in rows]
    return interval(speakers, lambda p: _wer(rows, "top", p) / max(_wer(rows, "bottom", p), 1e-9))


def complexity(rows: Sequence[Row]) -> Interval:
    """Spearman's correlation of complexity with the WER lost when faster."""
    from scipy.stats import spearmanr

    hard = np.array([row["complexity"] for row in rows])
    lost = np.array([(row["faster"] - row["as it is"]) / row["units"] for row in rows])
    return interval([row["speaker"] for row in rows], lambda p: float(spearmanr(hard[p], lost[p]).statistic))


def cpu_p95(rows: Sequence[Row]) -> float:
    """ms a hop."""
    return float(np.quantile([1e3 * row["cpu_s"] / row["hops"] for row in rows], 0.95))


def _percent_wrong(rows: Sequence[Row], way: str, than: str | None, picked: Rows) -> float:
    """WER in per cent, less that of another way where one is named."""
    return 100 * (_wer(rows, way, picked) - (_wer(rows, than, picked) if than else 0.0))


def _wer(rows: Sequence[Row], way: str, picked: Rows) -> float:
    errors, units = (np.array([row[name] for row in rows], np.float64) for name in (way, "units"))
    return float(errors[picked].sum() / units[picked].sum())


def _most(row: Row) -> str | None:
    hops: dict[str, int] = row["hops"]
    return max(hops, key=lambda name: hops[name]) if hops else None


def _missed(table: np.ndarray[Any, Any]) -> str:
    return _percent(table[SPOKEN].sum() - table[SPOKEN, SPOKEN], table[SPOKEN].sum())


def _false(table: np.ndarray[Any, Any]) -> str:
    return _percent(table[:SPOKEN, SPOKEN].sum(), table[:SPOKEN].sum())


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"

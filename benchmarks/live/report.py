"""What was measured, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tabulate import tabulate

Part = Mapping[str, Any]
STATES = "answered / failed / dropped"
GOALS: Mapping[str, str] = {
    "mfcc-lite": "300/380",
    "whisper-probe:tiny.en": "300/380",
    "whisper-closed:tiny.en": "350/450",
}


def markdown(parts: Mapping[str, Part], command: str) -> str:
    """The report of all parts that were measured."""
    machine = parts["machine"]
    small = any(part.get("small") for part in parts.values())
    lines = [
        "# Heard live",
        "",
        f"`{command}` on {machine['cpu']}, {machine['cores']} cores; raw figures are in `records/`.",
        *(["", "**For testing only: a tenth of everything.**"] if small else []),
        "",
    ]
    for name, section in SECTIONS.items():
        if name in parts:
            lines += [section(parts[name]), ""]
    return "\n".join(lines)


def _latency(part: Part) -> str:
    table = []
    rows = part["rows"]
    for count in sorted({row["backends"] for row in rows}):
        for backend in dict.fromkeys(row["backend"] for row in rows):
            mine = [row for row in rows if (row["backend"], row["backends"]) == (backend, count)]
            first: dict[int, float] = {}
            for row in mine:
                first[row["digit"]] = min(first.get(row["digit"], np.inf), row["delay_s"])
            final = [row for row in mine if row["final"]]
            if final:
                stages = [_middle(final, each) for each in (("device", "vad"), ("queue",), ("features", "model"))]
                pairs = (_pair([*first.values()]), _pair([row["delay_s"] for row in final]))
                table.append((backend, count - 1, len(final), *pairs, GOALS.get(backend, ""), *stages))
    about = (
        f"{part['digits']} digits of FSDD's official test in {part['seconds']:.0f} s, gaps of 0.3-2 s, played in real"
        f" time to `digitbench live --json`; blocks dropped: {part['dropped_blocks']}. Times count from the true end of"
        " the word in the file to the line, flushed. Early answers come after 96 ms of silence, confirmed ones after"
        " 192."
    )
    names = ("backend", "others beside it", "answers", "early, p50/p95 ms", "confirmed, p50/p95 ms", "goal")
    return _section(
        "End of speech to the label shown", about, (*names, "device + VAD", "queue", "features + model"), table
    )


def _interference(part: Part) -> str:
    rows = [row for row in part["rows"] if row["backend"] == part["quick"]]
    alone = {row["utterance"]: row["answer_s"] for row in rows if row["treatment"] == "alone"}
    table = []
    for treatment in dict.fromkeys(row["treatment"] for row in rows):
        mine = [row for row in rows if row["treatment"] == treatment]
        answered = [row for row in mine if row["answer_s"] is not None]
        both = [row for row in answered if alone.get(row["utterance"]) is not None]
        later = [row["answer_s"] - alone[row["utterance"]] for row in both]
        of = [row["state"] for row in part["rows"] if (row["backend"], row["treatment"]) == (part["stock"], treatment)]
        states = " / ".join(str(of.count(state)) for state in STATES.split(" / ")) if of else ""
        times = _pair([row["answer_s"] for row in answered])
        table.append((treatment, f"{len(answered)} of {len(mine)}", times, _pair(later), states))
    about = (
        "From the cut to the answer. At every fourth utterance Whisper's worker is stopped (hangs) or killed (dies);"
        f" its step limit is {part['step_s']:g} s. Goal: at most 20 ms later, p95."
    )
    names = ("Whisper", "answered", "p50/p95 ms", "later than alone, same word, p50/p95 ms", "Whisper " + STATES)
    return _section(f"{part['quick']} while {part['stock']} runs, hangs or dies beside it", about, names, table)


def _detection(part: Part) -> str:
    table = []
    for detector in dict.fromkeys(row["detector"] for row in part["rows"]):
        for snr in (None, 20.0, 10.0, 5.0, "noise alone"):
            mine = [row for row in part["rows"] if (row["detector"], row["snr_db"]) == (detector, snr)]
            name = "quiet" if snr is None else snr if isinstance(snr, str) else f"{snr:g} dB"
            found, false, cpu = (_mean(mine, key) for key in ("found", "false_a_minute", "cpu_ms_a_second"))
            guess, decision = ([each for row in mine for each in row[key]] for key in ("guess_s", "decision_s"))
            held = max(row["longest_s"] for row in mine)
            shown = f"{found:.1f}" if decision else ""
            row = (detector, name, shown, f"{false:.2f}", _pair(guess), _pair(decision), f"{cpu:.1f}", f"{held:.1f}")
            table.append(row)
    about = (
        f"{part['digits']} digits of equal active level; found: one segment for one digit, mean of the noises dishes,"
        " cat, bike and tap. Goal at 20 dB: 58 of 60, at most 0.5 false triggers a minute. Times count from the true"
        " end of the word, on the sample clock."
    )
    names = ("detector", "SNR", "found", "false triggers a minute", "early, p50/p95 ms", "confirmed, p50/p95 ms")
    return _section("Digits found, false triggers", about, (*names, "CPU, ms a second", "longest cut, s"), table)


def _cuts(part: Part) -> str:
    table = [
        (
            row["backend"],
            row["clips"],
            *(f"{100 * row[name]:.1f}" for name in ("clean", "live")),
            f"{100 * row['lost']:.1f} ({100 * row['low']:.1f} to {100 * row['high']:.1f})",
        )
        for row in part["rows"]
    ]
    about = (
        "FSDD's official test, each clip as it is and as the segmenter of live use cuts it out of a stream (condition"
        " `live`), with as much of the room around it as the backend wants; `+framed` learns from such copies. The"
        " interval is a bootstrap over speakers. Goal: at most 2 points lost."
    )
    names = ("backend", "clips", "as they are, % right", "cut live, % right", "lost, points")
    return _section("From true clips to live cuts", about, names, table)


def _endurance(part: Part) -> str:
    memory = part["memory"]
    places = (min(1, len(memory) - 1), len(memory) // 2, len(memory) - 1)
    table = [
        (name, *(f"{memory[place][name] / 1e6:.1f}" for place in places)) for name in ("session", "workers")
    ]  # fmt: skip
    about = (
        f"The digits over and over, played in real time to {part['backends']} backends side by side:"
        f" {part['utterances']:,} utterances, {part['answered']:,} answers, {part['dropped_answers']} not answered;"
        f" blocks dropped: {part['dropped_blocks']}. Goal: memory flat, 0 dropped."
    )
    names = ("memory, MB", "after two minutes", "in the middle", "at the end")
    return _section(f"A session of {part['minutes']:g} minutes", about, names, table)


def _transcription(part: Part) -> str:
    table = []
    for run in part["runs"]:
        summary = run["summary"]
        clock = "real" if run["paced"] else "virtual"
        final, first = _pair([each["delay_s"] for each in run["finals"]]), _pair(run["first_partial_s"])
        revised = summary["revisions"] / max(1, summary["final"])
        tokens = summary.get("encoder_tokens_per_s", "")
        sizes = (f"{summary['audio_s']:.0f}", summary["final"])
        table.append((run["backend"], clock, *sizes, final, first, f"{summary['rtf']:.3f}", f"{revised:.1f}", tokens))
    about = (
        "LibriSpeech of the test part, joined with gaps of 0.6-1.5 s, to `digitbench stream`. Goal: final text within"
        " 500 ms after the end of speech, p95; RTF 0.10; first partial within 1.2 s of speech."
    )
    names = ("backend", "clock", "audio, s", "sentences", "final, p50/p95 ms", "first partial, p50/p95 ms", "RTF")
    return _section("Sentences as text", about, (*names, "words revised a sentence", "encoder tokens a second"), table)


SECTIONS = {
    "latency": _latency,
    "interference": _interference,
    "detection": _detection,
    "cuts": _cuts,
    "endurance": _endurance,
    "transcription": _transcription,
}


def _section(title: str, about: str, names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return f"## {title}\n\n{about}\n\n{tabulate(rows, names, tablefmt='github', disable_numparse=True)}"


def _middle(rows: Sequence[Part], stages: Sequence[str]) -> str:
    """Median of a sum of stages, in milliseconds."""
    return f"{1e3 * float(np.median([sum(row[f'{stage}_s'] for stage in stages) for row in rows])):.0f}"


def _mean(rows: Sequence[Part], key: str) -> float:
    return float(np.mean([row[key] for row in rows]))


def _pair(seconds: Sequence[float]) -> str:
    """p50/p95 in whole milliseconds."""
    if not seconds:
        return ""
    low, high = np.quantile(np.asarray(seconds), (0.5, 0.95))
    return f"{1e3 * low:.0f}/{1e3 * high:.0f}"

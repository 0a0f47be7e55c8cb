"""The parts of report.md that are about the figures. A part without figures is left out."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pandas as pd

from bench.records.schema import Run
from bench.report.tables import cost
from bench.report.tables.heard import column
from bench.report.tables.outcomes import FLOOR, clusters, family, splits, tested
from bench.report.text.markdown import (
    HIGH,
    LOW,
    Column,
    code,
    count,
    count_threads,
    details,
    escape,
    p_value,
    percent,
    table,
)
from bench.report.text.summary import first_header
from bench.stats.paired import ALPHA

SIGNS = (
    "↑ higher is better, ↓ lower is better, **bold** the best of its column; milliseconds are for one clip at a"
    " time on a warm process, and an RTF below 1 is faster than real time."
)


def reading(run: Run) -> str:
    """What it is and how to read it, in three lines."""
    corpus = run.info["corpus"]
    if corpus.get("parts"):
        return _reading_across(run)
    return (
        f"Recognisers of {len(run.info['vocabulary'])} words on {corpus['clips']:,} clips of {corpus['speakers']}"
        f" speakers ({escape(corpus['name'])}): how often right, how fast, how big.\n"
        "`official` is the corpus's own split and `mixed` one drawn at random; `loso` tests each speaker by a model"
        " that never heard them;"
        " brackets hold 95 % intervals, and where they overlap see which differences are real.\n" + SIGNS
    )


def _reading_across(run: Run) -> str:
    """The same of a run that trains on one corpus and tests on another."""
    words, parts = len(run.info["vocabulary"]), run.info["corpus"]["parts"]
    train, test = (_told(parts[part]) for part in ("train", "test"))
    rows = run.clips[run.clips["cross"] == "test"]
    people = "are clustered by speaker" if clusters(rows, "cross") is not None else "take clips as independent"
    return (
        f"Recognisers of {words} words across corpora (`cross`): trained backends were fitted on all of {train}; every"
        f" backend was tested on all of {test}; zero-shot ones were only tested.\n"
        "What a backend learnt of one corpus's microphone, level, silence or speakers does not help it here; brackets"
        f" hold 95 % intervals, which {people}, and where they overlap see which differences are real.\n" + SIGNS
    )


def _told(part: Mapping[str, Any]) -> str:
    """A corpus in half a sentence."""
    speakers = f"{part['speakers']} speakers" if part["speakers"] else "unknown speakers"
    rates = ", ".join(f"{rate / 1000:g}" for rate in part["sample_rates"])
    length = part["audio_s"] / part["clips"]
    return f"{escape(part['name'])} ({part['clips']:,} clips of {speakers}, {rates} kHz, {length:.2f} s on average)"


def after_summary(run: Run) -> str:
    """What a reader of the summary must know."""
    headline = cost.headline_threads(run)
    costs = (
        f"Latency, RTF and memory are at {count_threads(headline)}; cold start (import, load, first"
        " prediction in a fresh process) is on all cores"
        if cost.measures_cost(run)
        else "This run is about accuracy alone: no time was measured"
    )
    lines = [
        f"{costs}; MB are 1,000,000 bytes.",
        f"`{FLOOR}` is the floor, not a candidate: never bold.",
    ]
    capped = [
        f"{escape(entry['name'])} on {most}"
        for entry in run.info["backends"]
        if cost.measures_cost(run) and (most := entry["settings"].get("most_threads", headline)) < headline
    ]
    if capped:
        lines.append(f"Given fewer threads, being quicker so: {', '.join(capped)}.")
    lines += [
        f"No {split}: {escape(reason)}."
        for split, reason in sorted(run.info["corpus"].get("impossible_splits", {}).items())
    ]
    return " ".join(lines)


def differences(run: Run, scores: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """Per split, the ranks and whether neighbours differ."""
    unheard = "cross" if "cross" in splits(run) else "loso"
    blocks = [
        "## Which differences are real",
        "Rank = 1 + the number of backends shown to be better, by the exact McNemar test on the same clips,"
        f" Holm-corrected over all pairs of a split at {ALPHA}. What no test separates can share a rank. The test"
        f" speaks of these clips; how far a figure holds for other speakers is what the interval of {unheard} says.",
    ]
    for split in splits(run):
        own, tests = scores[scores["split"] == split], pairs[pairs["split"] == split]
        if own.empty:
            continue
        columns = [
            Column(first_header(run, "rank"), "rank", count, LOW, bold=False),
            Column("backend", "backend", escape),
            Column("accuracy, %", "accuracy", percent, HIGH, ("accuracy_low", "accuracy_high"), bold=False),
            Column("macro-F1, %", "macro_f1", percent, HIGH, ("macro_f1_low", "macro_f1_high"), bold=False),
            Column("no digit, %", "no_digit", percent, LOW, bold=False),
        ]
        blocks += [
            f"### {split}, {len(tested(run, split)):,} clips",
            table(own.sort_values("rank", kind="stable"), columns),
        ]
        shares = dict(zip(own["backend"], own["accuracy"], strict=True))
        neighbours = set(pairwise(own["backend"]))
        blocks.append("\n".join(_sentence(row, shares) for row in _rows(tests) if (row["a"], row["b"]) in neighbours))
        if len(tests):
            blocks.append(details(f"All {len(tests)} pairs of {split}", table(tests, _pair_columns(run))))
    return blocks if len(blocks) > 2 else []


def _sentence(pair: pd.Series, shares: Mapping[str, float]) -> str:
    a, b = (f"{escape(pair[side])} ({percent(shares[pair[side]])} %)" for side in ("a", "b"))
    verdict = f"{a} is better than {b}" if pair["holm_p"] < ALPHA else f"{a} and {b}: no difference shown"
    evidence = f"{pair['a_only']:,} clips only the first has right, {pair['b_only']:,} only the second"
    return f"- {verdict}; {evidence}, Holm p: {p_value(pair['holm_p'])}."


def _pair_columns(run: Run) -> list[Column]:
    return [
        Column(first_header(run, "a"), "a", escape),
        Column("b", "b", escape),
        Column("clips only a has right", "a_only", count),
        Column("clips only b has right", "b_only", count),
        Column("p, exact McNemar", "p", p_value),
        Column("p, Holm", "holm_p", p_value),
    ]


def by_speaker(run: Run, scores: pd.DataFrame, speakers: pd.DataFrame) -> list[str]:
    """Accuracy on each speaker of loso."""
    if speakers.empty:
        return []
    names = [name for name in speakers.columns if name != "backend"]
    clips = tested(run, "loso").map(column).value_counts()
    columns = [Column(first_header(run, "backend"), "backend", escape)]
    columns += [Column(f"{escape(name)}, %, n = {clips[name]:,}", name, percent, HIGH) for name in names]
    text = "Accuracy of `loso`: each speaker by a model that never heard them."
    return ["## By speaker", text, table(speakers, columns, candidate=is_candidate)]


def confusions(run: Run, scores: pd.DataFrame, confusion: pd.DataFrame) -> list[str]:
    """Of the best backend of each family, on the hardest split that it was heard on in full."""
    families = scores.assign(family=scores["backend"].map(family))
    best = families[families["backend"] != FLOOR].drop_duplicates("family")
    blocks = []
    for _, row in best.iterrows():
        own = confusion[(confusion["backend"] == row["backend"]) & (confusion["split"] == row["split"])]
        wide = own.pivot(index="label", columns="predicted", values="clips")
        said = [label for label in run.info["vocabulary"] if label in wide.index]
        heard = [*run.info["vocabulary"], ""]
        wide = wide.reindex(index=said, columns=heard).fillna(0).set_axis(map(str, range(len(heard))), axis=1)
        columns = [Column(first_header(run, "said in rows, heard in columns"), "label", escape)]
        columns += [Column(escape(name) or "no digit", str(place), count) for place, name in enumerate(heard)]
        wide = wide.reset_index()
        share = f"{percent(row['accuracy'])} % of {row['clips']:,}"
        blocks += [f"### {escape(row['backend'])}, {row['split']}: {share}", table(wide, columns)]
    return ["## Confusions of the best of each family", *blocks] if blocks else []


def texts(run: Run, wrong: pd.DataFrame, agreement: pd.DataFrame) -> list[str]:
    """The commonest wrong texts, and how far engines on the same weights agree."""
    blocks: list[str] = []
    if len(wrong):
        columns = [
            Column("text", "text", code),
            Column("taken for", "predicted", lambda label: escape(label) or "no digit"),
            Column("clips", "clips", count),
            Column(first_header(run, "what had been said"), "labels", escape),
        ]
        blocks += ["## Commonest wrong texts", "Over all clips that the backend heard."]
        blocks += [f"### {escape(name)}\n\n{table(own, columns)}" for name, own in wrong.groupby("backend")]
    if len(agreement):
        columns = [
            Column(first_header(run, "weights"), "variant", escape),
            Column("engine a", "a", escape),
            Column("engine b", "b", escape),
            Column("clips heard by both", "clips", count),
            Column("same label, %", "same_label", percent),
            Column("same text, %", "same_text", percent),
        ]
        blocks += ["## Engines on the same weights", table(agreement, columns)]
    return blocks


def calibration(run: Run, frame: pd.DataFrame) -> list[str]:
    """Whether scores can be trusted."""
    if frame.empty:
        return []
    columns = [
        Column(first_header(run, "backend"), "backend", escape),
        Column("split", "split"),
        Column("clips", "clips", count),
        Column("Brier score", "brier", lambda x: f"{x:.4f}", LOW, bold=False),
        Column("calibration error, %", "ece", percent, LOW, bold=False),
        Column("macro AUC, %", "macro_auc", percent, HIGH, bold=False),
    ]
    text = (
        "Brier score from 0 to 2; expected calibration error over 15 bins of equal width; AUC of each label against the"
        " rest. The first two only where scores are probabilities."
    )
    return ["## Can the scores be trusted", text, table(frame, columns)]


def _rows(frame: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in frame.iterrows()]


def is_candidate(row: pd.Series) -> bool:
    """Whether a row may be best: the floor may not."""
    return bool(row["backend"] != FLOOR)

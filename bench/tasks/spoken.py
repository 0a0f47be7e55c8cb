"""Tables and chapters that only a run of transcription has: of what errors are made, in whose and what speech, and
after how much work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from bench import stats
from bench.tasks.base import LOW, Fact, Part, Section
from bench.tasks.words import alignment, letter_edits, versions, word_edits

if TYPE_CHECKING:
    from bench.records.schema import Run
    from bench.tasks.transcription import Transcription

CLEAN: Final = "clean"
COMMONEST, WORST, SPEAKERS = 10, 5, 12
"""Substitutions, clips and speakers that are told of each backend."""
CONTENT: Mapping[str, str] = {
    "words_a_second": "words a second of speech",
    "snr_db": "dB of speech over its pauses",
    "pause_share": "share of the clip in which nobody speaks",
}
"""What clips are parted into thirds by."""
TOKENS: Mapping[str, str] = {
    "encoder_tokens": "encoder tokens a second of audio",
    "clip_tokens": "tokens of the clip a second of audio (50: all kept)",
    "decoder_tokens": "decoder tokens a second of audio",
}
EDITS = ("substitutions", "deletions", "insertions")


def transcripts(task: Transcription, run: Run) -> pd.DataFrame:
    """A row per backend and clip as recorded: what was said and heard, edits, and what is known of the clip."""
    rows = run.predictions[run.predictions["condition"] == CLEAN].drop_duplicates(["backend", "clip"])
    rows = rows.assign(said=task.lines(rows["reference"]), heard=task.lines(rows["predicted"]))
    edits = word_edits(rows["said"].tolist(), rows["heard"].tolist())
    letters = letter_edits(rows["said"].tolist(), rows["heard"].tolist())
    rows = rows.assign(
        **{name: [getattr(each, name) for each in edits] for name in EDITS},
        letter_errors=[each.errors for each in letters],
        letters=[each.units for each in letters],
    )
    clips = run.clips.set_index("clip")
    about = pd.DataFrame(
        {
            "audio_s": clips["samples"] / clips["sample_rate"],
            "sex": clips["sex"],
            "within": _corpora(run),
            **_content(clips["content"]),
        }
    )
    rows = rows.join(about, on="clip")
    return rows.assign(words_a_second=rows["units"] / rows["speech_s"].where(rows["speech_s"] > 0))


def by_clip(rows: pd.DataFrame) -> pd.DataFrame:
    """Edits of every clip by every backend."""
    columns = ["backend", "clip", "errors", "units", *EDITS, "letter_errors", "letters", "reference", "text"]
    return rows[columns].sort_values(["backend", "clip"], ignore_index=True)


def by_group(rows: pd.DataFrame, column: str, pooled: bool = False) -> pd.DataFrame:
    """WER of each backend in each group of clips, with its interval, clustered by speaker where speakers are known.

    With ``pooled`` a last group has them all, where there are several.
    """
    known = rows[rows[column].notna()]
    groups = [(str(name), part) for name, part in known.groupby(column)]
    if pooled and len(groups) > 1:
        groups.append(("pooled", known))
    table = [
        {column: name, "backend": backend, **_rate(part)}
        for name, group in groups
        for backend, part in group.groupby("backend")
    ]
    return pd.DataFrame(table, columns=[column, "backend", "clips", "words", "wer", "wer_low", "wer_high", "cer"])


def by_content(rows: pd.DataFrame) -> pd.DataFrame:
    """WER of each backend in thirds of the clips by what they hold."""
    table = []
    for name in CONTENT:
        clips = rows.drop_duplicates("clip").set_index("clip")[name].dropna()
        if clips.nunique() < 3:
            continue
        ends = np.quantile(clips, [1 / 3, 2 / 3])
        third = rows[name].map(lambda value, ends=ends: int(np.searchsorted(ends, value)) if value == value else -1)
        for place in range(3):
            for backend, part in rows[third == place].groupby("backend"):
                low, high = part[name].min(), part[name].max()
                table.append({"content": name, "from": low, "to": high, "backend": backend, **_rate(part)})
    columns = ["content", "from", "to", "backend", "clips", "words", "wer", "wer_low", "wer_high", "cer"]
    return pd.DataFrame(table, columns=columns)


def substitutions(rows: pd.DataFrame) -> pd.DataFrame:
    """The commonest words that each backend heard for others, left out or added; empty is none."""
    table = []
    for backend, part in rows.groupby("backend"):
        counts = Counter[tuple[str, str]]()
        for reference, answer in zip(part["said"], part["heard"], strict=True):
            for step in alignment(reference, answer):
                if step.kind != "equal":
                    longest = max(len(step.said), len(step.heard))
                    pairs = zip(_filled(step.said, longest), _filled(step.heard, longest), strict=True)
                    counts.update(pairs)
        commonest = sorted(counts.items(), key=lambda item: (-item[1], "" in item[0], item[0]))[:COMMONEST]
        table += [{"backend": backend, "said": a, "heard": b, "times": times} for (a, b), times in commonest]
    return pd.DataFrame(table, columns=["backend", "said", "heard", "times"])


def alignments(rows: pd.DataFrame) -> pd.DataFrame:
    """The clips with most errors of each backend, word by word."""
    ordered = rows[rows["errors"] > 0].sort_values(["backend", "errors", "clip"], ascending=[True, False, True])
    worst = ordered.groupby("backend").head(WORST)
    aligned = [aligned_text(reference, answer) for reference, answer in zip(worst["said"], worst["heard"], strict=True)]
    columns = ["backend", "clip", "errors", "units"]
    return worst[columns].assign(aligned=pd.Series(aligned, worst.index, dtype=object)).reset_index(drop=True)


def aligned_text(reference: str, answer: str) -> str:
    """Two lines as one: ``the [cat → hat] sat [on → ·] [· → the] mat``; a dot is no word."""
    words = []
    for step in alignment(reference, answer):
        if step.kind == "equal":
            words.append(" ".join(step.said))
        else:
            words.append(f"[{' '.join(step.said) or '·'} → {' '.join(step.heard) or '·'}]")
    return " ".join(words)


def work(rows: pd.DataFrame) -> pd.DataFrame:
    """What each backend told of its work: sums over the audio it heard, and means over clips."""
    table = []
    for backend, part in rows.groupby("backend"):
        facts = pd.DataFrame([each if isinstance(each, dict) else {} for each in part["facts"]], index=part.index)
        row: dict[str, object] = {"backend": backend, "clips": len(part), "audio_s": part["audio_s"].sum()}
        row |= {f"{name}_per_s": _per_second(facts, name, part["audio_s"]) for name in TOKENS}
        row |= {name: _mean(facts, name) for name in ("avg_logprob", "no_speech", "network_s", "server_s")}
        row["retries"] = float(facts["retries"].sum()) if "retries" in facts else np.nan
        row["price"] = 3600 * _per_second(facts, "price", part["audio_s"])
        table.append(row)
    columns = ["backend", "clips", "audio_s", *(f"{name}_per_s" for name in TOKENS)]
    columns += ["avg_logprob", "no_speech", "retries", "network_s", "server_s", "price"]
    return pd.DataFrame(table, columns=columns)


def sections(run: Run, tables: Mapping[str, pd.DataFrame]) -> list[Section]:
    """The chapters, those that have something to say."""
    compared = f"Texts are compared after Whisper's normaliser ({versions()}), references and answers alike."
    bold = "`[said → heard]`; `·` is no word."
    candidates = (
        Section("By corpus", _rates(tables["corpora"], "within"), f"Pooled: all clips together. {compared}"),
        Section("Work", _work(tables["work"]), WORK),
        Section("Worst clips, word by word", _alignments(tables["alignments"]), bold, best_only=True),
        Section(
            "Commonest wrong words",
            _substitutions(tables["substitutions"]),
            "An empty cell is no word.",
            best_only=True,
        ),
        Section("By sex", _rates(tables["wer_by_sex"], "sex"), "Of the clips whose speaker's sex is known."),
        Section("By content", _contents(tables["wer_by_content"]), BY_CONTENT),
        Section("By speaker", _speakers(tables["wer_by_speaker"]), BY_SPEAKER),
    )
    return [section for section in candidates if section.parts]


WORK = (
    "Tokens by what each backend tells of itself, summed over all clips and divided by the seconds of audio."
    " Encoder tokens: positions that the encoder computed, in stock Whisper 1,500 a window of 30 s, however short"
    " the clip. Tokens of the clip: 50 a second of what was kept of it. Decoder tokens: what it wrote. The mean log"
    " probability of a token is a mean over clips."
)
BY_CONTENT = (
    "Thirds of the clips; where a third begins and ends is what its clips have. Speech and pauses are told by a"
    " detector."
)
BY_SPEAKER = f"The {SPEAKERS} speakers with the highest rate over all backends; all are in `tables/wer_by_speaker.csv`."
_SHOWN = (
    Fact("clips", "clips", "count"),
    Fact("words", "words", "count"),
    Fact("WER, % (95 % interval)", "wer", "percent", LOW, ("wer_low", "wer_high")),
    Fact("CER, %", "cer", "percent", LOW),
)


def _rates(frame: pd.DataFrame, column: str) -> list[Part]:
    if frame[column].nunique() < (1 if column == "within" else 2):
        return []
    groups = sorted(frame[column].unique(), key=lambda name: (name == "pooled", name))
    facts = (Fact("backend", "backend"), *_SHOWN)
    ordered = frame.sort_values("wer", kind="stable")
    return [Part(ordered[ordered[column] == name], facts, str(name)) for name in groups]


def _contents(frame: pd.DataFrame) -> list[Part]:
    ends = (Fact("from", "from", "number"), Fact("to", "to", "number"))
    parts = []
    for name, title in CONTENT.items():
        rows = frame[frame["content"] == name].sort_values(["backend", "from"], kind="stable")
        if len(rows):
            parts.append(Part(rows, (Fact("backend", "backend"), *ends, *_SHOWN), title))
    return parts


def _speakers(frame: pd.DataFrame) -> list[Part]:
    if frame["speaker"].nunique() < 2:
        return []
    wide = frame.pivot(index="speaker", columns="backend", values="wer")
    worst = wide.mean(axis=1).sort_values(ascending=False, kind="stable").head(SPEAKERS).index
    names = list(wide.columns)
    counts = frame.drop_duplicates("speaker").set_index("speaker")[["clips", "words"]]
    table = wide.loc[worst].set_axis([f"wer_{i}" for i in range(len(names))], axis=1).join(counts).reset_index()
    facts = [Fact("speaker", "speaker"), *_SHOWN[:2]]
    return [
        Part(table, [*facts, *(Fact(f"{name}, WER %", f"wer_{i}", "percent", LOW) for i, name in enumerate(names))])
    ]


def _work(frame: pd.DataFrame) -> list[Part]:
    facts = [Fact("backend", "backend"), Fact("audio, s", "audio_s", "number")]
    facts += [Fact(title, f"{name}_per_s", "number", LOW) for name, title in TOKENS.items()]
    facts += [
        Fact("mean log probability of a token", "avg_logprob", "number"),
        Fact("redone", "retries", "count", LOW),
        Fact("wait for the network, s a clip", "network_s", "number", LOW),
        Fact("of that the server's, s", "server_s", "number", LOW),
        Fact("price an hour of audio", "price", "number", LOW),
    ]
    shown = [fact for fact in facts if fact.key in ("backend", "audio_s") or frame[fact.key].notna().any()]
    return [Part(frame, shown)] if len(shown) > 2 else []


def _alignments(frame: pd.DataFrame) -> list[Part]:
    facts = (
        Fact("clip", "clip", "code"),
        Fact("errors", "errors", "count"),
        Fact("words", "units", "count"),
        Fact("said and heard", "aligned"),
    )
    return [Part(rows, facts, backend=str(name)) for name, rows in frame.groupby("backend")]


def _substitutions(frame: pd.DataFrame) -> list[Part]:
    facts = (Fact("said", "said"), Fact("heard", "heard"), Fact("times", "times", "count"))
    return [Part(rows, facts, backend=str(name)) for name, rows in frame.groupby("backend")]


def _rate(part: pd.DataFrame) -> dict[str, float]:
    known = part["speaker"].nunique() > 1
    speakers = part["speaker"].astype(object).where(part["speaker"].notna(), part["clip"]) if known else None
    share = stats.share(part["errors"], part["units"], speakers)
    return {
        "clips": len(part),
        "words": int(part["units"].sum()),
        "wer": 1 - share.value,
        "wer_low": 1 - share.high,
        "wer_high": 1 - share.low,
        "cer": float(part["letter_errors"].sum() / part["letters"].sum()),
    }


def _corpora(run: Run) -> pd.Series:
    """The corpus of each clip: of those that are joined, the first part of its id."""
    clips = run.clips["clip"]
    parts = run.info["corpus"].get("parts") or {}
    name = str(run.info["corpus"]["name"])
    first = clips.str.partition("/")[0]
    return pd.Series(first.where(first.isin(list(parts)), name).to_numpy(), index=clips)


def _content(facts: pd.Series) -> dict[str, pd.Series]:
    """The facts that are parted by, NaN where they are unknown."""
    known = facts.map(lambda each: each if isinstance(each, dict) else {})
    speech, pauses, snr = (
        known.map(lambda each, name=name: each.get(name, np.nan)).astype(float)
        for name in ("speech_s", "pauses_s", "snr_db")
    )
    total = speech + pauses
    return {"speech_s": speech, "snr_db": snr, "pause_share": pauses / total.where(total > 0)}


def _per_second(facts: pd.DataFrame, name: str, seconds: pd.Series) -> float:
    if name not in facts or facts[name].isna().all():
        return float("nan")
    known = facts[name].notna()
    return float(facts[name].sum() / seconds[known].sum())


def _mean(facts: pd.DataFrame, name: str) -> float:
    return float(facts[name].mean()) if name in facts else float("nan")


def _filled(words: Sequence[str], length: int) -> tuple[str, ...]:
    return (*words, *("",) * (length - len(words)))

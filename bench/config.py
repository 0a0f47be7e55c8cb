"""What a run is to do: every setting with its default, kind and meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from audiodecode.limits import LIMITS, Limits
from backends.base import Asked
from bench import tasks
from bench.errors import near
from bench.names import CROSS, SPLITS, Name
from bench.settings import (
    COUNTS,
    NAMES,
    PATH,
    SWITCH,
    TEXT,
    VOCABULARY,
    Kind,
    Setting,
    names,
    number,
    options,
    strings,
    whole,
)

if TYPE_CHECKING:
    from bench.corpora.collect import Wanted

DIGITS: Mapping[str, tuple[str, ...]] = {
    "0": ("zero", "oh", "o"),
    "1": ("one", "won"),
    "2": ("two", "to", "too"),
    "3": ("three",),
    "4": ("four", "for", "fore"),
    "5": ("five",),
    "6": ("six",),
    "7": ("seven",),
    "8": ("eight", "ate"),
    "9": ("nine",),
}


def _splits(value: Any) -> tuple[str, ...]:
    for split in names(value):
        if split == CROSS:
            raise ValueError(f"split {CROSS!r} comes by itself with --train and --test")
        if split not in SPLITS:
            raise ValueError(f"no split named {split!r}{near(split, SPLITS)}")
    return tuple(value)


def _conditions(value: Any) -> tuple[str, ...]:
    from bench.conditions.spec import expand

    if not strings(value):
        raise ValueError("it is empty; name at least one, `clean` for none but that")
    return expand(value)


def _pattern(value: Any) -> str:
    from bench.corpora.pattern import Pattern

    if not isinstance(value, str):
        raise ValueError("a string is wanted")
    return Pattern.of(value).text if value else ""


def _rates(value: Any) -> tuple[int, int]:
    if not (isinstance(value, list | tuple) and len(value) == 2 and all(type(rate) is int for rate in value)):
        raise ValueError("two whole numbers are wanted, in Hz")
    lowest, highest = value
    if not 1 <= lowest <= highest < 2**31:
        raise ValueError("the lowest, then the highest rate is wanted")
    return lowest, highest


def _language(value: Any) -> str:
    if not (isinstance(value, str) and re.fullmatch("[a-z]{2,3}", value)):
        raise ValueError("a code of two or three small letters is wanted, such as en, de, yue")
    return value


def _clips(value: Any) -> str:
    if value not in ("all", *SPLITS):
        raise ValueError(f"'all' or one of {', '.join(SPLITS)} is wanted")
    return str(value)


def option_tables(name: str) -> tuple[str, ...]:
    """Names of the tables of options that hold for a backend: its family's, its own; of one that learns noise, then
    those for its family and for itself with noise."""
    asked = Name.parse(name)
    tables = (asked.family, str(asked.plain))
    modified = (str(replace(Name.parse(table), modifiers=asked.modifiers)) for table in tables)
    return (*tables, *modified) if asked.modifiers else tables


ENGLISH = "en"
LANGUAGE = Kind("a code such as en, de, yue", _language)
HARNESS_OPTIONS: Mapping[str, Kind] = {
    "clips": Kind("'all', or a split whose test clips alone a zero-shot backend hears", _clips),
    "most_threads": whole(1),
    "step_limit_s": number(0.001),
    "memory_limit_mb": whole(100),
}
"""Options of a backend that the harness itself obeys; all others go to the constructor."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that decides what a run does. Field names are the keys of ``bench.toml``."""

    task: Annotated[
        str,
        Setting(
            TEXT, "What is asked about a clip: classification, transcription, or a task of your own, file.py:Class."
        ),
    ] = "classification"
    corpus: Annotated[
        str, Setting(TEXT, "The recordings: fsdd, synthetic, folder:PATH and others; see `digitbench list`.")
    ] = "fsdd"
    train: Annotated[
        str, Setting(TEXT, "Instead of a corpus: the one that trained backends are fitted on, all of it; needs test.")
    ] = ""
    test: Annotated[str, Setting(TEXT, "The other one, that every backend is tested on, all of it.")] = ""
    part: Annotated[
        str, Setting(TEXT, "Only clips of this part of the corpus, such as test or dev, where it has parts.")
    ] = ""
    language: Annotated[str, Setting(LANGUAGE, "What is spoken: a code such as en, de, yue.")] = ENGLISH
    data: Annotated[Path | None, Setting(PATH, "Folder (or CSV) that holds the corpus.")] = None
    pattern: Annotated[
        str,
        Setting(
            Kind("a pattern such as {speaker}/{label}_{take}", _pattern),
            "What the names of a folder's files say, such as '{speaker}/{label}_{speaker}_{take}'.",
        ),
    ] = ""
    strict: Annotated[bool, Setting(SWITCH, "Leaving files out, of other labels say, is an error.")] = False
    backends: Annotated[tuple[str, ...], Setting(NAMES, "Names, or file.py:Class; see `digitbench list`.")] = (
        "chance",
        "mfcc-svm",
        "mfcc-logreg",
        "mfcc-rf",
    )
    splits: Annotated[
        tuple[str, ...],
        Setting(
            Kind("a list of strings", _splits, "A,B"), f"Which of {', '.join(SPLITS)}; left out: those of the task."
        ),
    ] = ("official", "mixed", "loso")
    conditions: Annotated[
        tuple[str, ...],
        Setting(
            Kind("a list of strings", _conditions, "A,B"),
            "What is done to test clips, such as noise:white@10dB; sweep: many. Clean is always among them.",
        ),
    ] = ("clean",)
    seed: Annotated[int, Setting(whole(0), "Seed of every random choice of the harness.")] = 0
    limit: Annotated[
        int | None, Setting(whole(1), "Use about this many clips, evenly over labels and speakers: for testing only.")
    ] = None
    jobs: Annotated[
        int, Setting(whole(0), "Workers at once while predicting, one thread each; 0: one per processor.")
    ] = 0
    threads: Annotated[tuple[int, ...], Setting(COUNTS, "Thread counts to time; left out: 1 and all processors.")] = ()
    latency_clips: Annotated[
        int,
        Setting(whole(0), "Timed calls per backend, each on another clip; a quarter at all but the most threads."),
    ] = 140
    processes: Annotated[
        int, Setting(whole(1), "Fresh processes that share these calls; their starts are the cold start.")
    ] = 5
    latency_round: Annotated[int, Setting(whole(1), "Clips a backend hears before the next one has its turn.")] = 14
    warmup: Annotated[
        int, Setting(whole(0), "Untimed calls before the first turn of a process; one more precedes every turn.")
    ] = 2
    throughput_s: Annotated[
        float, Setting(number(0), "Seconds for each batch size, at the least one batch; 0 leaves throughput out.")
    ] = 2.0
    throughput_audio_s: Annotated[
        float, Setting(number(0.001), "Seconds of audio that a batch may hold; one clip it always may.")
    ] = 600.0
    checks: Annotated[bool, Setting(SWITCH, "Whether to look for backends that learn what they should not.")] = True
    step_limit_s: Annotated[float, Setting(number(0.001), "Seconds that one load, fit or prediction may take.")] = 900.0
    memory_limit_mb: Annotated[int, Setting(whole(100), "Megabytes that a worker may take.")] = 8_000
    longest_clip_s: Annotated[
        float,
        Setting(number(0.001), "A longer file is rejected; above 48 kHz, one of more samples than so long a file has."),
    ] = LIMITS.seconds
    clip_rates_hz: Annotated[
        tuple[int, int],
        Setting(Kind("two whole numbers", _rates, "LOW,HIGH"), "The lowest and the highest rate of a file."),
    ] = (LIMITS.lowest_hz, LIMITS.highest_hz)
    most_channels: Annotated[int, Setting(whole(1), "Channels that a file may have.")] = LIMITS.channels
    vocabulary: Annotated[
        Mapping[str, tuple[str, ...]],
        Setting(VOCABULARY, "Every label and how it is spoken or spelt, the usual way first."),
    ] = field(default_factory=lambda: DIGITS)
    backend: Annotated[
        Mapping[str, Mapping[str, Any]],
        Setting(options(HARNESS_OPTIONS), f"Options by name or family: a backend's own, {', '.join(HARNESS_OPTIONS)}."),
    ] = field(default_factory=dict)

    @property
    def asked(self) -> Asked:
        """All that a backend and a task are told."""
        return Asked(self.task, self.vocabulary, self.language)

    @property
    def wanted(self) -> Wanted:
        """What is asked of a corpus besides its labels."""
        from bench.corpora.collect import Wanted

        task = tasks.make(self.asked)
        return Wanted(part=self.part, columns=task.columns, refusal=task.refusal, language=self.language)

    @property
    def limits(self) -> Limits:
        """What a file may hold to be read."""
        return Limits(self.longest_clip_s, *self.clip_rates_hz, self.most_channels)

    def options(self, name: str) -> dict[str, Any]:
        """Options of one backend, later tables on top of earlier ones."""
        return {key: value for table in option_tables(name) for key, value in self.backend.get(table, {}).items()}


SETTINGS: Mapping[str, Setting] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(Config, include_extras=True).items()
}
"""Every setting's kind and meaning, by name."""

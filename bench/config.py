"""What to run: defaults, under ``bench.toml`` or another file, under ``--set`` and flags."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from audiodecode.limits import LIMITS, Limits
from backends.base import Asked
from bench import tasks
from bench.errors import BenchError, near
from bench.names import ALL, CROSS, SPLITS, Name
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
    shown,
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

LARGEST_FILE = 1_000_000
"""Bytes of a file of settings."""


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


def read_config(path: Path | None, changes: Mapping[str, Any] | None = None, **flags: Any) -> Config:
    """Defaults, then the file, then ``changes`` (``--set``) and every flag that is not None.

    What is said later replaces what was said before, but for ``backend``, whose options are laid over one another one
    by one. A ``corpus`` said later displaces ``train`` and ``test``, and they displace ``corpus`` and ``splits``.
    Raises BenchError for a file that cannot be read, an unknown key, a value of the wrong kind, a setting that both
    ``changes`` and a flag say, or settings at odds.
    """
    written = _settings(_read_toml(path), lambda name: f"{path}: {name} =") if path else {}
    changed = _settings(changes or {}, lambda name: f"--set {name} =")
    given = {name: value for name, value in flags.items() if value is not None}
    flagged = _settings(given, lambda name: f"--{_flag(name)}")
    if twice := changed.keys() & flagged.keys():
        name = min(twice)
        raise BenchError(f"--set {name} and --{_flag(name)} say the same setting; leave one of them out")
    said = _over(changed, flagged)
    settings = _over(_not_displaced(written, said), said)
    config = _asked(replace(Config(), **settings), settings, "--set" if "vocabulary" in said else f"{path}:")
    return _across(config, settings, "command line" if said else str(path)) if config.train or config.test else config


def assignments(lines: Sequence[str]) -> dict[str, Any]:
    """The lines of ``--set`` as one table. Raises BenchError for a line that assigns nothing, or a key said twice."""
    settings: dict[str, Any] = {}
    for line in lines:
        try:
            said = tomllib.loads(line)
        except (ValueError, RecursionError) as error:
            raise BenchError(
                f"--set {shown(line)}: not a TOML assignment ({error}); KEY = VALUE is wanted, strings in quotes"
            ) from error
        if not said:
            raise BenchError(f"--set {line!r}: it says nothing; KEY = VALUE is wanted")
        settings = _joined(settings, said, line)
    return settings


def _joined(settings: Mapping[str, Any], said: Mapping[str, Any], line: str, table: str = "") -> dict[str, Any]:
    joined = dict(settings)
    for name, value in said.items():
        earlier = joined.get(name)
        if isinstance(value, Mapping) and isinstance(earlier, Mapping):
            joined[name] = _joined(earlier, value, line, f"{table}{name}.")
        elif name in joined:
            raise BenchError(f"--set {shown(line)}: {table}{name} is set twice")
        else:
            joined[name] = value
    return joined


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Settings laid over others: options of backends one by one, all else whole."""
    chosen = {**below, **above}
    if "backend" in below and "backend" in above:
        lower, upper = below["backend"], above["backend"]
        chosen["backend"] = {name: {**lower.get(name, {}), **upper.get(name, {})} for name in (*lower, *upper)}
    return chosen


def _not_displaced(written: Mapping[str, Any], said: Collection[str]) -> dict[str, Any]:
    displaced = {"train", "test"} if "corpus" in said else set()
    displaced |= {"corpus", "splits"} if {"train", "test"} & {*said} else set()
    return {name: value for name, value in written.items() if name not in displaced}


def _settings(values: Mapping[str, Any], place: Callable[[str], str]) -> dict[str, Any]:
    """Every value as its setting's kind reads it; ``place`` says where a key was given."""
    settings = {}
    for name, value in values.items():
        if name not in SETTINGS:
            raise BenchError(f"{place(name).rstrip(' =')}: unknown setting {name!r}{near(name, SETTINGS)}")
        try:
            settings[name] = SETTINGS[name].kind.read(value)
        except (ValueError, BenchError) as error:
            raise BenchError(f"{place(name)} {shown(value)}: {error}") from error
    return settings


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _asked(config: Config, settings: Mapping[str, Any], where: str) -> Config:
    """The vocabulary that the task needs: its own, or where any words may be said none but one that is given."""
    task = tasks.find(config.task)
    closed = task.closed
    if "splits" not in settings:
        dividing = tuple(split for split in task.splits if split != ALL)
        config = replace(config, splits=dividing or task.splits)
    if closed and not config.vocabulary:
        raise BenchError(
            f"{where} vocabulary = {{}}: at least two labels are wanted by task {config.task!r}, each with its spelling"
        )
    return config if closed or "vocabulary" in settings else replace(config, vocabulary={})


def _across(config: Config, settings: Mapping[str, Any], where: str) -> Config:
    """The settings of a run across corpora."""
    at_odds = [name for name in ("corpus", "splits") if name in settings]
    if at_odds:
        raise BenchError(
            f"{where}: train and test name the corpora and how they are split, so {' and '.join(at_odds)} cannot be"
            " said as well: either one or the other"
        )
    if not config.train:
        raise BenchError(
            f"{where}: test = {config.test!r} needs train as well, the corpus that trained backends learn from, such as"
            f" --train fsdd; to learn from a part of one corpus and test on the rest: --corpus {config.test}"
        )
    if not config.test:
        raise BenchError(
            f"{where}: train = {config.train!r} needs test as well, the corpus to test on, such as --test folder:PATH;"
            f" to learn from a part of one corpus and test on the rest: --corpus {config.train}"
        )
    if config.train == config.test:
        raise BenchError(f"{where}: train and test are both {config.train!r}; to split it: --corpus {config.train}")
    return replace(config, corpus=config.train, splits=(CROSS,))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > LARGEST_FILE:
        raise BenchError(f"{path}: larger than {LARGEST_FILE / 1e6:g} MB, so it is no file of settings")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BenchError(f"{path}: not valid TOML, which is text in UTF-8 ({error.reason})") from error
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{path}: not valid TOML ({error})") from error

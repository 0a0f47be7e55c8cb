"""What to run: defaults, overridden by ``bench.toml``, overridden by command-line flags."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.limits import LIMITS, Limits

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

SPLITS: Mapping[str, str] = {
    "official": "the corpus's own: for fsdd, takes 0-4 of every speaker and digit are the test",
    "mixed": "drawn by label with a seed: 70 % train, 10 % validation, 20 % test; the same speakers in each",
    "loso": "leave one speaker out: a fold per speaker, trained on all the others",
}
"""Every split that can be chosen, and what it is."""

CROSS = "cross"
"""The split of a run that trains on one corpus and tests on another: the only one it has."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that decides what a run does. Field names are the keys of ``bench.toml``."""

    corpus: str = "fsdd"
    train: str = ""
    """Of a run across corpora: the corpus that trained backends are fitted on, all of it; takes the place of
    ``corpus`` and ``splits``, together with ``test``."""
    test: str = ""
    """Of a run across corpora: the corpus that every backend is tested on, all of it."""
    data: Path | None = None
    backends: tuple[str, ...] = ("chance", "mfcc-svm", "mfcc-logreg", "mfcc-rf")
    splits: tuple[str, ...] = ("official", "mixed", "loso")
    conditions: tuple[str, ...] = ("clean",)
    """What is done to test clips; ``clean`` is always among them, ``sweep`` stands for a whole series."""
    seed: int = 0
    limit: int | None = None
    """Use about this many clips, evenly over labels and speakers: for testing only."""
    jobs: int = 0
    """Workers at once in the accuracy phase, one thread each; 0 means one per core."""
    threads: tuple[int, ...] = ()
    """Thread counts of the latency phase; empty means 1 and all cores."""
    latency_clips: int = 140
    """Timed calls per backend, each on another clip; a quarter of them at any but the largest thread count."""
    processes: int = 5
    """Fresh processes of a backend that share these calls, and whose starts are its cold start."""
    latency_round: int = 14
    """Clips a backend hears before the next one has its turn."""
    warmup: int = 2
    """Untimed calls before the first turn of a process; one more precedes every turn."""
    throughput_s: float = 2.0
    """Seconds for each batch size tried, at the least one batch; 0 leaves throughput out."""
    checks: bool = True
    """Whether to look for backends that learn what they should not."""
    step_limit_s: float = 900.0
    """The longest that one load, fit or prediction may take."""
    memory_limit_mb: int = 8_000
    longest_clip_s: float = LIMITS.seconds
    """A file that is longer is rejected; above 48 kHz, one with more samples than so long a file has at 48 kHz."""
    clip_rates_hz: tuple[int, int] = (LIMITS.lowest_hz, LIMITS.highest_hz)
    """The lowest and the highest rate that a file may have."""
    most_channels: int = LIMITS.channels
    vocabulary: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: DIGITS)
    backend: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Options by backend name or family; the full name wins. ``clips``, ``most_threads``, ``step_limit_s`` and
    ``memory_limit_mb`` are the harness's, the rest go to the backend's constructor."""

    @property
    def limits(self) -> Limits:
        """What a file may hold to be read."""
        return Limits(self.longest_clip_s, *self.clip_rates_hz, self.most_channels)

    def options(self, name: str) -> dict[str, Any]:
        """Options of one backend: its family's, then its own."""
        return {**self.backend.get(name.partition(":")[0], {}), **self.backend.get(name, {})}


def read_config(path: Path | None, changes: Mapping[str, Any] | None = None, **flags: Any) -> Config:
    """Defaults, then the file, then ``changes`` merged into it, then every flag that is not None.

    A ``corpus`` said later displaces ``train`` and ``test``, and they displace ``corpus`` and ``splits``. Raises
    BenchError for a file that cannot be read, an unknown key, a value of the wrong kind, or settings at odds.
    """
    written = _read_toml(path) if path else {}
    config = _with(written, str(path))
    said = {name: value for name, value in flags.items() if value is not None}
    if not (changes or said):
        return config
    kept = _not_displaced(written, {*said, *(changes or {})})
    return _with({**merge(kept, changes or {}), **said}, "command line")


def merge(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``settings`` with ``changes`` laid over them, table by table."""
    merged = dict(settings)
    for name, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = merge(merged[name], value) if both else value
    return merged


def _not_displaced(written: Mapping[str, Any], said: Collection[str]) -> dict[str, Any]:
    displaced = {"train", "test"} if "corpus" in said else set()
    displaced |= {"corpus", "splits"} if {"train", "test"} & {*said} else set()
    return {name: value for name, value in written.items() if name not in displaced}


def _with(settings: Mapping[str, Any], where: str) -> Config:
    known = {each.name for each in fields(Config)}
    for name in settings:
        if name not in known:
            raise BenchError(f"{where}: unknown setting {name!r}{near(name, known)}")
    values = {name: _value(where, name, value) for name, value in settings.items()}
    config = _checked(replace(Config(), **values), where)
    return _across(config, settings, where) if config.train or config.test else config


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


def near(name: str, known: Collection[str]) -> str:
    """The hint that ends a message about an unknown name."""
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else f"; known: {', '.join(sorted(known))}"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise BenchError(f"{path}: not valid TOML ({error})") from error


def _value(where: str, name: str, value: Any) -> Any:
    """A TOML or flag value as the field's type."""
    default = getattr(Config(), name)
    try:
        match name:
            case "vocabulary":
                return {label: _strings(spoken) for label, spoken in value.items()}
            case "backend":
                return {family: dict(options) for family, options in value.items()}
            case "data":
                return None if value is None else Path(value)
            case "conditions":
                from bench.conditions.spec import expand

                return expand(_strings(value))
            case "threads":
                return tuple(_whole(count) for count in value)
            case "clip_rates_hz":
                lowest, highest = (_whole(rate) for rate in value)
                return lowest, highest
            case "limit":
                return _whole(value)
        if isinstance(default, tuple):
            return _strings(value)
        if isinstance(default, bool):
            if not isinstance(value, bool):
                raise TypeError("true or false")
            return value
        if isinstance(default, int):
            return _whole(value)
        return float(value) if isinstance(default, float) else str(value)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BenchError(f"{where}: {name} = {value!r} is not of the right kind ({error})") from error


def _strings(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise TypeError("a list of strings is wanted")
    return tuple(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value:
        raise TypeError("a whole number is wanted")
    return int(value)


def _checked(config: Config, where: str) -> Config:
    least = {
        "limit": 1, "jobs": 0, "latency_clips": 0, "processes": 1, "latency_round": 1, "warmup": 0, "throughput_s": 0,
        "step_limit_s": 0.001, "memory_limit_mb": 100, "seed": 0,
        "longest_clip_s": 0.001, "most_channels": 1,
    }  # fmt: skip
    for name, low in least.items():
        value = getattr(config, name)
        if value is not None and not low <= value < 2**32:
            raise BenchError(f"{where}: {name} = {value}: at least {low} is wanted, and less than {2**32}")
    lowest, highest = config.clip_rates_hz
    if not 1 <= lowest <= highest < 2**31:
        raise BenchError(f"{where}: clip_rates_hz = [{lowest}, {highest}]: the lowest, then the highest rate is wanted")
    for name in ("backends", "splits"):
        chosen = getattr(config, name)
        if not chosen:
            raise BenchError(f"{where}: {name} is empty; name at least one")
        if len(set(chosen)) < len(chosen):
            raise BenchError(f"{where}: {name} names one of {', '.join(chosen)} twice")
    for split in config.splits:
        if split == CROSS:
            raise BenchError(f"{where}: split {CROSS!r} comes by itself with --train and --test")
        if split not in SPLITS:
            raise BenchError(f"{where}: no split named {split!r}{near(split, SPLITS)}")
    if any(count < 1 for count in config.threads):
        raise BenchError(f"{where}: threads = {list(config.threads)}: every count must be at least 1")
    if len(config.vocabulary) < 2 or not all(config.vocabulary.values()):
        raise BenchError(f"{where}: vocabulary needs at least two labels, each with how it is spoken")
    return config

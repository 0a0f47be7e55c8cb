"""What is measured: which loaders, files and tasks, how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bench.errors import BenchError
from bench.loading.child import HARNESS
from bench.loading.loaders import ALL, LOADERS, OURS, REFERENCE

Task = Literal["whole", "slice", "resampled", "duration", "evicted", "files", "cold", "first", "memory", "many"]
TASKS: tuple[Task, ...] = ("whole", "slice", "resampled", "duration")
LONG_S = 60.0
"""Of longer files some formats alone are resampled, and nothing is read from disk or compared sample by sample."""
RESAMPLED_LONG = ("WAV16", "FLAC", "MP3")
EVICTED = ("WAV16", "FLAC", "MP3")
COLD = ("WAV16", "MP3")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. ``many`` and ``short`` are numbers of files, the others but ``lengths`` of processes."""

    loaders: tuple[str, ...] = tuple(LOADERS)
    formats: tuple[str, ...] = ALL
    lengths: tuple[float, ...] = (0.5, 5.0, 60.0, 1800.0)
    rounds: int = 7
    cold: int = 7
    first: int = 3
    many: int = 500
    many_rounds: int = 5
    short: int = 200
    workers: int = 2

    @property
    def usual(self) -> float:
        """Seconds of the file that cold starts read: 5, or the next shorter there is."""
        return max((each for each in self.lengths if each <= 5.0), default=min(self.lengths))

    @property
    def long(self) -> float:
        """Seconds of the file that is read from disk."""
        return max((each for each in self.lengths if each <= LONG_S), default=min(self.lengths))

    def stated(self) -> dict[str, Any]:
        """For run.json."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


FULL = Plan()
QUICK = Plan(lengths=(0.5, 5.0), rounds=2, cold=2, first=1, many=24, many_rounds=2, short=24)


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that loaders are timed at, in turn."""

    task: Task
    format: str
    length: float

    @property
    def key(self) -> str:
        """Its name in the journal."""
        return f"{self.task}/{self.format}/{self.length:g}"


def cases(plan: Plan, turn: int = 0) -> list[Case]:
    """All of a round; files over a minute have every second round."""
    all_cases = [
        Case(task, name, length)
        for name in plan.formats
        for length in plan.lengths
        if length <= LONG_S or turn % 2 == 0
        for task in TASKS
        if not (task == "resampled" and length > LONG_S and name not in RESAMPLED_LONG)
    ]
    all_cases += [Case("evicted", name, plan.long) for name in EVICTED if name in plan.formats]
    return [*all_cases, Case("files", "WAV16", 0.0)]


def takes(name: str, case: Case) -> bool:
    """Whether a loader takes part. The harness reads the short files alone."""
    if name == HARNESS:
        return case.task == "files"
    return case.format in LOADERS[name].formats


def chosen(base: Plan, loaders: Sequence[str] | None, formats: Sequence[str] | None, rounds: int | None) -> Plan:
    """A plan with what the user asked for. Raises BenchError for a name that is none, and for no rounds."""
    for kind, names, known in (("loader", loaders, tuple(LOADERS)), ("format", formats, ALL)):
        for name in names or ():
            if name not in known:
                raise BenchError(f"no {kind} called {name!r}; there are {', '.join(known)}")
    if rounds is not None and rounds < 1:
        raise BenchError(f"--rounds {rounds}: at least 1 is needed, and 2 for an interval")
    taken = [name for name in LOADERS if not loaders or name in {*loaders, REFERENCE, OURS}]
    return Plan(**{
        **asdict(base),
        "loaders": tuple(taken),
        "formats": tuple(name for name in ALL if not formats or name in formats),
        **({"rounds": rounds, "cold": rounds, "many_rounds": rounds} if rounds else {}),
    })  # fmt: skip

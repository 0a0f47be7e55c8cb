"""Rounds of fresh processes: in each, every loader is alive, and case by case they take turns in an order of chance.

So whatever the machine does meanwhile hits all alike, and the ratios of a round are paired.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.loading.bad import BadFile, outcome
from bench.loading.child import HARNESS
from bench.loading.journal import Journal
from bench.loading.loaders import LOADERS, REFERENCE
from bench.loading.many import THREADED, WAYS
from bench.loading.plan import COLD, LONG_S, TASKS, Case, Plan, Task, cases, takes
from bench.loading.processes import PEAK, Child, children, new_install, once, surroundings
from bench.loading.sounds import RATE
from bench.progress import Advance, Reporter

BARE = "Python alone"
BAD_S = 30.0


@dataclass(frozen=True, slots=True)
class Work:
    """All that a measurement needs: what to do, to which files, where it is written down, and who hears of it."""

    plan: Plan
    files: Mapping[tuple[str, float], Path]
    short: Sequence[Path]
    many: Sequence[Path]
    bad: Sequence[BadFile]
    journal: Journal
    say: Reporter

    @contextmanager
    def stage(self, title: str, steps: Sequence[str]) -> Iterator[tuple[list[str], Advance]]:
        """The steps of a stage that are still to be done."""
        left = [step for step in steps if step not in self.journal]
        if not left:
            yield [], lambda count: None
            return
        with self.say.task(title, len(left)) as advance:
            yield left, advance


def measure(work: Work) -> None:
    """Everything, in the order of the report; steps that are in the journal are not done again."""
    _agreement(work)
    _bad(work)
    for turn in range(work.plan.rounds):
        _round(work, turn)
    _cold(work)
    _memory(work)
    _many(work)


def _round(work: Work, turn: int) -> None:
    random = np.random.default_rng(turn)
    todo = {f"round/{turn}/{case.key}": case for case in cases(work.plan, turn)}
    order = [list(todo)[place] for place in random.permutation(len(todo))]
    names = [*work.plan.loaders, HARNESS]
    with work.stage(f"round {turn + 1} of {work.plan.rounds}", order) as (left, advance), children(names) as alive:
        if left:
            _warm(work, alive)
        for step in left:
            case, rows = todo[step], list[dict[str, Any]]()
            for place in random.permutation(len(names)):
                if takes(name := names[place], case):
                    rows += samples(name, case, turn, alive[name].ask(**_request(work, case)))
            work.journal.keep(step, "samples", rows)
            advance(1)


def _warm(work: Work, alive: Mapping[str, Child]) -> None:
    """Every task once with the shortest file: what is imported at a first call is no part of a warm one."""
    shortest = [case for case in cases(work.plan) if case.length == min(work.plan.lengths) and case.task in TASKS]
    for name in work.plan.loaders:
        for case in shortest:
            if takes(name, case):
                alive[name].ask(**{**_request(work, case), "do": "read"})


def _request(work: Work, case: Case) -> dict[str, Any]:
    if case.task == "files":
        return {"do": "files", "paths": [str(path) for path in work.short]}
    path = str(work.files[case.format, case.length])
    if case.task == "evicted":
        return {"do": "evicted", "task": "whole", "path": path}
    return {"do": "time", "task": case.task, "path": path, "length": case.length}


def samples(name: str, case: Case, turn: int, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of one answer: one for each timing, or one that tells why there is none."""
    row = {"task": case.task, "loader": name, "format": case.format, "length_s": case.length, "round": turn}
    blank = {"wall_s": None, "cpu_s": None, "peak_bytes": answer.get("peak"), "error": ""}
    if error := answer.get("error"):
        return [{**row, **blank, "error": error}]
    pairs = zip(answer["wall"], answer["cpu"], strict=True)
    return [{**row, **blank, "wall_s": wall, "cpu_s": cpu} for wall, cpu in pairs]


def _cold(work: Work) -> None:
    """Processes from nothing, and from nothing after an install."""
    steps: dict[str, tuple[Task, str, str, int]] = {}
    starts: tuple[tuple[Task, int], ...] = (("cold", work.plan.cold), ("first", work.plan.first))
    for task, times in starts:
        for turn in range(times):
            some = [(name, kind) for name in work.plan.loaders for kind in _cold_formats(work, name)]
            some += [(BARE, "")]
            for place in np.random.default_rng(turn).permutation(len(some)):
                name, kind = some[place]
                if task == "cold" or kind != "MP3":
                    steps[f"{task}/{turn}/{name}/{kind}"] = (task, name, kind, turn)
    with work.stage("cold starts", list(steps)) as (left, advance):
        for step in left:
            task, name, kind, turn = steps[step]
            case = Case(task, kind, work.plan.usual)
            program = ("pass" if name == BARE else LOADERS[name].once) + PEAK
            path = str(work.files[kind, case.length]) if kind else ""
            if task == "first":
                folder, env = new_install()
                with folder:
                    answer = once(program, path, env=env)
            else:
                answer = once(program, path)
            work.journal.keep(step, "samples", samples(name, case, turn, answer))
            advance(1)


def _cold_formats(work: Work, name: str) -> list[str]:
    return [kind for kind in COLD if kind in work.plan.formats and kind in LOADERS[name].formats]


def _memory(work: Work) -> None:
    """Peak memory of a process that reads the longest file once."""
    length = max(work.plan.lengths)
    steps = {f"memory/{name}/{kind}": (name, kind) for name in work.plan.loaders for kind in _cold_formats(work, name)}
    with work.stage("peak memory", list(steps)) as (left, advance):
        for step in left:
            name, kind = steps[step]
            answer = once(LOADERS[name].once + PEAK, str(work.files[kind, length]))
            case = Case("memory", kind, length)
            work.journal.keep(step, "samples", samples(name, case, 0, answer))
            advance(1)


def _many(work: Work) -> None:
    steps: dict[str, tuple[str, int]] = {}
    usable = [way for way, (_, needs) in WAYS.items() if needs in work.plan.loaders]
    for turn in range(work.plan.many_rounds):
        for place in np.random.default_rng(turn).permutation(len(usable)):
            steps[f"many/{turn}/{usable[place]}"] = (usable[place], turn)
    given = "\n".join(str(path) for path in work.many)
    with work.stage(f"{len(work.many)} files", list(steps)) as (left, advance):
        for step in left:
            way, turn = steps[step]
            workers = str(work.plan.workers if way in THREADED else 1)
            answer = once("bench.loading.many", way, workers, given=given, env=surroundings())
            if not answer.get("error"):
                answer |= json.loads(answer["printed"])
            case = Case("many", "MP3", float(len(work.many)))
            work.journal.keep(step, "samples", samples(way, case, turn, answer))
            advance(1)


def _agreement(work: Work) -> None:
    """Whether loaders give librosa's samples, case by case."""
    todo = {f"agreement/{case.key}": case for case in cases(work.plan) if case.task in TASKS}
    with (
        TemporaryDirectory() as folder,
        work.stage("comparing samples", list(todo)) as (left, advance),
        children(work.plan.loaders) as alive,
    ):
        for step in left:
            case = todo[step]
            keep = Path(folder) / "librosa.npy", Path(folder) / "other.npy"
            reference = _read(alive[REFERENCE], work, case, keep[0])
            rows = []
            for name in work.plan.loaders:
                if takes(name, case):
                    answer = reference if name == REFERENCE else _read(alive[name], work, case, keep[1])
                    rows.append(_agrees(name, case, reference, answer, keep))
            work.journal.keep(step, "agreement", rows)
            advance(1)


def _read(child: Child, work: Work, case: Case, keep: Path) -> dict[str, Any]:
    short = case.length <= LONG_S
    return child.ask(**{**_request(work, case), "do": "read", "keep": str(keep) if short else ""})


def _agrees(
    name: str, case: Case, reference: Mapping[str, Any], answer: Mapping[str, Any], keep: tuple[Path, Path]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "loader": name, "format": case.format, "length_s": case.length, "task": case.task,
        "error": answer.get("error", ""), "samples": answer.get("samples"), "longer": None, "largest": None,
        "equal": None, "value": answer.get("value") if case.task == "duration" else None,
        "too_long": None,
    }  # fmt: skip
    if case.task == "whole" and not answer.get("error"):
        row["too_long"] = answer["samples"] - round(case.length * RATE)
    if answer.get("error") or reference.get("error"):
        return row
    row["equal"] = answer["sha256"] == reference["sha256"]
    row["longer"] = answer["samples"] - reference["samples"]
    if row["equal"]:
        row["largest"] = 0.0
    elif case.length <= LONG_S:
        left, right = (np.load(path) for path in keep)
        common = min(len(left), len(right))
        row["largest"] = float(np.abs(left[:common] - right[:common]).max(initial=0.0))
    return row


def _bad(work: Work) -> None:
    names = [*work.plan.loaders, HARNESS]
    todo = {f"bad/{name}/{file.name}": (name, file) for name in names for file in work.bad}
    with work.stage("bad files", list(todo)) as (left, advance), children(names) as alive:
        for step in left:
            name, file = todo[step]
            answer = alive[name].ask(BAD_S, do="read", task="whole", path=str(file.path))
            text = outcome(file.samples, answer).replace(str(file.path), file.path.name)
            row = {"loader": name, "file": file.name, "outcome": text}
            work.journal.keep(step, "bad", [row])
            advance(1)

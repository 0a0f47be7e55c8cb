"""What each backend says of itself, and whether it learns what it should not: asked once and kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.cells import Cell, digest
from bench.code import Code, Present, meaning
from bench.config import Config
from bench.context import Context
from bench.phases.latency import Contender, Failure, describe
from bench.phases.leaks import Check, check_backend
from bench.phases.predict import Facts
from bench.progress import Reporter
from bench.records.journal import replace_file
from bench.workers.parent import ROOT, WorkerError

SOURCES = ("bench/phases/leaks.py", *(f"bench/workers/{name}.py" for name in ("child", "session", "held")))
CONTENTS = ("key", "code", "descriptions", "checks")

Ready = list[tuple[Cell, Contender]]


def examined(
    config: Config,
    contenders: Ready,
    made_by: Mapping[str, Facts],
    context: Context,
) -> tuple[Ready, dict[str, dict[str, Any]], list[Check], list[Failure]]:
    """Who can be loaded again, what they say of themselves, the leak checks, and who failed in either.

    ``made_by``: the code of every cell, by key. What was found out is kept in ``examined.json`` where nobody failed,
    and holds while cells, settings and code are the same.
    """
    path = context.folder / "records" / "examined.json"
    cells = [(cell.key, made_by[cell.key], contender.known.job.limits.threads) for cell, contender in contenders]
    key = digest(cells, config.checks, config.seed, [meaning(ROOT / source) for source in SOURCES])
    found = _kept(path, context.reporter)
    if found and found["key"] == key and not Present().changed(found["code"]):
        return contenders, found["descriptions"], [Check(**check) for check in found["checks"]], []
    context = replace(context, code=Code())
    contenders, descriptions, failures = _described(contenders, context)
    checks, failed = _checked(config, contenders, context)
    if not failures + failed:
        listed = [asdict(check) for check in checks]
        content = dict(zip(CONTENTS, (key, context.code.facts(), descriptions, listed), strict=True))
        partial = path.with_name(path.name + ".part")
        path.parent.mkdir(exist_ok=True)
        partial.write_text(json.dumps({**content, "sha256": digest(content)}, indent=1))
        replace_file(partial, path)
    return contenders, descriptions, checks, failures + failed


def _kept(path: Path, reporter: Reporter) -> dict[str, Any] | None:
    """What the file says; None where there is none, and where it is not as it was written, which is told."""
    try:
        found = json.loads(path.read_bytes())
        if digest({name: found[name] for name in CONTENTS}) != found["sha256"]:
            raise ValueError
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        reporter.say(f"{path}: not as a run wrote it; backends are described and checked anew")
        return None
    return dict(found)


def _described(
    contenders: list[tuple[Cell, Contender]], context: Context
) -> tuple[list[tuple[Cell, Contender]], dict[str, dict[str, Any]], list[Failure]]:
    """Who can be loaded again, and what each says of itself."""
    descriptions, failures = {}, []
    for _, contender in contenders:
        name = contender.known.name
        try:
            descriptions[name] = describe(contender, context)
        except WorkerError as error:
            context.reporter.say(f"failed: {name}: {error}")
            failures.append(Failure(name, "describe", str(error)))
    return [each for each in contenders if each[1].known.name in descriptions], descriptions, failures


def _checked(
    config: Config, contenders: list[tuple[Cell, Contender]], context: Context
) -> tuple[list[Check], list[Failure]]:
    checks: list[Check] = []
    failures: list[Failure] = []
    if not config.checks:
        return checks, failures
    with context.reporter.task("leak checks", len(contenders)) as advance:
        for cell, contender in contenders:
            model = str(contender.model) if contender.model else None
            try:
                for check in check_backend(cell, model, context, config.seed):
                    checks.append(check)
                    if not check.passed:
                        failures.append(Failure(check.backend, "checks", f"{check.check}: {check.detail}"))
            except WorkerError as error:
                failures.append(Failure(cell.backend.name, "checks", str(error)))
            advance(1)
    for failure in failures:
        context.reporter.say(f"failed: {failure.backend}: {failure.reason}")
    return checks, failures

"""The part of report.md that answers "which one?": the Pareto set, and what each member is the answer to."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, combinations
from math import inf

import pandas as pd

from bench.records.schema import Run
from bench.report.tables import cost
from bench.report.tables.candidates import COSTS, Candidates, candidates, prices
from bench.report.tables.measure import column, shown
from bench.report.tables.outcomes import splits, tested, title
from bench.report.text.markdown import Column, count_threads, escape, megabytes, milliseconds, table
from bench.report.text.summary import Notes, first_header
from bench.splits import SPLITS
from bench.tasks.base import LOW

WITHIN = {
    "p50_s": lambda x: f"{milliseconds(x)} ms",
    "model_bytes": lambda x: f"a model of {megabytes(x)} MB",
    "above_idle_bytes": lambda x: f"{megabytes(x)} MB of memory",
}
"""A cost as a budget, the one that most people have first."""
SUPERLATIVES = {"p50_s": "fastest", "above_idle_bytes": "least memory", "model_bytes": "smallest"}
BETTER = ("more accurate", "faster", "less memory", "smaller")


def which_one(run: Run, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """The section, or nothing where there is nothing to choose by. On new speakers where the run has them."""
    if not cost.measures_cost(run):
        return []
    trained = any(entry["trained"] for entry in run.info["backends"])
    new_speakers = not trained or any(not SPLITS[split].heard for split in splits(run))
    field = candidates(run, tables, new_speakers)
    if not field.names:
        return []
    front = field.front()
    answers = situations(field)
    frame = front.table.assign(answer=[answers[name] for name in front.names])
    kind = "new" if field.new_speakers else "known"
    measure = run.task.measure
    columns = [
        Column(first_header(run, "backend"), "backend", escape),
        column(measure, f"{measure.name} on {kind} speakers, %"),
        Column("ms per clip, p50", "p50_s", milliseconds, LOW),
        Column("above idle, MB", "above_idle_bytes", megabytes, LOW),
        Column("model, MB", "model_bytes", megabytes, LOW),
        Column("the answer for", "answer"),
    ]
    notes = Notes(run)
    body = table(shown(frame, measure), columns, notes.cell)
    blocks = [
        "## Which one?",
        f"The Pareto set of {len(field.names)} candidates: nobody is at least as accurate, as fast, as light on memory"
        f" and as small as one of these, and better in something. {measure.title} is of"
        f" {escape(title(run, field.split))}, {len(tested(run, field.split)):,} clips, speakers"
        f" {'not ' if field.new_speakers else ''}heard in training; latency and memory are at"
        f" {count_threads(cost.headline_threads(run))}. {measure.title} is told apart by the tests"
        " below, costs by their figures."
        + (" What was not measured counts as the worst." if front.table[list(COSTS)].isna().any(axis=None) else ""),
        body,
        notes.text(),
        "\n".join(_beaten(field, name) for name in field.names if name not in front.names),
    ]
    blocks.append("\n".join(f"- Not judged: {escape(why)}." for why in field.unjudged.values()))
    return [*filter(None, blocks), "`digitbench recommend` chooses within limits of your own."]


def situations(field: Candidates) -> dict[str, str]:
    """What each member of the front is the answer for, in words that follow from the figures."""
    front = field.front()
    if len(field.names) == 1:
        return {field.names[0]: "everything: the only candidate"}
    first, (pick, merit) = field.names[0], field.pick()
    merits: dict[str, list[str]] = {name: [] for name in front.names}
    merits[first].append(_most_accurate(field, first))
    if pick != first:
        merits[pick].append(f"{merit} not shown to be less accurate than {escape(first)}")
    for key, word in SUPERLATIVES.items():
        for name in front.table["backend"][front.table[key] == field.table[key].min()]:
            merits[name].append(f"{word} of all")
    untrained = _best_untrained(field)
    if untrained in merits:
        merits[untrained].append("needs no training" if untrained == first else "most accurate without training")
    return {name: "; ".join(words) or _within(field, name) for name, words in merits.items()}


def _most_accurate(field: Candidates, name: str, within: str = "") -> str:
    """That it is, and of whom that is not shown."""
    rivals = ", ".join(escape(rival) for rival in field.rivals(name))
    return f"most accurate{within}" + (f" (not shown to be better than {rivals})" if rivals else "")


def _within(field: Candidates, name: str) -> str:
    """The fewest budgets within which a member is the most accurate; all together always do, or it were dominated."""
    costs = pd.DataFrame(prices(field.table)[:, 1:], field.names, COSTS)
    price = costs.loc[name]
    known = [key for key in WITHIN if price[key] < inf]
    for keys in chain.from_iterable(combinations(known, size) for size in range(1, len(known) + 1)):
        rest = field.only(list(costs.index[(costs[list(keys)] <= price[list(keys)]).all(axis=1)]))
        if rest.accuracy(name) == rest.accuracy(rest.names[0]):
            return _most_accurate(rest, name, " within " + " and ".join(WITHIN[key](price[key]) for key in keys))
    raise AssertionError(f"{name} is dominated")


def _best_untrained(field: Candidates) -> str:
    """The most accurate zero-shot candidate where there are trained ones too, else nobody."""
    ready = field.table["backend"][~field.table["trained"].astype(bool)]
    return str(ready.iloc[0]) if 0 < len(ready) < len(field.names) else ""


def _beaten(field: Candidates, name: str) -> str:
    front = set(field.front().names)
    by = next(other for other in field.dominators(name) if other in front)
    price, other = (prices(field.only([one]).table)[0] for one in (name, by))
    words = [word for word, x, y in zip(BETTER, other, price, strict=True) if x < y]
    if other[0] < price[0] and (by, name) not in field.better:
        words[0] += " (not shown)"
    still = "; still the most accurate without training" if name == _best_untrained(field) else ""
    return f"- {escape(name)} is dominated by {escape(by)}: {', '.join(words)}{still}."

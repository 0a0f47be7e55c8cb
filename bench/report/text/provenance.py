"""The parts of report.md that say how far the rest may be trusted, and what it was made with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.names import ALL, CLEAN, CROSS, FLOOR
from bench.processor import kind
from bench.records.schema import Run
from bench.report.tables.cost import headline_threads, measures_cost
from bench.report.tables.outcomes import interval_method, splits
from bench.report.text.markdown import (
    Column,
    code,
    count,
    count_threads,
    details,
    escape,
    megabytes,
    percent,
    table,
)
from bench.report.text.summary import first_header

SIGNS = (
    "↑ higher is better, ↓ lower is better, **bold** the best of its column; milliseconds are for one clip at a"
    " time on a warm process, and an RTF below 1 is faster than real time."
)


def reading(run: Run) -> str:
    """What it is and how to read it, in three lines."""
    corpus = run.info["corpus"]
    ran = splits(run)
    if CROSS in ran:
        return _reading_across(run)
    if ran == [ALL]:
        return _reading_all(run)
    return (
        f"{escape(run.task.lead())} on {corpus['clips']:,} clips of {corpus['speakers']}"
        f" speakers ({escape(corpus['name'])}): how often right, how fast, how big.\n"
        "`official` is the corpus's own split and `mixed` one drawn at random; `loso` tests each speaker by a model"
        " that never heard them;"
        " brackets hold 95 % intervals, and where they overlap see which differences are real.\n" + SIGNS
    )


def _reading_all(run: Run) -> str:
    """The same of a run in which nobody learns."""
    corpus = run.info["corpus"]
    people = "take clips as independent" if interval_method(run, ALL) == "Wilson" else "are clustered by speaker"
    description = "; ".join(map(_description, corpus.get("parts", {}).values())) or _description(corpus)
    return (
        f"{escape(run.task.lead())} on {description}: {run.task.measure.name}, speed and size.\n"
        f"`{ALL}`: every clip is tested and none is learned from; brackets hold 95 % intervals, which {people}; where"
        " they overlap see which differences are real.\n" + SIGNS
    )


def _reading_across(run: Run) -> str:
    """The same of a run that trains on one corpus and tests on another."""
    parts = run.info["corpus"]["parts"]
    train, test = (_description(parts[part]) for part in ("train", "test"))
    people = "take clips as independent" if interval_method(run, CROSS) == "Wilson" else "are clustered by speaker"
    return (
        f"{escape(run.task.lead())} across corpora (`cross`): trained backends were fitted on all of {train}; every"
        f" backend was tested on all of {test}; zero-shot ones were only tested.\n"
        "What a backend learnt of one corpus's microphone, level, silence or speakers does not help it here; brackets"
        f" hold 95 % intervals, which {people}, and where they overlap see which differences are real.\n" + SIGNS
    )


def _description(part: Mapping[str, Any]) -> str:
    """A corpus in half a sentence."""
    speakers = f"{part['speakers']} speakers" if part["speakers"] else "unknown speakers"
    rates = ", ".join(f"{rate / 1000:g}" for rate in part["sample_rates"])
    length = part["audio_s"] / part["clips"]
    return f"{escape(part['name'])} ({part['clips']:,} clips of {speakers}, {rates} kHz, {length:.2f} s on average)"


def after_summary(run: Run) -> str:
    """What a reader of the summary must know."""
    headline = headline_threads(run)
    names = [entry["name"] for entry in run.info["backends"]]
    costs = (
        f"Latency, RTF and memory are at {count_threads(headline)}; cold start (import, load, first"
        " prediction in a fresh process) is on all cores"
        if measures_cost(run)
        else "This run is about accuracy alone: no time was measured"
    )
    lines = [
        f"{costs}; MB are 1,000,000 bytes.",
        *([f"`{FLOOR}` is the floor, not a candidate: never bold."] if FLOOR in names else []),
    ]
    if asking := [escape(entry["name"]) for entry in run.info["backends"] if entry["settings"].get("online")]:
        lines.append(f"Asked elsewhere, over the network, clip by clip: {', '.join(asking)}; times hold the way there.")
    capped = [
        f"{escape(entry['name'])} on {most}"
        for entry in run.info["backends"]
        if measures_cost(run) and (most := entry["settings"].get("most_threads", headline)) < headline
    ]
    if capped:
        lines.append(f"Given fewer threads, being quicker so: {', '.join(capped)}.")
    lines += [
        f"No {split}: {escape(reason)}."
        for split, reason in sorted(run.info["corpus"].get("impossible_splits", {}).items())
    ]
    return " ".join(lines)


def banners(run: Run) -> list[str]:
    """What a reader must know before any figure."""
    info = run.info
    others = percent(info["machine"].get("others_share", 0.0))
    warnings = [
        (bool(info["notice"]), escape(info["notice"])),
        (info["testing_only"], "For testing only: a part of the clips was used."),
        (
            info["machine"].get("busy") and measures_cost(run),
            f"The machine was busy: others took {others} % of its processors before timing began. Distrust the times.",
        ),
        (info["git"].get("dirty"), "The code differed from its commit: this run cannot be repeated from it."),
    ]
    return [f"> **{text}**" for due, text in warnings if due]


def losses(run: Run) -> list[str]:
    """Failures, leak checks, rejected clips, files left out."""
    blocks = []
    failed = [
        {"where": " ".join(filter(None, ("accuracy", cell["split"], cell["fold"], _condition(cell)))), **cell}
        for cell in run.info["cells"]
        if cell["status"] == "failed"
    ]
    reasons = {(entry["backend"], entry["reason"]) for entry in failed}
    failed += [
        {"where": entry["phase"], **entry}
        for entry in run.info["failures"]
        if (entry["backend"], entry["reason"]) not in reasons
    ]
    if failed:
        columns = [
            Column(first_header(run, "backend"), "backend", escape),
            Column("where", "where", escape),
            Column("reason", "reason", escape),
        ]
        frame = pd.DataFrame(failed)[["backend", "where", "reason"]].drop_duplicates()
        blocks += ["## Failures", table(frame, columns)]
    checks = run.info.get("checks", [])
    if checks:
        columns = [
            Column(first_header(run, "backend"), "backend", escape),
            Column("check", "check", escape),
            Column("passed", "passed", lambda passed: "yes" if passed else "**no**"),
            Column("what was seen", "detail", escape),
        ]
        blocks += ["## Does a backend learn what it should not", table(pd.DataFrame(checks), columns)]
    rejected = run.info["corpus"].get("rejected", [])
    if rejected:
        columns = [Column(first_header(run, "clip"), "path", code), Column("reason", "reason", escape)]
        blocks += [f"## Rejected clips ({len(rejected):,})", table(pd.DataFrame(rejected), columns)]
    left_out = run.info["corpus"].get("left_out", [])
    if left_out:
        columns = [Column("files", "files", count), Column("which", "what", escape)]
        total = sum(each["files"] for each in left_out)
        blocks += [f"## Left out: files ({total:,})", table(pd.DataFrame(left_out), columns)]
    return blocks


def _condition(cell: Mapping[str, Any]) -> str:
    return "" if cell["condition"] == CLEAN else f"under {cell['condition']}"


def origin(run: Run) -> list[str]:
    """The command, the data, the machine, the versions, the hashes."""
    info = run.info
    corpus, machine, git = info["corpus"], info["machine"], info["git"]
    where = [machine.get(key) for key in ("cpu", "os")] + [f"Python {machine.get('python')}"]
    facts = {
        "command": info["command"],
        "started, finished": f"{info['started']}, {info['finished']}",
        "took": _took(info),
        "corpus": f"{corpus['name']} from {corpus['source']}: {corpus['clips']:,} clips, {corpus['audio_s']:,.0f} s",
        "corpus sha256": corpus["sha256"],
        **{f"{part} sha256": f"{entry['sha256']} ({entry['name']})" for part, entry in corpus.get("parts", {}).items()},
        "machine": ", ".join(str(part) for part in where),
        **machine_kind(machine),
        **_predicted_elsewhere(info),
        "cores, memory": f"{machine.get('cores')} cores, {machine.get('memory_bytes', 0) / 1e9:.1f} GB",
        "governor, load at start": f"{machine.get('governor') or 'unknown'}, {machine.get('load_1m')}",
        "taken by others before timing": f"{percent(machine.get('others_share', 0.0))} % of the processors",
        "code": f"{git.get('commit') or 'not a git checkout'}{' and changes' if git.get('dirty') else ''}",
        "vocabulary": "; ".join(f"{label}: {', '.join(words)}" for label, words in info["vocabulary"].items()),
    }
    rows = [f"| {name} | {code(value)} |" for name, value in facts.items() if value or name != "vocabulary"]
    packages = ", ".join(f"{name} {version}" for name, version in sorted(info["packages"].items()))
    return [
        "## What it was run on",
        "\n".join(["| what | value |", "|:--|:--|", *rows]),
        "### Backends",
        table(_backends(run), _backend_columns(run)),
        details("Model files", table(_artifacts(run), _artifact_columns(run))),
        details("Configuration", f"```json\n{json.dumps(info['config'], indent=1, sort_keys=True)}\n```"),
        details("Packages", escape(packages)),
    ]


def machine_kind(machine: Mapping[str, Any]) -> dict[str, str]:
    """Processor, kernels and host in a line each; nothing of a run that does not say them."""
    if not {"processor", "kernels", "host"} <= machine.keys():
        return {}
    processor, kernels, host = machine["processor"], machine["kernels"], machine["host"]
    microcode = f", microcode {processor['microcode']}" if processor["microcode"] else ""
    caches = "".join(f", {level} {size}" for level, size in processor["caches"].items())
    blas = [f"{one['package']}: {one['library']} {one['version']} ({one['kernel']})" for one in kernels["blas"]]
    chosen = [f"{name}={value}" for name, value in kernels["environment"].items()]
    stated = [word for word in ("virtual", "container") if host[word]]
    limit = [f"at most {host['cpu_quota']:g} processors' time"] if host["cpu_quota"] else []
    return {
        "processor": f"{kind(processor)}{microcode}{caches}",
        "kernels": ", ".join([*blas, *chosen]) or "unknown",
        **({"host": ", ".join([*stated, *filter(None, [host["product"]]), *limit])} if stated or limit else {}),
    }


def _predicted_elsewhere(info: Mapping[str, Any]) -> dict[str, str]:
    """How many cells hold predictions that another kind of processor made: labels are alike, scores nearly."""
    here = kind(info["machine"]["processor"]) if "processor" in info["machine"] else None
    done = [cell.get("processor") for cell in info["cells"] if cell["status"] == "done"]
    others = Counter(processor or "a processor not recorded" for processor in done if here and processor != here)
    text = "; ".join(f"{cells:,} of {len(done):,} cells on {processor}" for processor, cells in sorted(others.items()))
    return {"predictions taken over": text} if text else {}


def _took(info: dict[str, Any]) -> str:
    sessions, busy = [*info.get("earlier_wall_s", []), info.get("wall_s") or 0], info.get("busy_s") or 0
    parts = f" in {len(sessions)} sessions" if len(sessions) > 1 else ""
    work = f"the backends' own work for the accuracy figures, over all workers: {busy:,.0f} s"
    return f"{sum(sessions):,.0f} s{parts}; {work}"


def _backends(run: Run) -> pd.DataFrame:
    rows = [
        {
            "backend": entry["name"],
            "kind": "trained" if entry["trained"] else "zero-shot",
            "clips": entry["clips"],
            "settings": ", ".join(f"{key} = {value}" for key, value in sorted(entry["settings"].items())),
            "source": entry["source_sha256"],
        }
        for entry in run.info["backends"]
    ]
    return pd.DataFrame(rows, columns=["backend", "kind", "clips", "settings", "source"])


def _backend_columns(run: Run) -> list[Column]:
    return [
        Column(first_header(run, "backend"), "backend", escape),
        Column("kind", "kind"),
        Column("clips heard", "clips", escape),
        Column("settings", "settings", escape),
        Column("sha256 of source", "source", code),
    ]


def _artifacts(run: Run) -> pd.DataFrame:
    rows = [{"backend": entry["name"], **artifact} for entry in run.info["backends"] for artifact in entry["artifacts"]]
    return pd.DataFrame(rows, columns=["backend", "name", "bytes", "sha256"])


def _artifact_columns(run: Run) -> list[Column]:
    return [
        Column(first_header(run, "backend"), "backend", escape),
        Column("file", "name", code),
        Column("bytes", "bytes", count),
        Column("MB", "bytes", megabytes),
        Column("sha256", "sha256", code),
    ]

"""Which backends answer: chosen by name, by model file, or those that can answer without either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.config import Config
from bench.errors import BenchError
from bench.live.lanes import Candidate
from bench.preflight import check_backends
from bench.recogniser import choose
from bench.shipped import ready_ones, shipped

READY: Final = ("whisper-closed:tiny.en",)
"""Heard where none is chosen, beside those whose models ship: they need no training."""


def candidates(config: Config, names: Sequence[str] = (), models: Sequence[Path] = ()) -> list[Candidate]:
    """Each of ``names``, and each model file. Without either, the models that ship and all of ``READY``
    that are installed.

    Raises BenchError where one cannot be made, or none is left.
    """
    if names or models:
        chosen = [Candidate(choose(config, model, name), model) for name in names for model in (shipped(name),)]
        if untrained := [
            each.name for each in chosen if each.model is None and _ours(each) and each.job.spec.load().trained
        ]:
            name = untrained[0]
            raise BenchError(f"{name} must be trained first: `digitbench train {name} --out FILE`, then --model FILE")
        return chosen + [Candidate(choose(config, model, None), model) for model in models]
    ready = [Candidate(choose(config, path, name), path) for name, path in ready_ones(config.vocabulary)]
    why = []
    for name in READY:
        try:
            check_backends(replace(config, backends=(name,)))
            ready.append(Candidate(choose(config, None, name)))
        except BenchError as error:
            why.append(str(error))
    if not ready:
        raise BenchError(f"{'; '.join(why)}; or name others: --backends A,B, --model FILE")
    return ready


def _ours(candidate: Candidate) -> bool:
    """Whether its class may be imported here; whoever wrote another's is asked in a worker."""
    return candidate.job.spec.target.startswith("backends.")

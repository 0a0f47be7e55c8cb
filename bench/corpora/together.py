"""Several corpora as one: ``librispeech+common_voice``. Their clips are tested together, and told apart by table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from bench.corpora.base import Corpus
from bench.errors import BenchError


def together(corpora: Sequence[Corpus]) -> Corpus:
    """All clips of all corpora. Clip ids, paths and speakers begin with their corpus, so that none collides.

    Raises BenchError where a corpus is named twice.
    """
    parts = {corpus.title: corpus for corpus in corpora}
    if len(parts) < len(corpora):
        raise BenchError(f"{'+'.join(corpus.title for corpus in corpora)}: a corpus is named twice")
    clips = pd.concat([_within(corpus.clips, part) for part, corpus in parts.items()], ignore_index=True)
    return Corpus(
        name="+".join(parts),
        root=corpora[0].root,
        clips=clips.sort_values("clip", ignore_index=True),
        rejected=tuple(
            replace(each, path=f"{part}/{each.path}") for part, corpus in parts.items() for each in corpus.rejected
        ),
        source="; ".join(f"{part}: {corpus.source}" for part, corpus in parts.items()),
        notice="\n".join(f"{part}: {corpus.notice}" for part, corpus in parts.items() if corpus.notice),
        left_out=tuple(
            replace(each, what=f"{part}: {each.what}") for part, corpus in parts.items() for each in corpus.left_out
        ),
        hints=tuple(f"{part}: {hint}" for part, corpus in parts.items() for hint in corpus.hints),
        parts=parts,
    )


def _within(clips: pd.DataFrame, part: str) -> pd.DataFrame:
    speakers = (f"{part}/" + clips["speaker"].astype(object)).where(clips["speaker"].notna(), None)
    return clips.assign(clip=f"{part}/" + clips["clip"], path=f"{part}/" + clips["path"], speaker=speakers)

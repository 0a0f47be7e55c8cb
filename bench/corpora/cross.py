"""Two corpora as one: every clip of the first to learn from, every clip of the second to be tested on."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from bench.corpora.base import Corpus

PARTS = ("train", "test")


def join(train: Corpus, test: Corpus) -> Corpus:
    """A corpus whose parts are ``train`` and ``test``, with its official split between them.

    Clip ids and paths begin with ``train/`` or ``test/``, so that the two cannot collide. Names of speakers stay as
    they are: two corpora may name different people alike, so a name in both is told in ``notice``, not refused.
    """
    parts = dict(zip(PARTS, (train, test), strict=True))
    clips = pd.concat(
        [
            corpus.clips.assign(
                clip=f"{part}/" + corpus.clips["clip"], path=f"{part}/" + corpus.clips["path"], official=part
            )
            for part, corpus in parts.items()
        ],
        ignore_index=True,
    ).sort_values("clip", ignore_index=True)
    rejected = tuple(
        replace(each, path=f"{part}/{each.path}") for part, corpus in parts.items() for each in corpus.rejected
    )
    notices = [f"{corpus.title}: {corpus.notice}" for corpus in parts.values() if corpus.notice]
    return Corpus(
        name=f"{train.title} → {test.title}",
        root=test.root,
        clips=clips,
        rejected=rejected,
        source="; ".join(f"{part}: {corpus.source}" for part, corpus in parts.items()),
        notice="\n".join([*notices, *_shared_speakers(train, test), *_unlearned(train, test)]),
        left_out=tuple(
            replace(each, what=f"{part}: {each.what}") for part, corpus in parts.items() for each in corpus.left_out
        ),
        hints=tuple(f"{corpus.title}: {hint}" for corpus in parts.values() for hint in corpus.hints),
        parts=parts,
    )


def _shared_speakers(train: Corpus, test: Corpus) -> list[str]:
    shared = sorted(set(train.clips["speaker"].dropna()) & set(test.clips["speaker"].dropna()))
    named = f"{', '.join(shared[:5])}{', …' if len(shared) > 5 else ''}"
    return [f"Both corpora name speakers {named}: if they are the same people, no voice is unheard."] if shared else []


def _unlearned(train: Corpus, test: Corpus) -> list[str]:
    missing = sorted(set(test.clips["label"]) - set(train.clips["label"]))
    return [f"No training clip of {', '.join(missing)}, which are tested: nobody can learn them."] if missing else []

"""AudioMNIST (Becker et al. 2018, MIT): ten digits by 60 speakers, 50 takes each; ``01/7_01_0.wav``.

Its authors published five folds in which nobody who is tested was heard in training (``splits.py`` of
github.com/soerenab/AudioMNIST). The official split here is the first: its twelve test speakers, and its training and
validation speakers to learn from.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.corpora.base import Corpus, LeftOut
from bench.corpora.collect import Item, Wanted, collect
from bench.corpora.layouts import AUDIOMNIST
from bench.corpora.scan import Entry, Progress
from bench.corpora.walk import walk
from bench.errors import BenchError

SPEAKERS = frozenset(f"{number:02d}" for number in range(1, 61))
TEST_SPEAKERS = frozenset(f"{number:02d}" for number in (5, 13, 18, 22, 26, 32, 33, 42, 45, 51, 52, 60))
"""Of the first published fold of the task "digit"."""


def open_audiomnist(data: Path, wanted: Wanted, progress: Progress | None = None) -> Corpus:
    """The corpus in ``data``, its ``data`` folder, or ``AudioMNIST/data`` below.

    Raises BenchError when it is not there, or none of its digits is in the vocabulary.
    """
    root = find_root(data)
    kept = collect(root, lambda: _entries(root), wanted, progress, named=True)
    missing = len(SPEAKERS) - kept.clips["speaker"].nunique()
    return Corpus(
        "audiomnist", root, kept.clips, kept.rejected, "AudioMNIST",
        f"AudioMNIST is incomplete: {missing} of its {len(SPEAKERS)} speakers are missing." if missing else "",
        kept.left_out,
        (f"official: the first published fold, test speakers {', '.join(sorted(TEST_SPEAKERS))}",),
    )  # fmt: skip


def find_root(data: Path) -> Path:
    """The folder of speakers' folders. Raises BenchError where there is none."""
    if not data.is_dir():
        raise BenchError(f"{data}: no such folder")
    for folder in (data, data / "data", data / "AudioMNIST" / "data"):
        if any(AUDIOMNIST.match(path.relative_to(folder).as_posix()) for path in folder.glob("[0-9][0-9]/*_*_*")):
            return folder
    raise BenchError(f"{data}: no AudioMNIST here; expected 01/7_01_0.wav or data/01/7_01_0.wav: digit_speaker_take")


def _entries(root: Path) -> Iterator[Item]:
    for item in walk(root):
        fields = AUDIOMNIST.match(item) if isinstance(item, str) else None
        if not isinstance(item, str):
            yield item
        elif fields is None:
            yield LeftOut(1, "files not named as SPEAKER/DIGIT_SPEAKER_TAKE")
        elif fields["speaker"] not in SPEAKERS:
            yield LeftOut(1, f"files of speaker {fields['speaker']}, none of AudioMNIST's 60")
        else:
            official = "test" if fields["speaker"] in TEST_SPEAKERS else "train"
            yield Entry(item, fields["label"], fields["speaker"], official)

from __future__ import annotations

import pytest

from bench.errors import BenchError
from bench.loading.child import HARNESS
from bench.loading.loaders import ALL, FAST, LOADERS
from bench.loading.plan import FULL, QUICK, Case, cases, chosen, takes


def test_every_format_and_length_is_there_whole_sliced_and_by_its_header() -> None:
    found = cases(FULL)
    assert len(found) == len(set(found))
    for task in ("whole", "slice", "duration"):
        assert {(case.format, case.length) for case in found if case.task == task} == {
            (name, length) for name in ALL for length in FULL.lengths
        }
    assert sum(case.task == "files" for case in found) == 1


def test_what_the_user_leaves_out_is_left_out_and_the_two_stay() -> None:
    plan = chosen(QUICK, ("soundfile",), ("FLAC",), 3)
    assert plan.loaders == ("librosa", "soundfile", "audiodecode")
    assert (plan.formats, plan.rounds, plan.lengths) == (("FLAC",), 3, QUICK.lengths)
    assert chosen(FULL, None, None, None) == FULL


@pytest.mark.parametrize(
    ("loaders", "formats", "rounds", "words"),
    [
        (("sox",), None, None, "no loader called 'sox'; there are librosa"),
        (None, ("mp4",), None, "no format called 'mp4'; there are WAV16"),
        (None, None, 0, "--rounds 0: at least 1"),
    ],
)
def test_what_is_not_there_is_refused(
    loaders: tuple[str, ...] | None, formats: tuple[str, ...] | None, rounds: int | None, words: str
) -> None:
    with pytest.raises(BenchError, match=words):
        chosen(FULL, loaders, formats, rounds)


def test_a_loader_takes_part_in_what_it_reads() -> None:
    assert takes(FAST, Case("whole", "Opus", 5.0))
    assert not takes(FAST, Case("whole", "MP3", 5.0))
    assert [name for name in (*LOADERS, HARNESS) if takes(name, Case("files", "WAV16", 0.0))][-1] == HARNESS
    assert not takes(HARNESS, Case("whole", "WAV16", 5.0))

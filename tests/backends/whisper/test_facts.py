"""What Whisper tells of its work."""

import pytest

from backends.whisper.facts import Segment, facts


def test_facts_are_sums_and_means_of_tokens() -> None:
    found = facts([Segment(10, -0.5, 0.1), Segment(30, -1.0, 0.4)], windows=2, kept_s=31.2)
    assert found == {
        "encoder_tokens": 3_000,
        "clip_tokens": 1_560,
        "decoder_tokens": 40,
        "avg_logprob": pytest.approx(-0.875),
        "no_speech": 0.4,
    }


def test_nothing_heard_is_work_all_the_same() -> None:
    assert facts([], windows=1, kept_s=0.5) == {"encoder_tokens": 1_500, "clip_tokens": 25, "decoder_tokens": 0}

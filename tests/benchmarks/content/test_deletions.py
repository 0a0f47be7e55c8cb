from __future__ import annotations

import numpy as np
import pytest

from benchmarks.content.deletions import tenth, without
from sound.activity import HOP


@pytest.mark.parametrize(("hops", "chosen"), [(1, 1), (14, 1), (16, 2), (100, 10)])
def test_a_tenth_of_the_hops_is_at_least_one(hops: int, chosen: int) -> None:
    values = np.arange(hops, dtype=float)
    assert np.flatnonzero(tenth(values)).tolist() == list(range(chosen))
    assert np.flatnonzero(tenth(-values)).tolist() == list(range(hops - chosen, hops))


def test_deleting_leaves_the_other_samples_in_order() -> None:
    audio = np.arange(2 * HOP + 3, dtype=np.float32)
    left = without(audio, np.array([False, True, False]))
    np.testing.assert_array_equal(left, np.concatenate([audio[:HOP], audio[2 * HOP :]]))

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.live.cuts import rows
from benchmarks.live.report import markdown
from tests.bench import factory


def test_what_is_lost_is_of_the_same_clips_under_both() -> None:
    table = factory.clips()
    clean = factory.heard(table, "lite", wrong=["0_ann_0"], of=["official"])
    live = factory.heard(table, "lite", wrong=["0_ann_0", "1_ann_0", "2_bob_1"], of=["official"])
    run = factory.run(pd.concat([clean, live.assign(condition="live")], ignore_index=True), table, ran=("official",))
    (row,) = rows(run)
    assert (row["backend"], row["clips"]) == ("lite", 18)
    assert (row["clean"], row["live"], row["lost"]) == pytest.approx((17 / 18, 15 / 18, 2 / 18))
    assert row["low"] <= row["lost"] <= row["high"]
    text = markdown({"machine": {"cpu": "a processor", "cores": 2}, "cuts": {"rows": [row]}}, "make live-bench")
    assert "| lite      | 18      | 94.4                   | 83.3                | 11.1 (" in text

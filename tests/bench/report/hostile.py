"""A run whose every name and text was chosen to do harm: to terminals, pages, spreadsheets, file names."""

from __future__ import annotations

from typing import Final

import pandas as pd

from bench.records.schema import Run
from tests.bench import factory

ORDERS: Final = "\x1b]0;title\x07\x9b31m\u202e\u2066\u200b\u200f\ufeff\u2028\x85\x00\x7f\r"
LABELS: Final = ('=HYPERLINK("http://evil.example","x")', f"@SUM(1+1) {ORDERS}", "L" * 300, "label", "$\\frac{1}{2$ _x")
SPEAKERS: Final = ("_ann\x1b[2J", "+cmd|' /C calc'!A0", "S" * 300, "backend", "\u202e<script>alert(1)</script>")
TEXTS: Final = (
    ORDERS,
    "|<script>alert(1)</script>",
    "[a](javascript:alert(1)) ![b](http://evil.example/b.png)",
    "\n\n# head\r\n```\n- item\n<details>",
    "http://evil.example www.evil.example mailto:me@evil.example `x` **b** &lt; :smile:",
    "-1+1",
    "T" * 300,
)
BACKENDS: Final = ("chance", f"knn:{ORDERS}|<b>`", "mine:" + "B" * 300)


def hostile() -> Run:
    """Three backends, trained under two splits and zero-shot, some of them failing."""
    table = factory.clips(LABELS, SPEAKERS, takes=4)
    names = {clip: f"=a{i} {TEXTS[i % len(TEXTS)]}" for i, clip in enumerate(table["clip"])}
    wrong = list(table["clip"][::3])
    trained = [factory.heard(table, name, wrong, of=["loso", "official"], scores=True) for name in BACKENDS[:2]]
    heard = factory.heard(table, BACKENDS[2], wrong, wrong[::2], texts=True)
    heard["text"] = (TEXTS * len(heard))[: len(heard)]

    def renamed(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(clip=frame["clip"].map(names))

    reason = f"ValueError: {ORDERS}[red]|`<script>" + "E" * 400
    return factory.run(
        renamed(pd.concat([*trained, heard], ignore_index=True)),
        renamed(table),
        factory.timings({name: 0.001 * (i + 1) for i, name in enumerate(BACKENDS)}, calls=20),
        ran=renamed(factory.splits(table)),
        name=f"run {ORDERS}<b>",
        command=f"digitbench {ORDERS}",
        notice=f"{ORDERS}\nforged",
        failures=[{"backend": BACKENDS[1], "phase": "checks", "reason": reason}],
        config={"seed": 0, "splits": ["official", "loso"], "threads": [1, 2], "vocabulary": {ORDERS: ["`" * 3]}},
    )

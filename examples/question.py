"""A question to a run that its report does not answer: which word is most often taken for which, and by whom?

    python examples/question.py results/fsdd

Tables hold what the report shows, in raw numbers; ``bench.marks.open_run`` gives every single prediction.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd


def mistakes(run: Path) -> pd.DataFrame:
    """The three commonest mistakes of each backend on its hardest split, in clips; silence is ``no digit``."""
    table = pd.read_csv(run / "tables" / "confusion.csv", dtype={"label": str, "predicted": str})
    hardest = pd.read_csv(run / "tables" / "accuracy.csv")["split"].iloc[0]
    wrong = table[(table["split"] == hardest) & (table["label"] != table["predicted"]) & (table["clips"] > 0)]
    wrong = wrong.assign(predicted=wrong["predicted"].fillna("no digit"))
    worst = wrong.sort_values("clips", ascending=False, kind="stable").groupby("backend").head(3)
    ordered: pd.DataFrame = worst.sort_values(["backend", "clips"], ascending=[True, False])
    return ordered[["backend", "label", "predicted", "clips"]]


if __name__ == "__main__":
    print(mistakes(Path(sys.argv[1])).to_string(index=False))

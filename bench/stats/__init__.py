"""The statistics behind the tables: pure functions of arrays, each naming its source."""

from bench.stats.calibration import brier, calibration_error, macro_auc, probabilities
from bench.stats.intervals import Interval, macro_f1, share, wilson
from bench.stats.paired import (
    Pair,
    bootstrap_test,
    compare_pairs,
    difference,
    holm,
    mcnemar,
    mcnemar_exact,
    ranks,
    sign_test,
    time_ratio,
)
from bench.stats.timing import calls_needed, percentile, real_time_factor

__all__ = [
    "Interval",
    "Pair",
    "bootstrap_test",
    "brier",
    "calibration_error",
    "calls_needed",
    "compare_pairs",
    "difference",
    "holm",
    "macro_auc",
    "macro_f1",
    "mcnemar",
    "mcnemar_exact",
    "percentile",
    "probabilities",
    "ranks",
    "real_time_factor",
    "share",
    "sign_test",
    "time_ratio",
    "wilson",
]

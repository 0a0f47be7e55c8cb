"""The statistics behind the tables: pure functions of arrays, each naming its source."""

from bench.stats.calibration import brier, calibration_error, macro_auc, probabilities
from bench.stats.intervals import Interval, clustered, macro_f1, wilson
from bench.stats.paired import compare_pairs, difference, holm, mcnemar_exact, ranks, time_ratio
from bench.stats.timing import calls_needed, percentile, real_time_factor

__all__ = [
    "Interval",
    "brier",
    "calibration_error",
    "calls_needed",
    "clustered",
    "compare_pairs",
    "difference",
    "holm",
    "macro_auc",
    "macro_f1",
    "mcnemar_exact",
    "percentile",
    "probabilities",
    "ranks",
    "real_time_factor",
    "time_ratio",
    "wilson",
]

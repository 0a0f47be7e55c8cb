from __future__ import annotations

import zlib

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import entropy

from benchmarks.wer.system import compression_ratio, token_facts


def test_tokens_are_judged_by_their_probabilities() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (6, 50)).astype(np.float32)
    tokens = [int(row.argmax()) for row in logits[:5]]
    facts = token_facts(logits, tokens)
    logs = log_softmax(logits[:5].astype(float), axis=1)
    token_logs = logs[np.arange(5), tokens]
    assert facts["worst_logprob"] == pytest.approx(token_logs.min(), abs=1e-4)
    assert facts["low_logprob"] == pytest.approx(np.quantile(token_logs, 0.1), abs=1e-4)
    assert facts["unsure_share"] == pytest.approx(np.mean(np.exp(token_logs) < 0.5))
    assert facts["entropy"] == pytest.approx(entropy(np.exp(logs), axis=1).mean(), abs=1e-4)


def test_no_tokens_are_nothing_to_be_unsure_of() -> None:
    assert set(token_facts(np.zeros((1, 5), np.float32), []).values()) == {0.0}


def test_loops_compress_well() -> None:
    assert compression_ratio("again and " * 40) > 2.4 > compression_ratio("said once, and that was it")
    assert compression_ratio("") == 0 and compression_ratio("ab") == 2 / len(zlib.compress(b"ab"))

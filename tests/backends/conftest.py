"""Fixtures of the backends' tests."""

from __future__ import annotations

import pytest

from backends.mfcc.pipeline import Mfcc
from tests.backends.mfcc.models import FAMILY, TRAIN, VOCABULARY


@pytest.fixture(scope="session", params=FAMILY, ids=lambda kind: kind.name)
def fitted(request: pytest.FixtureRequest) -> Mfcc:
    """Each of the family, fitted to ``TRAIN``. Read only."""
    backend: Mfcc = request.param(VOCABULARY)
    backend.fit(TRAIN)
    return backend

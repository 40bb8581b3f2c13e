"""Fixtures of the journal's tests."""

from __future__ import annotations

import pytest

from kedge.journal import SigningKey


@pytest.fixture
def key() -> SigningKey:
    """A fixed key, so that files can be compared."""
    return SigningKey(bytes(range(32)))

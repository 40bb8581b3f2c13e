"""A small seeded sample of `python -m tests.venues.emulator.fuzz`."""

from __future__ import annotations

import pytest

from tests.venues.emulator import fuzz


@pytest.mark.parametrize("seed", [0, 3])
def test_random_spot_clients_find_nothing(seed: int) -> None:
    assert fuzz.spot(seed, steps=45) > 0


@pytest.mark.parametrize("seed", [1, 2])
def test_random_futures_clients_find_nothing(seed: int) -> None:
    assert fuzz.futures(seed, steps=45) > 0

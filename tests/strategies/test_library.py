"""The table of shipped strategies."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module

import pytest

import kedge.strategies
from kedge.core.strategy.base import BaseStrategy
from kedge.core.strategy.signals import SignalStrategy
from kedge.model.errors import StrategyError
from kedge.strategies.directional import DirectionalStrategy
from kedge.strategies.library import SHIPPED, shipped


def test_every_strategy_in_the_package_is_in_the_table() -> None:
    found = set()
    for module in pkgutil.walk_packages(kedge.strategies.__path__, "kedge.strategies."):
        for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(kind, BaseStrategy) and kind not in {BaseStrategy, DirectionalStrategy, SignalStrategy}:
                found.add(kind)
    assert found == {each.strategy for each in SHIPPED.values()}


@pytest.mark.parametrize("name", SHIPPED)
def test_each_has_a_one_line_description_and_its_own_name(name: str) -> None:
    strategy, description = SHIPPED[name]
    assert "\n" not in description
    assert 20 < len(description) < 90
    assert shipped(name) is strategy
    assert strategy().name() == strategy.__name__


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(StrategyError, match="there is no shipped strategy 'sma_cros'; did you mean sma_cross"):
        shipped("sma_cros")
    with pytest.raises(StrategyError, match="shipped are sma_cross, mean_reversion, breakout"):
        shipped("zzz")

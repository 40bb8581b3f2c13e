"""What holds for every shipped strategy: no look into the future, no memory after a reset, an honest warm-up."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kedge.core.strategy.base import BaseStrategy, Wishes
from kedge.model.errors import StrategyError
from kedge.model.market import Candle
from kedge.model.money import canonical
from kedge.model.signal import Signal, Wish
from kedge.strategies.directional import DirectionalStrategy
from kedge.strategies.library import SHIPPED

from .conftest import BTC_1H, ETH_1H, RealCandles
from .histories import closes, walks
from .paper import Paper

#: Parameters small enough for short histories to make each strategy decide.
QUICK: dict[str, dict[str, Any]] = {
    "sma_cross": {"fast": 2, "slow": 4},
    "mean_reversion": {"window": 5, "num_std": "1.2"},
    "breakout": {"window": 4, "exit_window": 2},
    "rsi": {"window": 3},
    "grid": {"levels": 3, "step_pct": "0.5", "quantity": 1},
    "pairs": {"window": 6, "entry_z": "1.2", "exit_z": "0.3", "stop_z": "2.1", "quantity": 1},
    "market_making": {"quantity": 1, "inventory_max": 2, "spread_bps": 40},
    "sma_cross_signals": {"fast": 2, "slow": 4},
    "mean_reversion_signals": {"window": 5, "num_std": "1.2"},
    "breakout_signals": {"window": 4, "exit_window": 2},
    "rsi_signals": {"window": 3},
}
DIRECTIONAL = [name for name, each in SHIPPED.items() if issubclass(each.strategy, DirectionalStrategy)]


def quick(name: str, **more: Any) -> BaseStrategy:
    return SHIPPED[name].strategy(**{**QUICK[name], **more})


def decisions(strategy: BaseStrategy, history: Sequence[Candle]) -> list[list[Wish]]:
    strategy.reset()
    return Paper(strategy).play(history)


def same_past(make: Any, data: st.DataObject) -> tuple[list[list[Wish]], list[list[Wish]]]:
    """The decisions up to a moment in two histories that differ only after it."""
    symbols = make().required_symbols()
    history = data.draw(walks(symbols))
    at = data.draw(st.integers(1, len(history) - 1))
    other = data.draw(walks(symbols, least=len(history) // len(symbols), most=len(history) // len(symbols)))
    changed = history[:at] + other[at:]
    return decisions(make(), history)[:at], decisions(make(), changed)[:at]


@pytest.mark.parametrize("name", SHIPPED)
@given(data=st.data())
def test_no_candle_after_a_moment_changes_a_decision_before_it(name: str, data: st.DataObject) -> None:
    one, other = same_past(lambda: quick(name), data)
    assert one == other


@pytest.mark.parametrize("name", SHIPPED)
def test_such_histories_make_each_strategy_decide(name: str) -> None:
    """Without decisions the property above would be empty."""
    chance = Random(7)
    prices = [100 + Decimal(each).scaleb(-2) for each in accumulate(chance.randint(-300, 300) for _ in range(60))]
    strategy = quick(name)
    columns = [
        closes(prices if symbol == "BTC-USD" else prices[::-1], symbol) for symbol in strategy.required_symbols()
    ]
    made = decisions(strategy, [each for moment in zip(*columns, strict=True) for each in moment])
    assert sum(map(bool, made)) >= 3


@pytest.mark.parametrize("name", SHIPPED)
@given(data=st.data())
def test_a_reset_strategy_decides_as_a_new_one(name: str, data: st.DataObject) -> None:
    strategy = quick(name)
    history = data.draw(walks(strategy.required_symbols()))
    first = decisions(strategy, history)
    assert decisions(strategy, history) == first
    assert decisions(quick(name), history) == first


@pytest.mark.parametrize("name", SHIPPED)
def test_each_trades_on_the_real_market(name: str, real_candles: RealCandles) -> None:
    strategy = SHIPPED[name].strategy()
    files = dict(zip(("BTC-USD", "ETH-USD"), (BTC_1H, ETH_1H), strict=True))
    columns = [real_candles(files[symbol], symbol, 1_500) for symbol in strategy.required_symbols()]
    history = sorted((each for column in columns for each in column), key=lambda each: each.ts)
    paper = Paper(strategy)
    wishes = paper.play(history)
    assert paper.fills
    asked = {wish.symbol for made in wishes for wish in made if isinstance(wish, Signal)}
    assert asked == set(strategy.required_symbols())
    assert all(wish.reason for made in wishes for wish in made), "the journal must say why"


@pytest.mark.parametrize("name", DIRECTIONAL)
def test_the_warm_up_is_as_long_as_it_must_be_and_no_longer(name: str) -> None:
    strategy = SHIPPED[name].strategy()
    bars = strategy.warmup_bars()
    assert bars > 1
    # A market that stands still and jumps is a signal to each of them, on the first candle that can make one.
    ready = decisions(strategy, closes([100] * (bars - 1) + [120]))
    assert [bool(wishes) for wishes in ready] == [False] * (bars - 1) + [True]
    early = decisions(strategy, closes([100] * (bars - 2) + [120]))
    assert not any(early)


@pytest.mark.parametrize("name", SHIPPED)
@given(data=st.data())
def test_nothing_is_wished_during_the_warm_up(name: str, data: st.DataObject) -> None:
    strategy = quick(name)
    symbols = strategy.required_symbols()
    made = decisions(strategy, data.draw(walks(symbols)))
    assert not any(made[: max(0, strategy.warmup_bars() - 1) * len(symbols)])


@pytest.mark.parametrize("name", DIRECTIONAL)
@given(data=st.data())
def test_where_shorts_are_not_allowed_nothing_is_ever_short(name: str, data: st.DataObject) -> None:
    strategy = quick(name, allow_short=False, quantity=3)
    paper = Paper(strategy)
    for each in data.draw(walks(strategy.required_symbols())):
        paper.take(each)
        assert paper.position("BTC-USD") in {Decimal(0), Decimal(3)}


@pytest.mark.parametrize("name", DIRECTIONAL)
@given(data=st.data())
def test_a_quantity_is_what_is_held(name: str, data: st.DataObject) -> None:
    strategy = quick(name, quantity="0.25")
    paper = Paper(strategy)
    for each in data.draw(walks(strategy.required_symbols())):
        paper.take(each)
        assert abs(paper.position("BTC-USD")) in {Decimal(0), Decimal("0.25")}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_parameter_says_what_it_is_and_within_which_bounds(name: str) -> None:
    kind = SHIPPED[name].strategy
    for parameter in kind.parameters.values():
        assert parameter.doc, f"{name}.{parameter.name} has no help text"
        for bound, beyond in ((parameter.bounds.low, -1), (parameter.bounds.high, 1)):
            if bound is not None:
                with pytest.raises(StrategyError, match=rf"parameter {parameter.name} of {kind.__name__} is"):
                    kind(**{parameter.name: bound + beyond})
        if parameter.type in {int, Decimal}:
            assert parameter.bounds.low is not None, f"{name}.{parameter.name} has no least value"


@pytest.mark.parametrize("name", SHIPPED)
def test_parameters_survive_the_way_through_text(name: str) -> None:
    strategy = quick(name)
    again = SHIPPED[name].strategy(**strategy.values_as_text())
    assert again.values() == strategy.values()


@pytest.mark.parametrize("name", SHIPPED)
@given(data=st.data())
def test_zeros_at_the_end_of_a_number_decide_and_say_nothing(name: str, data: st.DataObject) -> None:
    """The same number may be written otherwise when a session is replayed: reasons must not depend on it."""
    strategy = quick(name, **({"quantity": "1.50"} if "grid" not in name else {}))
    again = SHIPPED[name].strategy(**strategy.values_as_text())
    history = data.draw(walks(strategy.required_symbols()))
    padded = [structs.replace(each, close=each.close.quantize(Decimal("1E-6"))) for each in history]
    bare = [structs.replace(each, close=Decimal(canonical(each.close))) for each in history]
    assert decisions(strategy, padded) == decisions(again, bare)


class Clairvoyant(BaseStrategy):
    """Knows the whole history: what the first property must catch."""

    known: ClassVar[Sequence[Candle]] = ()

    def required_symbols(self) -> Sequence[str]:
        return ["BTC-USD"]

    def reset(self) -> None:
        self._at = 0

    def on_candle(self, candle: Candle) -> Wishes:
        self._at += 1
        later = self.known[self._at : self._at + 1]
        return [Signal.buy("BTC-USD", reason="it will rise")] if later and later[0].close > candle.close else None


def test_the_property_catches_a_strategy_that_looks_ahead() -> None:
    def made(prices: list[int]) -> list[list[Wish]]:
        Clairvoyant.known = closes(prices)
        return decisions(Clairvoyant(), Clairvoyant.known)

    assert made([100, 101, 102])[:2] != made([100, 101, 100])[:2]

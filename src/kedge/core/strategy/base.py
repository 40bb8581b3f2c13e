"""`BaseStrategy`: subclass it, say which symbols, get called, return signals.

A strategy keeps its own variables, sees the world through `self.view` (read only, up to now) and returns
wishes: `Signal` and `CancelOrders`. It is called in the order of facts and never twice at once. Hooks that a
class does not define are not called, so they cost nothing. The same object runs in a backtest, on paper and
live.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar

from kedge.core.strategy.parameters import Parameter, ParameterValue, declared, text_of
from kedge.core.strategy.view import NOWHERE, View
from kedge.model.errors import StrategyError
from kedge.model.facts import Fill, TimerFired
from kedge.model.market import Candle, FundingRate, MarkPrice, OrderBook, Quote, Trade
from kedge.model.signal import Wish

#: What a hook may return: wishes in order, or nothing.
Wishes = Iterable[Wish] | None


class BaseStrategy:
    """What every strategy is.

    Class attributes with annotations are parameters (see `parameters`), given by keyword at construction.
    `warmup` is the number of candles a symbol must have shown before signals count; `history` the number of
    past candles that `self.view.history(symbol)` keeps.
    """

    parameters: ClassVar[dict[str, Parameter]] = {}
    warmup: ClassVar[int] = 0
    history: ClassVar[int] = 0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.parameters = {**cls.parameters, **declared(cls)}

    def __init__(self, **given: Any) -> None:
        self.view: View = NOWHERE
        for name in given:
            if name not in self.parameters:
                near = get_close_matches(name, self.parameters, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(self.parameters) or 'none'}"
                raise StrategyError(f"{type(self).__name__} has no parameter {name}; {hint}")
        for name, parameter in self.parameters.items():
            setattr(self, name, parameter.parse(given.get(name, parameter.default), type(self).__name__))
        self.check()
        self.reset()

    def name(self) -> str:
        """The name that signals, orders and budgets carry; unique in a registry."""
        return type(self).__name__

    def required_symbols(self) -> Sequence[str]:
        """Canonical symbols whose facts the strategy gets."""
        raise NotImplementedError(f"{type(self).__name__} must define required_symbols()")

    def check(self) -> None:
        """Raise `StrategyError` when parameters do not fit each other, for example fast >= slow."""

    def reset(self) -> None:
        """Forget everything learned; called once at construction and before each run."""

    def warmup_bars(self) -> int:
        """Candles of a symbol to see before signals count; from the parameters where they decide it."""
        return self.warmup

    def on_candle(self, candle: Candle) -> Wishes:
        """A candle closed."""

    def on_trade(self, trade: Trade) -> Wishes:
        """Somebody traded."""

    def on_quote(self, quote: Quote) -> Wishes:
        """The best bid or ask changed."""

    def on_book(self, book: OrderBook) -> Wishes:
        """The order book changed and is valid."""

    def on_mark_price(self, mark: MarkPrice) -> Wishes:
        """The venue's mark price moved."""

    def on_funding_rate(self, funding: FundingRate) -> Wishes:
        """A funding rate was told."""

    def on_fill(self, fill: Fill) -> Wishes:
        """An order of this strategy was filled, in part or whole."""

    def on_timer(self, timer: TimerFired) -> Wishes:
        """A timer of this strategy is due."""

    def values(self) -> Mapping[str, ParameterValue]:
        """The parameters as they are set."""
        return {name: getattr(self, name) for name in self.parameters}

    def values_as_text(self) -> dict[str, str]:
        """The parameters as text, as the journal keeps them."""
        return {name: text_of(value) for name, value in self.values().items()}

"""What a strategy may ask for: a trade, a position, a protected entry, or the end of orders.

A signal is a wish. Allocation gives it a quantity where it has none, risk decides whether it becomes an
order.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

from msgspec import Struct, structs

from kedge.model.errors import StrategyError
from kedge.model.order import OrderType, Side, TimeInForce

N = TypeVar("N", OrderType, TimeInForce)


class Signal(Struct, frozen=True, gc=False, omit_defaults=True, tag="signal"):
    """A wish to trade `symbol`.

    `quantity` in base units or contracts; `None`: the strategy's budget. `target`, instead of side and
    quantity, is the signed position wanted. `stop_loss` and `take_profit` protect the position that the entry
    opens (a bracket). Signals of the same non-empty `group` cancel each other once one of them fills (OCO).
    """

    symbol: str
    side: Side | None = None
    quantity: Decimal | None = None
    target: Decimal | None = None
    order_type: OrderType = OrderType.MARKET
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_ns: int = 0
    post_only: bool = False
    reduce_only: bool = False
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    group: str = ""
    tag: str = ""
    reason: str = ""

    @classmethod
    def buy(cls, symbol: str, quantity: Decimal | None = None, **order: Any) -> Signal:
        """Buy `quantity`; more of the order (price, stop_price, stop_loss, ...) by keyword.

        The order type follows from what is given: a price makes a limit order, a stop price a stop, both a
        stop-limit, a trail a trailing stop; `order_type=` says it outright.
        """
        return cls(symbol, Side.BUY, quantity, order_type=_type_of(order), **order)

    @classmethod
    def sell(cls, symbol: str, quantity: Decimal | None = None, **order: Any) -> Signal:
        """Sell `quantity`; otherwise like `buy`."""
        return cls(symbol, Side.SELL, quantity, order_type=_type_of(order), **order)

    @classmethod
    def to_target(cls, symbol: str, target: Decimal, **order: Any) -> Signal:
        """Trade until the strategy's position in `symbol` is `target` (signed)."""
        return cls(symbol, target=target, order_type=_type_of(order), **order)

    @classmethod
    def close(cls, symbol: str, **order: Any) -> Signal:
        """Bring the strategy's position in `symbol` to zero, never beyond."""
        return cls(symbol, target=Decimal(0), reduce_only=True, order_type=_type_of(order), **order)

    @classmethod
    def oco(cls, *signals: Signal, group: str) -> list[Signal]:
        """The same signals as one group: when one fills, the others are cancelled."""
        return [structs.replace(signal, group=group) for signal in signals]


#: The fields of a signal as `msgspec.structs.astuple` gives them. One call for all is cheaper than a dozen reads; what
#: they are is not looked at again, so their types are left out.
SignalFields = tuple[Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any]


class StrategySignal(Signal, frozen=True, gc=False, omit_defaults=True, tag="signal"):
    """A signal with the name of the strategy that raised it, as `route_candle` returns it."""

    strategy: str = ""


class CancelOrders(Struct, frozen=True, gc=False, omit_defaults=True, tag="cancel"):
    """A wish to end the strategy's orders: one by its id, or all on a symbol, or (both empty) all."""

    symbol: str = ""
    order_id: str = ""
    reason: str = ""


Wish = Signal | CancelOrders


def _named(names: type[N], given: Any, what: str) -> N:
    """One of `names`, given as itself or as its text."""
    try:
        return names(given)
    except ValueError:
        raise StrategyError(f"{what} is {given!r}; it is one of {', '.join(names)}") from None


def _type_of(order: dict[str, Any]) -> OrderType:
    if not order:
        return OrderType.MARKET
    if "time_in_force" in order:
        order["time_in_force"] = _named(TimeInForce, order["time_in_force"], "time_in_force")
    if "order_type" in order:
        return _named(OrderType, order.pop("order_type"), "order_type")
    stop = order.get("stop_price") is not None
    limit = order.get("price") is not None
    if order.get("trail") is not None:
        if stop or limit:
            raise StrategyError("a trailing stop takes trail alone, without price or stop_price")
        return OrderType.TRAILING_STOP
    if stop:
        return OrderType.STOP_LIMIT if limit else OrderType.STOP
    return OrderType.LIMIT if limit else OrderType.MARKET

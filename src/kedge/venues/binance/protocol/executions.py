"""Executions of our orders, as the venue lists them.

Spot says `isBuyer` and `isMaker`, futures `buyer`, `maker` and the side. A commission may be negative: a rebate. Which
order of ours it was is not said, only the venue's id of it.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from kedge.model.errors import VenueError
from kedge.model.facts import Fill, Liquidity
from kedge.model.order import Side
from kedge.venues.binance.protocol.numbers import amount, lenient, price, signed, when
from kedge.venues.exact import decode, shown

_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}


class Execution(Struct, frozen=True, gc=False):
    """One execution of an order. `fee` is negative where it is a rebate; `exchange_id` is the order's."""

    raw: str
    trade_id: str
    exchange_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity
    ts: int
    quote_quantity: Decimal | None = None

    def fill(self, order_id: str, symbol: str) -> Fill:
        """The fact, once it is known whose order it was."""
        return Fill(
            self.ts,
            order_id,
            self.trade_id,
            symbol,
            self.side,
            self.quantity,
            self.price,
            self.fee,
            self.fee_currency,
            self.liquidity,
        )


class _Trade(Struct):
    symbol: str
    id: int
    orderId: int  # noqa: N815
    price: str
    qty: str
    commission: str
    commissionAsset: str  # noqa: N815
    time: int
    quoteQty: str | None = None  # noqa: N815
    isBuyer: bool | None = None  # noqa: N815
    isMaker: bool | None = None  # noqa: N815
    buyer: bool | None = None
    maker: bool | None = None
    side: str = ""


_TRADES = lenient(list[_Trade])


def executions_of(body: bytes) -> tuple[Execution, ...]:
    """Executions of ours, in the order of their trade ids."""
    return tuple(sorted(map(_execution, decode(body, _TRADES, "trades")), key=lambda one: int(one.trade_id)))


def side_of(text: str) -> Side:
    """`BUY` or `SELL`."""
    side = _SIDES.get(text)
    if side is None:
        raise VenueError(f"side is {shown(text)}; it must be BUY or SELL")
    return side


def above_zero(text: str) -> Decimal:
    """The quantity of an execution."""
    quantity = amount(text, "quantity")
    if not quantity:
        raise VenueError("an execution of nothing")
    return quantity


def _execution(entry: _Trade) -> Execution:
    buyer = entry.isBuyer if entry.isBuyer is not None else entry.buyer
    maker = entry.isMaker if entry.isMaker is not None else entry.maker
    if (buyer is None and not entry.side) or maker is None:
        raise VenueError(f"trade {entry.id} does not say its side or whether it was maker")
    side = side_of(entry.side) if entry.side else (Side.BUY if buyer else Side.SELL)
    if buyer is not None and buyer is not (side is Side.BUY):
        raise VenueError(f"trade {entry.id} says side {entry.side} and buyer {buyer}")
    return Execution(
        raw=entry.symbol,
        trade_id=str(entry.id),
        exchange_id=str(entry.orderId),
        side=side,
        quantity=above_zero(entry.qty),
        price=price(entry.price),
        fee=signed(entry.commission, "commission"),
        fee_currency=entry.commissionAsset,
        liquidity=Liquidity.MAKER if maker else Liquidity.TAKER,
        ts=when(entry.time),
        quote_quantity=amount(entry.quoteQty, "quoteQty") if entry.quoteQty is not None else None,
    )

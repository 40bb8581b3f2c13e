"""`BacktestTrade`: one fill of a backtest, as its result lists it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from kedge.model.facts import Fill, Liquidity
from kedge.model.instant import iso
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.market import Stamped, TimestampFirst, of_row
from kedge.model.money import EXACT, ONE, ZERO, canonical
from kedge.model.order import Side


class BacktestTrade(Stamped, frozen=True, gc=False, metaclass=TimestampFirst):
    """One fill.

    `price` is what was paid, slippage in it; `slippage` what it was worsened by, per unit in the quote currency. `fee`
    is in the account's currency whatever it was charged in (`fee_currency`, empty: the quote currency), and
    `fee_quantity` the base units that paid it where it was charged in them. `realized` is the profit that the fill
    booked for the account, before fees. One unit of `quantity` is `multiplier` base units.
    """

    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    slippage: Decimal
    strategy: str = ""
    order_id: str = ""
    realized: Decimal = ZERO
    fee_currency: str = ""
    fee_quantity: Decimal = ZERO
    liquidity: Liquidity = Liquidity.TAKER
    tag: str = ""
    multiplier: Decimal = ONE

    if TYPE_CHECKING:

        def __init__(  # noqa: PLR0913  (the fields, for the type checker)
            self,
            timestamp: datetime | int,
            symbol: str,
            side: Side,
            quantity: Decimal,
            price: Decimal,
            fee: Decimal,
            slippage: Decimal,
            strategy: str = "",
            order_id: str = "",
            realized: Decimal = ZERO,
            fee_currency: str = "",
            fee_quantity: Decimal = ZERO,
            liquidity: Liquidity = Liquidity.TAKER,
            tag: str = "",
            multiplier: Decimal = ONE,
        ) -> None: ...

    @property
    def signed(self) -> Decimal:
        """The quantity with the sign of its side."""
        return self.quantity if self.side is Side.BUY else -self.quantity

    @property
    def notional(self) -> Decimal:
        """Value traded, in the quote currency."""
        return EXACT.multiply(EXACT.multiply(self.quantity, self.multiplier), self.price)

    @property
    def slippage_cost(self) -> Decimal:
        """What slippage cost, in the quote currency."""
        return EXACT.multiply(EXACT.multiply(self.quantity, self.multiplier), self.slippage)

    def to_json(self) -> dict[str, object]:
        """Plain data: decimals as strings, the time as ISO 8601 UTC."""
        return {
            "timestamp": iso(self.ts),
            "symbol": self.symbol,
            "side": str(self.side),
            "quantity": canonical(self.quantity),
            "price": canonical(self.price),
            "fee": canonical(self.fee),
            "slippage": canonical(self.slippage),
            "strategy": self.strategy,
            "order_id": self.order_id,
            "realized": canonical(self.realized),
            "liquidity": str(self.liquidity),
            "tag": self.tag,
        }


_of_row = of_row(BacktestTrade)


def trade_of(
    fill: Fill,
    instrument: Instrument,
    strategy: str = "",
    realized: Decimal = ZERO,
    tag: str = "",
    account_currency: str = "",
) -> BacktestTrade:
    """The trade of a fill, its fee valued as the position tracker books it.

    A fee in the base currency of spot is worth its quantity at the fill's price; one in a third currency has no value
    in the account's and is left out here (the result lists such fees by currency).
    """
    currency = fill.fee_currency or instrument.quote
    fee, fee_quantity = fill.fee, ZERO
    if currency == instrument.base and currency != instrument.quote and instrument.kind is InstrumentKind.SPOT:
        fee, fee_quantity = EXACT.multiply(fill.fee, fill.price), fill.fee
    elif currency not in (instrument.quote, instrument.settle, account_currency):
        fee = ZERO
    return _of_row(
        fill.ts,
        fill.symbol,
        fill.side,
        fill.quantity,
        fill.price,
        fee,
        fill.slippage,
        strategy,
        fill.order_id,
        realized,
        fill.fee_currency,
        fee_quantity,
        fill.liquidity,
        tag,
        instrument.contract_size,
    )

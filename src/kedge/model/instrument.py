"""Instruments: what is traded, in which units, under which filters of the venue.

A quantity counts base units on spot and contracts on a derivative; one contract is `contract_size` base
units. The notional of `quantity` at `price` is therefore `quantity x contract_size x price` in the quote
currency, and it is computed here and nowhere else: mixing the units has cost others fortunes (hazard H24).
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from kedge.model.errors import ConfigError
from kedge.model.exact import check_exact
from kedge.model.money import ONE, ZERO, round_price, round_quantity

GENERIC_TICK = Decimal("0.00000001")


class InstrumentKind(StrEnum):
    """What holding it means: the asset itself, or a linear contract without expiry settled in the quote
    currency.
    """

    SPOT = "spot"
    PERPETUAL = "perpetual"


class InstrumentStatus(StrEnum):
    """Whether the venue takes orders for it."""

    OPEN = "open"
    CANCEL_ONLY = "cancel_only"
    CLOSED = "closed"


class Instrument(Struct, frozen=True, gc=False):
    """One tradable thing and the venue's rules for it.

    `tick_size` is the price grid, `lot_size` the quantity grid, `min_notional` the least order value in quote
    currency. Fees are fractions of notional (0.001 is 0.1%; negative: a rebate). `max_leverage` bounds
    notional over equity and `maintenance_margin` is the fraction of notional below which the venue
    liquidates.
    """

    symbol: str
    base: str
    quote: str
    settle: str = ""
    kind: InstrumentKind = InstrumentKind.SPOT
    tick_size: Decimal = GENERIC_TICK
    lot_size: Decimal = GENERIC_TICK
    min_quantity: Decimal = ZERO
    max_quantity: Decimal | None = None
    min_notional: Decimal = ZERO
    contract_size: Decimal = ONE
    maker_fee: Decimal = ZERO
    taker_fee: Decimal = ZERO
    max_leverage: Decimal = ONE
    maintenance_margin: Decimal = ZERO
    shortable: bool = False
    status: InstrumentStatus = InstrumentStatus.OPEN

    def __post_init__(self) -> None:
        check_exact(self, self.symbol)
        for name in ("tick_size", "lot_size", "contract_size", "max_leverage"):
            if not getattr(self, name) > ZERO:
                raise ConfigError(f"{self.symbol}: {name} is {getattr(self, name)}; it must be above zero")
        for name in ("min_quantity", "min_notional", "maintenance_margin"):
            if not getattr(self, name) >= ZERO:
                raise ConfigError(f"{self.symbol}: {name} is {getattr(self, name)}; it must not be below zero")

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Value of `quantity` (base units or contracts) at `price`, in the quote currency."""
        return quantity * self.contract_size * price

    def round_price(self, price: Decimal) -> Decimal:
        """`price` on the nearest tick."""
        return round_price(price, self.tick_size)

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """`quantity` on the lot grid, down."""
        return round_quantity(quantity, self.lot_size)


def generic_instrument(
    symbol: str,
    fee_rate: Decimal = ZERO,
    max_leverage: Decimal = ONE,
    quote: str = "USD",
    maker_fee: Decimal | None = None,
) -> Instrument:
    """A linear instrument that may be held long and short, on a grid of 1e-8: what a backtest trades unless
    told more.

    Its base and quote are the two halves of a canonical symbol such as `BTC-USD`.
    """
    base, _, quoted = symbol.partition("-")
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quoted or quote,
        settle=quoted or quote,
        kind=InstrumentKind.PERPETUAL,
        maker_fee=fee_rate if maker_fee is None else maker_fee,
        taker_fee=fee_rate,
        max_leverage=max_leverage,
        shortable=True,
    )

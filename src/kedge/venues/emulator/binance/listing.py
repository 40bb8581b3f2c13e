"""What each product lists: the rules of a symbol as its exchangeInfo publishes them, and where its price begins.

Figures are those of 2026 where they are known (BTC on both products, the minimum notionals), else of the same kind.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Final

from msgspec import Struct

from kedge.model.instrument import Instrument, InstrumentKind

QUOTE: Final = "USDT"
_COMMISSION: Final = Decimal("1E-8")


class Listed(Struct, frozen=True):
    """One symbol: the instrument that the engine trades, and the filters around it."""

    instrument: Instrument
    price: Decimal
    min_price: Decimal
    max_price: Decimal
    max_quantity: Decimal
    max_market_quantity: Decimal
    min_notional: Decimal
    max_notional: Decimal = Decimal(9_000_000)
    #: How far a price may be from the reference, as multipliers: bids and asks alike.
    up: Decimal = Decimal(5)
    down: Decimal = Decimal("0.2")
    max_leverage: int = 1
    #: Places of price and quantity that the futures pages speak of; they are neither tick nor step.
    precision: tuple[int, int] = (8, 8)

    @property
    def symbol(self) -> str:
        """The symbol."""
        return self.instrument.symbol

    @property
    def base(self) -> str:
        """The base asset."""
        return self.instrument.base


class EightPlaces:
    """Commissions as Binance books them: in eight decimals, cut; on Spot a buy pays in what it bought (`FeeModel`)."""

    def charge(
        self, instrument: Instrument, buy: bool, quantity: Decimal, notional: Decimal, maker: bool
    ) -> tuple[Decimal, str]:
        """The commission of a fill and its asset."""
        rate = instrument.maker_fee if maker else instrument.taker_fee
        in_base = buy and instrument.kind is InstrumentKind.SPOT
        fee = (quantity if in_base else notional) * rate
        return fee.quantize(_COMMISSION, ROUND_DOWN), instrument.base if in_base else instrument.quote


def _spot(base: str, price: str, tick: str, step: str, most: str, most_market: str) -> Listed:
    instrument = Instrument(
        f"{base}{QUOTE}", base, QUOTE, QUOTE, tick_size=Decimal(tick), lot_size=Decimal(step),
        maker_fee=Decimal("0.001"), taker_fee=Decimal("0.001"),
    )  # fmt: skip
    return Listed(
        instrument, Decimal(price), Decimal(tick), Decimal(1_000_000), Decimal(most), Decimal(most_market), Decimal(5)
    )


def _usdm(base: str, price: str, tick: str, step: str, most: str, least: str, precision: tuple[int, int]) -> Listed:
    instrument = Instrument(
        f"{base}{QUOTE}", base, QUOTE, QUOTE, InstrumentKind.PERPETUAL, tick_size=Decimal(tick), lot_size=Decimal(step),
        maker_fee=Decimal("0.0002"), taker_fee=Decimal("0.0005"), max_leverage=Decimal(20),
        maintenance_margin=Decimal("0.004"), shortable=True,
    )  # fmt: skip
    return Listed(
        instrument, Decimal(price), Decimal(tick), Decimal(1_000_000), Decimal(most), Decimal(most) / 10, Decimal(least),
        up=Decimal("1.05"), down=Decimal("0.95"), max_leverage=125, precision=precision,
    )  # fmt: skip


SPOT: Final = (
    _spot("BTC", "60000", "0.01", "0.00001", "9000", "119.23"),
    _spot("ETH", "3000", "0.01", "0.0001", "9000", "2000"),
    _spot("BNB", "600", "0.01", "0.001", "9000", "3000"),
    _spot("XRP", "0.5", "0.0001", "0.1", "9222449", "2000000"),
)
USDM: Final = (
    _usdm("BTC", "60000", "0.10", "0.001", "1000", "50", (2, 3)),
    _usdm("ETH", "3000", "0.01", "0.001", "10000", "20", (2, 3)),
    _usdm("XRP", "0.5", "0.0001", "0.1", "10000000", "5", (4, 1)),
)

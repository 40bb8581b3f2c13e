"""What this Hyperliquid lists: perpetuals in the order of their numbers, and spot pairs with the numbers of their tokens.

Markets are called by the names on the wire (`BTC`, `PURR/USDC`, `@1`). Pairs and tokens stand in their lists in the place of
their number, which clients rely on; so HYPE, the pair `@107` of the real venue, is `@1` here. The grid of a market is the
one that five significant figures give at its first price.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct

from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.money import ONE, ZERO

COLLATERAL = "USDC"
SPOT_OFFSET = 10_000
FIGURES = 5

PERPETUAL_TAKER, PERPETUAL_MAKER = Decimal("0.00045"), Decimal("0.00015")
SPOT_TAKER, SPOT_MAKER = Decimal("0.0007"), Decimal("0.0004")
#: Leverage of an account that never set one.
LEVERAGE_AT_FIRST = 20


class Listed(Struct, frozen=True):
    """One market: its number in actions, its name on the wire, its decimals and its first price."""

    number: int
    coin: str
    base: str
    size_decimals: int
    price: Decimal
    spot: bool = False
    max_leverage: int = 1
    token: int = 0

    @property
    def price_decimals(self) -> int:
        """The most decimals of a price."""
        return (8 if self.spot else 6) - self.size_decimals

    def tick(self, price: Decimal) -> Decimal:
        """The grid near a price: five significant figures, not finer than the decimals allow, never coarser than 1."""
        return ONE.scaleb(min(max(price.adjusted() + 1 - FIGURES, -self.price_decimals), 0))

    @property
    def lot(self) -> Decimal:
        """The grid of sizes."""
        return ONE.scaleb(-self.size_decimals)

    def instrument(self) -> Instrument:
        """For the engine."""
        return Instrument(
            self.coin,
            self.base,
            COLLATERAL,
            COLLATERAL,
            InstrumentKind.SPOT if self.spot else InstrumentKind.PERPETUAL,
            tick_size=self.tick(self.price),
            lot_size=self.lot,
            maker_fee=SPOT_MAKER if self.spot else PERPETUAL_MAKER,
            taker_fee=SPOT_TAKER if self.spot else PERPETUAL_TAKER,
            max_leverage=ONE if self.spot else Decimal(min(self.max_leverage, LEVERAGE_AT_FIRST)),
            maintenance_margin=ZERO if self.spot else ONE / (2 * self.max_leverage),
            shortable=not self.spot,
        )


PERPETUALS = (
    Listed(0, "BTC", "BTC", 5, Decimal(60_000), max_leverage=40),
    Listed(1, "ETH", "ETH", 4, Decimal(3_000), max_leverage=25),
    Listed(2, "SOL", "SOL", 2, Decimal(150), max_leverage=20),
    Listed(3, "HYPE", "HYPE", 2, Decimal(35), max_leverage=10),
)
PAIRS = (
    Listed(SPOT_OFFSET, "PURR/USDC", "PURR", 0, Decimal("0.15"), spot=True, token=1),
    Listed(SPOT_OFFSET + 1, "@1", "HYPE", 2, Decimal(35), spot=True, token=2),
)
ALL = PERPETUALS + PAIRS
BY_NUMBER = {listed.number: listed for listed in ALL}
BY_COIN = {listed.coin: listed for listed in ALL}


def meta() -> dict[str, Any]:
    """The answer to `meta`."""
    universe = [
        {
            "szDecimals": each.size_decimals,
            "name": each.coin,
            "maxLeverage": each.max_leverage,
            "marginTableId": each.max_leverage,
        }
        for each in PERPETUALS
    ]
    tables = [
        [
            each.max_leverage,
            {"description": "", "marginTiers": [{"lowerBound": "0.0", "maxLeverage": each.max_leverage}]},
        ]
        for each in PERPETUALS
    ]
    return {"universe": universe, "marginTables": tables, "collateralToken": 0}


def spot_meta() -> dict[str, Any]:
    """The answer to `spotMeta`."""
    universe = [
        {
            "tokens": [each.token, 0],
            "name": each.coin,
            "index": each.number - SPOT_OFFSET,
            "isCanonical": "/" in each.coin,
        }
        for each in PAIRS
    ]
    tokens = [_token(COLLATERAL, 8, 8, 0)] + [_token(each.base, each.size_decimals, 8, each.token) for each in PAIRS]
    return {"universe": universe, "tokens": tokens}


def _token(name: str, size_decimals: int, wei_decimals: int, index: int) -> dict[str, Any]:
    return {
        "name": name,
        "szDecimals": size_decimals,
        "weiDecimals": wei_decimals,
        "index": index,
        "tokenId": f"0x{index + 1:032x}",
        "isCanonical": name in {COLLATERAL, "PURR"},
        "evmContract": None,
        "fullName": None,
        "deployerTradingFeeShare": "0.0",
    }

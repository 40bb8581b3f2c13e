"""What is listed, and under which number: perpetuals, spot pairs and the perpetuals of builders.

    perpetual             its place in `meta.universe`
    spot pair             10,000 + its `index` in `spotMeta.universe`; called `PURR/USDC` or `@107` on the wire
    builder's perpetual   100,000 + 10,000 x the place of its exchange + its place there; called `dex:COIN`

Rules for prices and sizes come from `szDecimals` alone. A size is a multiple of 10^-szDecimals. A price has at most
five significant figures and at most 6 (spot: 8) - szDecimals decimals, or is a whole number. So the tick depends on the
price: at 97,000 it is 1, at 9,700 it is 0.1. `tick_size` gives the one that holds at a price, and an instrument
carries the tick at its latest mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from kedge.model.errors import UserError, VenueError
from kedge.model.exchange import Exchange
from kedge.model.instrument import Instrument, InstrumentKind, InstrumentStatus
from kedge.model.money import EXACT, ONE, ZERO, canonical, round_price_down, round_price_up
from kedge.model.symbols import canonical_name
from kedge.venues.hyperliquid.protocol.figures import flag, mapping, number, sequence, text, whole

SPOT_OFFSET: Final = 10_000
BUILDER_OFFSET: Final = 100_000
BUILDER_STRIDE: Final = 10_000
FIGURES_MAX: Final = 5
PERPETUAL_DECIMALS: Final = 6
SPOT_DECIMALS: Final = 8

#: Least value of an order, in the quote currency; orders that only reduce may be smaller.
NOTIONAL_MIN: Final = Decimal(10)

#: A fee or rebate beyond this fraction is a slip of the pen.
FEE_MAX: Final = Decimal("0.1")
_DECIMALS_LISTED_MAX = 20
#: More leverage than this is a slip of the pen.
LEVERAGE_MAX: Final = 1_000


class Fees(Struct, frozen=True, gc=False):
    """Fractions of value; the base tier unless the account's own are known."""

    perpetual_taker: Decimal = Decimal("0.00045")
    perpetual_maker: Decimal = Decimal("0.00015")
    spot_taker: Decimal = Decimal("0.0007")
    spot_maker: Decimal = Decimal("0.0004")


BASE_FEES: Final = Fees()


class Asset(Struct, frozen=True, gc=False):
    """One listed thing. `index` is its number in actions, `coin` its name on the wire, `symbol` the canonical one."""

    index: int
    coin: str
    symbol: str
    base: str
    quote: str
    size_decimals: int
    spot: bool
    max_leverage: int = 1
    isolated_only: bool = False
    delisted: bool = False

    @property
    def price_decimals(self) -> int:
        """The most decimals a price may have."""
        return max((SPOT_DECIMALS if self.spot else PERPETUAL_DECIMALS) - self.size_decimals, 0)

    @property
    def lot_size(self) -> Decimal:
        """The grid of sizes."""
        return ONE.scaleb(-self.size_decimals)

    def tick_size(self, at: Decimal | None = None) -> Decimal:
        """The grid of prices near `at`; without it the finest there is."""
        finest = -self.price_decimals
        if at is None or not at > ZERO:
            return ONE.scaleb(finest)
        return ONE.scaleb(min(max(finest, at.adjusted() - FIGURES_MAX + 1), 0))

    def is_price(self, price: Decimal) -> bool:
        """Whether the venue takes this price as it stands."""
        return price > ZERO and not EXACT.remainder(price, self.tick_size(price))

    def price_up(self, price: Decimal) -> Decimal:
        """The lowest price the venue takes that is not below `price`."""
        return round_price_up(price, self.tick_size(price))

    def price_down(self, price: Decimal) -> Decimal:
        """The highest price the venue takes that is not above `price`.

        Raises:
            UserError: there is none above zero.
        """
        found = round_price_down(price, self.tick_size(price))
        if not found > ZERO:
            raise UserError(f"{self.symbol}: no price above zero is at or below {canonical(price)}")
        return found

    def is_size(self, size: Decimal) -> bool:
        """Whether the venue takes this size as it stands."""
        return size > ZERO and not EXACT.remainder(size, self.lot_size)

    def instrument(self, mark: Decimal | None = None, fees: Fees = BASE_FEES) -> Instrument:
        """What the core knows of it, with the tick at `mark`.

        Half of the initial margin at the greatest leverage must be left (Hyperliquid documentation, "Liquidations").
        """
        leverage = Decimal(self.max_leverage)
        return Instrument(
            symbol=self.symbol,
            base=self.base,
            quote=self.quote,
            settle=self.quote,
            kind=InstrumentKind.SPOT if self.spot else InstrumentKind.PERPETUAL,
            tick_size=self.tick_size(mark),
            lot_size=self.lot_size,
            min_quantity=self.lot_size,
            min_notional=NOTIONAL_MIN,
            maker_fee=fees.spot_maker if self.spot else fees.perpetual_maker,
            taker_fee=fees.spot_taker if self.spot else fees.perpetual_taker,
            max_leverage=leverage,
            maintenance_margin=ZERO if self.spot else EXACT.divide(ONE, 2 * leverage),
            shortable=not self.spot,
            status=InstrumentStatus.CLOSED if self.delisted else InstrumentStatus.OPEN,
        )


class AssetTable:
    """Everything listed, by canonical symbol, by the name on the wire and by number.

    Two markets of one canonical name are told apart by nothing; the first listed keeps the name and the others are in
    `ambiguous`, not tradable here.
    """

    __slots__ = ("ambiguous", "by_coin", "by_index", "by_symbol")

    def __init__(self, assets: Iterable[Asset] = ()) -> None:
        self.by_symbol: dict[str, Asset] = {}
        self.by_coin: dict[str, Asset] = {}
        self.by_index: dict[int, Asset] = {}
        self.ambiguous: list[Asset] = []
        for asset in assets:
            if asset.symbol in self.by_symbol or asset.coin in self.by_coin:
                self.ambiguous.append(asset)
                continue
            self.by_symbol[asset.symbol] = self.by_coin[asset.coin] = self.by_index[asset.index] = asset

    def of_symbol(self, symbol: str) -> Asset:
        """The asset of a canonical symbol; `UserError` where there is none."""
        found = self.by_symbol.get(symbol)
        if found is None:
            raise UserError(f"symbol {symbol!r} is not listed on hyperliquid; perpetuals are BTC-USD, spot HYPE-USDC")
        return found

    def of_coin(self, coin: Any) -> Asset:
        """The asset of a name on the wire; `VenueError` where there is none."""
        found = self.by_coin.get(text(coin, "coin"))
        if found is None:
            raise VenueError(f"coin {coin!r:.60} is not listed")
        return found

    def symbol_of(self, coin: Any) -> str:
        """The canonical symbol of a name on the wire; the name itself where it is not listed, so that what the account
        holds of it is seen all the same.
        """
        named = text(coin, "coin")
        found = self.by_coin.get(named)
        return named if found is None else found.symbol

    def __iter__(self) -> Iterator[Asset]:
        return iter(self.by_symbol.values())

    def __len__(self) -> int:
        return len(self.by_symbol)


def perpetuals(meta: Any, exchange: int = 0, quote: str = "USDC") -> list[Asset]:
    """The perpetuals of one `meta` answer; `exchange` is the place of a builder's in `perpDexs` (0: the main one)."""
    listed = []
    offset = BUILDER_OFFSET + BUILDER_STRIDE * exchange if exchange else 0
    for place, entry in enumerate(sequence(mapping(meta, "meta").get("universe"), "universe")):
        given = mapping(entry, "asset")
        coin = text(given.get("name"), "name")
        listed.append(
            Asset(
                index=offset + place,
                coin=coin,
                symbol=canonical_name(Exchange.HYPERLIQUID, coin, "USD"),
                base=coin.rpartition(":")[2],
                quote=quote,
                size_decimals=_decimals(given.get("szDecimals")),
                spot=False,
                max_leverage=_leverage(given.get("maxLeverage", 1)),
                isolated_only=flag(given.get("onlyIsolated"), "onlyIsolated"),
                delisted=flag(given.get("isDelisted"), "isDelisted"),
            )
        )
    return listed


def builders_perpetuals(metas: Any, tokens: Mapping[int, str]) -> list[Asset]:
    """Every perpetual of an `allPerpMetas` answer: the main exchange's first, then each builder's; `tokens` names the
    collateral by its number in `spotMeta`.
    """
    listed: list[Asset] = []
    for place, meta in enumerate(sequence(metas, "allPerpMetas")):
        token = whole(mapping(meta, "meta").get("collateralToken", 0), "collateralToken")
        listed += perpetuals(meta, place, tokens.get(token, "USDC" if token == 0 else f"#{token}"))
    return listed


def spot_pairs(meta: Any) -> list[Asset]:
    """The pairs of a `spotMeta` answer."""
    given = mapping(meta, "spotMeta")
    tokens = spot_tokens(given)
    listed = []
    for entry in sequence(given.get("universe"), "universe"):
        pair = mapping(entry, "pair")
        sides = sequence(pair.get("tokens"), "tokens")
        if len(sides) != 2:
            raise VenueError(f"tokens is {sides!r:.60}, not a base and a quote")
        base, quote = (_token(tokens, side) for side in sides)
        name = text(base.get("name"), "token name"), text(quote.get("name"), "token name")
        listed.append(
            Asset(
                index=SPOT_OFFSET + whole(pair.get("index"), "index"),
                coin=text(pair.get("name"), "name"),
                symbol=canonical_name(Exchange.HYPERLIQUID, *name),
                base=name[0],
                quote=name[1],
                size_decimals=_decimals(base.get("szDecimals")),
                spot=True,
            )
        )
    return listed


def spot_tokens(meta: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """The tokens of a `spotMeta` answer by their number."""
    listed = (mapping(token, "token") for token in sequence(meta.get("tokens"), "tokens"))
    return {whole(token.get("index"), "index"): token for token in listed}


def account_fees(answer: Any) -> Fees:
    """The account's own rates from `userFees`; what it does not say stays at the base tier."""
    given = mapping(answer, "userFees")
    names = {
        "perpetual_taker": "userCrossRate",
        "perpetual_maker": "userAddRate",
        "spot_taker": "userSpotCrossRate",
        "spot_maker": "userSpotAddRate",
    }
    return Fees(**{ours: _fee(given[theirs], theirs) for ours, theirs in names.items() if theirs in given})


def _fee(given: Any, what: str) -> Decimal:
    rate = number(given, what)
    if abs(rate) > FEE_MAX:
        raise VenueError(f"{what} is {given!r:.60}; no venue charges or pays more than {FEE_MAX}")
    return rate


def _token(tokens: dict[int, dict[str, Any]], side: Any) -> dict[str, Any]:
    found = tokens.get(whole(side, "token"))
    if found is None:
        raise VenueError(f"token {side!r:.40} is in a pair and not in the list of tokens")
    return found


def _decimals(given: Any) -> int:
    value = whole(given, "szDecimals")
    if value > _DECIMALS_LISTED_MAX:
        raise VenueError(f"szDecimals is {value}; more than {_DECIMALS_LISTED_MAX} is no grid")
    return value


def _leverage(given: Any) -> int:
    value = whole(given, "maxLeverage")
    if not 1 <= value <= LEVERAGE_MAX:
        raise VenueError(f"maxLeverage is {value}; it must be from 1 to {LEVERAGE_MAX}")
    return value

"""Products: what is listed, under which rules.

Prices lie on `price_increment` (`quote_increment` is the grid of amounts of money), sizes on `base_increment`. A product
is open for orders unless it is offline, disabled or in an auction; `cancel_only` is what it says; `post_only` and
`limit_only` refuse some orders and are the venue's to refuse.

An alias is a second name of one book: `BTC-USDC` is `BTC-USD`, market channels answer a subscription to the one with the
name of the other (`alias`), and candles of both are the same. Orders, fills and balances keep the name they were given.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from kedge.model.errors import UserError, VenueError
from kedge.model.exchange import Exchange
from kedge.model.instrument import Instrument, InstrumentKind, InstrumentStatus
from kedge.model.money import ZERO
from kedge.model.symbols import SymbolTable
from kedge.venues.coinbase.values import Fields


class Listing(Struct, frozen=True, gc=False):
    """One product: the venue's name, ours, whose book it shares (empty: its own)."""

    product: str
    instrument: Instrument
    alias: str = ""


class Fees(Struct, frozen=True, gc=False):
    """The account's fee tier, as fractions of notional."""

    maker: Decimal = ZERO
    taker: Decimal = ZERO


def fee_tier(told: Fields) -> Fees:
    """The rates that apply to the account."""
    tier = told.object("fee_tier")
    return Fees(tier.number("maker_fee_rate"), tier.number("taker_fee_rate"))


def listings(told: Fields, fees: Fees) -> tuple[list[Listing], list[str]]:
    """Spot products that can be read, and why others cannot: one bad product must not hide the rest."""
    good: list[Listing] = []
    bad: list[str] = []
    for product in told.items("products"):
        if product.text("product_type", "SPOT") != "SPOT":
            continue
        try:
            good.append(listing(product, fees))
        except (VenueError, UserError) as error:
            bad.append(str(error))
    return good, bad


def listing(product: Fields, fees: Fees) -> Listing:
    """One spot product."""
    name = product.text("product_id")
    base, quote = product.text("base_currency_id"), product.text("quote_currency_id")
    return Listing(
        name,
        Instrument(
            symbol=f"{base}-{quote}",
            base=base,
            quote=quote,
            settle=quote,
            kind=InstrumentKind.SPOT,
            tick_size=product.positive("price_increment" if product.has("price_increment") else "quote_increment"),
            lot_size=product.positive("base_increment"),
            min_quantity=product.not_negative("base_min_size", ZERO),
            max_quantity=product.positive("base_max_size") if product.has("base_max_size") else None,
            min_notional=product.not_negative("quote_min_size", ZERO),
            maker_fee=fees.maker,
            taker_fee=fees.taker,
            status=_status(product),
        ),
        product.text("alias", ""),
    )


def _status(product: Fields) -> InstrumentStatus:
    def said(name: str) -> bool:
        return product.flag(name, default=False)

    offline = product.text("status", "online") != "online"
    if offline or said("trading_disabled") or said("is_disabled") or said("auction_mode") or said("view_only"):
        return InstrumentStatus.CLOSED
    return InstrumentStatus.CANCEL_ONLY if said("cancel_only") else InstrumentStatus.OPEN


class Names:
    """Which product is which symbol, and under which names its market data comes.

    What the venue lists goes both ways. What it never listed (a future of somebody's on the same account) keeps the
    venue's own name, so that it is seen, and cannot be asked for.
    """

    __slots__ = ("_shared", "table")

    def __init__(self, listed: Mapping[str, str] | None = None) -> None:
        """`listed`: product -> whose book it shares, empty for its own."""
        self.table = SymbolTable(Exchange.COINBASE)
        self._shared: dict[str, list[str]] = {}
        for product, alias in (listed or {}).items():
            base, _, quote = product.partition("-")
            self.table.fill([(product, base, quote)])
            self._shared.setdefault(alias or product, []).append(product)

    def symbol(self, product: str) -> str:
        """Our name of a product."""
        try:
            return self.table.canonical(product)
        except UserError:
            return product

    def product(self, symbol: str) -> str:
        """The venue's name of a symbol; `UserError` where there is none."""
        return self.table.raw(symbol)

    def sharing(self, product: str) -> list[str]:
        """The products whose market data comes under this name: itself, and those whose alias it is."""
        return self._shared.get(product, [])

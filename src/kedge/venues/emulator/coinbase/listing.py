"""The products: bitcoin and ether against the dollar, and `BTC-USDC`, which is the book of `BTC-USD` under another name.

Orders for the second name are taken, kept and shown under it, and settle in dollars: one dollar coin is one dollar here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kedge.model.instrument import Instrument, InstrumentKind
from kedge.venues.emulator.coinbase.text import plain
from kedge.venues.emulator.faults import Phase
from kedge.venues.emulator.tape import Tape

MAKER_FEE = Decimal("0.006")
TAKER_FEE = Decimal("0.012")
QUOTE_MIN = Decimal(1)
QUOTE_MAX = Decimal(150_000_000)

#: A second name -> the product whose book it is.
ALIASES = {"BTC-USDC": "BTC-USD"}

_NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum", "USD": "US Dollar", "USDC": "USDC"}


def _spot(base: str, most: str) -> Instrument:
    return Instrument(
        symbol=f"{base}-USD",
        base=base,
        quote="USD",
        settle="USD",
        kind=InstrumentKind.SPOT,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00000001"),
        min_quantity=Decimal("0.00000001"),
        max_quantity=Decimal(most),
        maker_fee=MAKER_FEE,
        taker_fee=TAKER_FEE,
    )


#: What is listed and where its price begins.
MARKETS = ((_spot("BTC", "3400"), Decimal("68900.00")), (_spot("ETH", "45000"), Decimal("3420.00")))
BALANCES = {"USD": Decimal(1_000_000), "BTC": Decimal(10), "ETH": Decimal(100)}


def book_of(product: str) -> str:
    """The product whose book a product trades in."""
    return ALIASES.get(product, product)


def shown(product: str, instrument: Instrument, tape: Tape, phase: Phase) -> dict[str, Any]:
    """One product, as listed."""
    base, _, quote = product.partition("-")
    last = tape.last or Decimal(0)
    volume = sum((bar.volume for bar in tape.bars.window(tape.updated - 86_400 * 10**9)), Decimal(0))
    return {
        "product_id": product,
        "price": plain(last),
        "price_percentage_change_24h": "0",
        "volume_24h": plain(volume),
        "volume_percentage_change_24h": "0",
        "base_increment": plain(instrument.lot_size),
        "quote_increment": plain(instrument.tick_size),
        "quote_min_size": plain(QUOTE_MIN),
        "quote_max_size": plain(QUOTE_MAX),
        "base_min_size": plain(instrument.min_quantity),
        "base_max_size": plain(instrument.max_quantity or Decimal(0)),
        "base_name": _NAMES[base],
        "quote_name": _NAMES[quote],
        "watched": False,
        "is_disabled": False,
        "new": False,
        "status": "online" if phase is not Phase.CLOSED else "offline",
        "cancel_only": phase is Phase.CANCEL_ONLY,
        "limit_only": False,
        "post_only": False,
        "trading_disabled": phase is Phase.CLOSED,
        "auction_mode": False,
        "product_type": "SPOT",
        "quote_currency_id": quote,
        "base_currency_id": base,
        "fcm_trading_session_details": None,
        "mid_market_price": plain(tape.middle) if tape.middle else "",
        "alias": ALIASES.get(product, ""),
        "alias_to": [name for name, other in ALIASES.items() if other == product],
        "base_display_symbol": base,
        "quote_display_symbol": "USD",
        "view_only": False,
        "price_increment": plain(instrument.tick_size),
        "display_name": product,
        "product_venue": "CBE",
        "approximate_quote_24h_volume": plain((volume * last).quantize(Decimal("0.01"))),
    }

"""Names: client order ids and candle intervals, there and back.

**Client order ids.** The core's id is `instance-epoch-number`. Binance takes 1 to 36 of `[a-zA-Z0-9-_]` (futures a few
more, which we leave alone so that both are one). An id within that alphabet is sent as it is, except that `_` is the
escape: it and every other octet become `_` and two hex digits. What would then be too long is sent as `_h` and 34 hex
digits of its SHA-256; `h` is no hex digit, so that form cannot be mistaken for the other. Both are functions of the id,
so a second run makes the same; the short form is read back by anyone, the long one by whoever knows the id.

Binance only keeps ids apart among *open* orders, so uniqueness for ever is the core's business and a client id is no
protection against doing a thing twice (FACTS.md 1.3). Ids that the venue itself makes (liquidation, auto-deleveraging,
settlement) are told apart by `made_by_venue`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from kedge.model.errors import UserError, VenueError
from kedge.model.exchange import Exchange
from kedge.model.instant import NS_PER_S
from kedge.model.symbols import canonical_name

CLIENT_ID_LENGTH_MAX = 36
_DIGEST = "_h"
_ESCAPE = re.compile(r"_([0-9a-f]{2})")
_CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
_AS_IS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")

_VENUE_MADE = ("autoclose-", "adl_autoclose", "settlement_autoclose-", "delivery_autoclose-")

#: Candle intervals: seconds and the venue's name for them. `1M` has no fixed length and is left out.
INTERVALS: dict[int, str] = {
    1: "1s",
    60: "1m",
    180: "3m",
    300: "5m",
    900: "15m",
    1_800: "30m",
    3_600: "1h",
    7_200: "2h",
    14_400: "4h",
    21_600: "6h",
    28_800: "8h",
    43_200: "12h",
    86_400: "1d",
    259_200: "3d",
    604_800: "1w",
}
_SECONDS = {name: seconds for seconds, name in INTERVALS.items()}


def to_client_id(order_id: str) -> str:
    """The id that the venue gets for an order of ours."""
    if not order_id:
        raise UserError("an order without an id cannot be sent; ids are made by the core")
    text = "".join([chr(octet) if octet in _AS_IS else f"_{octet:02x}" for octet in order_id.encode()])
    if len(text) <= CLIENT_ID_LENGTH_MAX:
        return text
    digest = hashlib.sha256(order_id.encode()).hexdigest()
    return _DIGEST + digest[: CLIENT_ID_LENGTH_MAX - len(_DIGEST)]


def to_order_id(client_id: str, known: Iterable[str] = ()) -> str:
    """The id of ours that a client id was made from; the text itself where it was not made by us.

    `known` are ids of ours to try for the long form.
    """
    if client_id.startswith(_DIGEST):
        return next((order_id for order_id in known if to_client_id(order_id) == client_id), client_id)
    try:
        return bytes(
            int(part, 16) if part_is_escape else ord(part) for part, part_is_escape in _parts(client_id)
        ).decode()
    except ValueError:
        return client_id


def is_client_id(text: str) -> bool:
    """Whether the venue takes `text` as a client order id."""
    return _CLIENT_ID.fullmatch(text) is not None


def made_by_venue(client_id: str) -> bool:
    """Whether the venue itself made the order: a liquidation, an auto-deleveraging or a settlement (hazard H21)."""
    return client_id.startswith(_VENUE_MADE)


def interval_name(interval_ns: int) -> str:
    """The venue's name of a candle interval given in nanoseconds."""
    name = INTERVALS.get(interval_ns // NS_PER_S) if interval_ns % NS_PER_S == 0 else None
    if name is None:
        raise UserError(
            f"candle interval of {interval_ns / NS_PER_S:g} s is unknown to Binance; it has {', '.join(_SECONDS)}"
        )
    return name


def interval_ns(name: str) -> int:
    """Nanoseconds of an interval by the venue's name."""
    seconds = _SECONDS.get(name)
    if seconds is None:
        raise VenueError(f"candle interval {name!r} is none that we know")
    return seconds * NS_PER_S


def canonical_symbol(base: str, quote: str) -> str:
    """The canonical name of a market by its two assets."""
    return canonical_name(Exchange.BINANCE, base, quote)


def _parts(client_id: str) -> Iterable[tuple[str, bool]]:
    at = 0
    while at < len(client_id):
        found = _ESCAPE.match(client_id, at)
        if found:
            yield found.group(1), True
            at = found.end()
        elif ord(client_id[at]) in _AS_IS:
            yield client_id[at], False
            at += 1
        else:
            raise ValueError(client_id)

"""Questions to `POST /info`: their bodies, and what each costs of the 1,200 units a minute of an address.

Answers that list many things cost one more unit for each 20 of them (60 candles), which is only known afterwards:
`weight_of_answer`. Questions about an account name its own address; an agent's address has no account, and the answer
would be an empty one.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

_LIGHT = frozenset(
    {"l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState", "exchangeStatus"}
)
_HEAVY = {"userRole": 60}
_BY_TWENTY = frozenset(
    {
        "recentTrades",
        "historicalOrders",
        "userFills",
        "userFillsByTime",
        "fundingHistory",
        "userFunding",
        "userNonFundingLedgerUpdates",
    }
)


class Question(Struct, frozen=True, gc=False):
    """One question as it is sent."""

    kind: str
    body: bytes
    weight: int


def question(kind: str, **fields: Any) -> Question:
    """A question of `kind`; fields that are None are left out."""
    body = {"type": kind, **{name: value for name, value in fields.items() if value is not None}}
    return Question(kind, msgspec.json.encode(body), 2 if kind in _LIGHT else _HEAVY.get(kind, 20))


def weight_of_answer(asked: Question, items: int) -> int:
    """What an answer of so many items cost beyond the question's own weight."""
    if asked.kind in _BY_TWENTY:
        return items // 20
    return items // 60 if asked.kind == "candleSnapshot" else 0


def meta(exchange: str = "") -> Question:
    """The perpetuals; of a builder's exchange by its name."""
    return question("meta", dex=exchange or None)


def meta_and_contexts() -> Question:
    """The perpetuals with their mark prices and funding."""
    return question("metaAndAssetCtxs")


def builders_exchanges() -> Question:
    """The exchanges that builders run, by name; the first, nameless, is the main one."""
    return question("perpDexs")


def all_perpetuals() -> Question:
    """The perpetuals of every exchange, the main one's first."""
    return question("allPerpMetas")


def mid_prices() -> Question:
    """The middle between best bid and ask of everything."""
    return question("allMids")


def spot_meta() -> Question:
    """The spot pairs and tokens."""
    return question("spotMeta")


def spot_meta_and_contexts() -> Question:
    """The spot pairs with their prices."""
    return question("spotMetaAndAssetCtxs")


def exchange_status() -> Question:
    """Whether all is well, and the venue's time: the one answer that has it."""
    return question("exchangeStatus")


def l2_book(coin: str) -> Question:
    """A book of at most 20 levels a side."""
    return question("l2Book", coin=coin)


def recent_trades(coin: str) -> Question:
    """The last trades."""
    return question("recentTrades", coin=coin)


def candles(coin: str, interval: str, start_ms: int, end_ms: int) -> Question:
    """The candles that touch `[start_ms, end_ms]`; at most 5,000, the latest."""
    req = {"coin": coin, "interval": interval, "startTime": start_ms, "endTime": end_ms}
    return question("candleSnapshot", req=req)


def funding_history(coin: str, start_ms: int, end_ms: int | None = None) -> Question:
    """Rates settled from `start_ms` on, oldest first, at most 500."""
    return question("fundingHistory", coin=coin, startTime=start_ms, endTime=end_ms)


def order_status(user: str, oid: int | str) -> Question:
    """One order, by the venue's id or by client id."""
    return question("orderStatus", user=user, oid=oid)


def open_orders(user: str) -> Question:
    """What works, with original sizes, triggers and client ids (`frontendOpenOrders`; plain `openOrders` lack them)."""
    return question("frontendOpenOrders", user=user)


def fills(user: str, start_ms: int, end_ms: int | None = None) -> Question:
    """Fills from `start_ms` on, oldest first, at most 2,000; only the latest 10,000 are kept."""
    return question("userFillsByTime", user=user, startTime=start_ms, endTime=end_ms)


def latest_fills(user: str) -> Question:
    """The latest 2,000 fills."""
    return question("userFills", user=user)


def orders_of_late(user: str) -> Question:
    """The latest 2,000 orders with their states."""
    return question("historicalOrders", user=user)


def agents(user: str) -> Question:
    """The keys that may trade for an account."""
    return question("extraAgents", user=user)


def perpetual_account(user: str) -> Question:
    """Margin, positions and leverage."""
    return question("clearinghouseState", user=user)


def spot_account(user: str) -> Question:
    """Spot balances."""
    return question("spotClearinghouseState", user=user)


def asset_settings(user: str, coin: str) -> Question:
    """Leverage and margin mode of one perpetual, held or not."""
    return question("activeAssetData", user=user, coin=coin)


def funding_payments(user: str, start_ms: int, end_ms: int | None = None) -> Question:
    """Funding paid and received from `start_ms` on."""
    return question("userFunding", user=user, startTime=start_ms, endTime=end_ms)


def fees(user: str) -> Question:
    """The account's rates."""
    return question("userFees", user=user)


def abstraction(user: str) -> Question:
    """Whether one balance backs spot and perpetuals alike."""
    return question("userAbstraction", user=user)


def role(user: str) -> Question:
    """Whether an address is an account, an agent of one, a vault or nothing."""
    return question("userRole", user=user)

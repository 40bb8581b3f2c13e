"""What the venue says of the account: balances, positions, orders, fills and funding.

Two figures mislead. `sz` of an order's status is what remained when that status began: an open order that has filled in
part still says all of it, so what is filled is summed from the fills, except for an order that has ended. And on an
account with one balance for all (`unifiedAccount`, `portfolioMargin`) the spot balance is the whole of it, while the
margin account is a view of the same money.

Fills are known by `tid`. Recordings of 2023 have none; those are told apart by hash, order and the position before.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from msgspec import Struct

from kedge.model.errors import VenueError
from kedge.model.facts import Fill, FundingPayment, Liquidity
from kedge.model.money import CENT_OF_NANO, EXACT, ZERO, canonical
from kedge.model.order import OrderStatus, OrderType, Side
from kedge.venues.gateway import Balance, MarginMode, MarginSettings, OpenOrder, VenuePosition
from kedge.venues.hyperliquid.protocol.assets import LEVERAGE_MAX, AssetTable
from kedge.venues.hyperliquid.protocol.cloid import order_id_of
from kedge.venues.hyperliquid.protocol.figures import flag, mapping, moment, number, price, size, text, whole, word
from kedge.venues.hyperliquid.protocol.markets import rows, side_of
from kedge.venues.hyperliquid.protocol.statuses import status_of

#: Accounts with one balance for spot and perpetuals.
UNIFIED = frozenset({"unifiedAccount", "portfolioMargin"})
ABSTRACTIONS = UNIFIED | {"default", "disabled", "dexAbstraction"}

#: What an address may be.
ROLES = frozenset({"user", "agent", "vault", "subAccount", "missing"})

#: The order types of `frontendOpenOrders` and `orderStatus`.
_TYPES = {
    "Limit": OrderType.LIMIT,
    "Market": OrderType.MARKET,
    "Stop Market": OrderType.STOP,
    "Stop Limit": OrderType.STOP_LIMIT,
    "Take Profit Market": OrderType.TAKE_PROFIT,
    "Take Profit Limit": OrderType.TAKE_PROFIT,
}

#: (the venue's id, its client id for the order) -> our order id, empty where the order is not ours.
NameOf = Callable[[int, str], str]


class MarginAccount(Struct, frozen=True, gc=False):
    """The margin account: its value with open profit, what its positions tie up, and what may be taken out of
    it. `ts` is 0 where the answer has no time (recordings of 2023).
    """

    value: Decimal
    margin_used: Decimal
    withdrawable: Decimal
    unrealized: Decimal
    positions: tuple[VenuePosition, ...]
    settings: dict[str, MarginSettings]
    ts: int


class OrderState(Struct, frozen=True, gc=False):
    """One order as the venue has it. `filled` is known of an order that has ended, and otherwise a lower bound."""

    oid: int
    cloid: str
    symbol: str
    side: Side
    order_type: OrderType | None
    quantity: Decimal
    filled: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    reduce_only: bool
    status: OrderStatus
    word: str
    created: int
    ts: int


class Agent(Struct, frozen=True, gc=False):
    """A key that may trade for the account and not withdraw, until `valid_until` (UTC ns)."""

    name: str
    address: str
    valid_until: int


class OwnFill(Struct, frozen=True, gc=False):
    """A fill with what the venue says of its order."""

    fill: Fill
    oid: int
    cloid: str


def margin_account(answer: Any, assets: AssetTable) -> MarginAccount:
    """A `clearinghouseState`."""
    given = mapping(answer, "clearinghouseState")
    summary = mapping(given.get("marginSummary", given.get("crossMarginSummary")), "marginSummary")
    positions, settings = [], {}
    for entry in rows(given.get("assetPositions"), "assetPositions"):
        holding = mapping(mapping(entry, "assetPosition").get("position"), "position")
        found = _position(holding, assets)
        positions.append(found)
        settings[found.symbol] = margin_settings(holding, found.symbol)
    return MarginAccount(
        value=number(summary.get("accountValue"), "accountValue"),
        margin_used=size(summary.get("totalMarginUsed"), "totalMarginUsed"),
        withdrawable=size(given.get("withdrawable"), "withdrawable"),
        unrealized=sum((found.unrealized for found in positions), ZERO),
        positions=tuple(found for found in positions if found.quantity),
        settings=settings,
        ts=0 if given.get("time") is None else moment(given["time"]),
    )


def spot_balances(answer: Any) -> dict[str, Balance]:
    """A `spotClearinghouseState`: `hold` is what orders (and a unified account's positions) tie up."""
    balances: dict[str, Balance] = {}
    for entry in rows(mapping(answer, "spotClearinghouseState").get("balances"), "balances"):
        given = mapping(entry, "balance")
        coin = text(given.get("coin"), "coin")
        total, hold = number(given.get("total"), "total"), size(given.get("hold", "0"), "hold")
        if coin in balances:
            raise VenueError(f"two balances of {coin}")
        balances[coin] = Balance(coin, total, EXACT.subtract(total, hold))
    return balances


def all_balances(spot: dict[str, Balance], margin: MarginAccount, unified: bool) -> dict[str, Balance]:
    """Every currency of the account: the spot balances and, unless they are the same money, the margin account's."""
    if unified:
        return {name: balance for name, balance in spot.items() if balance.total}
    held = {name: balance for name, balance in spot.items() if balance.total}
    wallet = EXACT.subtract(margin.value, margin.unrealized)
    dollars = spot.get("USDC", Balance("USDC", ZERO, ZERO))
    total, free = EXACT.add(dollars.total, wallet), EXACT.add(dollars.free, margin.withdrawable)
    if total or free:
        held["USDC"] = Balance("USDC", total, free)
    return held


def margin_settings(answer: Any, symbol: str) -> MarginSettings:
    """Leverage and mode of a position or of an `activeAssetData` answer."""
    leverage = mapping(mapping(answer, "settings").get("leverage"), "leverage")
    mode = MarginMode(word(leverage.get("type"), list(MarginMode), "margin mode"))
    value = whole(leverage.get("value"), "leverage")
    if not 1 <= value <= LEVERAGE_MAX:
        raise VenueError(f"leverage is {value}; it must be from 1 to {LEVERAGE_MAX}")
    return MarginSettings(symbol, Decimal(value), mode)


def role(answer: Any) -> tuple[str, str]:
    """What an address is (`user`, `agent`, `vault`, `subAccount` or `missing`), and whose it is where it is another's."""
    given = mapping(answer, "userRole")
    found = word(given.get("role"), ROLES, "role")
    data = given.get("data")
    owner = data.get("user", data.get("master", "")) if type(data) is dict else ""
    return found, text(owner, "owner").lower() if owner else ""


def agents(answer: Any) -> tuple[Agent, ...]:
    """The `extraAgents` of an account."""
    told = []
    for entry in rows(answer, "extraAgents"):
        given = mapping(entry, "agent")
        name, address = (given.get(name) for name in ("name", "address"))
        if type(name) is not str or type(address) is not str:
            raise VenueError(f"an agent of name {name!r:.40} and address {address!r:.60}")
        told.append(Agent(name, address.lower(), moment(given.get("validUntil"), "validUntil")))
    return tuple(told)


def unified(answer: Any) -> bool:
    """Whether a `userAbstraction` answer means one balance for all."""
    if answer is None:
        return False
    return word(answer, ABSTRACTIONS, "account abstraction") in UNIFIED


def open_orders(answer: Any, assets: AssetTable, name_of: NameOf) -> tuple[OpenOrder, ...]:
    """A `frontendOpenOrders` (or plain `openOrders`) answer: what works, by any hand. `sz` is what remains now."""
    found = []
    for entry in rows(answer, "open orders"):
        state = _order(mapping(entry, "order"), "open", assets, 0)
        found.append(
            OpenOrder(
                order_id=name_of(state.oid, state.cloid),
                exchange_id=str(state.oid),
                symbol=state.symbol,
                side=state.side,
                order_type=state.order_type,
                quantity=state.quantity,
                filled=state.filled,
                price=state.price,
                status=OrderStatus.PARTIAL if state.filled else OrderStatus.OPEN,
                client_id=state.cloid,
                stop_price=state.stop_price,
                reduce_only=state.reduce_only,
                ts=state.created,
            )
        )
    return tuple(found)


def order_status(answer: Any, assets: AssetTable) -> OrderState | None:
    """An `orderStatus` answer; None where the venue knows no such order."""
    given = mapping(answer, "orderStatus")
    if given.get("status") == "unknownOid":
        return None
    if given.get("status") != "order":
        raise VenueError(f"orderStatus says {given.get('status')!r:.60}, neither order nor unknownOid")
    return order_update(given.get("order"), assets)


def order_update(answer: Any, assets: AssetTable) -> OrderState:
    """One entry of `orderUpdates` or `historicalOrders`."""
    given = mapping(answer, "order update")
    at = moment(given.get("statusTimestamp"), "statusTimestamp")
    return _order(mapping(given.get("order"), "order"), given.get("status"), assets, at)


def order_updates(answer: Any, assets: AssetTable) -> tuple[OrderState, ...]:
    """The entries of `orderUpdates` or `historicalOrders`, as they came."""
    return tuple(order_update(entry, assets) for entry in rows(answer, "order updates"))


def own_fills(answer: Any, assets: AssetTable, name_of: NameOf, received: int = 0) -> tuple[OwnFill, ...]:
    """Our fills, oldest first."""
    told = [_fill(mapping(entry, "fill"), assets, name_of, received) for entry in rows(answer, "fills")]
    told.sort(key=lambda own: own.fill.ts)
    return tuple(told)


def funding_payments(answer: Any, assets: AssetTable, received: int = 0) -> tuple[FundingPayment, ...]:
    """Funding settled, oldest first: entries of `userFunding` (in a `delta`) or of the `userFundings` stream."""
    told = []
    for entry in rows(answer, "fundings"):
        given = mapping(entry, "funding")
        delta = mapping(given.get("delta", given), "delta")
        told.append(
            FundingPayment(
                moment(given.get("time")),
                assets.symbol_of(delta.get("coin")),
                number(delta.get("usdc"), "usdc"),
                number(delta.get("fundingRate"), "fundingRate"),
                number(delta.get("szi"), "szi"),
                received,
            )
        )
    told.sort(key=lambda payment: payment.ts)
    return tuple(told)


def _position(given: dict[str, Any], assets: AssetTable) -> VenuePosition:
    quantity = number(given.get("szi"), "szi")
    entry, liquidation = given.get("entryPx"), given.get("liquidationPx")
    value = size(given.get("positionValue", "0"), "positionValue")
    return VenuePosition(
        symbol=assets.symbol_of(given.get("coin")),
        quantity=quantity,
        entry_price=None if entry is None else price(entry, "entryPx"),
        mark_price=_quotient(value, abs(quantity)) if quantity and value else None,
        unrealized=number(given.get("unrealizedPnl", "0"), "unrealizedPnl"),
        liquidation_price=None if liquidation is None else size(liquidation, "liquidationPx"),
        leverage=margin_settings(given, "").leverage,
    )


def _quotient(value: Decimal, quantity: Decimal) -> Decimal:
    """The price that `value` was made with: exact where the quotient ends, else cut to 1e-12 (half even)."""
    found = EXACT.divide(value, quantity)
    if EXACT.multiply(found, quantity) != value:
        found = found.quantize(CENT_OF_NANO, ROUND_HALF_EVEN, EXACT)
    return Decimal(canonical(found))


def _order(given: dict[str, Any], word: Any, assets: AssetTable, ts: int) -> OrderState:
    remains = size(given.get("sz"), "sz")
    original = given.get("origSz")
    quantity = remains if original is None else size(original, "origSz")
    if remains > quantity:
        raise VenueError(f"an order of {quantity} of which {remains} remain")
    created = moment(given.get("timestamp"), "timestamp")
    status = status_of(word, worked=ts > created or remains < quantity)
    if status is OrderStatus.FILLED and remains:  # a part is all there was
        status = OrderStatus.EXPIRED
    trigger = given.get("triggerPx")
    is_trigger = flag(given.get("isTrigger"), "isTrigger")
    cloid = given.get("cloid")
    return OrderState(
        oid=whole(given.get("oid"), "oid"),
        cloid="" if cloid is None else text(cloid, "cloid"),
        symbol=assets.symbol_of(given.get("coin")),
        side=side_of(given.get("side")),
        order_type=_TYPES.get(given.get("orderType", "")) if type(given.get("orderType", "")) is str else None,
        quantity=quantity,
        filled=EXACT.subtract(quantity, remains),
        price=price(given.get("limitPx"), "limitPx"),
        stop_price=price(trigger, "triggerPx") if is_trigger else None,
        reduce_only=flag(given.get("reduceOnly"), "reduceOnly"),
        status=status,
        word=str(word),
        created=created,
        ts=ts or created,
    )


def _fill(given: dict[str, Any], assets: AssetTable, name_of: NameOf, received: int) -> OwnFill:
    oid = whole(given.get("oid"), "oid")
    cloid = given.get("cloid")
    cloid = "" if cloid is None else text(cloid, "cloid")
    fill = Fill(
        moment(given.get("time")),
        name_of(oid, cloid) or order_id_of(cloid),
        _trade_id(given, oid),
        assets.symbol_of(given.get("coin")),
        side_of(given.get("side")),
        price(given.get("sz"), "sz"),
        price(given.get("px"), "px"),
        number(given.get("fee"), "fee"),
        "" if given.get("feeToken") is None else text(given["feeToken"], "feeToken"),
        Liquidity.TAKER if flag(given.get("crossed"), "crossed") else Liquidity.MAKER,
        ZERO,
        received,
    )
    return OwnFill(fill, oid, cloid)


def _trade_id(given: dict[str, Any], oid: int) -> str:
    if given.get("tid") is not None:
        return str(whole(given["tid"], "tid"))
    before = number(given.get("startPosition"), "startPosition")
    return f"{text(given.get('hash'), 'hash')}:{oid}:{before}"

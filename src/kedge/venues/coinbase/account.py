"""The account: balances, positions that it must not have, and what the key may do."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from kedge.model.money import EXACT, ONE, ZERO
from kedge.venues.coinbase.values import Fields
from kedge.venues.gateway import Balance, KeyPermissions, VenuePosition

_SIGNS: Mapping[str, Decimal] = {"LONG": ONE, "SHORT": -ONE, "UNKNOWN": ZERO, "FUTURES_POSITION_SIDE_LONG": ONE}


def balance(account: Fields) -> Balance:
    """One currency: what is available and what orders hold."""
    currency = account.text("currency")
    free = account.object("available_balance").number("value")
    hold = account.object("hold").number("value", ZERO) if account.has("hold") else ZERO
    return Balance(currency, EXACT.add(free, hold), free)


def merged(balances: list[Balance]) -> dict[str, Balance]:
    """By currency; several wallets of one add up."""
    held: dict[str, Balance] = {}
    for one in balances:
        before = held.get(one.currency, Balance(one.currency, ZERO, ZERO))
        total, free = EXACT.add(before.total, one.total), EXACT.add(before.free, one.free)
        held[one.currency] = Balance(one.currency, total, free)
    return held


def derivative_position(position: Fields) -> VenuePosition:
    """A futures position under the venue's own name: Kedge lists no futures here, so it is foreign (hazard H22)."""
    contracts = position.not_negative("number_of_contracts")
    return VenuePosition(
        symbol=position.text("product_id"),
        quantity=EXACT.multiply(contracts, position.word("side", _SIGNS)),
        entry_price=_money(position, "avg_entry_price"),
        mark_price=_money(position, "current_price"),
        unrealized=_money(position, "unrealized_pnl") or ZERO,
        liquidation_price=_money(position, "liquidation_price"),
        leverage=position.positive("leverage") if position.has("leverage") else None,
    )


def permissions(told: Fields) -> KeyPermissions:
    """What the key may do. Transfers count as withdrawals: they move money out of the portfolio."""
    return KeyPermissions(told.flag("can_view"), told.flag("can_trade"), told.flag("can_transfer"))


def _money(told: Fields, name: str) -> Decimal | None:
    """An amount, written `{"value": ..., "currency": ...}` or plain; None where it is absent."""
    if not told.has(name):
        return None
    return told.object(name).number("value")

"""The account at the venue: the wallet, the positions, margin and liquidation prices. This is the simulation's ground truth.

The wallet is in the one settlement currency. Buying on spot takes the value out of it and selling puts it back; on a
perpetual only realized profit, fees and funding touch it. With every perpetual at its price P, multiplier m and signed
quantity q (cross margin, all positions together):

    equity      = wallet + sum(q m P - cost)
    initial     = sum(|q| m P / max_leverage)            a fill must leave equity >= initial, unless it reduces
    maintenance = sum(|q| m P x maintenance_margin)      equity <= maintenance liquidates

The last line is linear in the price of one symbol, so it is solved for it once a fill or payment has changed the account:
with U and M the unrealized profit and maintenance of the other symbols,

    long:   P = (cost - wallet - U + M) / (q m (1 - maintenance_margin))    liquidated at or below
    short:  P = (wallet - cost + U - M) / (|q| m (1 + maintenance_margin))  liquidated at or above

With several perpetuals held U and M move with every fact, so the prices are solved again at each.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from kedge.model.money import CENT_OF_NANO, EXACT, ZERO
from kedge.venues.sim.listing import NEVER_ABOVE, NEVER_BELOW, Listing

_add: Final = EXACT.add
_sub: Final = EXACT.subtract
_mul: Final = EXACT.multiply
_div: Final = EXACT.divide

_ALWAYS: Final = Decimal("Infinity")

INSUFFICIENT_MARGIN: Final = "insufficient margin"
INSUFFICIENT_BALANCE: Final = "insufficient balance"
NOT_SHORTABLE: Final = "not shortable"


class Account:
    """Wallet, balances of other currencies, and the perpetuals held.

    `held` are the listings of perpetuals with a position, `several` whether there is more than one.
    """

    __slots__ = ("balances", "cash", "currency", "held", "several", "wallet")

    def __init__(self, currency: str, cash: Decimal) -> None:
        self.currency = currency
        self.cash = cash
        self.wallet = cash
        self.balances: dict[str, Decimal] = {}
        self.held: dict[str, Listing] = {}
        self.several = False

    def refuses(self, listing: Listing, signed: Decimal, price: Decimal, fee: Decimal) -> str:
        """Why a fill of `signed` units at `price` costing `fee` is not admitted; empty: it is."""
        position = listing.position
        if listing.is_spot:
            return self._refuses_spot(listing, signed, price, fee)
        after = _add(position, signed)
        if position and abs(after) <= abs(position) and (not after or (after > ZERO) == (position > ZERO)):
            return ""
        if after < ZERO and not listing.instrument.shortable:
            return NOT_SHORTABLE
        equity = _sub(self.wallet, fee)
        if position:
            equity = _add(equity, listing.unrealized(price))
        needed = _mul(_mul(_mul(abs(after), listing.contract_size), price), listing.initial_rate)
        if self.held:
            for other in self.held.values():
                if other is not listing:
                    value = _value(other)
                    equity = _add(equity, _sub(value, other.cost))
                    needed = _add(needed, _mul(abs(value), other.initial_rate))
        return "" if equity >= needed else INSUFFICIENT_MARGIN

    def _refuses_spot(self, listing: Listing, signed: Decimal, price: Decimal, fee: Decimal) -> str:
        if signed < ZERO:
            return INSUFFICIENT_BALANCE if -signed > listing.position else ""
        needed = _add(_mul(_mul(signed, listing.contract_size), price), fee)
        return "" if self.spendable() >= needed else INSUFFICIENT_BALANCE

    def spendable(self) -> Decimal:
        """Wallet that no perpetual's loss or initial margin needs."""
        free = self.wallet
        for listing in self.held.values():
            value = _value(listing)
            profit = _sub(value, listing.cost)
            if profit < ZERO:
                free = _add(free, profit)
            free = _sub(free, _mul(abs(value), listing.initial_rate))
        return free

    def trade(self, listing: Listing, signed: Decimal, price: Decimal) -> None:
        """Move the position by `signed` units at `price` and the wallet by what that realizes (spot: by its value)."""
        held = listing.position
        cost = listing.cost
        value = _mul(_mul(signed, listing.contract_size), price)
        after = _add(held, signed)
        profit = ZERO
        if not held or (held > ZERO) == (signed > ZERO):
            cost = _add(cost, value)
        elif not after:
            profit = _sub(-value, cost)
            cost = ZERO
        elif (after > ZERO) == (held > ZERO):
            gone = _div(_mul(cost, -signed), held).quantize(CENT_OF_NANO, context=EXACT)
            profit = _sub(-value, gone)
            cost = _sub(cost, gone)
        else:
            leaving = _mul(_mul(held, listing.contract_size), price)
            profit = _sub(leaving, cost)
            cost = _add(value, leaving)
        if profit:
            listing.realized = _add(listing.realized, profit)
        listing.position = after
        listing.cost = cost
        if listing.is_spot:
            self.wallet = _sub(self.wallet, value)
            return
        if profit:
            self.wallet = _add(self.wallet, profit)
        if after:
            if not held:
                self.held[listing.symbol] = listing
                self.several = len(self.held) > 1
        else:
            del self.held[listing.symbol]
            self.several = len(self.held) > 1

    def pay_fee(self, listing: Listing, fee: Decimal, currency: str) -> None:
        """Take a fee out of the wallet, the base holding, or the balance of a third currency."""
        if not currency or currency == self.currency:
            self.wallet = _sub(self.wallet, fee)
            listing.fees = _add(listing.fees, fee)
        elif listing.is_spot and currency == listing.instrument.base:
            listing.position = _sub(listing.position, fee)
        else:
            self.balances[currency] = _sub(self.balances.get(currency, ZERO), fee)

    def fund(self, listing: Listing, rate: Decimal, price: Decimal) -> Decimal:
        """Settle funding: the wallet moves by `-position x contract_size x price x rate`, cut to 1e-12 against us."""
        owed = _mul(_mul(_mul(listing.position, listing.contract_size), price), rate)
        amount = (-owed).quantize(CENT_OF_NANO, ROUND_FLOOR, EXACT)
        self.wallet = _add(self.wallet, amount)
        listing.funding = _add(listing.funding, amount)
        return amount

    def arm(self, listing: Listing) -> None:
        """Solve the liquidation prices of a symbol from the account as it stands."""
        below, above = (
            self._solve(listing) if listing.position and not listing.is_spot else (NEVER_BELOW, NEVER_ABOVE)
        )
        if listing.mark is None:
            listing.liquidation_below = below
            listing.liquidation_above = above
        else:
            listing.mark_below = below
            listing.mark_above = above

    def rearm(self, listing: Listing) -> None:
        """After `listing` or the wallet changed: solve its prices, and have the others solved at their next fact."""
        self.arm(listing)
        if self.held and (self.several or listing.symbol not in self.held):
            several = self.several
            for other in self.held.values():
                if other is listing:
                    continue
                if several:
                    self.watch(other)
                else:
                    self.arm(other)

    def disarm(self, listing: Listing) -> None:
        """Mark prices have begun: what trades no longer liquidates."""
        listing.liquidation_below = NEVER_BELOW
        listing.liquidation_above = NEVER_ABOVE

    def liquidation_price(self, listing: Listing) -> Decimal | None:
        """The price that would liquidate what is held of one symbol; None where no price would."""
        if not listing.position or listing.is_spot:
            return None
        below, above = self._solve(listing)
        price = above if listing.position < ZERO else below
        return price if price > ZERO else None

    def watch(self, listing: Listing) -> None:
        """Make the next fact of a symbol look closely, because other symbols move its liquidation price."""
        if listing.mark is None:
            listing.liquidation_below = _ALWAYS
        else:
            listing.mark_below = _ALWAYS

    def _solve(self, listing: Listing) -> tuple[Decimal, Decimal]:
        room = _sub(self.wallet, listing.cost)
        if self.several:
            for other in self.held.values():
                if other is not listing:
                    value = _value(other)
                    room = _add(room, _sub(value, other.cost))
                    room = _sub(room, _mul(abs(value), other.instrument.maintenance_margin))
        position = listing.position
        if position > ZERO:
            return _div(-room, _mul(position, listing.long_rate)), NEVER_ABOVE
        return NEVER_BELOW, _div(room, _mul(-position, listing.short_rate))

    def equity(self, listings: Mapping[str, Listing], prices: Mapping[str, Decimal] | None = None) -> Decimal:
        """Wallet plus the value of what is held, at `prices` or else at the last prices seen."""
        total = self.wallet
        for symbol, listing in listings.items():
            if not listing.position:
                continue
            price = (prices or {}).get(symbol) or listing.price()
            assert price is not None, f"{symbol} is held but no price was ever seen"
            value = _mul(_mul(listing.position, listing.contract_size), price)
            total = _add(total, value if listing.is_spot else _sub(value, listing.cost))
        return total


def _value(listing: Listing) -> Decimal:
    price = listing.price()
    assert price is not None, f"{listing.symbol} is held but no price was ever seen"
    return _mul(_mul(listing.position, listing.contract_size), price)

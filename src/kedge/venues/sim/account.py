"""The account at the venue: the wallet, the positions, margin and liquidation prices. This is the simulation's ground
truth.

The wallet is in the one settlement currency. Buying on spot takes the value out of it and selling puts it back; on a
perpetual only realized profit, fees and funding touch it. With every perpetual at its price P, multiplier m and signed
quantity q (cross margin, all positions together):

    equity      = wallet + sum(q m P - cost)
    initial     = sum(|q| m P / max_leverage)            a fill must leave equity >= initial, unless it reduces
    maintenance = sum(|q| m P x maintenance_margin)      equity <= maintenance liquidates

The last line is linear in the price of one symbol, so it is solved for it once a fill or payment has changed the
account: with U and M the unrealized profit and maintenance of the other symbols,

    long:   P = (cost - wallet - U + M) / (q m (1 - maintenance_margin))    liquidated at or below
    short:  P = (wallet - cost + U - M) / (|q| m (1 + maintenance_margin))  liquidated at or above

With several perpetuals held U and M move with every fact, so the prices are solved again at each. The quotient is cut
to 28 digits towards the side that liquidates.

Signs are changed by `copy_negate` and `copy_abs`, which never round as `-x` and `abs(x)` do.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final

from kedge.model.money import CENT_OF_NANO, EXACT, ONE, ZERO
from kedge.venues.sim.listing import NEVER_ABOVE, NEVER_BELOW, Listing

_add: Final = EXACT.add
_sub: Final = EXACT.subtract
_mul: Final = EXACT.multiply
_div: Final = EXACT.divide
_div_up: Final = Context(prec=28, rounding=ROUND_CEILING).divide
_div_down: Final = Context(prec=28, rounding=ROUND_FLOOR).divide

INSUFFICIENT_MARGIN: Final = "insufficient margin"
INSUFFICIENT_BALANCE: Final = "insufficient balance"
NOT_SHORTABLE: Final = "not shortable"


class Account:
    """Wallet, balances of other currencies, and the perpetuals held.

    `held` are the listings of perpetuals with a position, `several` whether there is more than one.
    """

    __slots__ = ("balances", "currency", "held", "several", "wallet")

    def __init__(self, currency: str, cash: Decimal) -> None:
        self.currency = currency
        self.wallet = cash
        self.balances: dict[str, Decimal] = {}
        self.held: dict[str, Listing] = {}
        self.several = False

    def trade(
        self,
        listing: Listing,
        buy: bool,
        quantity: Decimal,
        price: Decimal,
        value: Decimal,
        fee: Decimal,
    ) -> str:
        """Buy or sell `quantity` worth `value` at `price` for a `fee` out of the wallet; why it is refused, or empty.

        Nothing changes when it is refused. What only reduces a perpetual is never refused.
        """
        if listing.is_spot:
            return self._trade_spot(listing, buy, quantity, value, fee)
        held = listing.position
        cost = listing.cost
        wallet = _sub(self.wallet, fee) if fee else self.wallet
        signed = value if buy else value.copy_negate()
        after = _add(held, quantity) if buy else _sub(held, quantity)
        reduces = False
        if not held:
            worth = cost = signed
        elif (held > ZERO) is buy:
            cost = _add(cost, signed)
            worth = _mul(after, price) if listing.unit else _mul(_mul(after, listing.contract_size), price)
        elif not after:
            wallet = _sub(wallet, _add(signed, cost))
            worth = cost = ZERO
            reduces = True
        elif (after > ZERO) is not buy:
            gone = _div(_mul(cost, quantity), held.copy_abs()).quantize(CENT_OF_NANO, context=EXACT)
            wallet = _sub(wallet, _add(signed, gone))
            worth = cost = _sub(cost, gone)
            reduces = True
        else:
            leaving = _mul(held, price) if listing.unit else _mul(_mul(held, listing.contract_size), price)
            wallet = _add(wallet, _sub(leaving, cost))
            worth = cost = _add(signed, leaving)
        if not reduces:
            if after < ZERO and not listing.instrument.shortable:
                return NOT_SHORTABLE
            equity = wallet if worth is cost else _add(wallet, _sub(worth, cost))
            needed = worth.copy_abs()
            if listing.initial_rate is not ONE:
                needed = _mul(needed, listing.initial_rate)
            if self.several or (self.held and not held):
                equity, needed = self._with_others(listing, equity, needed)
            if equity < needed:
                return INSUFFICIENT_MARGIN
        self.wallet = wallet
        listing.position = after
        listing.cost = cost
        if not held:
            self.held[listing.symbol] = listing
            self.several = len(self.held) > 1
        elif not after:
            del self.held[listing.symbol]
            self.several = len(self.held) > 1
        return ""

    def _with_others(self, listing: Listing, equity: Decimal, needed: Decimal) -> tuple[Decimal, Decimal]:
        """Equity and initial margin with the other symbols counted in."""
        for other in self.held.values():
            if other is not listing:
                value = _value(other)
                equity = _add(equity, _sub(value, other.cost))
                needed = _add(needed, _mul(value.copy_abs(), other.initial_rate))
        return equity, needed

    def _trade_spot(self, listing: Listing, buy: bool, quantity: Decimal, value: Decimal, fee: Decimal) -> str:
        held = listing.position
        if buy:
            needed = _add(value, fee)
            if self.spendable() < needed:
                return INSUFFICIENT_BALANCE
            self.wallet = _sub(self.wallet, needed)
            listing.position = _add(held, quantity)
        else:
            if quantity > held:
                return INSUFFICIENT_BALANCE
            self.wallet = _add(self.wallet, _sub(value, fee))
            listing.position = _sub(held, quantity)
        return ""

    def spendable(self) -> Decimal:
        """Wallet that no perpetual's loss or initial margin needs."""
        free = self.wallet
        for listing in self.held.values():
            value = _value(listing)
            profit = _sub(value, listing.cost)
            if profit < ZERO:
                free = _add(free, profit)
            free = _sub(free, _mul(value.copy_abs(), listing.initial_rate))
        return free

    def pay_elsewhere(self, listing: Listing, fee: Decimal, currency: str) -> None:
        """Take a fee out of the base holding of a spot listing, or out of the balance of a third currency."""
        if listing.is_spot and currency == listing.instrument.base:
            listing.position = _sub(listing.position, fee)
        else:
            self.balances[currency] = _sub(self.balances.get(currency, ZERO), fee)

    def fund(self, listing: Listing, rate: Decimal, price: Decimal) -> Decimal:
        """Settle funding: the wallet moves by `-position x contract_size x price x rate`, cut to 1e-12 against us."""
        owed = _mul(_mul(_mul(listing.position, listing.contract_size), price), rate)
        amount = owed.copy_negate().quantize(CENT_OF_NANO, ROUND_FLOOR, EXACT)
        self.wallet = _add(self.wallet, amount)
        return amount

    def rearm(self, listing: Listing) -> None:
        """After the wallet or the rules of `listing` changed between its facts."""
        self.arm(listing)
        self.arm_others(listing)
        if self.several and listing.position:
            watch(listing)

    def arm_others(self, listing: Listing) -> None:
        """After `listing` changed: have the others solved at their next fact, or now where only one is left."""
        several = self.several
        for other in self.held.values():
            if other is not listing:
                if several:
                    watch(other)
                else:
                    self.arm(other)

    def arm(self, listing: Listing) -> None:
        """Solve the liquidation prices of a symbol from the account as it stands."""
        below, above = NEVER_BELOW, NEVER_ABOVE
        position = listing.position
        if position and not listing.is_spot:
            room = _sub(self.wallet, listing.cost)
            if self.several:
                room = self._beside(listing, room)
            if position < ZERO:
                units = position.copy_negate()
                if listing.short_rate is not ONE:
                    units = _mul(units, listing.short_rate)
                above = _div_down(room, units)
            elif room < ZERO:
                units = position if listing.long_rate is ONE else _mul(position, listing.long_rate)
                below = _div_up(room.copy_negate(), units)
        if listing.mark is None:
            listing.liquidation_below = below
            listing.liquidation_above = above
        else:
            listing.mark_below = below
            listing.mark_above = above

    def _beside(self, listing: Listing, room: Decimal) -> Decimal:
        """`room` with the unrealized profit of the other symbols, less their maintenance."""
        for other in self.held.values():
            if other is not listing:
                value = _value(other)
                room = _add(room, _sub(value, other.cost))
                room = _sub(room, _mul(value.copy_abs(), other.instrument.maintenance_margin))
        return room

    def liquidation_price(self, listing: Listing) -> Decimal | None:
        """The price that would liquidate what is held of one symbol; None where no price would."""
        if not listing.position or listing.is_spot:
            return None
        self.arm(listing)
        if listing.mark is None:
            below, above = listing.liquidation_below, listing.liquidation_above
        else:
            below, above = listing.mark_below, listing.mark_above
        if self.several:
            watch(listing)
        price = above if listing.position < ZERO else below
        return price if price > ZERO else None

    def equity(self, listings: Mapping[str, Listing], prices: Mapping[str, Decimal] | None = None) -> Decimal:
        """Wallet plus the value of what is held, at `prices` or else at the last prices seen."""
        total = self.wallet
        for symbol, listing in listings.items():
            if listing.position:
                price = (prices or {}).get(symbol) or listing.price()
                assert price is not None, f"{symbol} is held but no price was ever seen"
                value = _mul(_mul(listing.position, listing.contract_size), price)
                total = _add(total, value if listing.is_spot else _sub(value, listing.cost))
        return total


def disarm(listing: Listing) -> None:
    """Mark prices have begun: what trades no longer liquidates."""
    listing.liquidation_below = NEVER_BELOW
    listing.liquidation_above = NEVER_ABOVE


def watch(listing: Listing) -> None:
    """Make the next fact of a symbol look closely, because other symbols move its liquidation price."""
    if listing.mark is None:
        listing.liquidation_below = NEVER_ABOVE
        listing.liquidation_above = NEVER_BELOW


def _value(listing: Listing) -> Decimal:
    price = listing.price()
    assert price is not None, f"{listing.symbol} is held but no price was ever seen"
    return _mul(_mul(listing.position, listing.contract_size), price)

"""Fees: what the venue charges for a fill, and in which currency.

A fee is a fraction of notional by liquidity, maker or taker; a negative one is a rebate. It is cut to 1e-12 against
us: a charge away from zero, a rebate towards it. The currency of a `Charge` is empty for the quote currency.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Protocol

from kedge.model.errors import ConfigError
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.money import CENT_OF_NANO, EXACT, ZERO, round_fee

#: The fee and its currency.
Charge = tuple[Decimal, str]

_FREE: Charge = (ZERO, "")


class FeeModel(Protocol):
    """What the venue asks of a fee model."""

    def charge(self, instrument: Instrument, buy: bool, quantity: Decimal, notional: Decimal, maker: bool) -> Charge:
        """The fee of one fill and its currency (empty: quote)."""


class InstrumentFees:
    """The maker and taker fees of the instrument, in its quote currency."""

    def charge(self, instrument: Instrument, buy: bool, quantity: Decimal, notional: Decimal, maker: bool) -> Charge:
        """Fraction x notional."""
        rate = instrument.maker_fee if maker else instrument.taker_fee
        if not rate:
            return _FREE
        return against_us(EXACT.multiply(notional, rate)), ""


class BaseFeesOnBuys:
    """Like `InstrumentFees`, but a spot buy pays in the base currency, as on many spot venues (hazard H26)."""

    def charge(self, instrument: Instrument, buy: bool, quantity: Decimal, notional: Decimal, maker: bool) -> Charge:
        """Fraction x quantity in base on a spot buy, else fraction x notional in quote."""
        rate = instrument.maker_fee if maker else instrument.taker_fee
        if not rate:
            return _FREE
        if buy and instrument.kind is InstrumentKind.SPOT:
            return against_us(EXACT.multiply(quantity, rate)), instrument.base
        return against_us(EXACT.multiply(notional, rate)), ""


class TokenFees:
    """Fees paid in a third currency, converted at a fixed `price` (quote currency per unit of it) and multiplied by
    `factor`.

    The balance of the third currency starts at zero and counts down: it is bought outside of this account.
    """

    __slots__ = ("currency", "factor", "price")

    def __init__(self, currency: str, price: Decimal, factor: Decimal = Decimal(1)) -> None:
        if not currency:
            raise ConfigError("fee currency is empty; name the currency that fees are paid in")
        if not price > ZERO:
            raise ConfigError(f"fee price of {currency} is {price}; it must be above zero")
        if not factor >= ZERO:
            raise ConfigError(f"fee factor of {currency} is {factor}; it must not be below zero")
        self.currency = currency
        self.price = price
        self.factor = factor

    def charge(self, instrument: Instrument, buy: bool, quantity: Decimal, notional: Decimal, maker: bool) -> Charge:
        """Fraction x notional x factor / price."""
        rate = instrument.maker_fee if maker else instrument.taker_fee
        if not rate:
            return _FREE
        value = EXACT.multiply(EXACT.multiply(notional, rate), self.factor)
        return against_us(EXACT.divide(value, self.price)), self.currency


def against_us(fee: Decimal) -> Decimal:
    """`fee` on the grid of 1e-12: a charge rounded up, a rebate rounded towards zero."""
    return round_fee(fee) if fee > ZERO else fee.quantize(CENT_OF_NANO, ROUND_CEILING, EXACT)

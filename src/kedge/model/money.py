"""Exact money: `Decimal` in, `Decimal` out, every rounding named.

Prices, quantities, fees and balances are never binary floats. Sums and products of them are computed in
`EXACT`, a context wide enough that nothing Kedge adds or multiplies is ever rounded; where a quotient must be
cut (an average price, the share of a cost that leaves with a partial close) the quantum and the direction are
written at the place. `Decimal("1.0") == Decimal("1.00")` but their texts differ, so text that is hashed or
signed goes through `canonical`.
"""

from __future__ import annotations

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)
from typing import Any, Final

from kedge.model.errors import UserError

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
TEN_THOUSAND: Final = Decimal(10_000)

#: Room for a product of three 18-digit numbers; a non-finite result traps instead of spreading as NaN.
EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])

#: Where a cost or a fee must be cut, it is cut here: finer than any currency's smallest unit.
CENT_OF_NANO: Final = Decimal("1E-12")


def decimal(value: Any, what: str = "value") -> Decimal:
    """`value` (a `Decimal`, an int or a text) as a finite `Decimal`, from its text.

    Floats are refused: `0.1` is not a tenth. `what` names the thing in the error.
    """
    if isinstance(value, float):
        raise UserError(f"{what} is the float {value!r}; give a Decimal, an int or a string so that it is exact")
    if isinstance(value, str) and (not value.isascii() or "_" in value or value != value.strip()):
        raise UserError(f"{what} is {value!r}, not a plain decimal number such as 0.001")
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise UserError(f"{what} is {value!r}, not a decimal number such as 0.001") from None
    if not number.is_finite():
        raise UserError(f"{what} is {value!r}; it must be finite")
    return number


def canonical(number: Decimal) -> str:
    """The one text of a finite decimal: fixed-point, no exponent, no trailing zeros, no minus zero."""
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def round_price(price: Decimal, tick_size: Decimal) -> Decimal:
    """`price` on the nearest multiple of `tick_size`; a tie goes to the even multiple."""
    return _on_grid(price, tick_size, ROUND_HALF_EVEN, "tick_size")


def round_price_up(price: Decimal, tick_size: Decimal) -> Decimal:
    """The smallest multiple of `tick_size` that is not below `price`: the pessimistic price of a buyer."""
    return _on_grid(price, tick_size, ROUND_CEILING, "tick_size")


def round_price_down(price: Decimal, tick_size: Decimal) -> Decimal:
    """The largest multiple of `tick_size` that is not above `price`: the pessimistic price of a seller."""
    return _on_grid(price, tick_size, ROUND_FLOOR, "tick_size")


def round_quantity(quantity: Decimal, step_size: Decimal) -> Decimal:
    """`quantity` on a multiple of `step_size`, always towards zero: never more than was asked for."""
    return _on_grid(quantity, step_size, ROUND_DOWN, "step_size")


def round_fee(fee: Decimal, quantum: Decimal = CENT_OF_NANO) -> Decimal:
    """`fee` cut to `quantum`, away from zero: a charge is never understated."""
    return fee.quantize(quantum, ROUND_UP, EXACT)


def _on_grid(value: Decimal, step: Decimal, rounding: str, name: str) -> Decimal:
    if not step > ZERO:
        raise UserError(f"{name} is {step}; it must be above zero")
    if not value.is_finite():
        raise UserError(f"cannot round {value}; it must be finite")
    if not EXACT.remainder(value, step):
        return value
    return EXACT.multiply(EXACT.divide(value, step).to_integral_value(rounding), step)

"""Slippage: how much worse than the price seen a taker trades.

A model gives the adverse amount per unit, before the venue rounds the price to the tick against us. It is never
negative. Models that look at the volume of the bar (`uses_volume`) are known only when the bar has closed, and fills
made with them are reported then.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from kedge.model.errors import ConfigError
from kedge.model.money import EXACT, ONE, TEN_THOUSAND, ZERO, decimal


class SlippageModel(Protocol):
    """What the venue asks of a slippage model."""

    @property
    def uses_volume(self) -> bool:
        """Whether the amount depends on the volume traded in the bar or print."""

    def amount(self, price: Decimal, quantity: Decimal, volume: Decimal, tick_size: Decimal) -> Decimal:
        """Adverse amount per unit for taking `quantity` at `price` where `volume` was traded."""


class NoSlippage:
    """A taker gets the price it saw."""

    uses_volume = False

    def amount(self, price: Decimal, quantity: Decimal, volume: Decimal, tick_size: Decimal) -> Decimal:
        """Always zero."""
        return ZERO


class BpsSlippage:
    """A fixed fraction of the price, in basis points (1 bp = 0.01%)."""

    __slots__ = ("bps", "fraction")
    uses_volume = False

    def __init__(self, bps: Decimal) -> None:
        self.bps = _not_negative(bps, "slippage bps")
        self.fraction = EXACT.divide(self.bps, TEN_THOUSAND)

    def amount(self, price: Decimal, quantity: Decimal, volume: Decimal, tick_size: Decimal) -> Decimal:
        """`price x bps / 10000`."""
        return EXACT.multiply(price, self.fraction)


class TickSlippage:
    """A fixed number of ticks."""

    __slots__ = ("ticks",)
    uses_volume = False

    def __init__(self, ticks: int) -> None:
        self.ticks = _not_negative(Decimal(ticks), "slippage ticks")

    def amount(self, price: Decimal, quantity: Decimal, volume: Decimal, tick_size: Decimal) -> Decimal:
        """`ticks x tick_size`."""
        return EXACT.multiply(self.ticks, tick_size)


class LinearImpact:
    """Impact that grows with our share of the volume: `price x coefficient x share`.

    The share is our quantity over the volume, at most 1; where nothing was traded it is 1. Source: the linear temporary
    impact of Almgren and Chriss (2000).
    """

    __slots__ = ("coefficient",)
    uses_volume = True

    def __init__(self, coefficient: Decimal) -> None:
        self.coefficient = _not_negative(coefficient, "impact coefficient")

    def amount(self, price: Decimal, quantity: Decimal, volume: Decimal, tick_size: Decimal) -> Decimal:
        """`price x coefficient x min(quantity / volume, 1)`."""
        return EXACT.multiply(EXACT.multiply(price, self.coefficient), share(quantity, volume))


class SquareRootImpact:
    """Impact that grows with the square root of our share of the volume: `price x coefficient x sqrt(share)`.

    Source: the square-root law of market impact (Almgren, Thum, Hauptmann and Li, 2005; Toth and others, 2011).
    """

    __slots__ = ("coefficient",)
    uses_volume = True

    def __init__(self, coefficient: Decimal) -> None:
        self.coefficient = _not_negative(coefficient, "impact coefficient")

    def amount(self, price: Decimal, quantity: Decimal, volume: Decimal, tick_size: Decimal) -> Decimal:
        """`price x coefficient x sqrt(min(quantity / volume, 1))`."""
        return EXACT.multiply(EXACT.multiply(price, self.coefficient), share(quantity, volume).sqrt(EXACT))


def share(quantity: Decimal, volume: Decimal) -> Decimal:
    """Our part of the volume, at most 1; 1 where nothing was traded."""
    return ONE if volume <= quantity else EXACT.divide(quantity, volume)


def _not_negative(value: Decimal, what: str) -> Decimal:
    number = decimal(value, what)
    if number < ZERO:
        raise ConfigError(f"{what} is {number}; it must not be below zero, a venue gives nothing away")
    return number


NO_SLIPPAGE = NoSlippage()

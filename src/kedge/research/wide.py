"""Whole numbers of 128 bits, as the kernel computes with money.

A price fits 64 bits and so does a quantity; their product, to the last digit, does not. Here is the little arithmetic
that the kernel needs of such numbers. Interpreted, they are Python's own integers, and each function is what it says.
Compiled (`compiled`), they are pairs of 64-bit halves, and each function is replaced by one of the same meaning; the
test of both against each other is `tests/research/test_wide.py`.

Nothing here checks for overflow. The kernel keeps every amount below `2**AMOUNT_BITS` and every factor below
`2**FACTOR_BITS` (`small` asks, `plan` and `book` see to it), so that no sum or product can leave 128 bits.
"""

from __future__ import annotations

from typing import Any

#: An amount of money, and a factor that it is multiplied by: two such products add up within 127 bits.
AMOUNT_BITS = 98
FACTOR_BITS = 26

#: Quotients from here on do not count as 64-bit numbers.
QUOTIENT_MAX = 2**62

_HALF = 1 << 64

#: One number of 128 bits: an `int`, or compiled a pair of halves.
Wide = Any


def of(number: int) -> Wide:
    """A 64-bit number, widened."""
    return number


def product(one: int, other: int) -> Wide:
    """The product of two 64-bit numbers."""
    return one * other


def scaled(amount: Wide, factor: int) -> Wide:
    """An amount times a 64-bit number."""
    return amount * factor


def plus(one: Wide, other: Wide) -> Wide:
    """The sum."""
    return one + other


def minus(one: Wide, other: Wide) -> Wide:
    """The difference."""
    return one - other


def below(one: Wide, other: Wide) -> bool:
    """Whether `one < other`."""
    return bool(one < other)


def small(amount: Wide) -> bool:
    """Whether an amount is within the bounds that make all else exact."""
    return bool(-(1 << AMOUNT_BITS - 64) < amount // _HALF < (1 << AMOUNT_BITS - 64))


def quotient(amount: Wide, divisor: int) -> tuple[int, int]:
    """`amount // divisor` and the remainder, of an amount not below zero; -1 where that is no 62-bit number."""
    whole, rest = divmod(amount, divisor)
    return (whole, rest) if whole < QUOTIENT_MAX else (-1, 0)


def load(halves: Any, place: int) -> Wide:
    """The number kept at `place`: two halves, the high one first."""
    return int(halves[2 * place]) * _HALF + int(halves[2 * place + 1]) % _HALF


def store(halves: Any, place: int, amount: Wide) -> None:
    """Keep a number at `place`."""
    low = amount % _HALF
    halves[2 * place] = amount // _HALF
    halves[2 * place + 1] = low - _HALF if low >= _HALF // 2 else low


#: What the compiler replaces.
ALL = (of, product, scaled, plus, minus, below, small, quotient, load, store)

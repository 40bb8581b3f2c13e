"""The same numbers as pairs of halves, in LLVM's own 128-bit integers; importing this teaches them to numba.

A division of 128 bits is a call into the compiler's library, which a compiled kernel cannot count on. So a quotient is
guessed in floating point and the remainder, which is exact, says by how much it was wrong, until it was not: each round
takes some 50 bits off.
"""

# mypy: disable-error-code="no-untyped-call, no-untyped-def, call-arg, unreachable, import-untyped"
# ruff: noqa: ANN001, ANN202, PLW0108  (an implementation must be a function with the very signature of the overload)

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from kedge.research import wide

PAIR = types.UniTuple(types.int64, 2)
_I64, _I128 = ir.IntType(64), ir.IntType(128)
_QUOTIENT_GUESS_MAX = 9.0e18
_QUOTIENT_MAX = wide.QUOTIENT_MAX
_HIGH_MAX = 1 << (wide.AMOUNT_BITS - 64)
_TWO_64 = 18446744073709551616.0


def _join(builder: Any, value: Any) -> Any:
    """One 128-bit number from a pair, or from 64 bits."""
    if value.type == _I64:
        return builder.sext(value, _I128)
    high = builder.sext(builder.extract_value(value, 0), _I128)
    low = builder.zext(builder.extract_value(value, 1), _I128)
    return builder.or_(builder.shl(high, ir.Constant(_I128, 64)), low)


def _split(context: Any, builder: Any, value: Any) -> Any:
    high = builder.trunc(builder.ashr(value, ir.Constant(_I128, 64)), _I64)
    return context.make_tuple(builder, PAIR, [high, builder.trunc(value, _I64)])


def _operation(name: str) -> Any:
    """A function of two numbers, wide or not, that LLVM has an instruction for."""

    @intrinsic
    def operate(typingctx: Any, one: Any, other: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            left, right = (_join(builder, value) for value in arguments)
            if name == "less":
                return builder.icmp_signed("<", left, right)
            return _split(context, builder, getattr(builder, name)(left, right))

        kinds = [kind if isinstance(kind, types.BaseTuple) else types.int64 for kind in (one, other)]
        return (types.boolean if name == "less" else PAIR)(*kinds), generate

    return operate


_add, _sub, _mul, _less = map(_operation, ("add", "sub", "mul", "less"))


@intrinsic
def _estimate(typingctx: Any, amount: Any) -> Any:
    """A number in floating point, rounded."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        high = builder.sitofp(builder.extract_value(arguments[0], 0), ir.DoubleType())
        low = builder.uitofp(builder.extract_value(arguments[0], 1), ir.DoubleType())
        return builder.fadd(builder.fmul(high, ir.Constant(ir.DoubleType(), _TWO_64)), low)

    return types.float64(PAIR), generate


@overload(wide.of)
def _of(number):
    return lambda number: _add(number, 0)


@overload(wide.product)
def _product(one, other):
    return lambda one, other: _mul(one, other)


@overload(wide.scaled)
def _scaled(amount, factor):
    return lambda amount, factor: _mul(amount, factor)


@overload(wide.plus)
def _plus(one, other):
    return lambda one, other: _add(one, other)


@overload(wide.minus)
def _minus(one, other):
    return lambda one, other: _sub(one, other)


@overload(wide.below)
def _below(one, other):
    return lambda one, other: _less(one, other)


@overload(wide.small)
def _small(amount):
    def is_small(amount):
        return -_HIGH_MAX < amount[0] < _HIGH_MAX

    return is_small


@overload(wide.quotient)
def _quotient(amount, divisor):
    def divide(amount, divisor):
        guess = _estimate(amount) / divisor
        if guess > _QUOTIENT_GUESS_MAX:
            return -1, 0
        found = int(guess)
        rest = _sub(amount, _mul(found, divisor))
        while _less(rest, 0) or not _less(rest, divisor):
            step = int(_estimate(rest) / divisor)
            if step == 0:
                step = -1 if _less(rest, 0) else 1
            found += step
            rest = _sub(rest, _mul(step, divisor))
        if found >= _QUOTIENT_MAX:
            return -1, 0
        return found, rest[1]

    return divide


@overload(wide.load)
def _load(halves, place):
    return lambda halves, place: (halves[2 * place], halves[2 * place + 1])


@overload(wide.store)
def _store(halves, place, amount):
    def keep(halves, place, amount):
        halves[2 * place] = amount[0]
        halves[2 * place + 1] = amount[1]

    return keep

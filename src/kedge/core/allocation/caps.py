"""Shares under a cap, and how far they may move at once. Exact: every share is a `Decimal`, nothing is ever above its cap.

`capped` scales weights so that they use up the whole, and where one would get more than the cap gives it the cap and
shares the excess out to the others by weight, again and again until nobody is above. When all are at the cap the rest
cannot be placed: the shares then sum to less than one, and that is right.

`moved` limits turnover, the sum of what every share changes by. It goes from the old shares towards the new ones as far
as the limit lets it, all in the same proportion, so that the caps hold on the way. An old share above the cap comes
down to it whatever the limit says: a limit of cost does not stand in the way of a limit of risk.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal, localcontext

from kedge.model.errors import ConfigError
from kedge.model.money import EXACT, ONE, ZERO

#: Shares are cut down to this: short enough for the journal, fine enough for any capital, never more than the whole.
SHARE_QUANTUM = Decimal("1E-18")


def capped(weights: Mapping[str, Decimal], cap: Decimal) -> dict[str, Decimal]:
    """Shares of one, proportional to `weights` as far as none is above `cap`; they sum to one at most."""
    if not ZERO < cap <= ONE:
        raise ConfigError(f"the largest share of a strategy is {cap}; it must be > 0 and <= 1")
    for name, weight in weights.items():
        if not weight.is_finite() or weight < ZERO:
            raise ConfigError(f"the weight of {name} is {weight}; it must be finite and not below zero")
    shares = dict.fromkeys(weights, ZERO)
    free = {name: weight for name, weight in weights.items() if weight > ZERO}
    left = ONE
    with localcontext(EXACT):
        while free:
            unit = left / sum(free.values())
            above = [name for name, weight in free.items() if weight * unit > cap]
            if not above:
                for name, weight in free.items():
                    shares[name] = weight * unit
                break
            for name in above:
                shares[name] = cap
                del free[name]
            left -= cap * len(above)
        return {name: share.quantize(SHARE_QUANTUM, ROUND_DOWN) for name, share in shares.items()}


def moved(
    before: Mapping[str, Decimal], wanted: Mapping[str, Decimal], cap: Decimal, turnover_max: Decimal
) -> dict[str, Decimal]:
    """Shares between `before` and `wanted` that change by `turnover_max` at most in sum; whoever is not wanted goes to zero."""
    if not turnover_max >= ZERO:
        raise ConfigError(f"the turnover allowed is {turnover_max}; it must not be below zero")
    with localcontext(EXACT):
        held = {name: min(max(before.get(name, ZERO), ZERO), cap) for name in {**before, **wanted}}
        whole = sum(held.values(), ZERO)
        if whole > ONE:  # more was out than there is: everybody gives back in proportion
            held = {name: share / whole for name, share in held.items()}
        turnover = sum((abs(wanted.get(name, ZERO) - share) for name, share in held.items()), ZERO)
        part = ONE if turnover <= turnover_max else turnover_max / turnover
        shares = {name: share + part * (wanted.get(name, ZERO) - share) for name, share in held.items()}
        return {name: share.quantize(SHARE_QUANTUM, ROUND_DOWN) for name, share in shares.items()}

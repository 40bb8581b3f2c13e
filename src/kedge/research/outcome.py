"""One run through the kernel, and its numbers read back as decimals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from kedge.core.strategy.base import BaseStrategy
from kedge.core.strategy.registry import HOOKS
from kedge.core.strategy.signals import SignalStrategy
from kedge.model.money import EXACT
from kedge.research import kernel_state as at
from kedge.research import wide
from kedge.research.compiled import played
from kedge.research.market import Market
from kedge.research.plan import Plan, Unsupported, for_strategy, moves_of, plan_of

if TYPE_CHECKING:
    from kedge.research.evaluate import Evaluation, Settings


#: What a column stands for; a strategy that has its own does more than its column says.
_HOOKS = (*HOOKS.values(), "on_fill", "on_timer", "warmup_bars")


class Played(Struct, frozen=True):
    """A run that the kernel has played to its end: its arrays, and the plan that reads them."""

    plan: Plan
    x: Any
    w: Any
    log: Any
    days: Any
    points: Any

    def money(self, amount: int) -> Decimal:
        """An amount as a decimal."""
        return EXACT.scaleb(EXACT.create_decimal(amount), -self.plan.money_scale)

    def amounts(self, halves: Any, count: int) -> list[Decimal]:
        """The first `count` amounts of an array."""
        return [self.money(wide.load(halves, place)) for place in range(count)]


class KernelFill(Struct, frozen=True):
    """A fill as the kernel keeps it: its symbol, signed quantity, price, fee, slippage a unit, and time (ns)."""

    symbol: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    is_maker: bool
    slippage: Decimal
    ts: int


def run_kernel(
    strategy: BaseStrategy,
    market: Market,
    settings: Settings,
    *,
    points: bool = False,
    fills_max: int = 0,
    mode: str = "best",
) -> Played:
    """Play a strategy in the kernel; raises `Unsupported` with the reason where the run is the event engine's."""
    form, strict = column_form(strategy)
    for symbol in form.required_symbols():
        if symbol not in market.symbols:
            raise Unsupported(f"there are no candles of {symbol}")
    plan = plan_of(market, settings)
    x = for_strategy(plan, form, market)
    x[at.KEEPS_POINTS] = points
    x[at.FILLS_MAX] = fills_max
    moves = moves_of(form, market, plan)
    count = plan.merged.moments if points else 0
    done = Played(plan, *played(mode, plan, x, moves, fills=fills_max, points=count))
    if done.x[at.FLAG]:
        raise Unsupported(at.REASONS[int(done.x[at.FLAG])])
    if strict and (done.x[at.TURNED_DOWN] or done.x[at.HALT] != at.RUNNING):
        raise Unsupported("an order was turned down, and the column does not tell how this strategy goes on then")
    return done


def column_form(strategy: BaseStrategy) -> tuple[SignalStrategy, bool]:
    """The strategy as one that decides by a column; and whether that holds only while no order is turned down."""
    kind = type(strategy)
    if isinstance(strategy, SignalStrategy):
        for hook in _HOOKS:
            if getattr(kind, hook) is not getattr(SignalStrategy, hook):
                raise Unsupported(f"{kind.__name__} has a {hook} of its own")
        return strategy, False
    form = vars(kind).get("column_form")  # its own: what a subclass changes, the inherited column does not know
    if form is None:
        raise Unsupported(f"{type(strategy).__name__} decides event by event")
    return form(**strategy.values()), True


def read(strategy: BaseStrategy, done: Played, settings: Settings) -> Evaluation:
    """The evaluation of a run."""
    from kedge.research.evaluate import Evaluation

    merged = done.plan.merged
    day_equity = done.amounts(done.days, len(merged.days))
    bars = len(merged.closes)
    keeps = done.x[at.KEEPS_POINTS]
    return Evaluation(
        strategy.values_as_text(),
        bars,
        int(done.x[at.TRADES]),
        done.money(wide.load(done.w, at.W_FEES)),
        settings.initial_capital,
        day_equity[-1],
        merged.days,
        day_equity,
        "kernel",
        "",
        done.amounts(done.points, merged.moments) if keeps else None,
    )


def fills_of(done: Played, symbols: Sequence[str]) -> list[KernelFill]:
    """The fills of a run that kept them."""
    found = []
    for n in range(int(done.x[at.FILLS])):
        entry = n * at.FILL_FIELDS
        symbol, signed, price, fee, maker, worse, ts = (int(each) for each in done.log[entry : entry + at.FILL_FIELDS])
        unit = Decimal((0, (1,), -done.plan.price_scales[symbol]))
        found.append(
            KernelFill(
                symbols[symbol],
                EXACT.multiply(Decimal(signed), done.plan.lots[symbol]),
                EXACT.multiply(Decimal(price), unit),
                EXACT.scaleb(Decimal(fee), -12),
                bool(maker),
                EXACT.multiply(Decimal(worse), unit),
                ts,
            )
        )
    return found

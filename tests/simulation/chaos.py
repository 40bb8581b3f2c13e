"""The workload: a strategy that wants anything at all, a market that wanders, and faults in seeded doses.

Everything is drawn from a seed. Doses are swarmed: each seed leaves out some kinds of fault and some kinds of wish, because
a mixture of all of them hides what only a few together bring out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from kedge.core.strategy.base import BaseStrategy, Wishes
from kedge.model.facts import Fill
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.limits import RiskConfig
from kedge.model.market import FundingRate, Quote, Trade
from kedge.model.order import Side, TimeInForce
from kedge.model.signal import CancelOrders, Signal, Wish
from kedge.venues.sim.faults import Fault
from kedge.venues.sim.generator import SplitMix64

D = Decimal
MS = 1_000_000
START = 1_700_000_000_000_000_000
SYMBOLS = ("BTC-USD", "ETH-USD")
FIRST_PRICES = {"BTC-USD": D(100), "ETH-USD": D(2000)}
POSITION_MAX = D(10)

INSTRUMENTS = (
    Instrument(
        "BTC-USD", "BTC", "USD", "USD", InstrumentKind.PERPETUAL, tick_size=D("0.1"), lot_size=D("0.1"),
        min_quantity=D("0.3"), min_notional=D(15), maker_fee=D("0.0002"), taker_fee=D("0.0005"), max_leverage=D(20),
        shortable=True,
    ),
    Instrument(
        "ETH-USD", "ETH", "USD", "USD", InstrumentKind.PERPETUAL, tick_size=D("0.5"), lot_size=D("0.1"),
        min_quantity=D("0.1"), contract_size=D("0.01"), maker_fee=D("-0.0001"), taker_fee=D("0.0005"), max_leverage=D(20),
        shortable=True,
    ),
)  # fmt: skip

LIMITS = RiskConfig(
    order_quantity_max=D(6),
    order_notional_max=D(1_000),
    orders_per_second_max=30,
    orders_open_max=12,
    price_collar_bps_max=D(500),
    reference_age_ms_max=5_000,
    position_quantity_max=POSITION_MAX,
    gross_exposure_max=D(2_000),
    daily_loss_max=D(100_000),
    executions_per_window_max=10_000,
    executions_window_ms=2_000,
    errors_in_a_row_max=10_000,
    flatten_slippage_bps_max=D(500),
)

WISHES = (
    *("limit", "limit", "market", "stop", "bracket", "target", "close"),
    *("cancel", "cancel", "reduce", "post_only", "ioc", "oco"),
)


class ChaosStrategy(BaseStrategy):
    """Asks for orders of every kind until `until_ns`, by the dice of `seed`."""

    label: str = "a"
    seed: int = 1
    until_ns: int = 0
    pace: int = 400

    def name(self) -> str:
        return f"chaos-{self.label}"

    def required_symbols(self) -> Sequence[str]:
        return SYMBOLS

    def reset(self) -> None:
        self._dice = SplitMix64(self.seed)
        skipped = {kind for kind in WISHES if self._dice.below(4) == 0}
        self._kinds = [kind for kind in WISHES if kind not in skipped] or ["limit"]

    def on_quote(self, quote: Quote) -> Wishes:
        if quote.ts >= self.until_ns or self._dice.below(1000) >= self.pace:
            return None
        return self._wish(quote)

    def on_fill(self, fill: Fill) -> Wishes:
        if fill.ts >= self.until_ns or self._dice.below(10):
            return None
        return [Signal.close(fill.symbol)]

    def _wish(self, quote: Quote) -> list[Wish]:  # a list of cases
        dice, symbol = self._dice, quote.symbol
        kind = self._kinds[dice.below(len(self._kinds))]
        side = Side.BUY if dice.below(2) else Side.SELL
        quantity = D(dice.below(50) + 1) / 10
        middle = (quote.bid + quote.ask) / 2
        away = middle * D(dice.below(60)) / 10_000
        near = middle - away * side.sign if dice.below(4) else middle + away * side.sign
        order = Signal.buy if side is Side.BUY else Signal.sell
        match kind:
            case "market":
                return [order(symbol, quantity)]
            case "stop":
                return [order(symbol, quantity, stop_price=middle + away * side.sign)]
            case "bracket":
                stop, target = middle - 3 * side.sign * middle / 1000, middle + 3 * side.sign * middle / 1000
                stop, target = (stop - stop % D("0.5")), (target - target % D("0.5"))
                return [order(symbol, quantity, price=near, stop_loss=stop, take_profit=target)]
            case "target":
                return [Signal.to_target(symbol, quantity * side.sign)]
            case "close":
                return [Signal.close(symbol)]
            case "cancel":
                return [CancelOrders(symbol if dice.below(2) else "")]
            case "reduce":
                return [order(symbol, quantity, price=near, reduce_only=True)]
            case "post_only":
                return [order(symbol, quantity, price=near, post_only=True)]
            case "ioc":
                return [order(symbol, quantity, price=near, time_in_force=TimeInForce.IOC)]
            case "oco":
                far = middle + 2 * away * side.sign
                return list(
                    Signal.oco(
                        order(symbol, quantity, price=near),
                        order(symbol, quantity, stop_price=far),
                        group=f"g{quote.ts}",
                    )
                )
        return [order(symbol, quantity, price=near)]


def market(
    seed: int, moments: int, pause_ns: int = 100 * MS, start: int = START
) -> Iterator[Quote | Trade | FundingRate]:
    """Quotes that wander in ticks, prints between them, a funding rate now and then; one symbol after the other."""
    dice = SplitMix64(seed)
    ticks = {each.symbol: each.tick_size for each in INSTRUMENTS}
    bids = dict(FIRST_PRICES)
    for moment in range(moments):
        ts = start + moment * pause_ns
        symbol = SYMBOLS[moment % 2]
        tick = ticks[symbol]
        bids[symbol] += tick * (dice.below(7) - 3)
        bid, ask = bids[symbol], bids[symbol] + tick * (1 + dice.below(2))
        yield Quote(ts, bid, ask, D(dice.below(60) + 5) / 10, D(dice.below(60) + 5) / 10, symbol)
        if dice.below(3) == 0:
            side = Side.BUY if dice.below(2) else Side.SELL
            price = (ask if side is Side.BUY else bid) + tick * side.sign * dice.below(2)
            yield Trade(ts + 10 * MS, price, D(dice.below(40) + 1) / 10, symbol, side, f"m{moment}")
        if moment % 97 == 96:
            yield FundingRate(ts + 20 * MS, D(dice.below(21) - 10) / 10_000, symbol)


def doses(seed: int) -> dict[Fault, int]:
    """Rates per mille of each fault; about a third of the kinds stay out."""
    dice = SplitMix64(seed ^ 0xFA017)
    levels = (0, 0, 30, 120, 300)
    return {fault: levels[dice.below(len(levels))] for fault in Fault}

"""Money is neither made nor lost, whatever is traded.

A stateful test drives a venue through orders, bars, funding and cancels on three symbols and keeps a ledger of its own from
the reports alone: cash flows, not averages. After every step the venue's equity must equal the ledger's to the last digit,
and every report must keep the promises of the fill rules.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kedge.model.decisions import Approved, CancelRequested
from kedge.model.facts import (
    CancelRejected,
    Fill,
    FundingPayment,
    Liquidity,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    VenueFact,
)
from kedge.model.instrument import Instrument
from kedge.model.market import BookDelta, Candle, FundingRate, MarkPrice, OrderBook, Quote, Trade
from kedge.model.money import EXACT, ZERO
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.venues.sim.slippage import NO_SLIPPAGE, BpsSlippage, SquareRootImpact
from kedge.venues.sim.venue import SimulatedVenue
from tests.venues.sim.world import MINUTE, d, perpetual, spot

CASH = d(10_000)
FEES: dict[str, Any] = {"taker_fee": d("0.00055"), "maker_fee": d("-0.0001")}
LISTED: tuple[Instrument, ...] = (
    perpetual("BTC-USD", **FEES),
    perpetual("ETH-USD", contract_size=d("0.01"), max_leverage=d(3), **FEES),
    spot("SOL-USD", **FEES),
)
RULES = {instrument.symbol: instrument for instrument in LISTED}
SYMBOLS = st.sampled_from(sorted(RULES))
TICKS = st.integers(8_000, 12_000)
LEVELS = st.integers(8_000, 12_000).map(lambda ticks: ticks * d("0.01"))
QUANTITIES = st.integers(1, 60_000).map(lambda lots: lots * d("0.001"))


class Conservation(RuleBasedStateMachine):
    """A venue, and the ledger that its reports make."""

    @initialize(
        slippage=st.sampled_from([NO_SLIPPAGE, BpsSlippage(d(7)), SquareRootImpact(d("0.01"))]),
        participation=st.sampled_from([None, d("0.25")]),
    )
    def open(self, slippage: Any, participation: Decimal | None) -> None:
        self.whole = participation is None
        self.slips = slippage is not NO_SLIPPAGE
        self.venue = SimulatedVenue(LISTED, CASH, slippage=slippage, participation=participation)
        self.now = MINUTE
        self.n = 0
        self.last = dict.fromkeys(RULES, d(100))
        self.cash = CASH
        self.held = dict.fromkeys(RULES, ZERO)
        self.intents: dict[str, OrderIntent] = {}
        self.filled: dict[str, Decimal] = {}
        self.over: set[str] = set()
        self.trade_ids: set[str] = set()

    # what happens

    @rule(
        symbol=SYMBOLS,
        side=st.sampled_from(Side),
        kind=st.sampled_from(OrderType),
        quantity=QUANTITIES,
        price=LEVELS,
        stop=LEVELS,
        trail=st.integers(1, 500),
        force=st.sampled_from(TimeInForce),
        flags=st.tuples(st.booleans(), st.booleans()),
        inside=st.sampled_from([0, 0, 0, MINUTE // 3]),
    )
    def order(
        self,
        symbol: str,
        side: Side,
        kind: OrderType,
        quantity: Decimal,
        price: Decimal,
        stop: Decimal,
        trail: int,
        force: TimeInForce,
        flags: tuple[bool, bool],
        inside: int,
    ) -> None:
        self.n += 1
        limited = kind in {OrderType.LIMIT, OrderType.STOP_LIMIT} or (kind is OrderType.TAKE_PROFIT and flags[0])
        stopped = kind in {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT}
        intent = OrderIntent(
            str(self.n),
            symbol,
            side,
            kind,
            quantity,
            price=price if limited else None,
            stop_price=stop if stopped else None,
            trail=trail * d("0.01") if kind is OrderType.TRAILING_STOP else None,
            time_in_force=force,
            expires_ns=self.now + inside + MINUTE + 1 if force is TimeInForce.GTD else 0,
            post_only=kind is OrderType.LIMIT and force is TimeInForce.GTC and flags[0],
            reduce_only=flags[1],
        )
        self.intents[intent.id] = intent
        self.filled[intent.id] = ZERO
        self.take_in(self.venue.submit(Approved(intent), self.now + inside), None)

    @rule(back=st.integers(0, 5), inside=st.sampled_from([0, MINUTE // 2]))
    def cancel(self, back: int, inside: int) -> None:
        order_id = str(max(1, self.n - back))
        self.take_in(self.venue.submit(CancelRequested(order_id, ""), self.now + inside), None)

    @rule(data=st.data())
    def bars(self, data: st.DataObject) -> None:
        """One bar of each symbol, some with wild ranges."""
        for symbol in sorted(RULES):
            four = sorted(data.draw(st.lists(TICKS, min_size=4, max_size=4)))
            inner = data.draw(st.permutations(four[1:3]))
            low, opened, close, high = (ticks * d("0.01") for ticks in (four[0], *inner, four[3]))
            volume = d(data.draw(st.integers(0, 500)))
            self.play(Candle(self.now, opened, high, low, close, volume, symbol, MINUTE))
        self.now += MINUTE

    def play(self, bar: Candle) -> None:
        before = self.held[bar.symbol]
        reports = self.venue.on_market(bar)
        self.take_in(reports, bar)
        if not reports:
            assert self.held[bar.symbol] == before
        self.last[bar.symbol] = bar.close

    @rule(symbol=SYMBOLS, rate=st.integers(-30, 30))
    def funding(self, symbol: str, rate: int) -> None:
        self.take_in(self.venue.on_market(FundingRate(self.now, rate * d("0.0001"), symbol)), None)

    # the ledger

    def take_in(self, reports: Any, bar: Candle | None) -> None:
        assert [report.ts for report in reports] == sorted(report.ts for report in reports)
        for report in reports:
            self.judge(report, bar)

    def judge(self, report: VenueFact, bar: Candle | None) -> None:
        if isinstance(report, Fill):
            self.judge_fill(report, bar)
        elif isinstance(report, FundingPayment):
            assert report.position == self.held[report.symbol]
            self.cash = EXACT.add(self.cash, report.amount)
        elif isinstance(report, OrderCancelled | OrderExpired):
            assert report.filled == self.filled[report.order_id]
            assert report.order_id not in self.over, "an order ended twice"
            self.over.add(report.order_id)
        elif isinstance(report, OrderRejected):
            assert self.filled[report.order_id] == 0
            self.over.add(report.order_id)
        else:
            assert isinstance(report, OrderAccepted | CancelRejected)

    def judge_fill(self, fill: Fill, bar: Candle | None) -> None:
        assert fill.trade_id not in self.trade_ids
        self.trade_ids.add(fill.trade_id)
        assert fill.quantity > 0
        assert fill.price > 0
        assert fill.price % d("0.01") == 0
        assert fill.slippage >= 0
        sign = fill.side.sign
        before = self.held[fill.symbol]
        after = self.held[fill.symbol] = EXACT.add(before, sign * fill.quantity)
        value = EXACT.multiply(EXACT.multiply(fill.quantity, RULES[fill.symbol].contract_size), fill.price)
        self.cash = EXACT.subtract(EXACT.subtract(self.cash, sign * value), fill.fee)
        if RULES[fill.symbol].kind == "spot":
            assert after >= 0
        if fill.order_id.startswith("liquidation-"):
            assert after == 0
            return
        intent = self.intents[fill.order_id]
        assert fill.order_id not in self.over, "an order filled after its end"
        assert (fill.side, fill.symbol) == (intent.side, intent.symbol)
        self.filled[fill.order_id] += fill.quantity
        assert self.filled[fill.order_id] <= intent.quantity
        if self.filled[fill.order_id] == intent.quantity:
            self.over.add(fill.order_id)
        if intent.reduce_only:
            assert abs(after) < abs(before)
            assert after == 0 or (after > 0) == (before > 0)
        self.judge_price(fill, intent, bar)

    def judge_price(self, fill: Fill, intent: OrderIntent, bar: Candle | None) -> None:
        """Never better than the limit allows us to hope, never outside the bar but for slippage."""
        buy = intent.side is Side.BUY
        if intent.price is not None:
            assert fill.price <= intent.price if buy else fill.price >= intent.price
        if fill.liquidity is Liquidity.MAKER:
            assert fill.price == intent.price
            assert fill.slippage == 0
        if bar is None:
            return
        if not self.slips:
            assert fill.slippage == 0
        seen = fill.price - fill.slippage if buy else fill.price + fill.slippage
        gapped = intent.order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT}
        if buy:
            assert seen >= bar.low
            assert seen <= bar.high or gapped  # at its own level, while the market opened beyond it
        else:
            assert seen <= bar.high
            assert seen >= bar.low or gapped
        if intent.order_type is OrderType.STOP and intent.stop_price is not None:
            worse = fill.price >= intent.stop_price if buy else fill.price <= intent.stop_price
            assert worse or not self.whole  # what volume left over goes on as a market order

    @invariant()
    def nothing_is_made_or_lost(self) -> None:
        if not hasattr(self, "venue"):
            return
        total = self.cash
        for symbol, held in self.held.items():
            assert self.venue.position(symbol) == held
            value = EXACT.multiply(EXACT.multiply(held, RULES[symbol].contract_size), self.last[symbol])
            total = EXACT.add(total, value)
        assert self.venue.equity(self.last) == total

    @invariant()
    def busy_says_whether_anything_could_happen(self) -> None:
        if not hasattr(self, "venue"):
            return
        perpetuals = any(held for symbol, held in self.held.items() if RULES[symbol].kind != "spot")
        working = self.venue.open_orders()
        assert self.venue.busy == (bool(working) or perpetuals)
        assert {report.order_id for report in working}.isdisjoint(self.over)
        assert len(working) == len(self.intents) - len(self.over)


class FeedConservation(Conservation):
    """The same over trades, quotes and books instead of candles."""

    @rule(data=st.data())
    def bars(self, data: st.DataObject) -> None:
        """A few facts of each symbol."""
        for symbol in sorted(RULES):
            for _ in range(data.draw(st.integers(1, 3))):
                self.now += 1
                self.take_in(self.venue.on_market(self.fact(data, symbol)), None)
        self.now += MINUTE

    def fact(self, data: st.DataObject, symbol: str) -> Any:
        price = data.draw(TICKS) * d("0.01")
        size = d(data.draw(st.integers(0, 40)))
        spread = data.draw(st.integers(1, 300)) * d("0.01")
        kind = data.draw(st.sampled_from(["trade", "quote", "book", "delta", "mark"]))
        if kind == "trade":
            return Trade(self.now, price, size, symbol, data.draw(st.sampled_from([None, *Side])))
        if kind == "quote":
            return Quote(self.now, price, price + spread, size, size / 2, symbol)
        if kind == "mark" and symbol != "BTC-USD":
            return MarkPrice(self.now, price, symbol)
        bids = tuple((price - n * spread, size) for n in range(data.draw(st.integers(0, 3))))
        asks = tuple((price + spread + n * spread, size) for n in range(data.draw(st.integers(0, 3))))
        return (OrderBook if kind == "book" else BookDelta)(self.now, bids, asks, symbol)


TestConservation = Conservation.TestCase
TestFeedConservation = FeedConservation.TestCase
TestConservation.settings = TestFeedConservation.settings = settings(stateful_step_count=30)

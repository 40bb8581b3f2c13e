"""The simulated venue as an examinee: under virtual time, with a small market of its own."""

from __future__ import annotations

from decimal import Decimal

from kedge.model.decisions import Approved
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.market import FundingRate, MarkPrice, OrderBook, Trade
from kedge.model.order import OrderIntent
from kedge.venues.gateway import ExchangeGateway
from kedge.venues.sim.faults import Fault, FaultyVenue
from kedge.venues.sim.gateway import SimulatedGateway
from kedge.venues.sim.venue import SimulatedVenue
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.virtual import VirtualClock

D = Decimal


def listed(kind: InstrumentKind) -> Instrument:
    perpetual = kind is InstrumentKind.PERPETUAL
    return Instrument(
        "BTC-USD",
        "BTC",
        "USD",
        "USD",
        kind,
        tick_size=D("0.01"),
        lot_size=D("0.0001"),
        min_notional=D(10),
        taker_fee=D("0.0004"),
        max_leverage=D(10) if perpetual else D(1),
        maintenance_margin=D("0.05") if perpetual else D(0),
        shortable=perpetual,
    )


PERPETUAL = listed(InstrumentKind.PERPETUAL)
SPOT = listed(InstrumentKind.SPOT)


class Asked:
    """Faults when they are asked for."""

    def __init__(self) -> None:
        self.next: list[Fault] = []

    def draw(self, fault: Fault) -> int | None:
        if self.next and self.next[0] is fault:
            self.next.pop(0)
            return 0
        return None


class SimulatedExaminee:
    """A simulated venue whose market is one price with levels around it."""

    instance = "exam"

    def __init__(self, instrument: Instrument) -> None:
        venue = SimulatedVenue([instrument], D(1_000_000))
        self.faults = Asked()
        self.simulated_clock = VirtualClock()
        self.clock: Clock = self.simulated_clock
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.simulated = SimulatedGateway(venue, [instrument], self.clock, through=FaultyVenue(venue, self.faults))
        self.gateway: ExchangeGateway = self.simulated
        self.sequence = 0
        self.prints = 0
        self._show(D(50_000))

    def _show(self, price: Decimal) -> None:
        now = self.clock.now_ns()
        self.sequence += 1
        steps = [D("0.01") * step for step in range(1, 21)]
        bids = tuple((price - step, D(1)) for step in steps)
        asks = tuple((price + step, D(1)) for step in steps)
        self.simulated.on_market(OrderBook(now, bids, asks, self.symbol, self.sequence))
        if self.instrument.kind is InstrumentKind.PERPETUAL:
            self.simulated.on_market(MarkPrice(now, price, self.symbol))

    def approve(self, intent: OrderIntent, worst_price: Decimal) -> Approved:
        return Approved(intent, worst_price)

    async def trade_at(self, price: Decimal) -> None:
        self.prints += 1
        self.simulated.on_market(Trade(self.clock.now_ns(), price, D(1_000), self.symbol, None, str(self.prints)))
        self._show(price)
        if self.instrument.kind is InstrumentKind.PERPETUAL:
            self.simulated.on_market(FundingRate(self.clock.now_ns(), D("0.0001"), self.symbol))

    async def lose_answer(self) -> None:
        self.faults.next.append(Fault.DROP_REPLY)

    async def lose_request(self) -> None:
        self.faults.next.append(Fault.DROP_BEFORE)

    async def pass_time(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self._show(D(50_000) if self.sequence == 1 else self._middle())

    def _middle(self) -> Decimal:
        book = self.simulated.venue.snapshot()["listings"][self.symbol]["book"]
        return (D(book["bids"][0][0]) + D(book["asks"][0][0])) / 2

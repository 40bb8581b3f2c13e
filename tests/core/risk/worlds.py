"""Random worlds for the risk tests: a state with positions, working orders in every condition, limits and halts."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from kedge.core.risk.manager import RiskManager
from kedge.core.state import State
from kedge.model.decisions import Approved, HaltState
from kedge.model.facts import Fill, OrderAccepted, OrderCancelled, OutcomeUnknown, SessionStarted
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.limits import RiskConfig
from kedge.model.market import Candle
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce

D = Decimal
SYMBOLS = ("BTC-USD", "ETH-USD")
MINUTE = 60_000_000_000
START = 1_700_000_000_000_000_000

INSTRUMENTS = (
    Instrument(
        "BTC-USD", "BTC", "USD", "USD", InstrumentKind.PERPETUAL, tick_size=D("0.5"), lot_size=D("0.1"),
        min_notional=D(10), taker_fee=D("0.001"), max_leverage=D(5), shortable=True,
    ),
    Instrument(
        "ETH-USD", "ETH", "USD", "USD", InstrumentKind.PERPETUAL, tick_size=D("0.01"), lot_size=D("0.1"),
        contract_size=D("0.01"), taker_fee=D("0.001"), max_leverage=D(5), shortable=True,
    ),
)  # fmt: skip
PRICES = {"BTC-USD": D(100), "ETH-USD": D(2000)}

tenths = st.integers(1, 100).map(lambda n: D(n) / 10)
sides = st.sampled_from(list(Side))
symbols = st.sampled_from(SYMBOLS)
maybe = st.one_of


def limit(low: int, high: int) -> st.SearchStrategy[Decimal | None]:
    return st.one_of(st.none(), st.integers(low, high).map(D))


limits = st.builds(
    RiskConfig,
    order_quantity_max=limit(0, 20),
    order_notional_max=limit(0, 2_000),
    orders_per_second_max=st.one_of(st.none(), st.integers(0, 5)),
    orders_per_day_max=st.one_of(st.none(), st.integers(0, 5)),
    orders_open_max=st.one_of(st.none(), st.integers(0, 5)),
    duplicate_window_ms_max=st.one_of(st.none(), st.integers(0, 5_000)),
    price_collar_bps_max=limit(0, 1_000),
    reference_age_ms_max=st.one_of(st.none(), st.integers(0, 100_000)),
    position_quantity_max=limit(0, 20),
    position_notional_max=limit(0, 2_000),
    gross_exposure_max=limit(0, 3_000),
    net_exposure_max=limit(0, 3_000),
    leverage_max=limit(0, 5),
    strategy_exposure_max=limit(0, 3_000),
    strategy_loss_max=limit(0, 1_000),
    daily_loss_max=limit(0, 1_000),
    price_band_bps_max=limit(0, 2_000),
    drawdown_ratio_max=st.one_of(st.none(), st.just(D("0.1"))),
)


@st.composite
def intents(draw: st.DrawFn, symbol: str | None = None, side: Side | None = None) -> OrderIntent:
    """Any order that is made of numbers; on the grid or off it."""
    chosen = symbol or draw(symbols)
    kind = draw(st.sampled_from(list(OrderType)))
    price = PRICES[chosen] * (1 + D(draw(st.integers(-20, 20))) / 100)
    return OrderIntent(
        id="new",
        symbol=chosen,
        side=side or draw(sides),
        order_type=kind,
        quantity=draw(tenths),
        price=price if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
        stop_price=price if kind in (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT) else None,
        trail=D(5) if kind is OrderType.TRAILING_STOP else None,
        time_in_force=draw(st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])),
        reduce_only=draw(st.booleans()),
        strategy=draw(st.sampled_from(["a", "b"])),
    )


#: One limit on exposure and nothing else: most orders are small enough to come near it.
exposure_limits = st.one_of(
    st.builds(RiskConfig, position_quantity_max=st.integers(5, 20).map(D)),
    st.builds(RiskConfig, gross_exposure_max=st.integers(500, 2_500).map(D)),
    st.builds(RiskConfig, leverage_max=st.integers(1, 3).map(D)),
    st.builds(RiskConfig, orders_open_max=st.integers(1, 5)),
)


@st.composite
def worlds(draw: st.DrawFn, calm: bool = False, holding: bool = False) -> State:
    """A state after some history: positions, orders alive, unknown, being cancelled or owing fills; any halt.

    A calm one is running, with nothing in doubt and a single limit on exposure, so that many orders pass. A holding
    one has a position, larger than what the other orders can close of it.
    """
    state = State()
    state.fold(
        SessionStarted(
            START,
            "t",
            1,
            "USD",
            D(draw(st.integers(100, 10_000))),
            INSTRUMENTS,
            draw(exposure_limits if calm else limits),
        )
    )
    state.seq = 1
    for symbol, price in PRICES.items():
        state.fold(Candle(START, price, price, price, price, D(1), symbol, MINUTE))
    for n in range(draw(st.integers(0, 5))):
        intent = draw(intents())
        name = f"o{n}"
        intent = OrderIntent(
            name, intent.symbol, intent.side, OrderType.LIMIT, intent.quantity, PRICES[intent.symbol],
            reduce_only=draw(st.booleans()), strategy=intent.strategy,
        )  # fmt: skip
        state.apply(Approved(intent, PRICES[intent.symbol]))
        fates = ["sent", "open", "part", "full", "cancelling", "owing"]
        fate = draw(st.sampled_from(fates if calm else [*fates, "unknown"]))
        if fate in ("open", "part", "full", "cancelling"):
            state.fold(OrderAccepted(START, name))
        if fate in ("part", "full"):
            done = intent.quantity if fate == "full" else intent.quantity / 2
            state.fold(Fill(START, name, f"t{n}", intent.symbol, intent.side, done, PRICES[intent.symbol]))
        if fate == "unknown":
            state.fold(OutcomeUnknown(START, name, "timeout"))
        if fate == "cancelling":
            state.orders.request_cancel(name, START)
        if fate == "owing":
            state.fold(OrderCancelled(START, name, intent.quantity / 2))
    if holding:
        entry = OrderIntent("held", draw(symbols), draw(sides), OrderType.MARKET, D(100), strategy="a")
        state.apply(Approved(entry, PRICES[entry.symbol]))
        state.fold(Fill(START, "held", "held", entry.symbol, entry.side, D(100), PRICES[entry.symbol]))
    if calm:
        return state
    state.halt = draw(st.sampled_from(list(HaltState)))
    if draw(st.booleans()):
        state.disabled["a"] = "for a test"
    if draw(st.booleans()):
        state.blocked["BTC-USD"] = {"incident": "for a test"}
    state.now += draw(st.sampled_from([0, MINUTE, 30 * MINUTE]))
    return state


def manager(state: State) -> RiskManager:
    return RiskManager(state.config, state)

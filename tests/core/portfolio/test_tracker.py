"""The identity of money, after every fill, to the last digit; and a ledger kept by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kedge.core.portfolio.tracker import PositionTracker
from kedge.model.facts import Fill, FundingPayment
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.order import Side

D = Decimal
SYMBOLS = {
    "BTC-USD": Instrument("BTC-USD", "BTC", "USD", kind=InstrumentKind.SPOT),
    "ETH-USD": Instrument("ETH-USD", "ETH", "USD", "USD", InstrumentKind.PERPETUAL, shortable=True),
    "SOL-USD": Instrument(
        "SOL-USD", "SOL", "USD", "USD", InstrumentKind.PERPETUAL, contract_size=D("0.001"), shortable=True
    ),
}
PRICES = st.decimals(D("0.00000001"), D("99999.99999999"), places=8)
QUANTITIES = st.decimals(D("0.00000001"), D("9999.99999999"), places=8)


def fill(symbol: str, side: str, quantity: str, price: str, fee: str = "0", currency: str = "", n: int = 0) -> Fill:
    return Fill(0, "o", str(n), symbol, Side(side), D(quantity), D(price), D(fee), currency)


class Money(RuleBasedStateMachine):
    """Random fills and funding against a ledger in exact fractions that knows nothing of positions."""

    def __init__(self) -> None:
        super().__init__()
        self.tracker = PositionTracker(D("10000"), "USD", SYMBOLS.values())
        self.held: dict[str, Fraction] = dict.fromkeys(SYMBOLS, Fraction(0))
        self.paid = Fraction(0)
        self.marks: dict[str, Decimal] = {}
        self.n = 0

    @initialize(first=PRICES)
    def prices(self, first: Decimal) -> None:
        self.marks = dict.fromkeys(SYMBOLS, first)

    @rule(
        symbol=st.sampled_from(list(SYMBOLS)),
        side=st.sampled_from(list(Side)),
        quantity=QUANTITIES,
        price=PRICES,
        fee=st.decimals(D(0), D(10), places=8),
        kind=st.sampled_from(["", "base", "BNB"]),
        strategy=st.sampled_from(["a", "b"]),
    )
    def trade(
        self, symbol: str, side: Side, quantity: Decimal, price: Decimal, fee: Decimal, kind: str, strategy: str
    ) -> None:
        instrument = SYMBOLS[symbol]
        base_fee = kind == "base" and instrument.kind is InstrumentKind.SPOT
        currency = instrument.base if base_fee else "BNB" if kind == "BNB" else ""
        self.n += 1
        self.tracker.update_from_fill(Fill(0, "o", str(self.n), symbol, side, quantity, price, fee, currency), strategy)
        size = Fraction(instrument.contract_size)
        self.held[symbol] += side.sign * Fraction(quantity)
        self.paid += side.sign * Fraction(quantity) * size * Fraction(price)
        if base_fee:
            self.held[symbol] -= Fraction(fee)
        elif currency != "BNB":
            self.paid += Fraction(fee)
        self.marks[symbol] = price

    @rule(amount=st.decimals(D(-100), D(100), places=8), symbol=st.sampled_from(["ETH-USD", "SOL-USD"]))
    def fund(self, amount: Decimal, symbol: str) -> None:
        self.tracker.update_from_funding(FundingPayment(0, symbol, amount, D(0), D(0)))
        self.paid -= Fraction(amount)

    @rule(symbol=st.sampled_from(list(SYMBOLS)), price=PRICES)
    def move(self, symbol: str, price: Decimal) -> None:
        self.marks[symbol] = price

    @invariant()
    def cash_and_positions_are_what_was_earned(self) -> None:
        if not self.marks:
            return
        t = self.tracker
        unrealized = sum((Fraction(p.quantity) * Fraction(p.multiplier) * Fraction(self.marks[s]) - Fraction(p.cost)
                          for s, p in t.account.items()), Fraction(0))  # fmt: skip
        value = Fraction(0)
        for symbol, position in t.account.items():
            market = Fraction(position.quantity) * Fraction(position.multiplier) * Fraction(self.marks[symbol])
            spot = SYMBOLS[symbol].kind is InstrumentKind.SPOT
            value += market if spot else market - Fraction(position.cost)
        right = Fraction(t.start) + Fraction(t.realized) + unrealized - Fraction(t.fees) + Fraction(t.funding)
        assert Fraction(t.cash) + value == right

    @invariant()
    def equity_is_what_an_independent_ledger_says(self) -> None:
        if not self.marks:
            return
        worth = sum(
            (self.held[s] * Fraction(SYMBOLS[s].contract_size) * Fraction(self.marks[s]) for s in SYMBOLS), Fraction(0)
        )
        equity = Fraction(self.tracker.start) - self.paid + worth
        cash = Fraction(self.tracker.cash)
        for symbol, position in self.tracker.account.items():
            market = Fraction(position.quantity) * Fraction(position.multiplier) * Fraction(self.marks[symbol])
            cash += market if SYMBOLS[symbol].kind is InstrumentKind.SPOT else market - Fraction(position.cost)
        assert cash == equity

    @invariant()
    def strategies_add_up_to_the_account(self) -> None:
        for symbol in SYMBOLS:
            own = sum((p.quantity for (_, s), p in self.tracker.strategies.items() if s == symbol), D(0))
            assert own == self.tracker.position(symbol)
            assert self.held[symbol] == Fraction(self.tracker.position(symbol))


TestMoney = Money.TestCase


def test_a_ledger_by_hand() -> None:
    """Buy 2 at 100, 1 at 130, sell 2 at 120, flip with 3 at 90; fees 0.1 each."""
    t = PositionTracker(D(1000), "USD", SYMBOLS.values())
    assert t.update_from_fill(fill("ETH-USD", "buy", "2", "100", "0.1")) == 0
    assert t.update_from_fill(fill("ETH-USD", "buy", "1", "130", "0.1")) == 0
    assert t.account["ETH-USD"].average_price == 110
    assert t.update_from_fill(fill("ETH-USD", "sell", "2", "120", "0.1")) == 20
    assert t.update_from_fill(fill("ETH-USD", "sell", "3", "90", "0.1")) == -20
    assert t.position("ETH-USD") == -2
    assert t.account["ETH-USD"].average_price == 90
    assert t.cash == D("999.6")
    assert t.equity(lambda _: D(85)) == D("1009.6")
    assert t.get_total_exposure(lambda _: D(85)) == 170
    assert t.strategy_profit("", lambda _: D(85)) == D("9.6")


def test_a_fee_in_the_base_currency_leaves_the_position() -> None:
    """Hazard H26: what was bought is less than what was filled."""
    t = PositionTracker(D(1000), "USD", SYMBOLS.values())
    t.update_from_fill(fill("BTC-USD", "buy", "1", "100", "0.001", "BTC"))
    assert t.position("BTC-USD") == D("0.999")
    assert t.cash == 900
    assert t.fees == D("0.1")
    assert t.equity(lambda _: D(100)) == D("999.9")


def test_a_fee_in_a_third_currency_is_kept_in_that_currency() -> None:
    t = PositionTracker(D(1000), "USD", SYMBOLS.values())
    t.update_from_fill(fill("BTC-USD", "buy", "1", "100", "0.002", "BNB"))
    assert t.other_fees == {"BNB": D("0.002")}
    assert (t.cash, t.fees) == (D(900), D(0))


def test_closing_a_third_three_times_leaves_no_dust() -> None:
    t = PositionTracker(D(1000), "USD", SYMBOLS.values())
    t.update_from_fill(fill("ETH-USD", "buy", "3", "33.33333333"))
    for n in range(3):
        t.update_from_fill(fill("ETH-USD", "sell", "1", "40", n=n))
    assert t.account["ETH-USD"].cost == 0
    assert t.realized == D("120") - 3 * D("33.33333333")

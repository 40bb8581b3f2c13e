"""Facts: everything that is told to the core. A closed union with its market half in `kedge.model.market`.

Venue reports name an order by our own client id. `ts` is the venue's time of the event, `received` the time
it reached us (0: the same). A terminal report carries `filled`, what the venue says was executed in all: an
acknowledged cancel may overtake the last fill (hazard H14), and exposure must not forget it.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from kedge.model.errors import ConfigError
from kedge.model.instrument import Instrument
from kedge.model.limits import RiskConfig
from kedge.model.market import (
    BookDelta,
    Candle,
    FundingRate,
    MarkPrice,
    OrderBook,
    Quote,
    Stamped,
    Trade,
)
from kedge.model.market_limits import DEFAULT_LIMITS, MarketLimits
from kedge.model.money import ONE, ZERO
from kedge.model.order import OrderStatus, Side


class Liquidity(StrEnum):
    """Whether a fill rested in the book (maker) or crossed it (taker)."""

    MAKER = "maker"
    TAKER = "taker"


class OrderAccepted(Stamped, frozen=True, gc=False, tag="order_accepted"):
    """The venue works the order."""

    order_id: str
    exchange_id: str = ""
    received: int = 0


class OrderRejected(Stamped, frozen=True, gc=False, tag="order_rejected"):
    """The venue refused the order: it never worked."""

    order_id: str
    reason: str
    received: int = 0


class Fill(Stamped, frozen=True, gc=False, tag="fill"):
    """One execution of an order of ours.

    `fee` is positive when paid, in `fee_currency` (empty: the quote currency). `trade_id` is the venue's and
    is what an exact repeat is known by. `slippage` is what a simulated venue worsened the price by, per unit
    in quote currency.
    """

    order_id: str
    trade_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal = ZERO
    fee_currency: str = ""
    liquidity: Liquidity = Liquidity.TAKER
    slippage: Decimal = ZERO
    received: int = 0


class OrderCancelled(Stamped, frozen=True, gc=False, tag="order_cancelled"):
    """The venue ended the order before it was whole; `filled` is its cumulative quantity."""

    order_id: str
    filled: Decimal = ZERO
    reason: str = ""
    received: int = 0


class OrderExpired(Stamped, frozen=True, gc=False, tag="order_expired"):
    """The order's time ran out (GTD, IOC remainder, FOK); `filled` is its cumulative quantity."""

    order_id: str
    filled: Decimal = ZERO
    reason: str = ""
    received: int = 0


class CancelRejected(Stamped, frozen=True, gc=False, tag="cancel_rejected"):
    """The venue did not cancel. It says nothing of the order, which must be asked about (hazard H13)."""

    order_id: str
    reason: str = ""
    received: int = 0


class OrderAmended(Stamped, frozen=True, gc=False, tag="order_amended"):
    """The venue works the order on these terms under its old id: `quantity` is the whole order, what has filled
    included, `price` its limit (None: it has none). Who asked for them it does not say.
    """

    order_id: str
    quantity: Decimal
    price: Decimal | None = None
    exchange_id: str = ""
    received: int = 0


class AmendRejected(Stamped, frozen=True, gc=False, tag="amend_rejected"):
    """The venue did not amend, or was not asked: the order is what it was, and nothing else is said of it."""

    order_id: str
    reason: str = ""
    received: int = 0


class OutcomeUnknown(Stamped, frozen=True, gc=False, tag="outcome_unknown"):
    """A request to the venue got no answer: the order may or may not live."""

    order_id: str
    reason: str = ""
    received: int = 0


class OrderReport(Stamped, frozen=True, gc=False, tag="order_report"):
    """The venue's answer to a query by client id. `status` None: the answer carried none, so nothing is known
    (H5).
    """

    order_id: str
    status: OrderStatus | None
    filled: Decimal = ZERO
    exchange_id: str = ""
    received: int = 0


class FundingPayment(Stamped, frozen=True, gc=False, tag="funding_payment"):
    """Funding settled on a perpetual; `amount` in the settlement currency, positive when received by us."""

    symbol: str
    amount: Decimal
    rate: Decimal
    position: Decimal
    received: int = 0


class TimerFired(Stamped, frozen=True, gc=False, tag="timer_fired"):
    """A timer that the core asked for is due."""

    name: str
    received: int = 0


class ClockReading(Stamped, frozen=True, gc=False, tag="clock_reading"):
    """Our clock against the venue's: `offset_ns` is ours minus theirs, known to `uncertainty_ns`."""

    offset_ns: int
    uncertainty_ns: int = 0
    received: int = 0


class OperatorAction(StrEnum):
    """What an operator may order."""

    HALT = "halt"
    REDUCE = "reduce"
    FLATTEN = "flatten"
    RESUME = "resume"
    ENABLE_STRATEGY = "enable_strategy"
    DISABLE_STRATEGY = "disable_strategy"
    UNBLOCK_SYMBOL = "unblock_symbol"
    CANCEL_ALL = "cancel_all"


class OperatorCommand(Stamped, frozen=True, gc=False, tag="operator_command"):
    """A named human's order, with the reason; nothing else re-arms what has tripped."""

    action: OperatorAction
    operator: str
    reason: str
    target: str = ""
    received: int = 0


class RebalanceRequested(Stamped, frozen=True, gc=False, tag="rebalance_requested"):
    """A schedule or an operator asks for new budgets of the session's strategies, each of which is named in `weights`.

    `returns` are theirs of the same periods: strategies that move together then share one budget; empty, the weights
    alone count. `share_max` is the largest share of the equity of one strategy, `turnover_max` (None: no bound) what
    all shares may change by in sum. `operator` is empty where a schedule asks.
    """

    weights: dict[str, Decimal]
    reason: str
    returns: dict[str, tuple[Decimal, ...]] = {}  # noqa: RUF012  (a Struct copies its defaults)
    share_max: Decimal = ONE
    turnover_max: Decimal | None = None
    operator: str = ""
    received: int = 0


class StreamStatus(Stamped, frozen=True, gc=False, tag="stream_status"):
    """A market data stream came up or went down."""

    symbol: str
    channel: str
    up: bool
    reason: str = ""
    received: int = 0


class InstrumentChanged(Stamped, frozen=True, gc=False, tag="instrument_changed"):
    """The venue changed an instrument's rules or status."""

    instrument: Instrument
    received: int = 0


class StrategySpec(Struct, frozen=True, gc=False):
    """A strategy as configured; parameters as text so that they survive the journal exactly.

    `source` is how it was named (`sma_cross`, `file.py:Class`), `code_sha256` the hash of the code behind it
    and `budget` its share of the equity (1: all of it).
    """

    name: str
    source: str
    parameters: dict[str, str]
    code_sha256: str = ""
    budget: Decimal = ONE


class SessionStarted(Stamped, frozen=True, gc=False, tag="start"):
    """The first fact of every session: who we are, what we may trade and under which limits.

    `instance` and `epoch` make client ids unique for ever. `cash` is the account's balance in its own
    currency. `market` bounds what of the market is believed.
    """

    instance: str
    epoch: int
    account_currency: str
    cash: Decimal
    instruments: tuple[Instrument, ...]
    risk: RiskConfig
    strategies: tuple[StrategySpec, ...] = ()
    code_sha256: str = ""
    interpreter: str = ""
    lock_sha256: str = ""
    settings: dict[str, str] = {}  # noqa: RUF012  (a Struct copies its defaults)
    operator: str = ""
    received: int = 0
    market: MarketLimits = DEFAULT_LIMITS

    def check(self) -> None:
        """Refuse a session that cannot be run: limits for a symbol that is not traded (a misspelt one would be a limit
        that is not there, H61), an instrument that is settled in another currency than the account's.
        """
        traded = [instrument.symbol for instrument in self.instruments]
        self.risk.check_symbols(traded)
        self.market.check_symbols(traded)
        for instrument in self.instruments:
            if self.account_currency not in (instrument.quote, instrument.settle):
                raise ConfigError(
                    f"{instrument.symbol} is settled in {instrument.settle or instrument.quote}, the account is in "
                    f"{self.account_currency}; trade it from an account of its own"
                )


class SessionStopped(Stamped, frozen=True, gc=False, tag="stop"):
    """The last fact of an orderly session, with the digest of the whole state at that moment."""

    reason: str
    state_sha256: str = ""
    received: int = 0


class JournalRepaired(Stamped, frozen=True, gc=False, tag="journal_repaired"):
    """A torn tail was cut off when the journal was opened; the bytes are kept in `kept_as`."""

    after_n: int
    bytes_cut: int
    kept_as: str
    received: int = 0


class MalformedFact(Stamped, frozen=True, gc=False, tag="malformed"):
    """A market fact that no record can hold: it had a NaN, a missing value or one of another type.

    `fact` is its kind, `rule` the rule it broke, `value` what broke it, `values` all of it as text; `ts` when it became
    known, by its own time where that could be used, else by that of the fact before it.
    """

    fact: str
    symbol: str
    rule: str
    value: str
    values: dict[str, str] = {}  # noqa: RUF012  (a Struct copies its defaults)
    received: int = 0


MarketFact = Candle | Trade | Quote | OrderBook | BookDelta | MarkPrice | FundingRate
VenueFact = (
    OrderAccepted
    | OrderRejected
    | Fill
    | OrderCancelled
    | OrderExpired
    | CancelRejected
    | OrderAmended
    | AmendRejected
    | OutcomeUnknown
    | OrderReport
    | FundingPayment
)
ControlFact = (
    SessionStarted
    | SessionStopped
    | TimerFired
    | ClockReading
    | OperatorCommand
    | RebalanceRequested
    | StreamStatus
    | InstrumentChanged
    | JournalRepaired
)
Fact = MarketFact | MalformedFact | VenueFact | ControlFact

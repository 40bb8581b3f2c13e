"""From what a run left behind to its result: the trades with their profit, the counts, the assumptions made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from kedge.backtest.curve import CurveRecorder
from kedge.backtest.log import RunLog
from kedge.backtest.loop import Loop
from kedge.backtest.result import BacktestResult, BacktestTrade, RunRecord, trade_of
from kedge.core.desk import Desk
from kedge.model.decisions import (
    Approved,
    Decision,
    HaltChanged,
    HaltState,
    Quarantined,
    Refused,
    SignalDropped,
    StrategyDisabled,
)
from kedge.model.facts import StrategySpec
from kedge.model.instrument import Instrument

#: How the simulated venue names the orders with which it closes a position itself.
LIQUIDATION = "liquidation-"


def result_of(
    desk: Desk,
    loop: Loop,
    log: RunLog,
    recorder: CurveRecorder,
    specs: Sequence[StrategySpec],
    settings: Mapping[str, str],
    currency: str,
    seconds: tuple[float, float],
) -> BacktestResult:
    """The result of a run that took `seconds` to load and to run."""
    noted = loop.noted
    instruments = desk.state.instruments
    halts = [note for note in noted if isinstance(note, HaltChanged) and note.after is not HaltState.RUNNING]
    record = RunRecord(
        symbols=tuple(instruments),
        strategies=tuple(spec.name for spec in specs),
        parameters={spec.name: spec.parameters for spec in specs},
        settings=settings,
        currency=currency,
        interval_ns=log.interval_ns,
        bars=log.bars,
        ticks=log.ticks,
        orders=loop.counts.get(Approved, 0),
        refused=loop.counts.get(Refused, 0),
        refusals=_by_check(noted),
        dropped=loop.counts.get(SignalDropped, 0),
        quarantined=loop.counts.get(Quarantined, 0),
        quarantines=dict(Counter(note.rule for note in noted if isinstance(note, Quarantined))),
        liquidations=sum(fill.order_id.startswith(LIQUIDATION) for fill in loop.fills),
        gaps=log.gaps,
        participation=loop.participation or None,
        disabled={note.strategy: note.reason for note in noted if isinstance(note, StrategyDisabled)},
        halted=halts[0].reason if halts else "",
        other_fees=dict(desk.state.portfolio.other_fees),
        assumptions=assumptions(settings, instruments.values()),
        load_seconds=seconds[0],
        run_seconds=seconds[1],
    )
    return BacktestResult(
        desk.state.portfolio.start,
        recorder.curve(),
        lambda: _trades(loop, instruments, currency),
        record,
        tuple(loop.funding),
    )


def assumptions(settings: Mapping[str, str], instruments: object) -> tuple[str, ...]:
    """What the run took for granted, one sentence each; the fill rules in full are in the guide."""
    latency = settings["latency_ms"]
    share = settings["participation"]
    listed: list[Instrument] = list(instruments)  # type: ignore[call-overload]
    kinds = ", ".join(f"{each.symbol} as {each.kind}" for each in listed)
    return (
        f"Traded {kinds}; notional is bounded by equity x {settings['leverage']}, shorting is allowed on perpetuals.",
        "A signal on a candle's close fills at the next candle's open at the earliest.",
        f"Takers pay {settings['fee_rate']} of notional and {settings['slippage_bps']} bps of slippage against them.",
        f"Makers pay {settings['maker_fee_rate']} and fill only when the market trades through their price.",
        "When one candle touches a stop and a target, the stop is taken first.",
        f"Orders, reports and data travel {latency} ms each way."
        if latency != "0"
        else "Nothing takes time to travel.",
        "Our orders do not move the market.",
        "An order may take a bar's whole volume and more." if share == "none" else f"At most {share} of a bar is ours.",
        "Borrowing and idle cash cost and earn nothing; funding is paid only where funding rates are given.",
    )


def _trades(loop: Loop, instruments: Mapping[str, Instrument], currency: str) -> list[BacktestTrade]:
    return [
        trade_of(fill, instruments[fill.symbol], owner, realized, account_currency=currency)
        for fill, owner, realized in loop.fills.bookings()
    ]


def _by_check(noted: Sequence[Decision]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for note in noted:
        if isinstance(note, Refused):
            counts.update(check.check for check in note.checks if not check.passed)
    return dict(counts)

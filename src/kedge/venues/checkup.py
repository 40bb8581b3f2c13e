"""A look at a venue and our account there before anything is traded: what works, what to know, what forbids it.

    ok     as it should be
    note   worth knowing: it works, and a careful operator would change it
    bad    nothing should be traded: the clock is off, the key may withdraw, the market cannot be read

Each finding is one line. Nothing is changed at the venue.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from statistics import median
from typing import Final, TypeVar

from msgspec import Struct

from kedge.model.errors import UserError
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import Instrument, InstrumentKind, InstrumentStatus
from kedge.model.money import canonical
from kedge.venues.answers import Answer, Failed, Partial
from kedge.venues.gateway import Balance, ExchangeGateway
from kedge.venues.wire.clock import Clock

T = TypeVar("T")

#: A clock further off than this opens nothing.
OFFSET_MS_MAX: Final = 1_000
#: Questions timed.
SAMPLES: Final = 5


class Verdict(StrEnum):
    """How bad a finding is; the table is at the top of this module."""

    OK = "ok"
    NOTE = "note"
    BAD = "bad"


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    what: str
    verdict: Verdict
    detail: str


async def look(gateway: ExchangeGateway, clock: Clock, symbol: str, *, has_key: bool) -> list[Finding]:
    """Look at everything; without a key at the market alone. A symbol that is not listed is looked at no further."""
    found = [await _clock(gateway)]
    instrument, finding = await _listing(gateway, symbol)
    found.append(finding)
    if instrument is not None:
        found += [_filters(instrument), await _market(gateway, clock, symbol)]
    if not has_key:
        found.append(Finding("key", Verdict.NOTE, "none is set: the market alone was looked at"))
        return [*found, *_limits(gateway)]
    found.append(await _key(gateway))
    found += [await _account(gateway), await _orders(gateway)]
    if instrument is not None and instrument.kind is InstrumentKind.PERPETUAL:
        found += [await _positions(gateway), await _margin(gateway, symbol)]
    return [*found, *_limits(gateway)]


async def _clock(gateway: ExchangeGateway) -> Finding:
    answer = await gateway.get_clock()
    if isinstance(answer, Failed):
        return _failed("clock", answer)
    reading = answer.value
    off = (abs(reading.offset_ns) + reading.uncertainty_ns) // NS_PER_MS
    said = f"ours is {_ms(reading.offset_ns)} ms ahead, ± {_ms(reading.uncertainty_ns)} ms"
    if off > OFFSET_MS_MAX:
        return Finding(
            "clock", Verdict.BAD, f"{said}; set this machine's clock, more than {OFFSET_MS_MAX} ms opens nothing"
        )
    return Finding("clock", Verdict.OK, said)


async def _listing(gateway: ExchangeGateway, symbol: str) -> tuple[Instrument | None, Finding]:
    answer = await gateway.get_instruments()
    if isinstance(answer, Failed):
        return None, _failed("instruments", answer)
    opened = sum(each.status is InstrumentStatus.OPEN for each in answer.value)
    said = f"{len(answer.value)} listed, {opened} open"
    if isinstance(answer, Partial):
        return _of(answer.value, symbol), Finding("instruments", Verdict.NOTE, f"{said}; left out: {answer.missing}")
    instrument = _of(answer.value, symbol)
    if instrument is None:
        return None, Finding("instruments", Verdict.BAD, f"{said}; {symbol} is not among them, choose another --symbol")
    return instrument, Finding("instruments", Verdict.OK, said)


def _of(listed: tuple[Instrument, ...], symbol: str) -> Instrument | None:
    return next((each for each in listed if each.symbol == symbol), None)


def _filters(each: Instrument) -> Finding:
    parts = [
        f"{each.kind}",
        f"tick {canonical(each.tick_size)}",
        f"lot {canonical(each.lot_size)}",
        f"least {canonical(each.min_quantity)} {each.base}",
        f"worth {canonical(each.min_notional)} {each.quote}",
        f"fees {canonical(each.maker_fee)} / {canonical(each.taker_fee)}",
        f"leverage up to {canonical(each.max_leverage)}",
    ]
    verdict = Verdict.OK if each.status is InstrumentStatus.OPEN else Verdict.BAD
    return Finding(f"filters {each.symbol}", verdict, f"{each.status}: {', '.join(parts)}")


async def _market(gateway: ExchangeGateway, clock: Clock, symbol: str) -> Finding:
    took, said = [], ""
    for _ in range(SAMPLES):
        begun = clock.monotonic_ns()
        answer = await gateway.get_order_book(symbol, 5)
        took.append(clock.monotonic_ns() - begun)
        if isinstance(answer, Failed):
            return _failed(f"market {symbol}", answer)
        book = answer.value
        if not book.bids or not book.asks:
            return Finding(f"market {symbol}", Verdict.BAD, "the book has an empty side")
        said = f"{canonical(book.bids[0][0])} / {canonical(book.asks[0][0])}"
    latency = f"answers in {_ms(int(median(took)))} ms, at most {_ms(max(took))} ms"
    return Finding(f"market {symbol}", Verdict.OK, f"{said}; {latency}")


async def _key(gateway: ExchangeGateway) -> Finding:
    answer = await gateway.get_key_permissions()
    if isinstance(answer, Failed):
        return _failed("key", answer)
    may = answer.value
    if may.withdraw:
        return Finding("key", Verdict.BAD, "it may withdraw; make one that may only read and trade")
    if may.trade is False or may.read is False:
        return Finding("key", Verdict.BAD, f"read: {_word(may.read)}, trade: {_word(may.trade)}; it must have both")
    said = f"trade: {_word(may.trade)}, withdraw: {_word(may.withdraw)}, bound to addresses: {_word(may.ip_restricted)}"
    known = may.trade and may.withdraw is False and may.ip_restricted
    return Finding("key", Verdict.OK if known else Verdict.NOTE, said)


async def _account(gateway: ExchangeGateway) -> Finding:
    def say(balances: dict[str, Balance]) -> str:
        return f"{len(balances)} currencies: {', '.join(sorted(balances)[:8])}" if balances else "empty"

    return await _told("balances", gateway.get_balances, say)


async def _orders(gateway: ExchangeGateway) -> Finding:
    answer = await gateway.get_open_orders()
    if isinstance(answer, Failed):
        return _failed("open orders", answer)
    foreign = sum(not each.order_id for each in answer.value)
    if foreign:
        said = f"{len(answer.value)} work, {foreign} of them not ours; an account must be Kedge's alone"
        return Finding("open orders", Verdict.NOTE, said)
    return Finding("open orders", Verdict.OK, f"{len(answer.value)} work")


async def _positions(gateway: ExchangeGateway) -> Finding:
    return await _told("positions", gateway.get_positions, lambda held: f"{len(held)} held")


async def _margin(gateway: ExchangeGateway, symbol: str) -> Finding:
    return await _told(
        f"margin {symbol}",
        lambda: gateway.get_margin(symbol),
        lambda margin: f"leverage {canonical(margin.leverage)}, {margin.mode}",
    )


async def _told(what: str, ask: Callable[[], Awaitable[Answer[T]]], say: Callable[[T], str]) -> Finding:
    try:
        answer = await ask()
    except UserError as error:
        return Finding(what, Verdict.BAD, str(error))
    if isinstance(answer, Failed):
        return _failed(what, answer)
    note = f"; left out: {answer.missing}" if isinstance(answer, Partial) else ""
    return Finding(what, Verdict.NOTE if note else Verdict.OK, say(answer.value) + note)


def _limits(gateway: ExchangeGateway) -> list[Finding]:
    return [
        Finding(
            f"limit {use.name}",
            Verdict.OK if use.used <= use.budget else Verdict.NOTE,
            f"{use.limit} in {use.window_ms // 1000} s, we use {use.budget} at most, {use.used} now",
        )
        for use in gateway.rate_limits
    ]


def _failed(what: str, failed: Failed) -> Finding:
    return Finding(what, Verdict.BAD, f"{failed.kind}: {failed.code}: {failed.message}")


def _ms(ns: int) -> str:
    return f"{ns / NS_PER_MS:.1f}"


def _word(said: bool | None) -> str:
    return "the venue does not say" if said is None else "yes" if said else "no"

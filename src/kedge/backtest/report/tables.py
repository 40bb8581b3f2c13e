"""The tables of the page: months, figures, costs, strategies, round trips, fills."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from kedge.backtest.curve_fold import ratio
from kedge.backtest.metrics import MonthlyReturn
from kedge.backtest.report.markup import Html, el, join
from kedge.backtest.text.readable import amount, money, number, percent, places_for, span
from kedge.model.instant import iso
from kedge.model.money import EXACT, ONE, ZERO, canonical
from kedge.model.order import Side

if TYPE_CHECKING:
    from kedge.backtest.result import BacktestResult
    from kedge.backtest.roundtrips import RoundTrip
    from kedge.backtest.trade import BacktestTrade

#: Rows of the long tables; the last ones are shown, and a note says so.
ROWS_MAX = 1000
#: Bins of the histogram of round trips.
BINS = 31

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def tone(value: Decimal) -> str:
    """The class of a gain or a loss."""
    return "up" if value > ZERO else "down" if value < ZERO else ""


def listing(rows: Sequence[tuple[str, str]], title: str = "") -> Html:
    """Figures with their names."""
    body = [el("tr", el("th", name, scope="row"), el("td", value, class_="num")) for name, value in rows]
    return el("div", el("h3", title) if title else "", el("table", el("tbody", *body), class_="list"))


def heat_map(months: Sequence[MonthlyReturn]) -> Html:
    """Monthly returns, years down and months across; the colour saturates at the second largest move."""
    found = {(each.year, each.month): each.ratio for each in months}
    sizes = sorted((abs(each.ratio) for each in months), reverse=True)
    full = sizes[min(1, len(sizes) - 1)] or ONE
    head = el("tr", el("th", "Year", scope="col"), *(el("th", name, scope="col") for name in (*_MONTHS, "Year")))
    rows = []
    for year in range(months[0].year, months[-1].year + 1):
        growth = ONE
        cells = []
        for month in range(1, 13):
            value = found.get((year, month))
            growth = EXACT.multiply(growth, EXACT.add(ONE, value or ZERO)).quantize(Decimal("1E-20"))
            cells.append(el("td") if value is None else _heat(value, full))
        total = growth - 1
        rows.append(
            el(
                "tr",
                el("th", year, scope="row"),
                *cells,
                el("td", percent(total, 1, signed=True), class_=f"year {tone(total)}".strip()),
            )
        )
    return el("div", el("table", el("thead", head), el("tbody", *rows), class_="heat"), class_="scroll")


def figures(result: BacktestResult) -> Html:
    """All figures, in four groups."""
    places = places_for(result.initial_capital)
    under = result.equity_curve.longest_drawdown()
    fall = result.equity_curve.drawdown()

    def signed(value: Decimal | None) -> str:
        return money(value, places, signed=True)

    returns = [
        ("Initial capital", money(result.initial_capital, places)),
        ("Final equity", money(result.final_equity, places)),
        ("Net profit", signed(result.net_profit)),
        ("Total return", percent(result.total_return, signed=True)),
        ("Return of the market", percent(result.market_return, signed=True)),
        ("CAGR", percent(result.cagr, signed=True)),
        ("Exposure (time in the market)", percent(result.exposure)),
        ("Turnover (traded over mean equity)", f"{number(result.turnover)}x"),
    ]
    risk = [
        ("Volatility, annual", percent(result.volatility)),
        ("Sharpe ratio", number(result.sharpe_ratio)),
        ("Sortino ratio", number(result.sortino_ratio)),
        ("Calmar ratio", number(result.calmar_ratio)),
        ("Max drawdown", percent(result.max_drawdown)),
        ("Its peak", iso(fall.peak_ns)[:10] if fall else "n/a"),
        ("Its trough", iso(fall.trough_ns)[:10] if fall else "n/a"),
        ("Longest drawdown", span(result.max_drawdown_duration) + (", not over" if under and under.open else "")),
    ]
    trips = [
        ("Fills", f"{result.fills:,}"),
        ("Round trips closed", f"{len(result.round_trips):,}"),
        ("Win rate", percent(result.win_rate) if result.round_trips else "n/a"),
        ("Profit factor", number(result.profit_factor)),
        ("Expectancy per round trip", signed(result.expectancy)),
        ("Average win", signed(result.average_win)),
        ("Average loss", signed(result.average_loss)),
        ("Best round trip", signed(result.best_trade.net) if result.best_trade else "n/a"),
        ("Worst round trip", signed(result.worst_trade.net) if result.worst_trade else "n/a"),
        ("Average holding", span(result.average_holding)),
    ]
    record = result.record
    run = [
        ("Bars", f"{result.bars:,}"),
        ("Bar length", span(timedelta(microseconds=record.interval_ns // 1000)) if record.interval_ns else "n/a"),
        *([("Ticks", f"{record.ticks:,}")] if record.ticks else []),
        ("Orders approved", f"{record.orders:,}"),
        ("Orders refused by risk", f"{result.refused:,}"),
        ("Signals without order", f"{record.dropped:,}"),
        ("Facts quarantined", f"{result.quarantined:,}"),
        ("Gaps in the data", f"{record.gaps:,}"),
        ("Liquidations", f"{record.liquidations:,}"),
    ]
    groups = (("Return", returns), ("Risk", risk), ("Trades", trips), ("Run", run))
    return el("div", *(listing(rows, title) for title, rows in groups), class_="cols")


def costs(result: BacktestResult) -> Html:
    """From what the strategy would have earned free of cost to what it did earn."""
    places = places_for(result.initial_capital)
    free = EXACT.add(result.gross_profit, result.total_slippage)
    steps = [
        ("Profit before costs", free, False),
        ("Slippage", -result.total_slippage, True),
        ("Fees", -result.total_fees, True),
        ("Funding", result.total_funding, True),
        ("Net profit", result.net_profit, False),
    ]
    levels, level = [], ZERO
    for _, value, moves in steps:
        low, high = (level, EXACT.add(level, value)) if moves else (ZERO, value)
        levels.append((min(low, high), max(low, high)))
        level = high
    lowest, highest = min(low for low, _ in levels), max(high for _, high in levels)
    width = (highest - lowest) or ONE
    rows = []
    for (name, value, moves), (low, high) in zip(steps, levels, strict=True):
        at, wide = ratio(low - lowest, width), ratio(high - low, width)
        kind = "bar" + (f" {'gain' if value >= ZERO else 'loss'}" if moves else "")
        bar = el("span", class_=kind, style=f"--at:{percent(at)};--w:{percent(wide)}")
        share = "" if not moves or not free else percent(ratio(abs(value), abs(free)), 1)
        rows.append(
            el(
                "tr",
                el("th", name, scope="row"),
                el("td", bar),
                el("td", money(value, places, signed=True), class_="num"),
                el("td", share, class_="num"),
                class_=None if moves else "total",
            )
        )
    names = (("", ""), ("", ""), ("Amount", "num"), ("Of the profit before costs", "num"))
    head = el("tr", *(el("th", name, class_=kind or None, scope="col") for name, kind in names))
    return el("div", el("table", el("thead", head), el("tbody", *rows), class_="bars"), class_="scroll")


def strategies(result: BacktestResult) -> Html:
    """What each strategy contributed."""
    places = places_for(result.initial_capital)
    names = ("Fills", "Round trips", "Win rate", "Gross", "Fees", "Net", "Of it open", "Traded")
    head = el("tr", el("th", "Strategy", scope="col"), *(el("th", name, class_="num", scope="col") for name in names))
    rows = [
        el(
            "tr",
            el("th", part.strategy or "(operator)", scope="row"),
            el("td", f"{part.fills:,}", class_="num"),
            el("td", f"{part.round_trips:,}", class_="num"),
            el("td", percent(part.win_rate), class_="num"),
            el("td", money(part.gross, places, signed=True), class_="num"),
            el("td", money(part.fees, places), class_="num"),
            el("td", money(part.net, places, signed=True), class_=f"num {tone(part.net)}"),
            el("td", money(part.open_net, places, signed=True), class_="num"),
            el("td", money(part.traded, places), class_="num"),
        )
        for part in result.by_strategy
    ]
    return el("div", el("table", el("thead", head), el("tbody", *rows)), class_="scroll")


def histogram(trips: Sequence[RoundTrip]) -> Html:
    """Closed round trips by their net return: bins of equal width with zero at an edge, the outermost open-ended."""
    returns = sorted(trip.return_ratio for trip in trips)
    inner = returns[len(returns) // 50 : len(returns) - len(returns) // 50]
    reach = max(abs(inner[0]), abs(inner[-1])) or Decimal("0.01")
    half = BINS // 2
    width = ratio(reach, Decimal(half))
    counts = [0] * (2 * half)
    for value in returns:
        place = int(ratio(value, width).to_integral_value(ROUND_FLOOR)) + half
        counts[min(max(place, 0), 2 * half - 1)] += 1
    most = max(counts)
    bars = []
    for place, count in enumerate(counts):
        low = width * (place - half)
        title = f"{count:,} from {percent(low, signed=True)} to {percent(low + width, signed=True)}"
        height = percent(ratio(Decimal(count), Decimal(most)))
        bars.append(el("i", title=title, class_="loss" if place < half else None, style=f"--h:{height}"))
    ends = (percent(-reach, 1, signed=True), "0%", percent(reach, 1, signed=True))
    label = f"Histogram of {len(returns):,} round trips by net return, {ends[0]} to {ends[2]}"
    return join(
        el("div", *bars, class_="histogram", role="img", aria_label=label),
        el("div", *(el("span", end) for end in ends), class_="ends"),
    )


def round_trips(result: BacktestResult) -> Html:
    """The round trips, sortable."""
    places = places_for(result.initial_capital)
    every = result.all_round_trips
    first = max(0, len(every) - ROWS_MAX)
    names = (
        ("#", "num"),
        *_owner_names(result),
        ("Side", ""),
        ("Entry", ""),
        ("Exit", ""),
        ("Held", "num"),
        ("Quantity", "num"),
        ("Entry price", "num"),
        ("Exit price", "num"),
        ("Fees", "num"),
        ("Net", "num"),
        ("Return", "num"),
    )
    rows = [
        el(
            "tr",
            el("td", at, class_="num"),
            *_owner(result, trip),
            el("td", "long" if trip.side is Side.BUY else "short"),
            _time(trip.entry_ns),
            el("td", "open", data_sort=iso(trip.exit_ns)) if trip.is_open else _time(trip.exit_ns),
            el("td", span(trip.holding), class_="num", data_sort=trip.exit_ns - trip.entry_ns),
            _value(trip.quantity, amount(trip.quantity)),
            _value(trip.entry_price, _price(trip.entry_price)),
            _value(trip.exit_price, _price(trip.exit_price)),
            _value(trip.fees, money(trip.fees, places)),
            _value(trip.net, money(trip.net, places, signed=True), tone(trip.net)),
            _value(trip.return_ratio, percent(trip.return_ratio, signed=True), tone(trip.net)),
        )
        for at, trip in enumerate(every[first:], first + 1)
    ]
    return _long(names, rows, len(every), "round trips")


def fills(result: BacktestResult) -> Html:
    """The fills, sortable."""
    places = places_for(result.initial_capital)
    first = max(0, result.fills - ROWS_MAX)
    names = (
        ("#", "num"),
        ("Time", ""),
        *_owner_names(result),
        ("Side", ""),
        ("Quantity", "num"),
        ("Price", "num"),
        ("Value", "num"),
        ("Fee", "num"),
        ("Slippage", "num"),
        ("Liquidity", ""),
    )
    rows = [
        el(
            "tr",
            el("td", at, class_="num"),
            _time(trade.ts),
            *_owner(result, trade),
            el("td", trade.side),
            _value(trade.quantity, amount(trade.quantity)),
            _value(trade.price, amount(trade.price)),
            _value(trade.notional, money(trade.notional, places)),
            _value(trade.fee, money(trade.fee, places)),
            _value(trade.slippage_cost, money(trade.slippage_cost, places)),
            el("td", trade.liquidity),
        )
        for at, trade in enumerate(result.trades[first:], first + 1)
    ]
    return _long(names, rows, result.fills, "fills")


def _owner_names(result: BacktestResult) -> list[tuple[str, str]]:
    """Columns for symbol and strategy, where there is more than one."""
    several = (len(result.record.symbols) > 1, len(result.record.strategies) > 1)
    return [(name, "") for name, shown in zip(("Symbol", "Strategy"), several, strict=True) if shown]


def _owner(result: BacktestResult, row: RoundTrip | BacktestTrade) -> list[Html]:
    several = (len(result.record.symbols) > 1, len(result.record.strategies) > 1)
    values = (row.symbol, row.strategy or "(operator)")
    return [el("td", value) for value, shown in zip(values, several, strict=True) if shown]


def _long(names: Sequence[tuple[str, str]], rows: list[Html], count: int, what: str) -> Html:
    head = el(
        "tr",
        *(
            el("th", el("button", name, type="button"), scope="col", class_="num" if kind == "num" else None)
            for name, kind in names
        ),
    )
    table = el("table", el("thead", head), el("tbody", *rows), class_="sort")
    note = ""
    if count > len(rows):
        note = el("p", f"The last {len(rows):,} of {count:,} {what} are listed; all are in the JSON.", class_="note")
    return join(note, el("div", table, class_="scroll tall", tabindex="0"))


def _heat(value: Decimal, full: Decimal) -> Html:
    weight = min(ratio(abs(value), full), ONE) * Decimal("0.62")
    kind = "gain" if value > ZERO else "loss" if value < ZERO else None
    return el("td", percent(value, 1, signed=True), class_=kind, style=f"--w:{percent(weight, 0)}")


def _time(ns: int) -> Html:
    full = iso(ns)
    short = full[:16].replace("T", " ") if full.endswith(":00Z") else full[:-1].replace("T", " ")
    return el("td", short, data_sort=full)


def _value(value: Decimal, shown: str, kind: str = "") -> Html:
    return el("td", shown, class_=f"num {kind}".rstrip(), data_sort=canonical(value))


def _price(price: Decimal) -> str:
    """A mean price to eight significant digits."""
    return amount(price.quantize(Decimal(1).scaleb(min(0, price.adjusted() - 7)), context=EXACT)) if price else "0"

"""The page: one HTML file that needs nothing else, not even a network, and that may not reach for one.

Its content security policy forbids every request and every script but the one it carries. It holds no time of making
and no path, so the same run gives the same bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from kedge.backtest.report import charts, tables
from kedge.backtest.report.charts import Candles
from kedge.backtest.report.markup import Html, data, el, join
from kedge.backtest.text.readable import money, number, percent, places_for, span

if TYPE_CHECKING:
    from kedge.backtest.result import BacktestResult

METHOD = (
    "Equity is marked at every bar. Statistics are of UTC daily returns, 365 days a year, no risk-free rate. Drawdown "
    "is measured from the running peak of equity, which starts at the initial capital. A round trip is from flat to "
    "flat of one strategy in one symbol at average cost; it wins if something is left after fees."
)


def page(result: BacktestResult, candles: Candles | None = None, panels: Sequence[Html] = ()) -> str:
    """The whole report as one HTML document; `candles` are drawn where given, else the closes the run recorded.

    `panels` are sections of others, which stand after the equity and the prices.
    """
    prices = charts.price_charts(result, candles)
    drawn = {
        "initial": charts.plain_number(result.initial_capital),
        "equity": charts.equity_chart(result),
        "prices": prices,
    }
    style, script = _text("page.css"), _text("page.js")
    body = el(
        "main",
        _header(result),
        _key(result),
        _warnings(result),
        _equity(result, drawn["equity"]),
        *(_prices(chart, place) for place, chart in enumerate(prices)),
        *panels,
        _months(result),
        _section("Figures", tables.figures(result)),
        _costs(result),
        _strategies(result),
        _trips(result),
        _assumptions(result),
        el("footer", METHOD),
    )
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", f"{_title(result)} · Kedge backtest"),
        el("style", Html(style)),
    )
    foot = join(data(drawn, "data"), Html(f"<script>{script}</script>"))
    return f"<!DOCTYPE html>\n{el('html', head, el('body', body, foot), lang='en')}\n"


def _text(name: str) -> str:
    return files("kedge.backtest.report").joinpath(name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """Nothing may be loaded or sent; the one script is known by its hash."""
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    parts = ("default-src 'none'", "style-src 'unsafe-inline'", f"script-src 'sha256-{digest}'")
    return "; ".join((*parts, "base-uri 'none'", "form-action 'none'"))


def _title(result: BacktestResult) -> str:
    record = result.record
    who, what = " + ".join(record.strategies), ", ".join(record.symbols)
    return record.title or f"{who or 'Backtest'} on {what or 'no symbol'}"


def _section(title: str, *children: object, note: str = "", kind: str | None = None) -> Html:
    return el("section", el("h2", title), el("p", note, class_="note") if note else "", *children, class_=kind)


def _header(result: BacktestResult) -> Html:
    curve, record = result.equity_curve, result.record
    said = [f"{', '.join(record.strategies)} on {', '.join(record.symbols)}"] if record.title else []
    if len(curve):
        first, last = curve[0][0], curve[-1][0]
        said.append(f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC")
    said.append(f"{result.bars:,} bars")
    return el("header", el("h1", _title(result)), el("p", " · ".join(said), class_="sub"))


def _key(result: BacktestResult) -> Html:
    places, currency = places_for(result.initial_capital), result.record.currency
    closed = len(result.round_trips)
    paid = result.total_fees + result.total_slippage
    market = result.market_return
    cards: list[tuple[str, str, str, str]] = [
        (
            "Total return",
            percent(result.total_return, signed=True),
            "" if market is None else f"market {percent(market, signed=True)}",
            tables.tone(result.total_return),
        ),
        (
            "Final equity",
            money(result.final_equity, places),
            f"{currency}, from {money(result.initial_capital, places)}",
            "",
        ),
        ("Max drawdown", percent(result.max_drawdown), f"longest {span(result.max_drawdown_duration)}", ""),
        ("Sharpe ratio", number(result.sharpe_ratio), f"volatility {percent(result.volatility, 1)} a year", ""),
        ("Win rate", percent(result.win_rate, 1) if closed else "n/a", f"{closed:,} round trips", ""),
        ("Costs", money(paid, places), f"{currency}, fees and slippage", ""),
    ]
    return el(
        "dl",
        *(
            el("div", el("dt", name), el("dd", el("span", value, class_=kind or None), el("span", more, class_="more")))
            for name, value, more, kind in cards
        ),
        class_="key",
    )


def _warnings(result: BacktestResult) -> Html:
    said = result.warnings
    if not said:
        return Html("")
    return _section("Before you trust this", el("ul", *(el("li", each) for each in said)), kind="warnings")


def _equity(result: BacktestResult, drawn: Any) -> Html:
    legend = [el("span", f"Equity ({result.record.currency})", style="--c:var(--accent)")]
    if drawn["m"]:
        toggle = {
            "type": "button",
            "data_do": "market",
            "aria_pressed": "true" if drawn["shown"] else "false",
            "title": "Show or hide",
        }
        legend.append(el("button", "Market held instead", style="--c:var(--market)", **toggle))
    legend.append(el("span", "Drawdown", style="--c:var(--down)"))
    buttons = (("Earlier", "back", "←"), ("Later", "on", "→"), ("Zoom in", "in", "+"), ("Zoom out", "out", "−"))
    tools = [el("button", sign, type="button", data_do=act, aria_label=name, title=name) for name, act, sign in buttons]
    tools.append(el("button", "All", type="button", data_do="all", title="Show the whole run"))
    label = (
        f"Equity from {money(result.initial_capital)} to {money(result.final_equity)}, "
        f"maximum drawdown {percent(result.max_drawdown)}"
    )
    return el(
        "section",
        el(
            "div",
            el("h2", "Equity and drawdown"),
            el("div", *legend, class_="legend"),
            el("div", *tools, class_="tools"),
            class_="head",
        ),
        _canvas("equity", label),
        el("p", "Drag to zoom, shift and drag to move, double click for all; every chart follows.", class_="note"),
    )


def _prices(chart: dict[str, Any], place: int) -> Html:
    legend = [el("span", "Buy", class_="mark buy"), el("span", "Sell", class_="mark sell")]
    said = []
    if chart["ofCloses"]:
        said.append("Closing prices: the candles were not at hand when this report was made.")
    if chart["merged"] > 1:
        said.append(f"{chart['bars']:,} bars, {chart['merged']:,} drawn as one.")
    if len(chart["ft"]) < chart["fills"]:
        said.append(f"{len(chart['ft']):,} of {chart['fills']:,} fills are marked, evenly spaced.")
    said.append("Dashed lines join entry and exit of a round trip; zoom in if there are too many to draw.")
    return el(
        "section",
        el("div", el("h2", chart["symbol"]), el("div", *legend, class_="legend"), class_="head"),
        _canvas(f"price-{place}", f"Prices of {chart['symbol']} with {chart['fills']:,} fills"),
        el("p", " ".join(said), class_="note"),
    )


def _canvas(name: str, label: str) -> Html:
    return el("div", el("canvas", role="img", aria_label=label, tabindex="0"), class_="chart", data_chart=name)


def _months(result: BacktestResult) -> Html:
    months = result.monthly_returns
    if not months:
        return Html("")
    best, worst = max(months, key=lambda each: each.ratio), min(months, key=lambda each: each.ratio)
    won = sum(each.ratio > 0 for each in months)
    note = (
        f"{won:,} of {len(months):,} months gained; best {percent(best.ratio, 1, signed=True)} "
        f"({best.year}-{best.month:02d}), worst {percent(worst.ratio, 1, signed=True)} ({worst.year}-{worst.month:02d})."
    )
    return _section("Monthly returns", tables.heat_map(months), note=note)


def _costs(result: BacktestResult) -> Html:
    if not result.fills:
        return Html("")
    note = "Slippage is in the prices paid; the first line is what the same fills would have earned without it."
    return _section("Costs", tables.costs(result), note=note)


def _strategies(result: BacktestResult) -> Html:
    if len(result.by_strategy) < 2:
        return Html("")
    return _section("Strategies", tables.strategies(result), note="Funding belongs to the account and is in no line.")


def _trips(result: BacktestResult) -> Html:
    if not result.fills:
        return Html("")
    closed = result.round_trips
    spread = el("h3", "By net return") if len(closed) >= 5 else ""
    return _section(
        "Round trips",
        join(spread, tables.histogram(closed)) if spread else "",
        tables.round_trips(result),
        el("details", el("summary", f"All {result.fills:,} fills"), tables.fills(result)),
    )


def _assumptions(result: BacktestResult) -> Html:
    record = result.record
    made = [el("li", each) for each in result.assumptions]
    settings = [(name.replace("_", " "), value) for name, value in record.settings.items()]
    groups = [tables.listing(settings, "Settings")] if settings else []
    for strategy, values in record.parameters.items():
        if values:
            groups.append(tables.listing([*values.items()], strategy))
    if not made and not groups:
        return Html("")
    return _section(
        "Assumptions and settings",
        el("ul", *made, class_="plain") if made else "",
        el("div", *groups, class_="cols") if groups else "",
    )

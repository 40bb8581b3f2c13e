"""The page of a walk-forward: one HTML file without a script, that opens offline and asks for nothing.

It holds no time of making and no path, so the same run gives the same bytes.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from kedge.backtest.report.markup import Html, el
from kedge.backtest.report.write import write_page
from kedge.model.instant import NS_PER_DAY, iso
from kedge.research.report import sections
from kedge.research.report.record import record_panel
from kedge.research.track_record import TrackRecord
from kedge.research.walk_forward.evidence import Evidence
from kedge.research.walk_forward.result import WalkForwardResult

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
METHOD = (
    "Parameters are chosen in sample and judged out of sample, window by window, by one account that each window hands on "
    "after the cost of closing what is open. Statistics are of UTC daily returns, 365 days a year. Efficiency is the sum of the "
    "returns out of sample over their days, over the same in sample. Sources of the statistics stand in the guide to research."
)


def walk_forward_page(result: WalkForwardResult, evidence: Evidence) -> str:
    """The whole page as one HTML document."""
    plan = result.plan
    title = f"{plan.strategy} on {', '.join(plan.symbols)}"
    said = list(sections.warnings_of(result, evidence))
    record = evidence.record
    body = el(
        "main",
        _header(result, title),
        sections.key(result, evidence),
        _section("Before you trust this", el("ul", *(el("li", each) for each in said)), kind="warnings")
        if said
        else "",
        _section("Equity out of sample", sections.equity(result), note="Vertical lines are the seams between windows."),
        _panel(result, record) if record is not None else "",
        _section("Windows", sections.timeline(result), sections.windows(result), note=WINDOWS),
        _section("Parameters", sections.maps(result), note=MAPS),
        _section("Stability of the choice", sections.stability(result)) if result.stability else "",
        _section("Overfitting", sections.overfitting(evidence), note=OVERFITTING),
        _section("Settings", sections.settings(result)),
        el("footer", METHOD),
    )
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", f"{title} · Kedge walk-forward"),
        el("style", Html(files("kedge.backtest.report").joinpath("page.css").read_text(encoding="utf-8"))),
    )
    return f"<!DOCTYPE html>\n{el('html', head, el('body', body), lang='en')}\n"


def write_walk_forward(result: WalkForwardResult, evidence: Evidence, path: str | Path) -> Path:
    """Write the page to `path`, whole or not at all."""
    return write_page(walk_forward_page(result, evidence), path)


WINDOWS = (
    "Grey: in sample. Green and red: what the days out of sample earned or lost. The pointer shows a window's figures."
)
MAPS = "The mean over the windows, and over all sets that share two values. A good choice stands on a plateau in both maps."
OVERFITTING = (
    "What every set compared did out of sample, day by day, cut and put together again: does the best of one half of the "
    "days stay above the median in the other half?"
)


def _header(result: WalkForwardResult, title: str) -> Html:
    first, last = result[0].window.out_start, result[-1].window.out_end
    span = f"{iso(first)[:10]} to {iso(last)[:10]} out of sample"
    how = "anchored" if result.plan.schedule.anchored else "rolling"
    said = f"Walk-forward · {span} · {len(result)} {how} windows · {result.tried:,} sets of parameters tried"
    return el("header", el("h1", title), el("p", said, class_="sub"))


def _panel(result: WalkForwardResult, record: TrackRecord) -> Html:
    account = result.account
    first = result[0].window.out_start // NS_PER_DAY
    return record_panel(record, first, float(account.initial_capital), account.daily_returns)


def _section(title: str, *children: object, note: str = "", kind: str | None = None) -> Html:
    return el("section", el("h2", title), el("p", note, class_="note") if note else "", *children, class_=kind)

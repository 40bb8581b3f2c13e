"""The parts of a walk-forward's page. Out of sample stands first everywhere, and nothing in sample stands alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import numpy as np

from kedge.backtest.curve_fold import ratio
from kedge.backtest.report.markup import Html, el, join
from kedge.backtest.report.tables import listing, tone
from kedge.backtest.text.readable import NONE, amount, money, number, percent, places_for
from kedge.core.strategy.parameters import text_of
from kedge.model.money import ZERO, canonical
from kedge.research.report.drawing import Frame, bars
from kedge.research.report.heat import heat_maps
from kedge.research.statistics.moments import Floats
from kedge.research.track_record import annual
from kedge.research.walk_forward.evidence import PBO_MAX, Evidence
from kedge.research.walk_forward.result import WalkForwardResult, WalkForwardWindow

#: Below this efficiency most of what was found in sample was lost on the way out.
EFFICIENCY_MIN = 0.5
#: Below this many windows one of them decides.
WINDOWS_MIN = 8
#: From this share of changes on a parameter is said to jump about.
CHANGES_MAX = Decimal("0.5")
#: Bins of the histogram of logits, from -LOGIT_MAX to LOGIT_MAX.
BINS, LOGIT_MAX = 24, 6.0
OUT, IN = "Out of sample", "In sample"


def warnings_of(result: WalkForwardResult, evidence: Evidence) -> Iterator[str]:
    """What a careful colleague would say."""
    plan, windows = result.plan, len(result)
    if result.account.final_equity <= ZERO:
        yield "Nothing was left of the account: the windows after that are not run."
    failed = [each for each in result if each.disabled]
    if failed:
        yield (
            f"The strategy was disabled in {len(failed)} of {windows} windows out of sample, "
            f"first in window {failed[0].window.number}: {failed[0].disabled}."
        )
    if evidence.record is not None and not evidence.record.significant:
        yield evidence.record.verdict
    pbo = evidence.overfitting
    if pbo is not None and pbo.probability >= PBO_MAX:
        yield (
            f"The probability of overfitting is {percent(pbo.probability, 0)}: so often the set that was best on one half of "
            "the days did no better than the median on the other."
        )
    if evidence.check is not None and evidence.check.consistent > 0.05:
        yield f"No set of parameters is significantly better than cash out of sample (p = {number(evidence.check.consistent, 3)})."
    if result.efficiency is None:
        yield "Nothing was earned in sample, so there was nothing to carry over."
    elif result.efficiency <= 0.0:
        yield "Days in sample earned, days out of sample lost: nothing of what was found carried over."
    elif result.efficiency < EFFICIENCY_MIN:
        yield f"A day out of sample earned {percent(result.efficiency, 0)} of what a day in sample did."
    if windows < WINDOWS_MIN:
        yield f"There are only {windows} windows: one of them decides. Give a longer history or shorter windows."
    for each in result.stability:
        if windows > 2 and ratio(Decimal(each.changes), Decimal(windows - 1)) >= CHANGES_MAX:
            yield f"The choice of {each.name} changed {each.changes} times in {windows} windows: it may chase noise."
    if not result.trades:
        yield "Nothing was traded out of sample: there is no result to judge."
    if plan.unused_days:
        yield f"The last {plan.unused_days} days make no whole window and are not used."


def key(result: WalkForwardResult, evidence: Evidence) -> Html:
    """The six figures to read first."""
    account, record, pbo = result.account, evidence.record, evidence.overfitting
    places, initial = places_for(account.initial_capital), account.initial_capital
    efficiency = NONE if result.efficiency is None else percent(result.efficiency, 0)
    trials = "" if record is None else f"after {record.trials:,} trials"
    cards = [
        ("Return, unseen days", percent(account.total_return, signed=True), f"{len(result)} windows", tone(account.total_return)),
        ("Final equity", money(account.final_equity, places), f"from {money(initial, places)}", ""),
        ("Sharpe ratio", number(account.sharpe_ratio), "out of sample, annual", ""),
        ("Max drawdown", percent(account.max_drawdown), "out of sample", ""),
        ("Efficiency", efficiency, "return a day, out over in sample", ""),
        ("Overfitting", NONE if pbo is None else percent(pbo.probability, 0), "probability (PBO)", ""),
        ("Deflated Sharpe", NONE if record is None else percent(record.deflated, 1), trials, ""),
    ]  # fmt: skip
    return el(
        "dl",
        *(
            el("div", el("dt", name), el("dd", el("span", value, class_=kind or None), el("span", more, class_="more")))
            for name, value, more, kind in cards
        ),
        class_="key",
    )


def equity(result: WalkForwardResult) -> Html:
    """The stitched account, with the seams between windows."""
    times, values = result.equity_curve.vectors()
    initial = float(result.plan.settings.initial_capital)
    xs = np.concatenate([[result[0].window.out_start], times]).astype(np.float64)
    ys = np.concatenate([[initial], values])
    frame = Frame((float(xs[0]), float(xs[-1])), (float(ys.min()), float(ys.max())))
    label = f"Equity out of sample from {money(result.account.initial_capital)} to {money(result.account.final_equity)}"
    return frame.sheet(
        label,
        frame.values(),
        frame.dates(),
        *(frame.seam(float(each.window.out_start)) for each in result[1:]),
        frame.level(initial),
        frame.curve(xs, ys, "line"),
    )


def timeline(result: WalkForwardResult) -> Html:
    """The windows on the calendar: in sample grey, out of sample by what it earned."""
    count = len(result)
    frame = Frame(
        (float(result[0].window.in_start), float(result[-1].window.out_end)),
        (0.0, float(count)),
        70.0 + min(9.0 * count, 360.0),
    )
    drawn = []
    for at, each in enumerate(result):
        row = (count - at - 0.85, count - at - 0.15)
        window = each.window
        kind = "gain" if each.out_of_sample_return > ZERO else "loss"
        earned = [percent(value, signed=True) for value in (each.out_of_sample_return, each.in_sample_return)]
        said = f"window {window.number}: out of sample {earned[0]}, in sample {earned[1]}"
        drawn.append(frame.box((float(window.out_start), float(window.out_end)), row, kind, said))
        drawn.append(frame.box((float(window.in_start), float(window.in_end)), row, "in", said))
    return frame.sheet(f"{count} windows, each in sample and then out of sample", frame.dates(), *drawn)


def windows(result: WalkForwardResult) -> Html:
    """A row a window; cells hold the exact figures for those who compute (`data-sort`)."""
    places = places_for(result.account.initial_capital)
    searched = [name for name, values in result.plan.space.items() if len(values) > 1]
    names = (
        ("#", "num"), ("Days out of sample", ""), *((name, "num") for name in searched),
        ("Return, out", "num"), ("in", "num"), ("Sharpe, out", "num"), ("in", "num"), ("Fills, out", "num"), ("in", "num"),
        ("Equity before", "num"), ("Equity after", "num"),
        ("Closing cost", "num"),
    )  # fmt: skip
    rows = [_window_row(each, searched, places) for each in result]
    head = el("tr", *(el("th", name, scope="col", class_=kind or None) for name, kind in names))
    table = el("table", el("thead", head), el("tbody", *rows), class_="windows")
    return el("div", table, class_="scroll tall", tabindex="0")


def _window_row(each: WalkForwardWindow, searched: Sequence[str], places: int) -> Html:
    first, last = each.out_of_sample
    return el(
        "tr",
        el("td", each.window.number, class_="num"),
        el("td", f"{_day(first)} to {_day(last)}"),
        *(el("td", text_of(each.params[name]), class_="num") for name in searched),
        _exact(
            each.out_of_sample_return, percent(each.out_of_sample_return, signed=True), tone(each.out_of_sample_return)
        ),
        _exact(each.in_sample_return, percent(each.in_sample_return, signed=True)),
        _statistic(each.out_of_sample_sharpe),
        _statistic(each.in_sample_sharpe),
        el("td", f"{each.out_of_sample_trades:,}", class_="num"),
        el("td", f"{each.in_sample_trades:,}", class_="num"),
        _exact(each.initial_capital, money(each.initial_capital, places)),
        _exact(each.final_equity, money(each.final_equity, places)),
        _exact(each.closing_cost, money(each.closing_cost, places)),
    )


def maps(result: WalkForwardResult) -> Html:
    """Mean return a window of every set compared, out of sample and then in sample."""
    inside: dict[tuple[int, ...], list[Decimal]] = {}
    for each in result:
        for candidate in each.candidates:
            inside.setdefault(candidate.places, []).append(candidate.in_return)
    outside = {places: [each.out_return for each in outcomes] for places, outcomes in result.compared.items()}
    twins = [
        (title, {places: _mean(values) for places, values in figures.items() if places in outside and places in inside})
        for title, figures in ((f"{OUT}, mean return of a window", outside), (f"{IN}, the same sets", inside))
    ]
    return heat_maps(result.plan.space, twins)


def stability(result: WalkForwardResult) -> Html:
    """How each parameter kept still."""
    head = el("tr", *(el("th", name, scope="col", class_=kind or None) for name, kind in (
        ("Parameter", ""), ("Changes", "num"), ("Of", "num"), ("Commonest", "num"), ("Chosen in", "num"), ("By window", ""),
    )))  # fmt: skip
    rows = [
        el(
            "tr",
            el("th", each.name, scope="row"),
            el("td", each.changes, class_="num"),
            el("td", len(each.values) - 1, class_="num"),
            el("td", each.commonest, class_="num"),
            _exact(each.share, percent(each.share, 0)),
            el("td", " ".join(each.values), class_="values"),
        )
        for each in result.stability
    ]
    return el("div", el("table", el("thead", head), el("tbody", *rows)), class_="scroll")


def overfitting(evidence: Evidence) -> Html:
    """Whether the choice among the sets carries over, whether any is better than cash, what other days would have given."""
    pbo, check, paths = evidence.overfitting, evidence.check, evidence.path_sharpes
    if pbo is None or check is None or paths is None:
        return el("p", "Fewer than two sets, or too few days, to compare.", class_="note")
    failed = int((pbo.logits <= 0.0).sum())
    choice = listing(
        [
            ("Sets compared", f"{pbo.trials:,}"),
            ("Days, blocks", f"{pbo.periods:,}, {pbo.blocks}"),
            ("Splits", f"{len(pbo.logits):,}"),
            ("Splits whose winner was at or below the median", f"{failed:,}"),
            ("Probability of overfitting", percent(pbo.probability, 1)),
            ("Probability that the winner loses", percent(pbo.loss_probability, 1)),
            ("Sharpe out of sample for one more in sample", NONE if pbo.slope is None else number(pbo.slope)),
        ],
        "Choosing the best (CSCV)",
    )
    tested = listing(
        [
            ("Hansen's SPA, consistent p", number(check.consistent, 3)),
            ("between (lower, upper)", f"{number(check.lower, 3)} to {number(check.upper, 3)}"),
            ("White's reality check, p", number(check.white, 3)),
            ("Resamples, mean block, seed", f"{check.samples:,}, {check.mean_block:.0f} days, {check.seed}"),
            *((f"Purged path {at}, Sharpe ratio", number(annual(float(each)))) for at, each in enumerate(paths, 1)),
        ],
        "Any set better than cash?",
    )
    return join(
        el("div", choice, tested, class_="cols"),
        el("h3", "Where the winner of one half of the days stood on the other"),
        bars(histogram(pbo.logits), f"Histogram of {len(pbo.logits):,} logits, {failed:,} of them at or below zero"),
        el("div", el("span", "worst of all"), el("span", "the median"), el("span", "best of all"), class_="ends"),
    )


def histogram(logits: Floats) -> list[tuple[float, str]]:
    """Logits by bin, those beyond the ends in the last; at or below zero is a loss, and no bin has both."""
    half = BINS // 2
    width = LOGIT_MAX / half
    places = np.where(logits <= 0.0, half - 1 - np.floor(-logits / width), half - 1 + np.ceil(logits / width))
    counts = np.bincount(np.clip(places, 0, BINS - 1).astype(np.int64), minlength=BINS)
    return [(float(count), "loss" if at < half else "") for at, count in enumerate(counts)]


def settings(result: WalkForwardResult) -> Html:
    """What was run, and what is assumed."""
    plan = result.plan
    schedule, search, run = plan.schedule, plan.search, plan.settings
    how = (
        f"optuna, {search.trials} trials a window, seed {search.seed}"
        if search.method == "optuna"
        else "grid, every combination"
    )
    lengths = (schedule.in_sample_days, schedule.embargo_days, schedule.out_of_sample_days)
    rows = [
        ("Windows", "anchored" if schedule.anchored else "rolling"),
        ("Days in sample, embargo, out of sample", ", ".join(map(str, lengths))),
        ("Search", how),
        ("Objective", plan.objective),
        ("Different sets tried", f"{result.tried:,}"),
        ("Initial capital", amount(run.initial_capital)),
        ("Fee, slippage", f"{amount(run.fee_rate)}, {amount(run.slippage_bps)} bps"),
        ("Data, SHA-256", plan.data_sha256[:16]),
    ]  # fmt: skip
    space = [(name, ", ".join(text_of(value) for value in values)) for name, values in plan.space.items()]
    return el("div", listing(rows, "Settings"), listing(space, "Values tried"), class_="cols")


def _mean(values: Sequence[Decimal]) -> Decimal:
    return ratio(sum(values, ZERO), Decimal(len(values)))


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _exact(value: Decimal, shown: str, kind: str = "") -> Html:
    return el("td", shown, class_=f"num {kind}".rstrip(), data_sort=canonical(value))


def _statistic(value: float | None) -> Html:
    return el("td", number(value), class_="num", data_sort=None if value is None else repr(value))

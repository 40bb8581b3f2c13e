"""The page of a walk-forward: what it claims can be computed by hand from its own tables, and it needs nothing else."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist

import pytest
from msgspec import structs

from kedge import SmaCrossStrategy, WalkForwardOptimizer
from kedge.model.errors import WorldError
from kedge.research.report.page import walk_forward_page, write_walk_forward
from kedge.research.report.sections import warnings_of
from kedge.research.walk_forward.evidence import Evidence, evidence_of
from kedge.research.walk_forward.result import WalkForwardResult
from tests.research.markets import walk
from tests.research.report.pages import Page

D = Decimal
GRID = {"fast": [2, 4, 8], "slow": [10, 20, 40]}


@pytest.fixture(scope="module")
def walked() -> tuple[WalkForwardResult, Evidence]:
    result = WalkForwardOptimizer(walk(31, 24 * 48), 10, 4).run(SmaCrossStrategy, GRID)
    return result, evidence_of(result, 40)


@pytest.fixture(scope="module")
def text(walked: tuple[WalkForwardResult, Evidence]) -> str:
    return walk_forward_page(*walked)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def percent(shown: str) -> Decimal:
    return D(shown.rstrip("%").replace(",", "")) / 100


def test_the_account_by_hand(page: Page) -> None:
    """Each window hands on what it earned; the whole is what the first card says."""
    rows = page.table("#", "Days out of sample", "fast", "slow", "Return, out", "in")
    equity = D(10_000)
    for row in rows:
        gained, before, after = D(row[4].exact), D(row[10].exact), D(row[11].exact)
        assert before == equity
        assert after == pytest.approx(before * (1 + gained), rel=D("1e-15"))
        assert percent(row[4].text) == pytest.approx(gained, abs=D("0.00005"))
        equity = after
    assert percent(page.cards["Return, unseen days"]) == pytest.approx(equity / 10_000 - 1, abs=D("0.00005"))
    assert page.cards["Final equity"] == f"{equity:,.2f}"


def test_efficiency_and_stability_by_hand(page: Page) -> None:
    rows = page.table("#", "Days out of sample")
    out, inside = (sum((D(row[at].exact) for row in rows), D(0)) for at in (4, 5))
    days_in, _, days_out = (D(part) for part in page.figure("Days in sample, embargo, out of sample").split(", "))
    efficiency = (out / days_out) / (inside / days_in)
    assert percent(page.cards["Efficiency"]) == pytest.approx(efficiency, abs=D("0.005"))
    for at, name in ((2, "fast"), (3, "slow")):
        values = [row[at].text for row in rows]
        (found,) = [row for row in page.table("Parameter", "Changes") if row[0].text == name]
        assert found[1].text == str(sum(one != other for one, other in pairwise(values)))
        assert D(found[4].exact) == pytest.approx(D(values.count(found[3].text)) / len(values), abs=D("1e-20"))
        assert found[5].text.split() == values


def test_overfitting_and_luck_by_hand(page: Page) -> None:
    failed = D(page.figure("Splits whose winner was at or below the median").replace(",", ""))
    splits = D(page.figure("Splits").replace(",", ""))
    assert percent(page.figure("Probability of overfitting")) == pytest.approx(failed / splits, abs=D("0.0005"))
    needed = page.figure("Record needed for 95%, trials aside")
    days = int(re.findall(r"[\d,]+$", needed)[0].replace(",", "")) if needed != "n/a" else 36
    sharpe, luck = (
        float(page.figure(name)) / math.sqrt(365)
        for name in ("Sharpe ratio, annual", "Best of them by luck alone, annual")
    )
    skewness, kurtosis = map(float, page.figure("Skewness, kurtosis").split(", "))
    spread = math.sqrt(1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2)
    for name, benchmark in (("Probability that the true one is above 0", 0.0), ("Deflated Sharpe ratio", luck)):
        chance = NormalDist().cdf((sharpe - benchmark) * math.sqrt(days - 1) / spread)
        assert float(percent(page.figure(name))) == pytest.approx(chance, abs=0.005)
    assert page.figure("Trials on these data") == "40"


def test_maps_by_hand(page: Page, walked: tuple[WalkForwardResult, Evidence]) -> None:
    """Each cell is the mean over the windows of one set; out of sample from its outcomes, in sample from what was tried."""
    result, _ = walked
    maps = [rows for rows in page.tables if rows[0][0].text == "fast \\ slow"]
    assert len(maps) == 2
    for rows, which in zip(maps, ("out", "in"), strict=True):
        for row, fast in zip(rows[1:], range(3), strict=True):
            for cell, slow in zip(row[1:], range(3), strict=True):
                if which == "out":
                    values = [outcome.out_return for outcome in result.compared[fast, slow]]
                else:
                    values = [c.in_return for each in result for c in each.candidates if c.places == (fast, slow)]
                assert D(cell.exact) == pytest.approx(sum(values, D(0)) / len(values), rel=D("1e-15"))


def test_nothing_in_sample_stands_without_its_twin(page: Page) -> None:
    headings = page.headings
    for at, heading in enumerate(headings):
        if heading.lower().startswith("in sample"):
            assert headings[at - 1].startswith("Out of sample"), heading
    for rows in page.tables:
        names = [cell.text for cell in rows[0]]
        for at, name in enumerate(names):
            if name == "in":
                assert names[at - 1].endswith(", out")
    first = headings.index("Equity out of sample")
    assert not any("sample" in heading for heading in headings[:first])
    assert "in sample" not in " ".join(page.cards).lower()


def test_it_needs_nothing_and_asks_for_nothing(text: str, page: Page) -> None:
    assert "script" not in page.tags
    assert "default-src &#x27;none&#x27;" in text
    assert not re.search(r"(?:https?:)?//[a-z]", text)
    assert {"src", "href"}.isdisjoint(re.findall(r"\s([a-z]+)=", text))


def test_equal_runs_give_equal_pages(walked: tuple[WalkForwardResult, Evidence], text: str, tmp_path: Path) -> None:
    assert write_walk_forward(*walked, tmp_path / "r.html").read_text(encoding="utf-8") == text
    with pytest.raises(WorldError, match="cannot write the report"):
        write_walk_forward(*walked, tmp_path / "no" / "r.html")


def test_names_cannot_become_markup(walked: tuple[WalkForwardResult, Evidence]) -> None:
    result, evidence = walked
    plan = structs.replace(result.plan, strategy="<script>alert(1)</script>", symbols=('"><b>',))
    again = WalkForwardResult(list(result), result.equity_curve, result.trades, result.compared, plan)
    page = Page(walk_forward_page(again, evidence))
    assert page.tags.isdisjoint({"script", "b"})
    assert page.headings[0] == '<script>alert(1)</script> on "><b>'


def test_one_set_and_one_window_make_a_page_too() -> None:
    result = WalkForwardOptimizer(walk(32, 24 * 15), 10, 3).run(SmaCrossStrategy, {"fast": [3], "slow": [9]})
    page = Page(walk_forward_page(result, evidence_of(result)))
    assert any("only 1 windows" in item for item in page.items)
    assert "Stability of the choice" not in page.headings


def test_warnings_speak_of_what_went_wrong(walked: tuple[WalkForwardResult, Evidence]) -> None:
    result, evidence = walked
    broken = structs.replace(result[2], disabled="ZeroDivisionError: division by zero")
    again = WalkForwardResult([*result[:2], broken, *result[3:]], result.equity_curve, [], result.compared, result.plan)
    said = " ".join(warnings_of(again, evidence))
    assert "disabled in 1 of 9 windows out of sample, first in window 3: ZeroDivisionError" in said
    assert "Nothing was traded out of sample" in said
    assert "Luck among 40 trials explains it" in said

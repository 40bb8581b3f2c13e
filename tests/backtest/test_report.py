"""The report: what it draws, what it says, that nothing gets in or out of it, and that it is written whole."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.backtest.curve import EquityCurve
from kedge.backtest.record import RunRecord
from kedge.backtest.report import charts, markup, tables, write_report
from kedge.backtest.report.page import page
from kedge.backtest.result import BacktestResult
from kedge.backtest.text import readable, warnings
from kedge.model.errors import WorldError
from kedge.model.instant import NS_PER_DAY
from kedge.model.market import Candle
from kedge.model.order import Side
from kedge.storage.columns import CandleColumns
from tests.backtest.ledgers import HOUR, START, Desk, instrument, market, sample

D = Decimal
Made = tuple[BacktestResult, list[Candle]]


class Parsed(HTMLParser):
    """The elements, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts.append(data)
        elif self.open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def drawn(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.scripts[0])
        return found


@pytest.fixture(scope="module")
def made() -> Made:
    return sample(bars=24 * 200)


@pytest.fixture(scope="module")
def html(made: Made) -> str:
    return page(*made)


# ------------------------------------------------------------------------------------------------------------- the page


def test_the_page_is_whole_and_reaches_for_nothing(html: str) -> None:
    parsed = Parsed(html)
    assert parsed.open == []
    assert not {"link", "img", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in parsed.tags}
    assert not [name for _, attributes in parsed.tags for name in attributes if name in {"src", "href", "srcset"}]
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert not re.search(
        r"(?:https?|wss?|ftp|data):|//[a-z]|@import|url\(|fetch\(|XMLHttpRequest|WebSocket", html.replace("\n//", "\n")
    )


def test_the_policy_allows_the_one_script_it_carries(html: str) -> None:
    parsed = Parsed(html)
    policy = next(
        found["content"] for tag, found in parsed.tags if found.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    digest = base64.b64encode(sha256(parsed.scripts[1].encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}'" in policy


def test_every_section_is_there(html: str) -> None:
    texts = Parsed(html).texts
    for title in (
        "Coin toss on BTC-USD",
        "Before you trust this",
        "Equity and drawdown",
        "BTC-USD",
        "Monthly returns",
        "Figures",
        "Costs",
        "Round trips",
        "Assumptions and settings",
    ):
        assert title in texts
    assert "A limit order fills only when the market trades through its price." in texts


def test_the_same_run_gives_the_same_bytes(made: Made, html: str) -> None:
    assert page(*made) == html


def test_what_comes_from_outside_is_text_and_stays_text() -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror='a()'>\"&"
    desk = Desk(D(1000), [instrument(f"{evil}-USD"), instrument("B-USD")])
    desk.candle(f"{evil}-USD", D(10), START)
    desk.fill(f"{evil}-USD", Side.BUY, D(1), D(10), D("0.1"), strategy=evil)
    desk.fill("B-USD", Side.BUY, D(1), D(10), D("0.1"), strategy="other")
    desk.candle("B-USD", D(11), START + HOUR)
    result = desk.result(
        title=evil,
        strategies=(evil, "other"),
        parameters={evil: {evil: evil}},
        settings={evil: evil},
        currency=evil,
        disabled={evil: evil},
        halted=evil,
        quarantines={evil: 1},
        quarantined=1,
        refusals={evil: 1},
        refused=1,
        other_fees={evil: D(1)},
        assumptions=(evil,),
        notes=(evil,),
    )
    parsed = Parsed(page(result))
    assert [tag for tag, _ in parsed.tags].count("script") == 2
    assert "img" not in {tag for tag, _ in parsed.tags}
    assert parsed.open == []
    assert parsed.drawn["prices"][0]["symbol"] == f"{evil}-USD"
    assert sum(evil in text for text in parsed.texts) >= 12


def test_a_run_without_points_or_trades_still_has_a_page() -> None:
    result = BacktestResult(D(100), EquityCurve.of_points(D(100), []), (), RunRecord(strategies=("s",), symbols=("A",)))
    parsed = Parsed(page(result))
    assert "s on A" in parsed.texts
    assert parsed.drawn["equity"]["t"] == []
    assert "Nothing was traded: there is no result to judge." in parsed.texts


def test_long_tables_are_bounded_and_say_so(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    result = made[0]
    monkeypatch.setattr(tables, "ROWS_MAX", 10)
    parsed = Parsed(tables.fills(result))
    assert [tag for tag, _ in parsed.tags].count("tr") == 11
    assert f"The last 10 of {result.fills} fills are listed; all are in the JSON." in parsed.texts
    assert str(result.fills) in parsed.texts


def test_sorting_keys_are_the_exact_values(made: Made) -> None:
    result = made[0]
    parsed = Parsed(tables.fills(result))
    keys = [found["data-sort"] for tag, found in parsed.tags if tag == "td" and "data-sort" in found]
    assert [D(key or "") for key in keys[2::6]] == [trade.price for trade in result.trades]


def test_several_symbols_and_strategies_have_their_columns_and_charts() -> None:
    desk = Desk(D(1000), [instrument(f"{name}-USD") for name in "ABCDEFGH"])
    for number, name in enumerate("ABCDEFGH"):
        desk.candle(f"{name}-USD", D(10), START + number)
        for _ in range(number + 1):
            desk.fill(f"{name}-USD", Side.BUY, D(1), D(10), D("0.1"), strategy=name)
    parsed = Parsed(page(desk.result(strategies=tuple("ABCDEFGH"))))
    assert [chart["symbol"][0] for chart in parsed.drawn["prices"]] == list("HGFEDC")
    assert {"Symbol", "Strategy", "Strategies"} <= {*parsed.texts}
    assert parsed.drawn["equity"]["m"] is None


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed; the page's script is not parsed")
def test_the_script_is_valid() -> None:
    script = Path(charts.__file__).with_name("page.js")
    done = subprocess.run(["node", "--check", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ----------------------------------------------------------------------------------------------------------- the charts


def test_the_drawn_curve_is_the_curve(made: Made) -> None:
    result = made[0]
    drawn = charts.equity_chart(result)
    exact = dict(zip(*result.equity_curve.vectors(), strict=True))
    assert len(drawn["t"]) <= 3 * 2 * charts.BUCKETS_MAX
    for time, value in zip(drawn["t"], drawn["v"], strict=True):
        assert value == pytest.approx(exact[time * 1_000_000], rel=1e-6)
    assert min(drawn["d"]) == pytest.approx(-float(result.max_drawdown), rel=1e-6)
    assert drawn["m"][-1] / 100_000 - 1 == pytest.approx(float(result.market_return or 0), rel=1e-5)


@pytest.mark.parametrize("close, pressed", [("12", "true"), ("900", "false")])
def test_a_market_that_would_dwarf_the_equity_waits_to_be_asked_for(close: str, pressed: str) -> None:
    desk = Desk(D(100), [instrument("BTC-USD")])
    desk.candle("BTC-USD", D(10), START + 1)
    desk.fill("BTC-USD", Side.BUY, D(1), D(2), D("0.1"))
    desk.candle("BTC-USD", D(close), START + HOUR)
    desk.fill("BTC-USD", Side.SELL, D(1), D(12), D("0.1"))
    desk.candle("BTC-USD", D(close), START + 2 * HOUR)
    parsed = Parsed(page(desk.result()))
    (found,) = (attributes for _, attributes in parsed.tags if attributes.get("data-do") == "market")
    assert found["aria-pressed"] == pressed
    assert parsed.drawn["equity"]["shown"] == (pressed == "true")


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(1, 40))
def test_thinning_keeps_the_ends_and_the_extremes_of_each_bucket(values: list[float], buckets: int) -> None:
    series = np.array(values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "BUCKETS_MAX", buckets)
        places = charts.extremes(series)
    kept = series[places]
    assert (np.diff(places) > 0).all()
    assert {0, len(values) - 1} <= {*places.tolist()}
    assert (kept.min(), kept.max()) == (series.min(), series.max())
    assert len(places) <= 2 * buckets + 4 or len(values) <= buckets
    size = -(-len(values) // buckets)
    for low in range(0, len(values) - size + 1, size):
        inside = kept[(places >= low) & (places < low + size)]
        part = series[low : low + size]
        assert (inside.min(), inside.max()) == (part.min(), part.max())


@given(st.integers(1, 200), st.integers(1, 60))
def test_merged_candles_are_those_of_a_plain_loop(count: int, buckets: int) -> None:
    candles = market(count, count)
    found = charts.bars_by_symbol(candles)["BTC-USD"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "BUCKETS_MAX", buckets)
        merged = charts.merged(found)
    size = -(-count // buckets)
    groups = [candles[low : low + size] for low in range(0, count, size)]
    assert merged.times.tolist() == [group[0].ts for group in groups]
    assert merged.open.tolist() == [float(group[0].open) for group in groups]
    assert merged.high.tolist() == [float(max(candle.high for candle in group)) for group in groups]
    assert merged.low.tolist() == [float(min(candle.low for candle in group)) for group in groups]
    assert merged.close.tolist() == [float(group[-1].close) for group in groups]


def test_candles_may_come_in_any_form_and_the_finest_are_drawn() -> None:
    fine = market(1, 40)
    coarse = [Candle(START, D(1), D(1), D(1), D(1), D(1), "BTC-USD", 24 * HOUR)]
    columns = CandleColumns.from_candles(fine)
    for form in (fine, coarse + fine, columns, [columns], {"BTC-USD": columns}, {"BTC-USD": fine}, iter(fine)):
        bars = charts.bars_by_symbol(form)["BTC-USD"]
        assert bars.close.tolist() == pytest.approx([float(candle.close) for candle in fine])
        assert bars.times.tolist() == [candle.ts for candle in fine]


def test_without_candles_the_closes_are_drawn_and_it_is_said(made: Made) -> None:
    parsed = Parsed(page(made[0]))
    (chart,) = parsed.drawn["prices"]
    assert chart["ofCloses"]
    assert any(text.startswith("Closing prices:") for text in parsed.texts)


def test_every_fill_is_marked_up_to_the_bound_and_then_it_is_said(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    result, candles = made
    (chart,) = charts.price_charts(result, candles)
    assert len(chart["ft"]) == chart["fills"] == result.fills
    assert chart["fp"] == pytest.approx([float(trade.price) for trade in result.trades], rel=1e-6)
    assert chart["fs"] == [int(trade.side is Side.BUY) for trade in result.trades]
    monkeypatch.setattr(charts, "FILLS_MAX", 20)
    parsed = Parsed(page(result, candles))
    shown = len(parsed.drawn["prices"][0]["ft"])
    assert shown <= 20
    assert any(f"{shown} of {result.fills} fills are marked" in text for text in parsed.texts)


def test_the_heat_map_has_every_month(made: Made) -> None:
    result = made[0]
    texts = Parsed(tables.heat_map(result.monthly_returns)).texts
    for month in result.monthly_returns:
        assert readable.percent(month.ratio, 1, signed=True) in texts
    growth = D(1)
    for month in result.monthly_returns:
        growth *= 1 + month.ratio
    assert readable.percent(growth - 1, 1, signed=True) in texts


def test_the_histogram_counts_every_trip(made: Made) -> None:
    trips = made[0].round_trips
    titles = [found.get("title") or "" for _, found in Parsed(tables.histogram(trips)).tags]
    counts = [int(title.split(" from ")[0]) for title in titles if " from " in title]
    assert sum(counts) == len(trips)
    half = len(counts) // 2
    assert sum(counts[half:]) == sum(trip.net >= 0 for trip in trips)


# ----------------------------------------------------------------------------------------------------------- the file


def test_the_file_is_written_whole_or_not_at_all(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.html"
    assert write_report(made[0], str(target)) == target
    text = target.read_text(encoding="utf-8")
    assert text == page(made[0])

    def full(self: Path, other: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(WorldError, match="No space left"):
        write_report(made[0], target)
    assert target.read_text(encoding="utf-8") == text
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]


def test_a_directory_that_is_not_there_is_one_line(made: Made, tmp_path: Path) -> None:
    with pytest.raises(
        WorldError, match=r"cannot write the report .*No such file.*name a directory that exists"
    ) as said:
        write_report(made[0], tmp_path / "nowhere" / "report.html")
    assert "\n" not in str(said.value)


# ---------------------------------------------------------------------------------------------------------- the words


def test_markup_escapes_everything_but_markup() -> None:
    assert markup.el("td", "<b>&\"'", class_='"x"') == '<td class="&quot;x&quot;">&lt;b&gt;&amp;&quot;&#x27;</td>'
    assert markup.el("p", markup.el("i", 1), "", hidden=True, title=None) == "<p hidden><i>1</i></p>"
    assert markup.el("meta", http_equiv="a") == '<meta http-equiv="a">'
    assert json.loads(re.sub("<.*?>", "", markup.data({"a": "</script>&"}, "x"))) == {"a": "</script>&"}


@pytest.mark.parametrize(
    "shown, expected",
    [
        (readable.money(D("-1234.565")), "-1,234.56"),
        (readable.money(D("-0.001"), signed=True), "0.00"),
        (readable.money(D("1234567.8"), 4, signed=True), "+1,234,567.8000"),
        (readable.money(None), "n/a"),
        (readable.percent(D("0.12345")), "12.34%"),
        (readable.percent(0.5, 0), "50%"),
        (readable.percent(None), "n/a"),
        (readable.percent(1e300, signed=True), "+1.000e+302%"),
        (readable.amount(D("1234567.8900")), "1,234,567.89"),
        (readable.amount(D("1E-8")), "0.00000001"),
        (readable.amount(D("-0")), "0"),
        (readable.span(timedelta(days=3, hours=4, minutes=5)), "3d 4h"),
        (readable.span(timedelta(hours=24)), "1d"),
        (readable.span(timedelta(minutes=5, seconds=12)), "5m 12s"),
        (readable.span(timedelta(milliseconds=250)), "250ms"),
        (readable.span(timedelta(0)), "0s"),
        (readable.span(None), "n/a"),
        (str(readable.places_for(D("0.5"))), "8"),
        (str(readable.places_for(D(5))), "4"),
    ],
)
def test_figures_read_as_people_write_them(shown: str, expected: str) -> None:
    assert shown == expected


def traded(
    nets: list[int], capital: int = 1000, fee: str = "0.1", slippage: str = "0.1", **record: object
) -> BacktestResult:
    """Closed round trips with these profits before fees, one a day over 120 days at least."""
    desk = Desk(D(capital), [instrument("BTC-USD")])
    desk.candle("BTC-USD", D(1000), START + 1)
    for number in range(max(120, len(nets))):
        desk.now = START + number * NS_PER_DAY
        if number < len(nets):
            desk.fill("BTC-USD", Side.BUY, D(1), D(1000), D(fee), slippage=D(slippage))
            desk.candle("BTC-USD", D(1000), desk.now + 10 * HOUR)
            desk.fill("BTC-USD", Side.SELL, D(1), D(1000 + nets[number]), D(fee), slippage=D(slippage))
        desk.candle("BTC-USD", D(1000), desk.now + 20 * HOUR)
    return desk.result(**record)


GOOD = [20, -15, 18, 12, -20] * 24


def test_a_sound_result_is_not_warned_about() -> None:
    assert traded(GOOD, capital=10_000).warnings == []


@pytest.mark.parametrize(
    "result, said",
    [
        (traded([]), "Nothing was traded: there is no result to judge."),
        (traded([20, 10, 20]), "Only 3 round trips closed"),
        (traded([20]), "Only 1 round trip closed"),
        (traded(GOOD, fee="0"), "No fees were charged"),
        (traded(GOOD, slippage="0"), "No slippage was simulated"),
        (traded(GOOD, fee="1"), "Fees and slippage took 69% of what was earned before them"),
        (traded(GOOD, fee="2"), "Costs ate the strategy: it earned 384.00 before fees and slippage and paid 504.00."),
        (traded([*GOOD, 900]), "One round trip carries the result: +899.80 of +1,235.80; without it +336.00 is left."),
        (traded([20] * 5, capital=10**5), "A position was held"),
        (traded([*GOOD, -500, *GOOD, *GOOD, 900]), "The account lost"),
        (traded([20, -900, *GOOD[:100]]), "and is not over"),
        (traded([-1100, *GOOD]), "The account was wiped out during the run"),
        (traded([20, 19] * 60, capital=10**5), "A Sharpe ratio of"),
        (traded(GOOD, liquidations=2), "The venue liquidated 2 positions"),
        (traded(GOOD, halted="daily loss"), "Trading was halted during the run: daily loss."),
        (traded(GOOD, disabled={"x": "it raised"}), "Strategy x was disabled during the run: it raised."),
        (traded(GOOD, refused=3, refusals={"margin": 3}), "Risk refused 3 orders (margin 3)."),
        (traded(GOOD, participation=D("0.34")), "A fill took 34% of its bar's volume"),
        (traded(GOOD, quarantined=1, quarantines={"jump": 1}), "1 market fact was not believed and left out (jump 1)."),
        (traded(GOOD, quarantined=2), "2 market facts were not believed and left out."),
        (traded(GOOD, gaps=27), "The data has 27 gaps"),
        (traded(GOOD, other_fees={"BNB": D("0.10")}), "Fees of 0.1 BNB have no price in this run"),
        (traded(GOOD, notes=("This market is synthetic.",)), "This market is synthetic."),
    ],
)
def test_a_colleague_would_say(result: BacktestResult, said: str) -> None:
    assert any(said in warning for warning in result.warnings), result.warnings
    assert result.warnings == warnings.warnings_of(result)


def test_short_histories_open_trips_and_better_markets_are_said() -> None:
    desk = Desk(D(1000), [instrument("BTC-USD")])
    desk.candle("BTC-USD", D(100), START + 1)
    desk.fill("BTC-USD", Side.BUY, D(1), D(100), D("0.1"))
    desk.candle("BTC-USD", D(150), START + NS_PER_DAY)
    said = desk.result().warnings
    assert any(text.startswith("The history covers 1 UTC day:") for text in said)
    assert "1 round trip still open at the end: +49.90 is not realized." in said
    assert "Holding the market would have earned +50.00%, the strategy +4.99%." in said

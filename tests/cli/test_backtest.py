"""`kedge backtest` from the file to the last question one can ask of its journal."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from kedge.strategies.library import SHIPPED

from .shell import HOUR_MS, START_MS, WAVES, Shell, candles

FIGURES = {
    "bars", "fills", "total_fees", "final_equity", "total_return", "max_drawdown", "sharpe_ratio", "win_rate", "load_seconds",
    "run_seconds", "trades",
}  # fmt: skip
MINE = """from kedge import BaseStrategy, Signal

class Mine(BaseStrategy):
    symbol: str = "BTC-USD"
    lowest: int = 90

    def required_symbols(self):
        return [self.symbol]

    def on_candle(self, candle):
        held = self.view.position(self.symbol)
        if candle.close <= self.lowest and not held:
            return [Signal.buy(self.symbol)]
        if candle.close >= 118 and held > 0:
            return [Signal.close(self.symbol)]
"""


def result(shell: Shell, *arguments: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(shell.done("backtest", *arguments, "--json", "-"))
    del found["load_seconds"], found["run_seconds"]
    return found


@pytest.mark.parametrize("strategy", SHIPPED)
def test_each_shipped_strategy_runs_on_real_candles_and_its_journal_answers(
    shell: Shell, shared: Path, strategy: str
) -> None:
    data = [f"{shared}/data/binance_spot_BTCUSDT_1h_2018_2026.csv.gz"]
    if strategy == "pairs":
        data = [f"BTC-USD={data[0]}", f"ETH-USD={shared}/data/binance_spot_ETHUSDT_1h_2018_2026.csv.gz"]
    files = [part for each in data for part in ("--data", each)]
    period = ("--start", "2024-01-01", "--end", "2024-02-01T00:00:00Z")
    out = shell.done("backtest", strategy, *files, *period, "--report", "r.html", "--journal", "j", "--json", "r.json")
    assert "Final equity" in out
    assert "report: r.html" in out
    found = json.loads(Path("r.json").read_text())
    assert set(found) >= FIGURES
    assert found["bars"] == 744 * len(data)
    assert found["fills"] == len(found["trades"]) > 0
    for name in ("total_fees", "final_equity", "total_return", "max_drawdown", "win_rate"):
        assert isinstance(found[name], str), name
        assert Decimal(found[name]).is_finite()
    trade = found["trades"][0]
    assert all(isinstance(trade[name], str) for name in ("price", "quantity", "fee"))
    page = Path("r.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "http://" not in page.replace("http://www.w3.org", "")

    assert "intact" in shell.done("audit", "verify", "j")
    assert "agrees" in shell.done("audit", "replay", "j")
    replayed = json.loads(shell.done("audit", "replay", "j", "--json", "-"))
    assert replayed["ok"]
    assert replayed["folded"] == replayed["decided"]
    chain = json.loads(shell.done("audit", "explain", "j", trade["order_id"], "--json", "-"))
    kinds = [line["kind"] for line in chain["lines"]]
    assert chain["verdict"] == "approved"
    assert [kind for kind in kinds if kind in {"signal", "sized", "approved", "fill", "booked"}][:4] == [
        "signal",
        "sized",
        "approved",
        "fill",
    ]
    told = shell.done("audit", "explain", "j", trade["order_id"])
    assert "passed  margin" in told
    assert "passed  order_rate" in told or "passed  tick" in told
    fills = json.loads(shell.done("audit", "show", "j", "--kind", "fill", "--limit", "100000", "--json", "-"))
    assert len(fills) == found["fills"]
    assert Decimal(fills[0]["body"]["price"]) == Decimal(trade["price"])


def test_the_same_candles_in_any_form_give_the_same_result(shell: Shell) -> None:
    text = candles(WAVES)
    shell.write("packed.csv.gz", gzip.compress(text.encode()))
    shell.write("seconds.csv", "\n".join(
        ["date,close,volume,open,low,high"]
        + [f"{START_MS // 1000 + at * 3600},{c},10,{c},{c - 1},{c + 1}" for at, c in enumerate(WAVES)]
    ))  # fmt: skip
    numbers = {
        name: pa.array([float(c + add) for c in WAVES])
        for name, add in (("open", 0), ("high", 1), ("low", -1), ("close", 0))
    }
    times = pa.array([(START_MS + at * HOUR_MS) * 1000 for at in range(len(WAVES))], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"timestamp": times, **numbers, "volume": pa.array([10] * len(WAVES))}), "foreign.parquet")
    shell.done("data", "import", "market.csv", "--catalogue", "c")
    (stored,) = Path("c").rglob("*.parquet")
    wanted = result(shell, "sma_cross", "--data", "market.csv")
    assert wanted["fills"]
    for name in ("packed.csv.gz", "seconds.csv", "foreign.parquet", str(stored)):
        assert result(shell, "sma_cross", "--data", name) == wanted, name
    assert "report" in shell.done("backtest", "sma_cross", "--data", str(stored), "--report", "r.html")


def test_several_files_make_several_symbols(shell: Shell) -> None:
    shell.write("eth.csv", candles([close // 2 + at * 7 % 5 for at, close in enumerate(WAVES)]))
    found = result(
        shell, "pairs", "--data", "market.csv", "--data", "ETH-USD=eth.csv", "--param", "window=10",
        "--param", "entry_z=1.5", "--journal", "j", "--report", "r.html",
    )  # fmt: skip
    assert found["symbols"] == ["BTC-USD", "ETH-USD"]
    assert {trade["symbol"] for trade in found["trades"]} == {"BTC-USD", "ETH-USD"}  # type: ignore[attr-defined]
    assert "agrees" in shell.done("audit", "replay", "j")


def test_one_file_of_another_symbol_sets_the_strategy_to_it(shell: Shell) -> None:
    assert result(shell, "sma_cross", "--data", "SOL-USD=market.csv")["symbols"] == ["SOL-USD"]


def test_a_file_whose_name_has_an_equals_sign_is_a_file(shell: Shell) -> None:
    shell.write("a=b.csv", candles(WAVES))
    assert result(shell, "sma_cross", "--data", "a=b.csv")["symbols"] == ["BTC-USD"]


@pytest.mark.parametrize("named", ["mine.py:Mine", "folder/mine.py:Mine", "kedge_test_mine:Mine"])
def test_a_strategy_of_ones_own_is_run_and_replayed(shell: Shell, named: str) -> None:
    shell.write(named.partition(":")[0].removesuffix(".py") + ".py", MINE)
    run = ("backtest", named, "--data", "market.csv", "--param", "lowest=105", "--journal", "j")
    assert "Fills" in shell.done(*run)
    assert "agrees" in shell.done("audit", "replay", "j")
    start = json.loads(shell.done("audit", "show", "j", "--limit", "1", "--json", "-"))[0]["body"]
    (spec,) = start["strategies"]
    assert (spec["source"], spec["parameters"]) == (named, {"symbol": "BTC-USD", "lowest": "105"})


def test_options_mean_what_they_say(shell: Shell) -> None:
    base = result(shell, "sma_cross", "--data", "market.csv")
    free = result(shell, "sma_cross", "--data", "market.csv", "--fee", "0", "--slippage-bps", "0", "--capital", "500")
    assert (base["initial_capital"], free["initial_capital"]) == ("10000", "500")
    assert (free["total_fees"], free["total_slippage"]) == ("0", "0")
    assert Decimal(str(base["total_fees"])) > 0
    part = result(shell, "sma_cross", "--data", "market.csv", "--start", "2024-01-02", "--end", "2024-01-04")
    assert part["bars"] == 48
    late = result(shell, "sma_cross", "--data", "market.csv", "--latency-ms", "5000")
    assert late["trades"] != base["trades"]
    twice = result(shell, "sma_cross", "--data", "market.csv", "--leverage", "2", "--journal", "j")
    assert twice["settings"]["leverage"] == "2"  # type: ignore[index]


def test_a_configuration_limits_the_run_and_an_option_wins_over_it(shell: Shell) -> None:
    shell.done("init", "p")
    text = Path("p/kedge.toml").read_text().replace('order_notional_max = "50000"', 'order_notional_max = "50"')
    shell.write("tight.toml", text)
    found = result(shell, "sma_cross", "--data", "market.csv", "--config", "tight.toml", "--capital", "77")
    assert found["initial_capital"] == "77"
    assert found["refused"] > found["fills"] == 0  # type: ignore[operator]


def test_a_backtest_is_a_function_of_what_it_was_given(shell: Shell) -> None:
    run = ("backtest", "sma_cross", "--data", "market.csv", "--journal")
    shell.done(*run, "j")
    shell.done(*run, "deep/er/j")
    assert {path.name: path.read_bytes() for path in Path("j").iterdir()} == {
        path.name: path.read_bytes() for path in Path("deep/er/j").iterdir()
    }


def test_c25_one_order_is_reconstructed_from_the_journal_alone(shell: Shell) -> None:
    shell.write("mine.py", MINE)
    found = result(shell, "mine.py:Mine", "--data", "market.csv", "--param", "lowest=105", "--journal", "j")
    first: dict[str, str] = found["trades"][0]  # type: ignore[index]
    for name in ("mine.py", "market.csv"):
        Path(name).unlink()
    chain = json.loads(shell.done("audit", "explain", "j", first["order_id"], "--json", "-"))
    bodies = {line["kind"]: line["body"] for line in reversed(chain["lines"])}
    assert [line["kind"] for line in chain["lines"]][:4] == ["candle", "signal", "sized", "approved"]
    assert Decimal(bodies["candle"]["close"]) <= 105
    assert bodies["signal"]["strategy"] == bodies["approved"]["intent"]["strategy"] == "Mine"
    checks = bodies["approved"]["checks"]
    assert "failed" not in checks
    assert set(checks["names"]) >= {"instrument", "values", "margin", "tick", "lot"}
    assert len(checks["names"]) == len(checks["figures"]) == len(checks["limits"])
    assert (Decimal(bodies["fill"]["price"]), Decimal(bodies["fill"]["fee"])) == (
        Decimal(first["price"]),
        Decimal(first["fee"]),
    )
    assert Decimal(bodies["booked"]["position"]) == Decimal(first["quantity"])
    manifest = json.loads(shell.done("audit", "show", "j", "--limit", "1", "--json", "-"))[0]["body"]
    (spec,) = manifest["strategies"]
    assert spec["code_sha256"] == sha256(MINE.encode()).hexdigest()
    assert len(manifest["code_sha256"]) == 64
    assert manifest["interpreter"]


def test_show_filters(shell: Shell) -> None:
    found = result(shell, "sma_cross", "--data", "market.csv", "--journal", "j")
    order = found["trades"][0]["order_id"]  # type: ignore[index]
    wanted: dict[tuple[str, ...], object] = {
        ("--kind", "approved", "--kind", "fill"): lambda row: row["kind"] in ("approved", "fill"),
        ("--order", order): lambda row: order in json.dumps(row["body"]),
        ("--strategy", "SmaCrossStrategy"): lambda row: "SmaCrossStrategy" in json.dumps(row["body"]),
        ("--symbol", "BTC-USD"): lambda row: "BTC-USD" in json.dumps(row["body"]),
        ("--since", "2024-01-05"): lambda row: row["at"] >= "2024-01-05",
        ("--until", "2024-01-05"): lambda row: row["at"] < "2024-01-05",
        ("--from", "100"): lambda row: row["n"] >= 100,
    }
    everything = json.loads(shell.done("audit", "show", "j", "--limit", "100000", "--json", "-"))
    for arguments, keep in wanted.items():
        rows = json.loads(shell.done("audit", "show", "j", *arguments, "--limit", "100000", "--json", "-"))
        assert rows == [row for row in everything if keep(row)], arguments  # type: ignore[operator]
        assert 0 < len(rows) < len(everything), arguments
    assert shell.done("audit", "show", "j", "--limit", "3").startswith("3 records")


def test_a_journal_of_the_first_schema_is_still_shown_and_explained(shell: Shell) -> None:
    golden = str(Path(__file__).parents[1] / "golden" / "journals" / "start-1")
    shown = shell.done("audit", "show", golden)
    assert shown.count("checks=12 passed") == 2
    explained = shell.done("audit", "explain", golden, "bt-1-10")
    assert "passed  lot: 82.81573498 against 1E-8" in explained
    assert "passed  margin: 9533.33333222270 against 10000" in explained
    told = json.loads(shell.done("audit", "explain", golden, "bt-1-10", "--json", "-"))
    approved = next(line for line in told["lines"] if line["kind"] == "approved")
    assert (approved["schema"], approved["body"]["checks"][0]) == (1, ["instrument", True, "0", None, ""])

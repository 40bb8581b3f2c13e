"""Every real file of the project's data, against the slow reading of its text."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from kedge.model.instant import NS_PER_MS
from kedge.model.market import FundingRate, Trade
from kedge.model.order import Side
from kedge.storage.catalogue import Catalogue
from kedge.storage.columns import CandleColumns
from kedge.storage.formats import read_candles, read_funding, read_mark_candles, read_trades
from tests.storage.oracle import REAL, candles_of, need, real_files, text_rows

MINUTE = 60_000_000_000
INTERVALS = {"1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": 60 * MINUTE}


def interval_of(path: Path) -> int:
    return next(INTERVALS[word] for word in path.name.split(".")[0].split("_") if word in INTERVALS)


CANDLE_FILES = [
    path
    for path in real_files("*.csv.gz")
    if not any(word in path.name for word in ("trades", "funding", "nautilus", "ftx"))
]


@pytest.mark.parametrize("path", CANDLE_FILES or [REAL / "none"], ids=lambda path: path.name)
def test_candles_are_read_as_written(path: Path) -> None:
    rows = text_rows(need(path))
    read = (read_mark_candles if "_mark_" in path.name else read_candles)(path, "X-Y")
    assert read.notes == ()
    assert read.columns.interval == interval_of(path)
    for found, expected in zip(read.columns.candles(), candles_of(rows, "X-Y", interval_of(path)), strict=True):
        assert found == expected


def test_volumes_summed_in_floats_are_cut_after_the_tenth_decimal() -> None:
    path = need(REAL / "ftx_BTC-PERP_1m_2022-01.csv.gz")
    read = read_candles(path, "X-Y")
    assert len(read.notes) == 1
    for found, row in zip(read.columns.candles(), text_rows(path), strict=True):
        assert (found.open, found.high, found.low, found.close) == tuple(map(Decimal, row[1:5]))
        assert 0 <= Decimal(row[5]) - found.volume < Decimal("1E-10")


@pytest.mark.parametrize("path", real_files("*funding*") or [REAL / "none"], ids=lambda path: path.name)
def test_funding_is_read_as_written(path: Path) -> None:
    expected = [FundingRate(int(ms) * NS_PER_MS, Decimal(rate), "X-Y") for ms, rate in text_rows(need(path))]
    assert list(read_funding(path, "X-Y").columns.rates()) == expected


def test_trades_are_read_as_written() -> None:
    path = need(REAL / "binance_spot_XRPETH_trades_2019-10.csv.gz")
    expected = [
        Trade(int(ms) * NS_PER_MS, Decimal(price), Decimal(amount), "X-Y", Side(side), name)
        for ms, name, side, price, amount in text_rows(path)
    ]
    assert list(read_trades(path, "X-Y").columns.trades()) == expected


def test_a_real_file_survives_the_catalogue(tmp_path: Path) -> None:
    path = need(REAL / "binance_spot_BTCUSDT_1h_2018_2026.csv.gz")
    read = read_candles(path)
    data = Catalogue(tmp_path)
    assert data.import_file(path, "binance").added == len(read.columns) == 73_265
    assert data.import_file(path, "binance").added == 0
    assert data.open("binance", "BTC-USD", 60 * MINUTE).columns() == read.columns
    (listed,) = data.list()
    assert listed.missing == 122
    again = CandleColumns.from_candles(list(read.columns.candles())[:2_000])
    assert again == read.columns[:2_000].normalized()

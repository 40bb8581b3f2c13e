from __future__ import annotations

import pytest

from kedge.model.errors import DataError
from kedge.storage.layout import CANDLE_FIELDS, TRADE_FIELDS, headerless_names, pick, plain_name


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("openTime", "open_time"),
        ("Open time", "open_time"),
        ("<OPEN>", "open"),
        (" Volume (BTC) ", "volume_btc"),
        ("T", "t"),
        ("Open", "open"),
        ("OPEN", "open"),
        ("Unnamed: 0", "unnamed_0"),
    ],
)
def test_names_are_compared_in_one_form(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@pytest.mark.parametrize(
    ("header", "indexes", "unit"),
    [
        ("open_time_ms,open,high,low,close,volume", [0, 1, 2, 3, 4, 5], "ms"),
        ("ts,o,h,l,c,v", [0, 1, 2, 3, 4, 5], None),
        ("T,O,H,L,C,VOL", [0, 1, 2, 3, 4, 5], None),
        ("Date,Open,High,Low,Close,Adj Close,Volume", [0, 1, 2, 3, 4, 6], None),
        ("volume,close,low,high,open,timestamp_us", [5, 4, 3, 2, 1, 0], "us"),
        ("unix,date,symbol,open,high,low,close,Volume BTC,Volume USDT,tradecount", [0, 3, 4, 5, 6, 7], None),
        (",open,high,low,close,volume", [0, 1, 2, 3, 4, 5], None),
        (
            "Open time,Open,High,Low,Close,Volume,Close time,Quote asset volume,Number of trades,Ignore",
            [0, 1, 2, 3, 4, 5],
            None,
        ),
        ("time_seconds,open,high,low,close,base_volume,quote_volume", [0, 1, 2, 3, 4, 5], "s"),
    ],
)
def test_candle_columns_are_found_by_their_names(header: str, indexes: list[int], unit: str | None) -> None:
    picked = pick(header.split(","), CANDLE_FIELDS, "f.csv")
    assert [column.index for column in picked] == indexes
    assert picked[0].unit == unit


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("time,open,high,low,close", r"f\.csv: no volume column among .* name one of them 'volume'"),
        ("open,high,low,close,volume", "no time column"),
        ("time,open,high,low,close,close,volume", "'close' and 'close' .*both the close; rename or remove one"),
        ("time,open,o,high,low,close,volume", "'open' and 'o' .*both the open"),
        ("time,Time,open,high,low,close,volume", "'time' and 'Time' .*both the time"),
        ("time,open,high,low,close,volume_btc,volume_eth", "both the volume"),
        ("time,open,high,low,close,volume_usdt", "no volume column"),
        ("close_time,open,high,low,close,volume", "no time column"),
    ],
)
def test_a_missing_or_double_column_is_refused(header: str, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        pick(header.split(","), CANDLE_FIELDS, "f.csv")


def test_trades_need_no_side_and_no_id() -> None:
    picked = pick(["price", "time_ms", "amount"], TRADE_FIELDS, "f.csv")
    assert [(column.role, column.index) for column in picked] == [("time", 1), ("price", 0), ("quantity", 2)]


def test_a_first_line_of_numbers_is_data_of_a_known_shape() -> None:
    binance = [
        "1499040000000",
        "0.0163",
        "0.8",
        "0.0157",
        "0.0157",
        "148976.1",
        "1499644799999",
        "2434.1",
        "308",
        "1756.8",
        "28.4",
        "0",
    ]
    names = headerless_names(binance, "f.csv")
    assert names is not None
    assert names[:6] == ("open_time", "open", "high", "low", "close", "volume")
    assert headerless_names(["2024-01-01", "1", "3", "1", "2", "9"], "f.csv") == names[:6]
    assert headerless_names(["time", "open", "high", "low", "close", "volume"], "f.csv") is None


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("1,2,3,4", "4 numbers and no column names; add a header"),
        ("1700000000,5,4,3,2,1", r"not time,open,high,low,close,volume \(high 4, low 3\)"),
    ],
)
def test_numbers_of_an_unknown_shape_are_refused(row: str, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        headerless_names(row.split(","), "f.csv")

"""Candle, trade, quote, funding and mark files as users have them, good and bad."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedge.model.errors import DataError
from kedge.model.market import Candle, FundingRate, MarkPrice, Quote, Trade
from kedge.model.order import Side
from kedge.storage import source
from kedge.storage.formats import (
    read_candles,
    read_funding,
    read_mark_candles,
    read_marks,
    read_quotes,
    read_trades,
)
from tests.storage.oracle import candle_of

HEADER = "open_time_ms,open,high,low,close,volume"
MINUTE = 60_000_000_000
START_MS = 1_700_000_040_000


def lines(count: int = 5) -> list[str]:
    return [f"{START_MS + at * 60_000},10{at}.5,11{at},9{at}.25,10{at},{at}.75" for at in range(count)]


def expected(count: int = 5) -> list[Candle]:
    return [
        Candle(
            (START_MS + at * 60_000) * 1_000_000,
            Decimal(f"10{at}.5"),
            Decimal(f"11{at}"),
            Decimal(f"9{at}.25"),
            Decimal(f"10{at}"),
            Decimal(f"{at}.75"),
            "BTC-USD",
            MINUTE,
        )
        for at in range(count)
    ]


def write(path: Path, *rows: str, end: str = "\n") -> Path:
    path.write_bytes("".join(row + end for row in rows).encode())
    return path


def iso(ms: int, form: str) -> str:
    return datetime.fromtimestamp(ms // 1000, tz=UTC).strftime(form)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([HEADER, *lines()], id="plain"),
        pytest.param(["ts,o,h,l,c,v", *lines()], id="short names, unit by size"),
        pytest.param(["time;open;high;low;close;volume", *(r.replace(",", ";") for r in lines())], id="semicolons"),
        pytest.param(["time\topen\thigh\tlow\tclose\tvolume", *(r.replace(",", "\t") for r in lines())], id="tabs"),
        pytest.param([HEADER, "", *lines(), "", "  "], id="blank lines"),
        pytest.param(["# exported", HEADER, *lines()], id="comment first"),
        pytest.param([HEADER, *(r.replace(",", ", ") for r in lines())], id="blanks after commas"),
        pytest.param([HEADER, *(",".join(f'"{v}"' for v in r.split(",")) for r in lines())], id="quoted"),
        pytest.param([HEADER + ",note", *(r + ',"a, ""b"""' for r in lines())], id="quoted text beside"),
        pytest.param([HEADER + ",näme", *(r + ",ä€" for r in lines())], id="other letters beside"),
        pytest.param(
            [
                "time,open,high,low,close,volume",
                *(
                    r.replace("040000,", "040,")
                    .replace("100000,", "100,")
                    .replace("160000,", "160,")
                    .replace("220000,", "220,")
                    .replace("280000,", "280,")
                    for r in lines()
                ),
            ],
            id="seconds",
        ),
        pytest.param(["time,open,high,low,close,volume", *(r.replace(",", "000,", 1) for r in lines())], id="us"),
        pytest.param(["time,open,high,low,close,volume", *(r.replace(",", "000000,", 1) for r in lines())], id="ns"),
        pytest.param(
            ["time_s,open,high,low,close,volume", *(r[:10] + "." + r[10:] for r in lines())], id="fractional s"
        ),
        pytest.param([HEADER, *(r.replace(".5,", ".50000000,") for r in lines())], id="trailing zeros"),
        pytest.param([HEADER, *(r.replace(".75", "75e-2") for r in lines())], id="exponents"),
        pytest.param([HEADER, *(r.replace(",10", ",+10") for r in lines())], id="plus signs"),
        pytest.param(
            [
                "open,time,close,high,low,x,volume",
                *(f"{o},{t},{c},{h},{low},?,{v}" for t, o, h, low, c, v in (r.split(",") for r in lines())),
            ],
            id="any order",
        ),
        pytest.param([r + ",9,9,9,9,9,9" for r in lines()], id="headerless kline dump"),
        pytest.param(lines(), id="headerless six columns"),
    ],
)
@pytest.mark.parametrize("form", ["lf", "crlf", "gzip", "no last line end", "bom"])
def test_all_common_forms_of_the_same_candles_are_the_same(tmp_path: Path, rows: list[str], form: str) -> None:
    path = write(tmp_path / "c.csv", *rows, end="\r\n" if form == "crlf" else "\n")
    content = path.read_bytes()
    if form == "gzip":
        path.write_bytes(gzip.compress(content))
    elif form == "no last line end":
        path.write_bytes(content.rstrip(b" \r\n"))
    elif form == "bom":
        path.write_bytes(b"\xef\xbb\xbf" + content)
    read = read_candles(path)
    assert list(read.columns.candles()) == expected()
    assert read.columns.price_scale == 2
    assert read.columns.size_scale == 2


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M:%S.000+00:00"]
)
def test_iso_times_are_read_as_utc(tmp_path: Path, form: str) -> None:
    rows = [iso(int(row[:13]), form) + row[13:] for row in lines()]
    path = write(tmp_path / "c.csv", "date,open,high,low,close,volume", *rows)
    assert list(read_candles(path).columns.candles()) == expected()
    mixed = write(
        tmp_path / "m.csv", "date,open,high,low,close,volume", *rows[:3], '"' + rows[3].replace(",", '",', 1), rows[4]
    )
    assert list(read_candles(mixed).columns.candles()) == expected()


def test_iso_times_with_a_zone_are_moved_to_utc(tmp_path: Path) -> None:
    path = write(
        tmp_path / "c.csv",
        "date,open,high,low,close,volume",
        "2024-01-01T02:00:00+02:00,1,1,1,1,1",
        "2023-12-31T19:30:00-05:30,1,1,1,1,1",
    )
    read = read_candles(path, interval=1)
    assert [candle.timestamp.isoformat() for candle in read.columns.candles()] == [
        "2024-01-01T00:00:00+00:00",
        "2024-01-01T01:00:00+00:00",
    ]


good = st.decimals(min_value=-(10**9), max_value=10**9, places=6).map(lambda value: format(value, "f"))
odd = st.sampled_from(["1e3", "+5", ".5", "5.", "-0", "000.10", "1E-6", "-.25"])
volumes = st.decimals(min_value=0, max_value=10**9, places=8).map(lambda value: format(value, "f"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(*[good | odd] * 4, volumes), min_size=2, max_size=30),
    block=st.sampled_from([1, 100, 1 << 20]),
)
def test_every_way_of_reading_equals_the_text_through_decimal(
    tmp_path: Path, rows: list[tuple[str, ...]], block: int
) -> None:
    path = write(tmp_path / "c.csv", HEADER, *(f"{START_MS + at},{','.join(row)}" for at, row in enumerate(rows)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK_BYTES", block)
        read = read_candles(path)
    assert list(read.columns.candles()) == [
        candle_of((START_MS + at) * 1_000_000, row[:4], row[4], "BTC-USD", 1_000_000) for at, row in enumerate(rows)
    ]
    assert read.columns.normalized() == read.columns


BAD_FILES = [
    pytest.param([HEADER], "has a header and no rows", id="no rows"),
    pytest.param(["", "  "], "no header and no rows", id="blank"),
    pytest.param(["hello"], "no time column", id="one word"),
    pytest.param(["time,open,high,low,close", *lines()], "no volume column", id="column missing"),
    pytest.param(
        [HEADER, *lines(), "1700000340000,1,2,3"], "line 7 has 4 fields where the header has 6", id="short row"
    ),
    pytest.param([HEADER, *lines(), lines()[0] + ",9"], "line 7 has 7 fields", id="long row"),
    pytest.param([HEADER, *lines(), "x,1,2,3,4,5"], "line 7: open_time_ms is 'x'", id="time is a word"),
    pytest.param([HEADER, *lines(), f"{START_MS},1,2,x3,4,5"], "line 7: low is 'x3', not a finite number", id="word"),
    pytest.param([HEADER, *lines(), f"{START_MS},1,2,3,nan,5"], "line 7: close is 'nan', not a finite", id="nan"),
    pytest.param([HEADER, *lines(), f"{START_MS},1,inf,3,4,5"], "line 7: high is 'inf', not a finite", id="inf"),
    pytest.param(
        [HEADER, *lines(), f"{START_MS},1,2,3,4,"], "line 7: volume is '', not a finite number", id="no volume"
    ),
    pytest.param([HEADER, *lines(), f"{START_MS},1,2,,4,5"], "line 7: low is ''", id="hole"),
    pytest.param([HEADER, *lines(), f"{START_MS},1_0,2,3,4,5"], "line 7: open is '1_0'", id="underscore"),
    pytest.param([HEADER, *lines(), f"{START_MS},1-2,2,3,4,5"], "line 7: open is '1-2'", id="minus inside"),
    pytest.param([HEADER, *lines(), f"{START_MS},--1,2,3,4,5"], "line 7: open is '--1'", id="two minus"),
    pytest.param([HEADER, *lines(), f"{START_MS},1.2.3,2,3,4,5"], "line 7: open is '1.2.3'", id="two points"),
    pytest.param([HEADER, *lines(), f"{START_MS},.,2,3,4,5"], r"line 7: open is '\.'", id="a point"),
    pytest.param([HEADER, *lines(), f"{START_MS},-,2,3,4,5"], "line 7: open is '-'", id="a minus"),
    pytest.param([HEADER, *lines(), f"{START_MS},$5,2,3,4,5"], r"line 7: open is '\$5'", id="currency"),
    pytest.param([HEADER, *lines(), f"{START_MS},0x10,2,3,4,5"], "line 7: open is '0x10'", id="hex"),
    pytest.param([HEADER, *lines(), f"{START_MS},\u0661,2,3,4,5"], "line 7: open is", id="digits of another script"),
    pytest.param([HEADER, *lines(), f"{START_MS},1e999,2,3,4,5"], "line 7: open is .* does not fit", id="huge"),
    pytest.param([HEADER, *lines(), f"{START_MS},1e-30,2,3,4,5"], "line 7: open is '1e-30', more than 18", id="tiny"),
    pytest.param(
        [HEADER, *lines(), f"{START_MS},{'9' * 30},2,3,4,5"], "line 7: open is .* fit 63 bits", id="30 digits"
    ),
    pytest.param([HEADER, *lines(), f"{START_MS},{'9' * 300},2,3,4,5"], "line 7: open is", id="300 digits"),
    pytest.param(
        [HEADER, f"{START_MS},99999999999999,1.000000000001,3,4,5"], "fit 63 bits with 12", id="no scale fits"
    ),
    pytest.param(
        [HEADER, *lines(), "1700000340,1,2,3,4,5"],
        "line 7: open_time_ms is 1700000340, .*in s where the column is in ms",
        id="unit changes",
    ),
    pytest.param(
        [HEADER, "1700000340,1,2,3,4,5"], "line 2: open_time_ms is 1700000340, which is in s", id="not the named unit"
    ),
    pytest.param(
        ["time,open,high,low,close,volume", "12345,1,2,3,4,5"], "line 2: time is 12345, which is no time", id="no time"
    ),
    pytest.param(["time,open,high,low,close,volume", "-5,1,2,3,4,5"], "line 2: time is -5", id="negative time"),
    pytest.param(["time,open,high,low,close,volume", "20240101,1,2,3,4,5"], "is no time", id="date as a number"),
    pytest.param(
        ["date,open,high,low,close,volume", "01/02/2024,1,2,3,4,5"], "line 2: date is '01/02/2024'", id="which month"
    ),
    pytest.param(
        ["date,open,high,low,close,volume", "2024-01-01,1,2,3,4,5", "2024-02-30,1,2,3,4,5"],
        "line 3: date is '2024-02-30', which is not a time: day",
        id="30 February",
    ),
    pytest.param(
        ["date,open,high,low,close,volume", "2024-01-01,1,2,3,4,5", "1700000000,1,2,3,4,5"],
        "line 3: date is '1700000000'",
        id="number among dates",
    ),
    pytest.param([HEADER, *lines(), HEADER, *lines()], "line 7: open_time_ms is 'open_time_ms'", id="header twice"),
    pytest.param([HEADER, lines()[0]], "no two different times, so its interval cannot be told", id="one row"),
    pytest.param([HEADER, lines()[0], lines()[0]], "no two different times", id="the same row twice"),
    pytest.param([HEADER, *lines(), '"1,2,3,4,5,6'], "line 7 is not CSV", id="open quote"),
    pytest.param(
        [HEADER, *lines(), "1700000340000,1,2,3\r4,5,6"], "line 7 is not CSV|line 7", id="lone carriage return"
    ),
    pytest.param([HEADER, *lines(), f"{START_MS},1,2,3,4,5\0"], "holds binary data", id="NUL"),
    pytest.param(
        ["time,open,high,low,close,volume", *(r.replace(",", ";") for r in lines())],
        "has 1 fields",
        id="other delimiter below",
    ),
    pytest.param(
        ["time;open;high;low;close;volume", "1700000000;1,5;2;1;2;5"], "line 2: open is '1,5'", id="decimal comma"
    ),
    pytest.param([HEADER + "," + HEADER, *(f"{r},{r}" for r in lines())], "both the time", id="columns twice"),
    pytest.param(["1,2,3,4,5"], "5 numbers and no column names", id="headerless of unknown shape"),
]


@pytest.mark.parametrize(("rows", "complaint"), BAD_FILES)
@pytest.mark.parametrize("block", [40, 1 << 20])
def test_a_bad_file_is_one_line_that_names_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[str], complaint: str, block: int
) -> None:
    monkeypatch.setattr(source, "BLOCK_BYTES", block)
    path = write(tmp_path / "c.csv", *rows)
    with pytest.raises(DataError, match=complaint) as caught:
        read_candles(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_text_that_is_not_utf8_is_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes((HEADER + "\n" + "\n".join(lines())).encode() + b"\n1700000340000,1,2,3,4,5\xff\n")
    with pytest.raises(DataError, match=r"line 7 is not UTF-8 \(byte 0xff\); save the file as UTF-8"):
        read_candles(path)


def test_bad_market_data_is_passed_on_for_the_core_to_judge(tmp_path: Path) -> None:
    rows = [*lines(3), lines()[1], f"{START_MS + 60_000},-5,1,9,0,-1", lines()[0]]
    read = read_candles(write(tmp_path / "c.csv", HEADER, *rows))
    candles = list(read.columns.candles())
    assert candles[:3] == expected(3)
    assert candles[3] == expected()[1]
    assert candles[4] == candle_of((START_MS + 60_000) * 10**6, ("-5", "1", "9", "0"), "-1", "BTC-USD", MINUTE)
    assert candles[5] == expected()[0]
    assert any("2 rows are earlier than the row before" in note for note in read.notes)


def test_a_file_with_the_newest_first_says_so(tmp_path: Path) -> None:
    read = read_candles(write(tmp_path / "c.csv", HEADER, *reversed(lines())))
    assert read.columns.interval == MINUTE
    assert any("newest first" in note for note in read.notes)


def test_the_interval_is_the_most_common_step(tmp_path: Path) -> None:
    minutes = [0, 5, 10, 25, 30, 35, 36]
    rows = [f"{START_MS + at * 60_000},1,1,1,1,1" for at in minutes]
    path = write(tmp_path / "c.csv", HEADER, *rows)
    assert read_candles(path).columns.interval == 5 * MINUTE
    assert read_candles(path, interval=MINUTE).columns.interval == MINUTE
    assert read_candles(path, "ETH-USD").columns.symbol == "ETH-USD"


def test_volumes_with_residue_of_floats_are_cut_and_said(tmp_path: Path) -> None:
    rows = [f"{START_MS},1,1,1,1,218102.59507500002", f"{START_MS + 1},1,1,1,1,134918704.7632"]
    read = read_candles(write(tmp_path / "c.csv", HEADER, *rows))
    assert [candle.volume for candle in read.columns.candles()] == [
        Decimal("218102.5950750000"),
        Decimal("134918704.7632"),
    ]
    assert read.notes == ("volume: digits too fine to fit beside the largest value are cut off after 10 decimals",)


def test_the_progress_of_reading_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "BLOCK_BYTES", 400)
    path = write(tmp_path / "c.csv", HEADER, *(f"{START_MS + at},1,1,1,1,1" for at in range(100)))
    told: list[int] = []
    read_candles(path, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 100
    assert len(told) > 3


def test_mark_candles_need_no_volume(tmp_path: Path) -> None:
    rows = [row.rsplit(",", 1)[0] for row in lines()]
    bare = write(tmp_path / "m.csv", HEADER.removesuffix(",volume"), *rows)
    empty = write(tmp_path / "e.csv", HEADER, *(row + "," for row in rows))
    for path in (bare, empty):
        candles = list(read_mark_candles(path).columns.candles())
        assert [(c.ts, c.close, c.volume) for c in candles] == [(c.ts, c.close, Decimal(0)) for c in expected()]
        marks = list(read_marks(path, "BTC-USD").columns.marks())
        assert marks == [MarkPrice(c.ts + MINUTE, c.close) for c in expected()]
    with pytest.raises(DataError, match="no volume column"):
        read_candles(bare)


def test_trades_with_sides_and_ids(tmp_path: Path) -> None:
    path = write(
        tmp_path / "t.csv",
        "time_ms,trade_id,side,price,amount",
        f"{START_MS},13,sell,0.00141342,23",
        f"{START_MS},14,BUY,0.00141266,54.5",
        f"{START_MS + 5},a-7,,0.0014,1",
    )
    assert list(read_trades(path).columns.trades()) == [
        Trade(START_MS * 10**6, Decimal("0.00141342"), Decimal(23), side=Side.SELL, trade_id="13"),
        Trade(START_MS * 10**6, Decimal("0.00141266"), Decimal("54.5"), side=Side.BUY, trade_id="14"),
        Trade((START_MS + 5) * 10**6, Decimal("0.0014"), Decimal(1), side=None, trade_id="a-7"),
    ]


@pytest.mark.parametrize(
    "ids", [["7", "8"], ["007", "8"], ["x", "8"], ["", "8"], ["99999999999999999999", "0"], ["ä", "b"]]
)
def test_trade_ids_come_back_as_written(tmp_path: Path, ids: list[str]) -> None:
    path = write(tmp_path / "t.csv", "time,id,price,qty", *(f"{START_MS},{name},1,1" for name in ids))
    assert [trade.trade_id for trade in read_trades(path).columns.trades()] == ids


def test_the_side_can_come_from_who_was_maker(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "time,p,q,is_buyer_maker", f"{START_MS},1,1,true", f"{START_MS},1,1,False")
    assert [trade.side for trade in read_trades(path).columns.trades()] == [Side.SELL, Side.BUY]


def test_an_unknown_side_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "time,side,price,qty", f"{START_MS},buy,1,1", f"{START_MS},long,1,1")
    with pytest.raises(DataError, match=r"line 3: side is 'long'; use buy"):
        read_trades(path)


def test_quotes_and_funding(tmp_path: Path) -> None:
    quotes = write(tmp_path / "q.csv", "ts,bid,bid_size,ask,ask_size", f"{START_MS},1.5,10,1.75,20.5")
    assert list(read_quotes(quotes).columns.quotes()) == [
        Quote(START_MS * 10**6, Decimal("1.5"), Decimal("1.75"), Decimal(10), Decimal("20.5"))
    ]
    funding = write(tmp_path / "f.csv", "time_ms,funding_rate", f"{START_MS},-0.0006133368", f"{START_MS + 1},0.0001")
    assert list(read_funding(funding).columns.rates()) == [
        FundingRate(START_MS * 10**6, Decimal("-0.0006133368")),
        FundingRate((START_MS + 1) * 10**6, Decimal("0.0001")),
    ]


@pytest.mark.parametrize("block", [20, 60, 1 << 20])
@pytest.mark.parametrize("quoted", [False, True])
def test_numbers_and_iso_texts_in_one_column_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, quoted: bool
) -> None:
    monkeypatch.setattr(source, "BLOCK_BYTES", block)
    volume = '"5"' if quoted else "5"
    number, text = f"1700000000000,1,2,3,4,{volume}", f"2023-11-14T22:13:20Z,1,2,3,4,{volume}"
    for rows, complaint in (
        ([number, number, text], "line 4: time is '2023-11-14T22:13:20Z'"),
        ([text, text, number], "line 4: time is '?1700000000000"),
    ):
        path = write(tmp_path / "c.csv", "time,open,high,low,close,volume", *rows)
        with pytest.raises(DataError, match=complaint):
            read_candles(path)
    named = write(tmp_path / "c.csv", "time_ms,open,high,low,close,volume", text)
    with pytest.raises(DataError, match="line 2: time_ms is '2023-11-14T22:13:20Z', not a number of ms"):
        read_candles(named)


def test_one_odd_line_among_many_is_read_and_a_bad_one_is_named(tmp_path: Path) -> None:
    rows = [f"{START_MS + at},{at}.5,{at}.75,{at}.25,{at},{at % 7}.125" for at in range(4_000)]
    rows[2_345] = f"{START_MS + 2_345},1e1,+11,9.5e0,.5,1E-3"
    texts = [row.split(",") for row in rows]
    expected_rows = [candle_of(int(row[0]) * 10**6, row[1:5], row[5], "BTC-USD", 1_000_000) for row in texts]
    path = write(tmp_path / "c.csv", HEADER, *rows)
    assert list(read_candles(path).columns.candles()) == expected_rows
    rows[3_210] = f"{START_MS},1,2,3,four,5"
    with pytest.raises(DataError, match="line 3212: close is 'four'"):
        read_candles(write(path, HEADER, *rows))


def test_a_quoted_field_may_span_lines_within_a_block(tmp_path: Path) -> None:
    rows = [f'{row},"two\nlines"' for row in lines()]
    assert list(read_candles(write(tmp_path / "c.csv", HEADER + ",note", *rows)).columns.candles()) == expected()

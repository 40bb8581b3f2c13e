"""Changes of a book as they are read, in one pass, against a plain reader: `json`, one number after the other.

Whatever is in the message, both read the same changes to the letter, or both refuse it.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kedge.model.errors import VenueError
from kedge.model.market import BookDelta
from kedge.venues import exact
from kedge.venues.binance.protocol import numbers, streams
from kedge.venues.binance.protocol.instruments import Listing, listing
from kedge.venues.binance.protocol.product import Product

FILTERS = [{"filterType": "PRICE_FILTER", "tickSize": "0.01"}, {"filterType": "LOT_SIZE", "stepSize": "0.00001"}]
MARKET = {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT", "filters": FILTERS}

SOUND = ["61837.63000000", "0.00000000", "0", "1", "1.0", "00.10", "9" * 20, f"{'9' * 20}.{'9' * 20}", "0.001"]
HOSTILE: list[Any] = [
    *(
        "",
        " ",
        "NaN",
        "sNaN",
        "Infinity",
        "-1",
        "-0",
        "+1",
        "1e5",
        "1E-3",
        "1_0",
        " 1",
        "1 ",
        "1.",
        ".5",
        "1.2.3",
        "0x1",
        "١",
    ),
    *("9" * 21, f"1.{'9' * 21}", "1\n", '"', "\\", "\ud800", 1, 0, -1, 1.5, None, True, [], ["1"], {}, "1,2"),
]

texts = st.sampled_from(SOUND)
rows = st.lists(st.tuples(texts, texts), max_size=8)
#: Now and then something that no level is made of.
spoilt = st.sampled_from(HOSTILE) | st.text(max_size=4)
bad_rows = st.lists(
    st.one_of(
        st.tuples(texts, texts), st.tuples(spoilt, texts), st.tuples(texts, spoilt), st.lists(texts, max_size=3), spoilt
    ),
    max_size=6,
)
whole = st.integers(-2, 2**63) | st.sampled_from([0, 1, "1", 1.0, None, True])
changed: dict[str, Any] = {"b": rows | bad_rows, "a": rows | bad_rows}
numbered = {
    "U": st.just(5) | whole,
    "u": st.just(7) | whole,
    "pu": st.just(4) | whole,
    "T": st.just(1723161255405) | whole,
}
stray = dict.fromkeys(("code", "lastUpdateId", "id", "x", "stream", "data"), whole)
messages = st.fixed_dictionaries(
    {"e": st.just("depthUpdate"), "E": st.just(1723161255408), "s": st.just("BTCUSDT"), **changed},
    optional=numbered | stray,
)


@pytest.fixture(scope="module")
def listed() -> Listing:
    return listing(Product.SPOT, json.dumps({"symbols": [MARKET]}).encode())


def plain_read(said: dict[str, Any]) -> tuple[Any, ...]:
    """What a change says, or `ValueError`."""
    for name in ("E", "U", "u"):
        if type(said.get(name)) is not int:
            raise ValueError(name)
    for name, least in {"pu": -1, "T": 0}.items():
        if type(said.get(name, least)) is not int or said.get(name, least) < least:
            raise ValueError(name)
    for name, kinds in {"code": (int,), "lastUpdateId": (int,), "id": (int, str), "stream": (str,)}.items():
        value = said.get(name, "" if str in kinds else 0)
        if type(value) not in kinds and not (value is None and name != "stream"):
            raise ValueError(name)
    if any(type(value) is int and not -(2**63) <= value < 2**64 for value in said.values()):
        raise ValueError("an integer beyond 64 bits")
    ms = said.get("T") or said["E"]
    if not 0 <= said["U"] <= said["u"] or not ms < 4_102_444_800_000:
        raise ValueError("range")
    sides = []
    for name in ("b", "a"):
        side = []
        for row in said[name]:
            if not isinstance(row, list) or len(row) != 2:
                raise ValueError(row)
            price, size = (plain_number(text) for text in row)
            if price == 0:
                raise ValueError("a level at zero")
            side.append(f"{price} x {size}")
        sides.append(side)
    return said["U"], said["u"], said.get("pu", -1), ms * 1_000_000, *sides


def plain_number(text: object) -> Decimal:
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,20})?", text):
        raise ValueError(text)
    return Decimal(text)


def told(message: str | bytes, listed: Listing) -> tuple[Any, ...] | None:
    """What the parser says, `None` where it refuses the message."""
    try:
        facts = streams.parse(message, listed, 1)
    except VenueError:
        return None
    assert isinstance(facts, tuple)
    (delta,) = facts
    assert isinstance(delta, BookDelta)
    assert delta.symbol == "BTC-USD"
    sides = [[f"{price} x {size}" for price, size in side] for side in (delta.bids, delta.asks)]
    return delta.first_sequence, delta.sequence, delta.previous_sequence, delta.ts, *sides


def refusal(message: str, listed: Listing) -> str:
    try:
        streams.parse(message, listed, 1)
    except VenueError as error:
        return str(error)
    return ""


@given(said=messages, spaced=st.booleans())
@example(
    said={"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": 5, "u": 7, "b": [["1", "0"]], "a": [["0.0", "1"]]},
    spaced=False,
)
@example(said={"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": 5, "u": 7, "b": [["1", "NaN"]], "a": []}, spaced=True)
def test_changes_are_read_as_a_plain_reader_reads_them(listed: Listing, said: dict[str, Any], spaced: bool) -> None:
    separators = (", ", ": ") if spaced else (",", ":")
    text = json.dumps(said, separators=separators)
    try:
        expected = plain_read(json.loads(text))
    except ValueError:
        expected = None
    combined = json.dumps({"stream": "btcusdt@depth@100ms", "data": said}, separators=separators)
    ways: list[str | bytes] = [combined, combined.encode(), f"[{text}]"]
    if not said.keys() & {"code", "data"}:
        ways.append(text)
    for message in ways:
        assert told(message, listed) == expected
    with patch.object(streams, "_combined_depth", return_value=None):
        step_by_step = refusal(combined, listed)
    assert refusal(combined, listed) == step_by_step


@given(rows=rows)
def test_what_is_known_of_texts_is_bounded_and_changes_nothing(rows: list[tuple[str, str]]) -> None:
    with patch.object(exact, "LEARNED_MAX", 3):
        numbers._PRICES.clear()
        numbers._AMOUNTS.clear()
        sound = [row for row in rows if Decimal(row[0])]
        for _ in range(2):
            found = numbers.levels(sound, zero_removes=True)
            assert [(str(price), str(size)) for price, size in found] == [
                (str(Decimal(price)), str(Decimal(size))) for price, size in sound
            ]
        assert len(numbers._PRICES) <= 3
        assert len(numbers._AMOUNTS) <= 3


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("x", "1"), "price is 'x', not a plain decimal number"),
        (("1", "-1"), "size is '-1', not a plain decimal number"),
        (("0.00", "1"), "price is '0.00'; it must be above zero"),
    ],
)
def test_an_error_says_which_number_it_is(row: tuple[str, str], said: str) -> None:
    for _ in range(2):
        with pytest.raises(VenueError, match=re.escape(said)):
            numbers.levels([row], zero_removes=True)

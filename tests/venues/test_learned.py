"""Numbers of levels looked up by their text: as if each were parsed anew, whatever came before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import VenueError
from kedge.model.market import BookDelta, OrderBook
from kedge.venues import exact
from kedge.venues.coinbase.products import Names
from kedge.venues.coinbase.stream import MarketDecoder
from kedge.venues.coinbase.values import number as coinbase_number
from kedge.venues.exact import Learned, decimal_of
from kedge.venues.hyperliquid.protocol import markets
from kedge.venues.hyperliquid.protocol.assets import Asset, AssetTable
from kedge.venues.hyperliquid.protocol.figures import number as hyperliquid_number

SOUND = ("1", "1.0", "61837.63", "0.00000001", "1e2", "12E-3")
HOSTILE = (
    "0",
    "0.0",
    "-1",
    "-0",
    "NaN",
    "sNaN",
    "Infinity",
    "1_0",
    " 1",
    "",
    ".5",
    "1.",
    "1e41",
    "1e999999999",
    "x",
    "١",
)
texts = st.sampled_from(SOUND + HOSTILE)
#: JSON has numbers too, and what is equal to a number or a text that is known must not pass for it.
values: st.SearchStrategy[Any] = texts | st.sampled_from([1, 0, -1, True, False, None, 1.0, [], ["1"], {}])
NAME = "BTC-USD"
ASSETS = AssetTable([Asset(0, "BTC", NAME, "BTC", "USDC", 5, spot=False)])


def coinbase(rows: list[tuple[Any, Any]]) -> list[str]:
    updates = [{"side": "bid", "price_level": price, "new_quantity": size} for price, size in rows]
    event = {"type": "update", "product_id": NAME, "updates": updates}
    message = {"channel": "l2_data", "timestamp": "2026-04-07T14:30:00Z", "sequence_num": 0, "events": [event]}
    (delta,) = MarketDecoder(Names({NAME: ""}), [("l2_data", NAME)]).decode(json.dumps(message))
    assert isinstance(delta, BookDelta)
    return [f"{price} x {size}" for price, size in delta.bids]


def hyperliquid(rows: list[tuple[Any, Any]]) -> list[str]:
    levels = [{"px": price, "sz": size, "n": 1} for price, size in rows]
    book = markets.book({"coin": "BTC", "time": 1723161255408, "levels": [levels, []]}, ASSETS)
    assert isinstance(book, OrderBook)
    return [f"{price} x {size}" for price, size in book.bids]


def refused(read: Callable[[list[tuple[Any, Any]]], list[str]], row: tuple[Any, Any]) -> bool:
    try:
        read([row])
    except VenueError:
        return True
    return False


def is_number(read: Callable[[Any, str], Decimal], value: Any, least: str) -> bool:
    try:
        return read(value, "a number") >= Decimal(least)
    except VenueError:
        return False


@given(rows=st.lists(st.tuples(values, values), min_size=1, max_size=8))
def test_a_level_of_coinbase_is_read_or_refused_as_if_it_were_the_first(rows: list[tuple[Any, Any]]) -> None:
    for price, size in [*rows, *rows]:
        sound = isinstance(price, str) and isinstance(size, str)
        sound = sound and is_number(coinbase_number, price, "1e-40") and is_number(coinbase_number, size, "0")
        assert refused(coinbase, (price, size)) is not sound
        if sound:
            assert coinbase([(price, size)]) == [f"{Decimal(price)} x {Decimal(size)}"]


@given(rows=st.lists(st.tuples(values, values), min_size=1, max_size=8))
def test_a_level_of_hyperliquid_is_read_or_refused_as_if_it_were_the_first(rows: list[tuple[Any, Any]]) -> None:
    for price, size in [*rows, *rows]:
        sound = all(is_number(hyperliquid_number, value, "1e-30") for value in (price, size))
        assert refused(hyperliquid, (price, size)) is not sound
        if sound:
            assert hyperliquid([(price, size)]) == [f"{Decimal(price)} x {Decimal(size)}"]


def test_what_is_learned_is_bounded_and_a_refusal_is_not_learned() -> None:
    known = Learned(decimal_of)
    with patch.object(exact, "LEARNED_MAX", 10):
        for number in range(100):
            assert known[str(number)] == number
            assert len(known) <= 10
    for _ in range(2):
        with pytest.raises(VenueError):
            known["NaN"]
    assert "NaN" not in known
